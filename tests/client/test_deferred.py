"""`log` of numbers that are on an accelerator: read elsewhere, together, and none lost or mixed up."""

import math
import multiprocessing
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from aiplat_jupyter.client import notebook, recording, session
from aiplat_jupyter.client.bell import Bell
from aiplat_jupyter.client.deferred import Converter
from aiplat_jupyter.client.experiment import Experiment
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.frames import decode, whole_frames
from tests.client.accelerator import Jax, Torch
from tests.client.fake_server import journal_of, logged, points, records


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Torch:
    torch = Torch()
    monkeypatch.setitem(sys.modules, "torch", torch)
    return torch


@pytest.fixture
def jax(monkeypatch: pytest.MonkeyPatch) -> Jax:
    jax = Jax()
    monkeypatch.setitem(sys.modules, "jax", jax)
    return jax


def drain() -> None:
    assert session.current().converter.drain(10)


def kinds(exp: Experiment) -> list[str]:
    """Return what the frames of a journal are, in their order."""
    data = journal_of(exp)
    return ["points" if data[a] == 0 else type(decode(data[a:b])).__name__ for a, b in whole_frames(data)]


def test_a_tensor_is_read_elsewhere(torch: Torch) -> None:
    exp = init()
    loss = torch.Tensor(0.5)
    before = time.time()
    exp.log({"loss": loss, "lr": 0.1})
    loss.numbers = (99.0,)
    exp.log({"plain": 1.0})
    after = time.time()
    assert logged(exp) == [(1, {"plain": 1.0})]
    torch.ready.set()
    drain()
    late = points(journal_of(exp))[-1]
    assert (late.step, late.values) == (0, {"loss": 0.5, "lr": 0.1})
    assert before <= late.wall <= after
    assert torch.questions == [("aiplat-converter", 1)]
    assert torch.on_stream == ["entered"]


def test_tensors_logged_close_together_are_read_together(torch: Torch) -> None:
    exp = init()
    exp.log({"loss": torch.Tensor(0.0)})
    for step in range(1, 100):
        exp.log({"loss": torch.Tensor(float(step)), "norm": torch.Tensor(2.0 * step)})
    torch.ready.set()
    drain()
    assert logged(exp)[1:] == [(step, {"loss": float(step), "norm": 2.0 * step}) for step in range(1, 100)]
    assert sum(count for _, count in torch.questions) == 199
    assert len(torch.questions) <= 3


def test_tensors_of_a_subclass_are_read_alone(torch: Torch) -> None:
    class Sharded(torch.Tensor):
        """As DTensor: it can be read, and not be stacked."""

        def tolist(self) -> list[float]:
            raise NotImplementedError

    torch.ready.set()
    exp = init()
    for step in range(3):
        exp.log({"loss": torch.Tensor(float(step)), "norm": Sharded(2.0 * step)})
    drain()
    assert logged(exp) == [(step, {"loss": float(step), "norm": 2.0 * step}) for step in range(3)]


def test_devices_that_cannot_be_told_apart_are_asked_one_by_one(torch: Torch) -> None:
    torch.ready.set()
    torch.Tensor.device.__class__.__hash__ = None
    exp = init()
    for step in range(3):
        exp.log({"loss": torch.Tensor(float(step))})
    drain()
    assert logged(exp) == [(step, {"loss": float(step)}) for step in range(3)]


def test_a_failing_device_costs_the_value_only(torch: Torch, caplog: pytest.LogCaptureFixture) -> None:
    torch.ready.set()
    exp = init(strict=True)
    exp.log({"loss": torch.Tensor(math.nan), "lr": 0.1})
    exp.log({"loss": torch.Tensor(0.5), "lr": 0.1})
    exp.finish()
    assert logged(exp) == [(0, {"lr": 0.1}), (1, {"loss": 0.5, "lr": 0.1})]
    assert "device-side assert" in caplog.text
    assert exp.dropped == 1


def test_arrays_of_jax_are_read_elsewhere(jax: Jax, caplog: pytest.LogCaptureFixture) -> None:
    exp = init()
    exp.log({"loss": jax.array(0.5), "bad": jax.array([0.0, 0.0])})
    exp.finish()
    assert logged(exp) == [(0, {"loss": 0.5})]
    assert set(jax.readers) == {"aiplat-converter"}
    assert "'bad'" in caplog.text


def test_an_array_that_training_gives_away_was_copied(jax: Jax) -> None:
    exp = init()
    state = jax.array(0.5)
    exp.log({"ema": state})
    state.donate()
    drain()
    assert logged(exp) == [(0, {"ema": 0.5})]


def test_an_array_of_several_machines_is_not_copied(jax: Jax) -> None:
    """To copy it would be a step that all of them must take together."""
    exp = init()
    state = jax.array(0.5)
    state.is_far = True
    jax.jit = pytest.fail
    exp.log({"loss": state})
    drain()
    assert logged(exp) == [(0, {"loss": 0.5})]


