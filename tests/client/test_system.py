"""System metrics: read by a process of its own while an experiment runs, each time with the real sampler."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from aiplat_jupyter.client import ranks, session, system
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.frames import Opened
from tests.client.fake_server import FakeServer, Point, points, records
from tests.nvml import GIB, Nvidia, h100, nvidia

__all__ = ["nvidia"]

BEGIN = """
import os, signal, subprocess, sys, threading, time
import aiplat_jupyter as aiplat
from aiplat_jupyter.client import system
system.DELAY, system.INTERVAL, system.EARLY = 0.1, 0.1, 0.0
"""


def run(code: str, **env: str) -> str:
    program = BEGIN + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=False, env=os.environ | env
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def sampled(data_dir: Path) -> list[tuple[Opened, list[Point]]]:
    """Return what was read of the machine, journal by journal in the order of their first points, if there are any."""
    found = []
    for path in (data_dir / "journals").glob("*.journal"):
        data = path.read_bytes()
        opened = records(data)[0] if data else None
        if isinstance(opened, Opened) and opened.clock and (read := points(data)):
            found.append((opened, read))
    return sorted(found, key=lambda pair: pair[1][0].wall)


def until(condition: object, patience: float = 20) -> None:
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.02)


def samplers(of: int) -> list[psutil.Process]:
    """Return the samplers that watch a process."""
    found = []
    for process in psutil.process_iter():
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if "aiplat_jupyter.gpu.sampler" in words and ("--pid", str(of)) in pairwise(words):
            found.append(process)
    return found


def test_a_short_script_pays_nothing(data_dir: Path) -> None:
    code = """
        exp = aiplat.init()
        exp.log({'x': 1.0})
        exp.finish()
        assert 'aiplat_jupyter.client.readings' not in sys.modules, 'it was about to sample'
    """
    run("system.DELAY = 5.0\n" + textwrap.dedent(code))
    assert len(list((data_dir / "journals").glob("*.journal"))) == 1


def test_a_run_and_its_machine_on_one_clock(data_dir: Path) -> None:
    began = time.time()
    run("exp = aiplat.init(name='a')\nend = time.time() + 4\nwhile time.time() < end: exp.log({'x': 1.0})")
    [(opened, found)] = sampled(data_dir)
    assert (opened.joins, opened.context, opened.rank) == (True, "clock", None)
    assert len(found) > 3
    assert all(began < one.wall < time.time() and one.step == int(1000 * one.wall) for one in found)
    last = found[-1].values
    assert last.keys() >= {"system/cpu", "system/memory", "system/process.cpu", "system/process.memory"}
    assert 0 < last["system/memory"] < 100
    assert last["system/process.cpu"] > 10
    assert 0.01 < last["system/process.memory"] < 2


def test_gpus_that_the_process_uses(data_dir: Path, nvidia: Nvidia) -> None:
    nvidia.see(*h100(2))
    code = """
        exp = aiplat.init()
        print(os.getpid(), flush=True)
        sys.stdin.readline()
    """
    program = BEGIN + textwrap.dedent(code)
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | nvidia.environment(),
    )
    assert child.stdin is not None
    assert child.stdout is not None
    child.stdout.readline()
    nvidia.change(1, util=77, used=20 * GIB, processes={child.pid: 3 * GIB})
    until(lambda: any("system/gpu.1.util" in one.values for _, found in sampled(data_dir) for one in found))
    child.stdin.close()
    child.stdout.close()
    assert child.wait(20) == 0
    [(_, found)] = sampled(data_dir)
    last = found[-1].values
    assert (last["system/gpu.1.util"], last["system/gpu.1.memory"]) == (77, 25)
    assert last["system/gpu.1.process_memory"] == 3
    assert last["system/gpu.1.power"] == 70
    assert not any("gpu.0" in name for name in last)


def test_young_experiments_are_looked_at_more_often(data_dir: Path) -> None:
    run("""
        system.EARLY, system.EARLY_INTERVAL, system.INTERVAL = 3.0, 0.1, 30.0
        exp = aiplat.init(name='one')
        time.sleep(7)
        other = aiplat.init(name='other')
        time.sleep(4)
    """)
    [(_, first), (_, second)] = sampled(data_dir)
    pauses = [later.wall - earlier.wall for earlier, later in pairwise(first)]
    [quiet] = [number for number, pause in enumerate(pauses) if pause > 2.0]
    assert quiet > 5, "often at first, then seldom"
    assert quiet < len(pauses) - 5, "often again, for the other one"
    assert len(second) > 5


def test_a_trainer_that_is_killed_takes_its_sampler_along(data_dir: Path) -> None:
    """Also where a forked worker, which has all its pipes, lives on."""
    code = """
        exp = aiplat.init()
        time.sleep(2)
        if not (worker := os.fork()):
            time.sleep(30)
            os._exit(0)
        print(worker, flush=True)
        time.sleep(30)
    """
    program = BEGIN + "system.INTERVAL = 30.0\n" + textwrap.dedent(code)
    child = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    worker = int(child.stdout.readline())
    try:
        until(lambda: len(samplers(child.pid)) == 1)
        child.send_signal(signal.SIGKILL)
        child.wait()
        until(lambda: not samplers(child.pid), 5)
    finally:
        os.kill(worker, signal.SIGKILL)
        child.stdout.close()


def test_one_sampler_for_all_experiments_and_none_after_the_last(data_dir: Path) -> None:
    code = """
        import psutil
        def samplers():
            return [each for each in psutil.Process().children() if is_sampler(each)]
        def is_sampler(process):
            try:
                return 'aiplat_jupyter.gpu.sampler' in process.cmdline()
            except psutil.Error:
                return False
        def until(condition):
            end = time.time() + 20
            while not condition():
                assert time.time() < end
                time.sleep(0.02)
        one, other = aiplat.init(name='one'), aiplat.init(name='other')
        until(samplers)
        assert len(samplers()) == 1
        time.sleep(2)
        one.finish()
        time.sleep(0.5)
        assert len(samplers()) == 1
        other.finish()
        until(lambda: not samplers())
        until(lambda: not any(thread.name == 'aiplat-system' for thread in threading.enumerate()))
        again = aiplat.init(name='again')
        until(samplers)
        time.sleep(2)
    """
    run(code)
    assert sorted(opened.name for opened, _ in sampled(data_dir)) == ["again", "one", "other"]


@pytest.mark.parametrize(("argument", "variable"), [("system_metrics=False", "1"), ("", "0")])
def test_they_can_be_turned_off(argument: str, variable: str, data_dir: Path) -> None:
    code = f"""
        exp = aiplat.init({argument})
        assert not any(thread.name == 'aiplat-system' for thread in threading.enumerate())
    """
    run(code, AIPLAT_SYSTEM_METRICS=variable)


def test_who_shows_a_run_can_ask_whether_they_will_come(data_dir: Path) -> None:
    code = """
        from aiplat_jupyter.client import session
        exp, without = aiplat.init(name='a'), aiplat.init(name='b', system_metrics=False)
        system = session.current().system
        assert [system.watches(one.uid) for one in (exp, without)] == [True, False]
        exp.finish()
        assert not system.watches(exp.uid)
    """
    run(code)


def test_they_are_shipped_like_everything_else(server: FakeServer) -> None:
    run("exp = aiplat.init(name='a')\nexp.log({'x': 1.0})\ntime.sleep(3)\nexp.finish()\nprint(exp.uid)")
    [main, beside] = sorted(server.journals.values(), key=lambda data: records(bytes(data))[0].clock)
    assert [point.values for point in points(bytes(main))] == [{"x": 1.0}]
    assert len(points(bytes(beside))) > 2
    quiet = [(uid, offset) for uid, offset, size in server.posts if not size and bytes(server.journals[uid]) == beside]
    assert not quiet


def test_what_is_read_after_a_rewind_belongs_to_the_new_attempt(data_dir: Path) -> None:
    code = """
        exp = aiplat.init()
        exp.log({'x': 1.0}, 10)
        time.sleep(2.5)
        exp.rewind(5)
        exp.log({'x': 2.0}, 5)
        time.sleep(1.5)
    """
    run(code)
    [(before, _), (after, found)] = sampled(data_dir)
    assert before.attempt != after.attempt
    assert before.experiment == after.experiment
    assert found


def test_a_forked_child_leaves_them_to_its_parent(data_dir: Path) -> None:
    code = """
        exp = aiplat.init()
        time.sleep(1.5)
        if not (child := os.fork()):
            exp.log({'y': 1.0})
            exp.finish()
            os._exit(0)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        time.sleep(1.5)
    """
    run(code)
    [(opened, found)] = sampled(data_dir)
    assert found[-1].wall - found[0].wall > 1
    assert (opened.joins, "y" in found[-1].values) == (True, False)


def test_a_sampler_that_cannot_run_disturbs_nobody(data_dir: Path) -> None:
    code = """
        system.SAMPLER = ('/nowhere/python',)
        exp = aiplat.init()
        time.sleep(0.5)
        exp.log({'x': 1.0})
        exp.finish()
        assert exp.dropped == 0
    """
    run(code)
    assert sampled(data_dir) == []


def test_a_line_that_makes_no_sense_is_no_end(data_dir: Path, tmp_path: Path) -> None:
    odd = tmp_path / "odd.py"
    odd.write_text("print('{}', flush=True)\nimport sys\nsys.stdin.read()\n")
    code = f"""
        system.SAMPLER = (sys.executable, {str(odd)!r})
        exp = aiplat.init()
        time.sleep(1)
        exp.log({{'x': 1.0}})
        exp.finish()
        assert exp.dropped == 0
    """
    run(code)


class Beside:
    """A session's system metrics without a thread: samples are handed in."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(system, "DELAY", 100.0)
        self.own = session.current().system

    def sample(self, at: float) -> None:
        self.own._keep({"system/cpu": 1.0}, at)


