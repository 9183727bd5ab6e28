"""`log`: what may be logged, what is complained about, and that nothing is lost or torn."""

import logging
import math
import os
import signal
import threading
import time
from typing import Any

import numpy as np
import pytest

from aiplat_jupyter.client import experiment as hot_path
from aiplat_jupyter.client import session
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.errors import Conflict, InvalidInput
from aiplat_jupyter.core.frames import Changed, Opened
from tests.client.disk import scarce
from tests.client.fake_server import journal_of, logged, points, records


def test_the_first_frame_says_everything() -> None:
    exp = init("digits", "mlp", {"lr": 1e-3}, tags=["a"], notes="n", base_model="7B", task_type="lora")
    opened, *_ = records(journal_of(exp))
    assert isinstance(opened, Opened)
    assert (opened.project, opened.name, opened.config) == ("digits", "mlp", {"lr": 1e-3})
    assert (opened.tags, opened.notes, opened.base_model, opened.task_type) == (["a"], "n", "7B", "lora")
    assert (opened.experiment, opened.attempt, opened.process.pid) == (exp.uid, exp.attempt, os.getpid())
    assert abs(opened.process.start_time - time.time()) < 3600
    assert not opened.joins


def test_numbers_of_all_kinds() -> None:
    exp = init()
    number = {
        "float": 0.5,
        "int": 3,
        "bool": True,
        "np32": np.float32(0.25),
        "np64": np.float64(2),
        "npi": np.int16(-7),
    }
    values = number | {"npb": np.bool_(False), "0d": np.array(4.0), "one": np.array([5.0])}
    for _ in range(2):
        exp.log(values, step=1)
    expected = {name: float(np.asarray(value).item()) for name, value in values.items()}
    assert logged(exp) == [(1, expected), (1, expected)]
    assert exp.dropped == 0


def test_nan_and_infinities_are_data() -> None:
    exp = init()
    exp.log({"nan": math.nan, "up": math.inf, "down": -math.inf})
    [(_, values)] = logged(exp)
    assert math.isnan(values["nan"])
    assert (values["up"], values["down"]) == (math.inf, -math.inf)


def test_nested_names() -> None:
    exp = init()
    exp.log({"val": {"loss": 1.0, "top": {"1": 0.5}}, "loss": 2.0})
    assert logged(exp) == [(0, {"val/loss": 1.0, "val/top/1": 0.5, "loss": 2.0})]


def test_steps_count_by_themselves_and_take_any_order() -> None:
    exp = init()
    for step in (None, None, 7, None, -3, 2**53, np.int64(5), 5, None, -(2**63), 2**63 - 1):
        exp.log({"x": 1.0}, step)
    assert [step for step, _ in logged(exp)] == [0, 1, 7, 8, -3, 2**53, 5, 5, 6, -(2**63), 2**63 - 1]


@pytest.mark.parametrize("value", ["0.3", None, [1.0], {1, 2}, b"1", 1j, np.zeros(2), object(), 10**400])
def test_what_is_no_number_is_one_warning_naming_the_key(value: Any, caplog: pytest.LogCaptureFixture) -> None:
    exp = init()
    for _ in range(3):
        exp.log({"loss": 1.0, "odd": value}, step=4)
    assert logged(exp) == [(4, {"loss": 1.0})] * 3
    assert exp.dropped == 3
    [warning] = [record for record in caplog.records if "'odd'" in record.getMessage()]
    assert warning.levelno == logging.WARNING


@pytest.mark.parametrize("key", [1, None, "", ("a", "b"), "x" * 501, "\ud800"])
def test_bad_names_are_one_warning(key: Any, caplog: pytest.LogCaptureFixture) -> None:
    exp = init()
    exp.log({"loss": 1.0, key: 2.0})
    exp.log({"loss": 1.0, key: 2.0})
    assert logged(exp) == [(0, {"loss": 1.0}), (1, {"loss": 1.0})]
    assert caplog.text.count("is dropped") == 1
    assert exp.dropped == 2