def test_what_was_logged_before_a_rewind_is_written_before_it(torch: Torch) -> None:
    torch.ready.set()
    exp = init()
    exp.log({"loss": torch.Tensor(0.5)}, step=10)
    exp.rewind(10)
    exp.log({"loss": torch.Tensor(0.25)}, step=10)
    exp.finish()
    assert kinds(exp) == ["Opened", "Shape", "points", "Rewound", "points", "Status"]


def test_what_was_logged_before_an_error_in_a_notebook_is_written_before_it(
    torch: Torch, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.ready.set()
    exp = init()
    monkeypatch.setattr(notebook, "shell", object)
    with suppress(ValueError), exp:
        exp.log({"loss": torch.Tensor(0.5)})
        raise ValueError("diverged")
    assert kinds(exp)[-2:] == ["points", "Status"]
    exp._recording.settle()
    status = records(journal_of(exp))[-1]
    assert status.status == "failed"


def test_a_resumed_experiment_goes_on_behind_what_was_still_on_its_device(torch: Torch) -> None:
    torch.ready.set()
    exp = init()
    for _ in range(100):
        exp.log({"loss": torch.Tensor(0.5)})
    assert init(resume=exp.uid)._recording.step == 99


@contextmanager
def full(monkeypatch: pytest.MonkeyPatch, exp: Experiment) -> Iterator[None]:
    """A disk that takes nothing for this experiment."""
    shipment, write = exp._recording.shipment, os.write
    assert shipment is not None

    def refuse(file: int, data: bytes) -> int:
        if file == shipment.fd:
            raise OSError(28, "No space left on device")
        return write(file, data)

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", refuse)
        yield


def test_an_experiment_that_cannot_be_written_costs_another_nothing(
    torch: Torch, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.ready.set()
    strict, other = init(name="strict", strict=True), init(name="other")
    with full(monkeypatch, strict):
        for _ in range(10):
            strict.log({"loss": torch.Tensor(0.5)})
            other.log({"loss": torch.Tensor(0.5)})
        drain()
    assert (len(logged(strict)), strict.dropped) == (0, 10)
    assert (len(logged(other)), other.dropped) == (10, 0)


def test_keys_that_are_too_large_cost_no_other_point(torch: Torch, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_PAYLOAD", 2_000)
    torch.ready.set()
    exp = init(strict=True)
    for step in range(5):
        exp.log({"loss": torch.Tensor(0.5)}, step=step)
        exp.log({f"{'k' * 400}{number}": torch.Tensor(0.5) for number in range(10)}, step=step)
    drain()
    assert [step for step, _ in logged(exp)] == [0, 1, 2, 3, 4]
    assert exp.dropped >= 1


def test_calls_that_left_something_out_are_counted_once(torch: Torch, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.ready.set()
    exp = init()
    with full(monkeypatch, exp):
        exp.log({"loss": torch.Tensor(math.nan)})
        exp.log({"loss": torch.Tensor(0.5)})
        exp.log({"loss": 0.5})
        drain()
    assert exp.dropped == 3


def worker(numbers: list[float]) -> None:
    torch = sys.modules["torch"]
    exp = init(name="worker", system_metrics=False)
    for number in numbers:
        exp.log({"loss": torch.Tensor(number)})


def test_a_worker_process_ends_with_its_last_points(torch: Torch, data_dir: Path) -> None:
    torch.ready.set()
    process = multiprocessing.get_context("fork").Process(target=worker, args=([float(n) for n in range(50)],))
    process.start()
    process.join(20)
    assert process.exitcode == 0
    [data] = [path.read_bytes() for path in (data_dir / "journals").glob("*.journal")]
    assert [point.values["loss"] for point in points(data)] == list(range(50))
    assert type(records(data)[-1]).__name__ == "Status"


class Interruptions:
    """What a signal handler does at random moments, and how often it has done it."""

    def __init__(self) -> None:
        self.act: Callable[[], object] = time.time
        self.count = 0
        self._is_inside = False

    def handle(self, *_: object) -> None:
        if not self._is_inside:
            self._is_inside = True
            self.act()
            self.count += 1
            self._is_inside = False


@pytest.fixture
def interruptions() -> Iterator[Interruptions]:
    made, is_over = Interruptions(), threading.Event()

    def interrupt() -> None:
        while not is_over.wait(random.uniform(1e-5, 1e-3)):
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGUSR2)

    before = signal.signal(signal.SIGUSR2, made.handle)
    interrupting = threading.Thread(target=interrupt)
    interrupting.start()
    yield made
    is_over.set()
    interrupting.join()
    signal.signal(signal.SIGUSR2, before)


def test_a_bell_may_be_rung_while_it_is_rung(interruptions: Interruptions) -> None:
    bell = Bell()
    interruptions.act = bell.ring
    while interruptions.count < 300:
        bell.ring()
        bell.wait(0)


def test_a_signal_handler_may_drain_while_its_thread_drains(interruptions: Interruptions) -> None:
    converter = Converter()
    converter.put(time.time)
    interruptions.act = lambda: converter.drain(5)
    while interruptions.count < 1000:
        assert converter.drain(5)
