"""Tasks while servers are killed, the database is locked and the clock jumps."""

import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from aiplat_jupyter.core.tasks import After
from aiplat_jupyter.store.database import Database
from tests.chaos.test_kill import Nursery
from tests.lab import Lab
from tests.services.yard import Yard
from tests.store.databases import empty_file, sqlite_url

__all__ = ["empty_file", "sqlite_url"]

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

KILLS = 20
JOB = 'echo $$ >> "$0"; sleep "$1"; exit "$2"'


class Jobs:
    """Tasks that note each of their starts in a file, last for a while and end with a code of their own."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder / "starts"
        self.folder.mkdir()
        self._dice = random.Random(seed)
        self.codes: dict[str, int] = {}
        self.unsent: list[dict[str, Any]] = []

    def add(self, count: int, longest: float) -> None:
        """Make tasks that are to be queued."""
        for _ in range(count):
            uid, code = f"job{len(self.codes)}", self._dice.choice([0, 0, 3, 7, 42])
            seconds = f"{self._dice.uniform(0, longest):.2f}"
            self.codes[uid] = code
            command = ["/bin/sh", "-c", JOB, str(self.folder / uid), seconds, str(code)]
            self.unsent.append({"project": "chaos", "uid": uid, "kind": "command", "command": command})

    def send(self, lab: Lab, count: int | None = None) -> None:
        """Queue what has not been queued; a task whose answer got lost is sent again."""
        for task in self.unsent[:count]:
            lab.api("tasks", "POST", task)
            self.unsent.remove(task)

    def starts(self, uid: str) -> list[int]:
        """Return the process of each start of a task."""
        with suppress(FileNotFoundError):
            return [int(line) for line in (self.folder / uid).read_text().split()]
        return []

    def check(self, lab: Lab, seconds: float = 60.0) -> None:
        """Wait until all have ended: each was started once, ended with its code, and left nothing behind."""
        wait_until(lambda: len(finals(lab)) == len(self.codes), seconds)
        told = {row["uid"]: row for row in finals(lab)}
        assert {uid: row["exit_code"] for uid, row in told.items()} == self.codes
        assert {uid: row["state"] for uid, row in told.items()} == {
            uid: "failed" if code else "succeeded" for uid, code in self.codes.items()
        }
        assert {row["attempts"] for row in told.values()} == {1}
        for uid in self.codes:
            [pid] = self.starts(uid)
            assert not Path(f"/proc/{pid}").exists()
        [agent] = lab.api("agents")
        assert (agent["unknown"], agent["slots_taken"]) == ([], 0)


def finals(lab: Lab) -> list[dict[str, Any]]:
    states = "&".join(f"state={state}" for state in ("succeeded", "failed", "cancelled", "timed_out", "lost"))
    with suppress(HTTPError):  # 503 while the database is locked
        rows: list[dict[str, Any]] = lab.api(f"tasks?limit=200&{states}")["items"]
        return rows
    return []


def wait_until(is_done: Any, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not is_done():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_server_config.json").write_text('{"AiplatApp": {"task_slots": 10}}')
    return tmp_path


@pytest.fixture
def nursery(home: Path) -> Iterator[Nursery]:
    made = Nursery(home)
    yield made
    made.close()


def test_servers_that_are_killed_lose_and_repeat_no_task(home: Path, nursery: Nursery) -> None:
    dice, jobs = random.Random(11), Jobs(home, 12)
    jobs.add(50, longest=3.0)
    for _ in range(KILLS):
        lab, pid = nursery.start()
        killing = threading.Timer(dice.uniform(0.0, 0.7), os.kill, (pid, signal.SIGKILL))
        killing.start()
        with suppress(URLError, ConnectionError, HTTPException, TimeoutError):
            jobs.send(lab, 5)
        killing.join()
    lab, pid = nursery.start()
    jobs.send(lab)
    jobs.check(lab)
    os.kill(pid, signal.SIGKILL)


def test_of_two_servers_on_one_folder_one_is_killed(home: Path, nursery: Nursery) -> None:
    jobs = Jobs(home, 13)
    jobs.add(12, longest=4.0)
    first, first_pid = nursery.start()
    wait_until(lambda: first.api("agents")[0]["is_alive"])
    second_nursery = Nursery(home)
    second, second_pid = second_nursery.start()
    jobs.send(second, 6)
    wait_until(lambda: len(list(jobs.folder.iterdir())) >= 3)  # the first one starts them
    os.kill(first_pid, signal.SIGKILL)
    jobs.send(second)
    lock_for(home, 7.0)
    jobs.check(second)
    os.kill(second_pid, signal.SIGKILL)
    second_nursery.close()


@pytest.fixture
def disk(home: Path) -> Iterator[Path]:
    """A small disk that has the server's data and nothing else."""
    folder = home / "aiplat"
    folder.mkdir()
    if subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=24m", "aiplat", str(folder)], capture_output=True
    ).returncode:
        pytest.skip("may not mount")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_disk_that_fills_up_under_a_server_and_is_cleared(home: Path, disk: Path, nursery: Nursery) -> None:
    lab, pid = nursery.start()
    jobs = Jobs(home, 14)
    jobs.add(6, longest=6.0)
    jobs.send(lab)
    wait_until(lambda: len(list(jobs.folder.iterdir())) == 6)
    greedy = {"project": "chaos", "uid": "greedy", "kind": "command", "command": ["yes", "x" * 70]}
    lab.api("tasks", "POST", greedy)
    wait_until(lambda: shutil.disk_usage(disk).free == 0)
    time.sleep(7.0)  # all end while nothing can be written
    page = lab.api("tasks/greedy/logs?tail=5")
    assert page["lines"][0]["text"].startswith("x"), "what was written can be read"
    assert {row["uid"] for row in lab.api("tasks?limit=50")["items"]} == {*jobs.codes, "greedy"}
    with pytest.raises(HTTPError) as refused:
        lab.api("tasks", "POST", greedy | {"uid": "late", "command": ["true"]})
    problem = json.loads(refused.value.read())
    assert (refused.value.code, problem["code"]) == (503, "unavailable")
    assert "full" in problem["detail"]
    (disk / "tasks" / "greedy" / "1" / "out.log").unlink()
    wait_until(lambda: lab.api("tasks/greedy")["state"] == "failed")
    lab.api("tasks", "POST", greedy | {"uid": "late", "command": ["true"]})
    wait_until(lambda: lab.api("tasks/late")["state"] == "succeeded")
    jobs.codes |= {"late": 0}
    check_all(lab, jobs)
    os.kill(pid, signal.SIGKILL)