@pytest.mark.parametrize("step", [1.5, "3", 2**63, -(2**63) - 1, math.nan, [1]])
def test_a_bad_step_drops_the_point(step: Any, caplog: pytest.LogCaptureFixture) -> None:
    exp = init()
    exp.log({"x": 1.0}, step=step)
    exp.log({"x": 2.0})
    assert logged(exp) == [(0, {"x": 2.0})]
    assert "step" in caplog.text
    assert exp.dropped == 1


@pytest.mark.parametrize("data", [None, 3, "loss", [("loss", 1.0)], {}])
def test_what_is_no_dict_is_no_point(data: Any) -> None:
    exp = init()
    exp.log(data)
    assert logged(exp) == []
    assert exp.dropped == (0 if data == {} else 1)


class Strange:
    """A value that raises whatever is asked of it."""

    def __float__(self) -> float:
        raise KeyError("strange")

    def __repr__(self) -> str:
        raise LookupError("strange")


def test_strange_values_never_raise_into_training(caplog: pytest.LogCaptureFixture) -> None:
    exp = init(notes="\ud800", tags=["\ud800"])
    exp.log({"x": Strange()})
    exp.config["path"] = "\udcff"
    exp.notes = "\udcff"
    assert exp.dropped == 1
    assert "KeyError" in caplog.text


def test_strict_raises() -> None:
    exp = init(strict=True)
    with pytest.raises(InvalidInput, match="'loss'"):
        exp.log({"loss": "high"})
    with pytest.raises(InvalidInput, match="step"):
        exp.log({"loss": 1.0}, step=0.5)
    exp.finish()
    with pytest.raises(Conflict, match="ended"):
        exp.log({"loss": 1.0})


def test_after_the_end_points_are_dropped_with_a_hint(caplog: pytest.LogCaptureFixture) -> None:
    exp = init()
    exp.finish()
    exp.log({"loss": 1.0})
    exp.log({"loss": 1.0})
    assert exp.dropped == 2
    assert caplog.text.count(exp.uid) == 1


def test_hostile_names_survive() -> None:
    names = ["<script>alert(1)</script>", "损失/训练", "a\0b", "e\u0301", "😀", "a,b", '"', "../..", "%s{}"]
    exp = init(names[0], names[1], {names[0]: names}, tags=[name for name in names if "\0" not in name])
    exp.log(dict.fromkeys(names, 1.0))
    assert logged(exp) == [(0, dict.fromkeys(names, 1.0))]


def test_ten_thousand_metrics_at_once() -> None:
    exp = init()
    data = {f"layer.{number}.grad": float(number) for number in range(10_000)}
    exp.log(data)
    exp.log(data)
    assert logged(exp) == [(0, data), (1, data)]


def test_ten_thousand_metrics_one_by_one() -> None:
    exp = init()
    for number in range(10_000):
        exp.log({f"m{number}": 1.0}, step=0)
    assert len(logged(exp)) == 10_000


def test_more_than_a_frame_holds_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    exp = init()
    exp.log({f"{number:0500}": 1.0 for number in range(40_000)})
    exp.config["blob"] = "x" * 17_000_000
    exp.log({"loss": 1.0})
    assert logged(exp)[-1][1] == {"loss": 1.0}
    assert caplog.text.count("are the most") == 1


def test_the_clock_set_back_changes_only_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    exp = init()
    for wall in (1000.0, 1000.0, 400.0, 2000.0):
        monkeypatch.setattr(hot_path, "now", lambda wall=wall: wall)
        monkeypatch.setattr(time, "time", lambda wall=wall: wall)
        exp.log({"x": wall})
    assert [(point.step, point.wall) for point in points(journal_of(exp))] == [
        (0, 1000.0),
        (1, 1000.0),
        (2, 400.0),
        (3, 2000.0),
    ]