@pytest.fixture
def beside(monkeypatch: pytest.MonkeyPatch) -> Beside:
    return Beside(monkeypatch)


def test_a_notebook_that_waits_for_its_reader_is_not_sampled(beside: Beside, data_dir: Path) -> None:
    exp = init()
    exp.log({"x": 1.0})
    beside.sample(1.0)
    beside.own.is_idle = True
    beside.sample(2.0)
    exp.log({"x": 2.0})  # a thread of the notebook's goes on
    beside.sample(3.0)
    beside.own.is_idle = False
    beside.sample(4.0)
    exp.finish()
    beside.sample(5.0)
    [(_, found)] = sampled(data_dir)
    assert [one.wall for one in found] == [1.0, 3.0, 4.0]


TORCHRUN = {"WORLD_SIZE": "4", "LOCAL_WORLD_SIZE": "2", "AIPLAT_EXPERIMENT": "0123456789abcdefghij"}


@pytest.mark.parametrize(
    ("env", "all_ranks", "who"),
    [
        ({}, False, os.getpid()),
        ({"RANK": "0", "WORLD_SIZE": "1"}, False, os.getpid()),
        ({"RANK": "0", "LOCAL_RANK": "0", **TORCHRUN}, False, os.getppid()),
        ({"RANK": "1", "LOCAL_RANK": "1", **TORCHRUN}, True, None),
        ({"RANK": "2", "LOCAL_RANK": "0", **TORCHRUN}, True, os.getppid()),
        ({"RANK": "2", "LOCAL_RANK": "0", **TORCHRUN}, False, None),
        ({"RANK": "2", **TORCHRUN}, True, None),
    ],
    ids=["alone", "rank 0 of 1", "rank 0", "rank 1", "rank 2 of all", "rank 2", "no local rank"],
)
def test_the_first_rank_of_a_machine_sees_to_it(
    env: Mapping[str, str], all_ranks: bool, who: int | None, monkeypatch: pytest.MonkeyPatch, data_dir: Path
) -> None:
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    watched: list[int] = []
    monkeypatch.setattr(system.SystemMetrics, "watch", lambda self, recording, pid: watched.append(pid))
    init(all_ranks=all_ranks).finish()
    assert watched == ([] if who is None else [who])
    assert ranks.is_first_here() == (env.get("RANK", "0") == "0" or env.get("LOCAL_RANK") == "0")