def check_all(lab: Lab, jobs: Jobs) -> None:
    told = {row["uid"]: row["exit_code"] for row in finals(lab) if row["uid"] != "greedy"}
    assert told == jobs.codes


def lock_for(home: Path, seconds: float) -> None:
    """Keep everyone else from writing the database."""
    connection = sqlite3.connect(home / "aiplat" / "aiplat.db", isolation_level=None, timeout=30)
    connection.execute("BEGIN IMMEDIATE")
    time.sleep(seconds)
    connection.execute("ROLLBACK")
    connection.close()


@pytest.mark.parametrize("jump", [-86_400.0, 86_400.0])
def test_a_clock_that_jumps(tmp_path: Path, sqlite_url: str, jump: float, monkeypatch: pytest.MonkeyPatch) -> None:
    database = Database.open(sqlite_url)
    yard, real = Yard(database, tmp_path), time.time
    running, failing = yard.queue(), yard.queue(retries=1, retry_wait_s=0)
    waiting = yard.queue(after=[After(task=running.uid)])
    yard.round(2)
    monkeypatch.setattr(time, "time", lambda: real() + jump)
    yard.dispatcher._renewed = -1e9  # the lease is due
    yard.round(2)
    assert yard.get(running).state == "running"
    yard.end(running)
    yard.end(failing, reason="exit", detail="1", exit_code=1)
    yard.round(2)
    assert (yard.get(running).state, yard.get(waiting).state, yard.get(failing).attempts) == ("succeeded", "running", 2)
    monkeypatch.setattr(time, "time", real)
    yard.dispatcher = yard.another_dispatcher()  # a server that starts after the clock was put right
    database.write_now(lambda tx: None)
    yard.dispatcher._claims.is_dead = lambda word: True  # and the one before is gone
    yard.end(waiting)
    yard.round(2)
    assert (yard.get(waiting).state, yard.get(failing).state) == ("succeeded", "running")
    assert len({launch.key for launch in yard.machine.launches}) == len(yard.machine.launches) == 4
    database.close()
