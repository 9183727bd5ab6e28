"""Forks: what the child writes and ships, and that no thread of ours leaves it something locked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aiplat_jupyter.client.connection import Connection
from aiplat_jupyter.client.discover import find_server
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.frames import Opened, Shape
from tests.client.fake_server import FakeServer, points, records

AT_ANY_MOMENT = """
import faulthandler, os, sys, time, aiplat_jupyter as aiplat
exp = aiplat.init()
for pause in (0.0, 0.002, 0.004, 0.008, 0.016, 0.03):
    end = time.perf_counter() + pause
    while time.perf_counter() < end:
        exp.log({'x': 1.0})
    if (child := os.fork()) == 0:
        faulthandler.dump_traceback_later(10, exit=True)
        exp.log({'y': 1.0})
        import encodings.idna, http.client, subprocess
        os._exit(0)
    if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        sys.exit(status)
"""
IMPORTS_OF_THREADS = """
import sys, threading
seen, cut = [], []
def watch(event, arguments):
    if event == 'import' and threading.current_thread() is not threading.main_thread():
        seen.append(arguments[0])
        if not uncut._is_owned():
            cut.append(arguments[0])
import aiplat_jupyter as aiplat
from aiplat_jupyter.client.forks import uncut
sys.addaudithook(watch)
exp = aiplat.init()
exp.log({'x': 1.0})
exp.finish()
for thread in threading.enumerate():
    if thread.name == 'aiplat-capture':
        thread.join()
assert {'http.client', 'subprocess', 'encodings.idna'} <= set(seen), seen
assert not cut, cut
"""


def run(code: str) -> None:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=50, check=False)
    assert done.returncode == 0, done.stderr


def test_a_forked_child_writes_a_journal_of_its_own(data_dir: Path) -> None:
    exp = init()
    exp.log({"x": 1.0}, step=0)
    pid = os.fork()
    if pid == 0:
        try:
            exp.log({"x": 2.0}, step=1)
            exp.log({"x": 3.0}, step=2)
            exp.finish()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    exp.log({"x": 4.0}, step=3)
    journals = {path: path.read_bytes() for path in (data_dir / "journals").glob("*.journal")}
    mine = journals.pop(exp._recording.journal.path)
    assert [point.step for point in points(mine)] == [0, 3]
    [child] = journals.values()
    opened, *rest = records(child)
    assert isinstance(opened, Opened)
    assert (opened.experiment, opened.attempt, opened.joins) == (exp.uid, exp.attempt, True)
    assert opened.process.pid == pid
    assert [type(record) for record in rest] == [Shape]
    assert [point.step for point in points(child)] == [1, 2]


def test_forks_that_log_nothing_leave_no_journal(data_dir: Path) -> None:
    exp = init()
    exp.log({"x": 1.0})
    if (pid := os.fork()) == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    assert len(list((data_dir / "journals").glob("*.journal"))) == 1


def test_a_child_ships_its_own(server: FakeServer) -> None:
    exp = init()
    exp.log({"x": 1.0}, 0)
    exp.flush()
    if (pid := os.fork()) == 0:
        try:
            exp.log({"x": 1.0}, 1)
            exp.flush()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    exp.log({"x": 1.0}, 2)
    exp.finish()
    found = {tuple(point.step for point in points(data)) for data in server.of_all(exp.uid)}
    assert found == {(0, 2), (1,)}


@pytest.mark.parametrize("turn", range(3))
def test_a_fork_at_any_moment_leaves_the_child_all_modules(server: FakeServer, turn: int) -> None:
    run(AT_ANY_MOMENT)


def test_threads_import_only_while_forks_wait(server: FakeServer) -> None:
    run(IMPORTS_OF_THREADS)


def test_a_child_does_not_speak_on_its_parents_connection(server: FakeServer) -> None:
    found = find_server()
    assert found is not None
    connection = Connection(found)
    assert connection.request("GET", "x")[0] == 404
    before = connection._socket
    assert before is not None
    if (pid := os.fork()) == 0:
        answered = connection.request("GET", "x")[0] == 404
        os._exit(0 if answered and connection._socket is not before else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    assert connection.request("GET", "x")[0] == 404
    assert connection._socket is before
    connection.close()