@pytest.mark.parametrize("room", [0, 1, 8, 40, 100])
def test_a_full_disk_costs_points_until_there_is_room(
    room: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    exp = init()
    exp.log({"x": 0.0}, step=0)
    with monkeypatch.context() as patch:
        full = scarce(room)
        patch.setattr(os, "write", full)
        patch.setattr(hot_path, "write", full)
        for step in range(1, 50):
            exp.log({"x": 1.0}, step=step)
        exp.summary["best"] = 1.0
    exp.log({"x": 2.0}, step=50)
    exp.summary["last"] = 2.0
    steps = [step for step, _ in logged(exp)]
    assert (steps[0], steps[-1]) == (0, 50)
    assert len(steps) == 51 - exp.dropped
    assert exp.dropped >= 46
    assert caplog.text.count("cannot be written") == 1
    changes = [record.summary for record in records(journal_of(exp)) if isinstance(record, Changed) and record.summary]
    assert changes == [{"best": 1.0}, {"last": 2.0}]


def test_threads_lose_nothing_and_share_no_step() -> None:
    exp = init()

    def work(thread: int) -> None:
        for number in range(500):
            exp.log({"thread": float(thread), "number": float(number)})
            exp.log({f"own{thread}": 1.0}, step=-1 - thread)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = points(journal_of(exp))
    assert len(found) == 8 * 1000
    for number in range(8):
        mine = [point.values["number"] for point in found if point.values.get("thread") == number]
        assert mine == sorted(mine) == [float(count) for count in range(500)]


def test_a_signal_handler_may_log() -> None:
    exp = init()
    exp.log({"x": 0.0}, step=0)

    def handler(*_: object) -> None:
        exp.log({"signal": 1.0}, step=-1)
        exp.summary["seen"] = True

    before = signal.signal(signal.SIGALRM, handler)
    signal.setitimer(signal.ITIMER_REAL, 0.002, 0.002)
    try:
        for step in range(1, 20_000):
            exp.log({"x": 1.0}, step=step)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    steps = [step for step, _ in logged(exp)]
    assert [step for step in steps if step >= 0] == list(range(20_000))
    assert steps.count(-1) > 3
    exp._recording.restore()
    assert exp._recording.size == len(journal_of(exp))


def test_a_signal_between_a_shape_and_its_points(monkeypatch: pytest.MonkeyPatch) -> None:
    exp = init()
    journal = exp._recording.journal
    append = journal.append

    def interrupted(data: bytes) -> None:
        append(data)
        monkeypatch.setattr(journal, "append", append)
        exp.log({"of the handler": 2.0}, step=2)

    monkeypatch.setattr(journal, "append", interrupted)
    exp.log({"own": 1.0}, step=1)
    assert [(point.step, point.values) for point in points(journal_of(exp))] == [
        (2, {"of the handler": 2.0}),
        (1, {"own": 1.0}),
    ]


def test_several_experiments_at_once() -> None:
    one, two = init(name="one"), init(name="two")
    for step in range(3):
        one.log({"x": 1.0}, step)
        two.log({"x": 2.0}, -step)
    assert [step for step, _ in logged(one)] == [0, 1, 2]
    assert [step for step, _ in logged(two)] == [0, -1, -2]
    assert one.uid != two.uid


def test_an_experiment_that_nobody_holds_is_over() -> None:
    exp = init()
    journal = exp._recording.journal
    assert journal is not None
    del exp
    assert "status='finished'" in repr(records(journal.path.read_bytes())[-1])
    assert session.current().live() == []


def test_torch_scalars() -> None:
    torch = pytest.importorskip("torch")
    exp = init()
    for _ in range(2):
        exp.log({"loss": torch.tensor(0.5, requires_grad=True), "n": torch.tensor([3]), "odd": torch.zeros(2)}, step=1)
    assert logged(exp) == [(1, {"loss": 0.5, "n": 3.0})] * 2
    assert exp.dropped == 2
