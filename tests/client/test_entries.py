"""Config and summary: plain data out of whatever comes."""

import argparse
import dataclasses
import enum
import math
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from aiplat_jupyter.client.entries import plain, plain_entries
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import Changed, Opened
from tests.client.fake_server import records


@dataclasses.dataclass
class Settings:
    lr: float = 0.1
    sizes: tuple[int, ...] = (1, 2)


class Colour(enum.Enum):
    RED = 1


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        ("text", "text"),
        ("broken\udcff", "broken\\udcff"),
        (3, 3),
        (2**80, str(2**80)),
        (0.5, 0.5),
        (math.nan, "nan"),
        (-math.inf, "-inf"),
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array(2.5), 2.5),
        (np.array([1, 2]), "[1 2]"),
        ((1, "a", {"b": Path("/x")}), [1, "a", {"b": "/x"}]),
        ({1: 2}, {"1": 2}),
        (Settings(), {"lr": 0.1, "sizes": [1, 2]}),
        (Colour.RED, "Colour.RED"),
        (Settings, str(Settings)),
    ],
)
def test_plain(value: Any, expected: Any) -> None:
    assert plain(value) == expected


def test_a_structure_that_contains_itself_ends() -> None:
    loop: list[Any] = []
    loop.append(loop)
    assert "..." in repr(plain(loop))


@pytest.mark.parametrize("config", [{"lr": 0.1}, argparse.Namespace(lr=0.1), [("lr", 0.1)]])
def test_configs_of_all_kinds(config: Any) -> None:
    assert plain_entries(config) == {"lr": 0.1}
    assert init(config=config).config["lr"] == 0.1


@pytest.mark.parametrize("config", [3, "lr=0.1", [1, 2], {"x" * 501: 1}])
def test_bad_configs_are_refused(config: Any) -> None:
    with pytest.raises(InvalidInput):
        init(config=config)


def test_every_change_is_recorded() -> None:
    exp = init(config={"lr": 0.1})
    exp.config["lr"] = 0.2
    exp.config.update({"depth": 3}, width=np.int32(4))
    exp.summary.update(accuracy=0.9)
    exp.name, exp.notes, exp.tags = "new", "text", ["a", "b"]
    assert dict(exp.config) == {"lr": 0.2, "depth": 3, "width": 4}
    assert len(exp.config) == 3
    assert (exp.name, exp.notes, exp.tags) == ("new", "text", ("a", "b"))
    opened, *rest = records(exp._recording.journal.path.read_bytes())
    assert isinstance(opened, Opened)
    assert opened.config == {"lr": 0.1}
    changes = [record for record in rest if isinstance(record, Changed) and not record.provenance]
    assert [msgspec.structs.replace(change, wall=None) for change in changes] == [
        Changed(config={"lr": 0.2}),
        Changed(config={"depth": 3, "width": 4}),
        Changed(summary={"accuracy": 0.9}),
        Changed(name="new"),
        Changed(notes="text"),
        Changed(tags=["a", "b"]),
    ]
    assert [opened.wall, *(change.wall for change in changes)] == sorted(change.wall for change in (opened, *changes))


def test_changes_are_dated_in_their_order_when_the_clock_is_set_back(monkeypatch: pytest.MonkeyPatch) -> None:
    exp, now = init(), time.time()
    exp.summary["best"] = 1
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    exp.summary["best"] = 2
    found = records(exp._recording.journal.path.read_bytes())
    first, second = (record.wall for record in found if isinstance(record, Changed) and record.summary)
    assert second == first >= now


@pytest.mark.parametrize(
    "wrong",
    [
        {"project": "x" * 201},
        {"project": 3},
        {"name": "a\nb"},
        {"name": "x" * 1_000_000},
        {"tags": "baseline"},
        {"tags": [1]},
        {"tags": [" "]},
        {"tags": ["x" * 1_000_000]},
        {"tags": [f"t{number}" for number in range(101)]},
        {"notes": "x" * 1_000_000},
        {"notes": None},
        {"resume": "../x"},
        {"base_model": None},
        {"task_type": 5},
        {"from_step": 5e3},
        {"from_step": 2**63},
    ],
)
def test_bad_parameters_name_their_field(wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput) as raised:
        init(**wrong)
    assert next(iter(wrong)) in raised.value.fields


def test_what_cannot_be_read_is_not_written() -> None:
    exp = init()
    for step in (2.0, "2", 2**63, None):
        with pytest.raises(InvalidInput) as raised:
            exp.rewind(step)
        assert list(raised.value.fields) == ["step"]
    with pytest.raises(InvalidInput, match="finished, failed, interrupted, stopped"):
        exp.finish("crashed")
    exp.rewind(np.int64(2))
    exp.finish("failed", ValueError("\udcff"))
    _, rewound, status = (each for each in records(exp._recording.journal.path.read_bytes()) if not_found_out(each))
    assert (rewound.from_step, status.status, status.cause) == (2, "failed", "\\udcff")


def not_found_out(record: Any) -> bool:
    """Tell whether a record is not of what a thread finds out about the experiment's origin."""
    return not isinstance(record, Changed)


def test_what_is_set_after_the_end_is_complained_about(caplog: pytest.LogCaptureFixture) -> None:
    exp = init()
    exp.finish()
    exp.summary["best"] = 1
    assert "ended" in caplog.text
    assert exp.dropped == 0


@pytest.mark.parametrize(("field", "wrong"), [("name", ""), ("name", "a\x07"), ("tags", ["a\u2028b"]), ("notes", "\0")])
def test_what_the_server_would_leave_out_is_refused_and_changes_nothing(field: str, wrong: Any) -> None:
    exp = init(name="mlp", tags=["a"], notes="n")
    with pytest.raises(InvalidInput) as raised:
        setattr(exp, field, wrong)
    assert list(raised.value.fields) == [field]
    assert (exp.name, exp.tags, exp.notes) == ("mlp", ("a",), "n")


def test_any_letters_make_a_name() -> None:
    exp = init(project="数字", name="<b>👨‍👩‍👧 לשון\u202e</b>", tags=["%s {0} ' \" ; --"])
    assert (exp.name, exp.tags) == ("<b>👨‍👩‍👧 לשון\u202e</b>", ("%s {0} ' \" ; --",))
