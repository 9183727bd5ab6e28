"""`exp.alert`: what is written of what training code raises."""

import logging
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aiplat_jupyter.client import alerting
from aiplat_jupyter.client.experiment import Experiment
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import Changed, Raised, encode
from tests.client.fake_server import records


class Clock:
    """A clock that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 0.0
        monkeypatch.setattr(alerting.time, "monotonic", lambda: self.now)


def alerts_of(exp: Experiment) -> list[Raised]:
    journal = exp._recording.journal
    assert journal is not None
    written = records(journal.path.read_bytes())
    return [one.alert for one in written if isinstance(one, Changed) and one.alert is not None]


def test_an_alert_is_written_at_once(data_dir: Path) -> None:
    exp = init()
    exp.alert("before any step")
    exp.log({"loss": 9.0}, step=7)
    exp.alert("Loss <b>exploded</b>", "9.0 at step 7", "critical")
    first, second = alerts_of(exp)
    assert (first.title, first.text, first.level, first.step) == ("before any step", "", "warning", None)
    assert (second.title, second.text, second.level, second.step, second.count) == (
        "Loss <b>exploded</b>",
        "9.0 at step 7",
        "critical",
        7,
        1,
    )
    assert first.uid != second.uid


def test_the_same_title_is_counted_within_a_minute(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, exp = Clock(monkeypatch), init()
    for _ in range(1_000):
        exp.alert("slow")
        clock.now += 0.05
    written = alerts_of(exp)
    assert len(written) <= 52
    assert {one.uid for one in written} == {written[0].uid}
    exp.alert("other")
    exp.finish()
    counted = [one.count for one in alerts_of(exp) if one.title == "slow"]
    assert counted == sorted(counted)
    assert counted[-1] == 1_000
    assert alerts_of(exp)[-1].title == "other"


def test_it_is_a_new_one_after_a_minute(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, exp = Clock(monkeypatch), init()
    for at in (0.0, 0.5, 60.5, 61.0):
        clock.now = at
        exp.alert("slow")
    exp.finish()
    counts = {one.uid: one.count for one in alerts_of(exp)}
    assert list(counts.values()) == [2, 2]


def test_titles_that_are_made_up_do_not_fill_the_journal(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    clock, exp = Clock(monkeypatch), init()
    for number in range(500):
        exp.alert(f"number {number}")
    assert len(alerts_of(exp)) == alerting.MOST
    assert [record.getMessage() for record in caplog.records if "a minute" in record.getMessage()] != []
    clock.now = 61.0
    exp.alert("again")
    assert alerts_of(exp)[-1].title == "again"


class Odd:
    def __str__(self) -> str:
        raise RuntimeError


@pytest.mark.parametrize("given", [("",), ("  ",), ("t", "x", "error"), (Odd(),), ("t", Odd()), ("t", "", [])])
def test_what_is_wrong_is_complained_about_and_never_raised(
    data_dir: Path, given: tuple[Any, ...], caplog: pytest.LogCaptureFixture
) -> None:
    exp = init()
    caplog.set_level(logging.WARNING)
    exp.alert(*given)
    assert alerts_of(exp) == []
    assert "alert is dropped" in caplog.text
    with pytest.raises(InvalidInput):
        init("p", "strict", strict=True).alert(*given)


def test_what_is_too_long_is_cut(data_dir: Path) -> None:
    exp = init()
    exp.alert("t" * 1_000, "x" * 100_000)
    exp.alert("lone \udce4", 3)
    first, second = alerts_of(exp)
    assert (len(first.title), len(first.text)) == (alerting.LONGEST_TITLE, alerting.LONGEST_TEXT)
    assert (second.title, second.text) == ("lone \\udce4", "3")


def test_an_experiment_that_has_ended_raises_none(data_dir: Path) -> None:
    exp = init()
    exp.finish()
    before = exp._recording.size
    exp.alert("late")
    assert exp._recording.size == before


class OldChanged(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="change"):
    """What servers of before alerts know of the record."""

    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    name: str | None = None


def test_a_server_of_before_alerts_passes_it_by() -> None:
    frame = encode(Changed(alert=Raised(uid="u", title="t", wall=1.0)))
    assert msgspec.msgpack.decode(frame[8:], type=OldChanged) == OldChanged()
