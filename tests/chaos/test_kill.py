"""SIGKILL, of training processes and of servers, at random moments: nothing is lost and nothing comes twice."""

import os
import random
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import pytest

from tests.lab import Lab

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]

TRAIN = """
import os, aiplat_jupyter as aiplat
exp = aiplat.init(project='chaos')
os.write(1, exp.uid.encode() + b'\\n')
for step in range(10**9):
    exp.log({'loss': 1 / (step + 1), 'step': step}, step)
    os.write(1, b'%d\\n' % step)
"""
STEADY = """
import os, sys, time, aiplat_jupyter as aiplat
exp = aiplat.init(project='chaos')
print(exp.uid, flush=True)
step = 0
while not os.path.exists(sys.argv[1]):
    exp.log({'loss': 1 / (step + 1), 'step': step}, step)
    step += 1
    time.sleep(0.0005)
exp.finish()
print(step, exp.dropped)
"""

NURSERY = """
import os, signal, sys
import aiplat_jupyter.platform, aiplat_jupyter.server.routes
from jupyter_server.serverapp import ServerApp
for line in sys.stdin:
    child = os.fork()
    if child == 0:
        os.setsid()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)  # npm, which Jupyter runs, would make the pipe non-blocking
        ServerApp.launch_instance(line.split())
        os._exit(0)
    print(child, flush=True)
    os.waitpid(child, 0)
"""


class Nursery:
    """Starts servers over one folder in a fraction of the usual time, forked from a process that has imported all."""

    def __init__(self, home: Path) -> None:
        self._home = home
        environment = Lab(home, "jupyter_server").environment()
        command = [sys.executable, "-c", NURSERY]
        pipe = subprocess.PIPE
        with (home / "nursery.log").open("wb") as log:
            self._process = subprocess.Popen(command, env=environment, cwd=home, stdin=pipe, stdout=pipe, stderr=log)

    def start(self) -> tuple[Lab, int]:
        """Return a server that answers, on a port of its own, and its process id."""
        lab = Lab(self._home, "jupyter_server")
        lab.root.mkdir(exist_ok=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(" ".join(lab._options()).encode() + b"\n")
        self._process.stdin.flush()
        told = self._process.stdout.readline()
        assert told, f"The process that forks servers has ended with {self._process.wait(10)}."
        pid = int(told)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            with suppress(URLError, ConnectionError):
                lab.api("server")
                return lab, pid
            time.sleep(0.02)
        raise AssertionError((self._home / "nursery.log").read_text())

    def close(self) -> None:
        """End the process; the last server must be gone."""
        self._process.communicate(timeout=10)


def steps(lab: Lab, uid: str) -> list[int]:
    """Return the steps of all points of ``step``, as often as they are stored, after checking their values."""
    found: list[int] = []
    cursor = ""
    while True:
        page: dict[str, Any] = lab.api(f"experiments/{uid}/history?metrics=step&limit=50000{cursor}")
        assert page["value"] == page["step"]
        found += page["step"]
        if page.get("next_cursor") is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


def wait_for(lab: Lab, uid: str, status: str, seconds: float = 30.0) -> dict[str, Any]:
    """Return the experiment once it is of this status; it may not have arrived yet."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(HTTPError):
            experiment: dict[str, Any] = lab.api(f"experiments/{uid}")
            if experiment["status"] == status:
                return experiment
        time.sleep(0.2)
    raise AssertionError(f"{uid} is not {status}.")


def killed_training(environment: dict[str, str], seed: int) -> tuple[str, int]:
    """Run a training, kill it at a random moment; return its uid and the last step of which it spoke."""
    with subprocess.Popen([sys.executable, "-c", TRAIN], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        uid = process.stdout.readline().decode().strip()
        moment = time.monotonic() + random.Random(seed).uniform(0, 0.7)
        heard = b""
        while time.monotonic() < moment:
            heard += process.stdout.read1(65536)
        os.kill(process.pid, signal.SIGKILL)
        heard += process.stdout.read()
    whole = heard.rpartition(b"\n")[0].rpartition(b"\n")[2]
    return uid, int(whole) if whole else -1


def test_killed_trainings_lose_nothing(tmp_path: Path) -> None:
    with Lab(tmp_path, "jupyter_server") as lab:
        lab.api("server")
        with ThreadPoolExecutor(3) as pool:
            runs = list(pool.map(lambda seed: killed_training(lab.environment(), seed), range(50)))
        for uid, heard in runs:
            experiment = wait_for(lab, uid, "failed")
            found = steps(lab, uid)
            assert found == list(range(len(found)))
            assert heard < len(found) <= heard + 2
            assert "killed" in experiment["cause"]


def test_killed_servers_lose_nothing_and_store_nothing_twice(tmp_path: Path) -> None:
    stop, dice = tmp_path / "stop", random.Random(7)
    nursery = Nursery(tmp_path)
    lab, pid = nursery.start()
    command = [sys.executable, "-c", STEADY, str(stop)]
    clients = [subprocess.Popen(command, env=lab.environment(), stdout=subprocess.PIPE, text=True) for _ in range(4)]
    for _ in range(20):
        time.sleep(dice.uniform(0.1, 1.0))
        os.kill(pid, signal.SIGKILL)
        lab, pid = nursery.start()
    stop.touch()
    said = [client.communicate(timeout=60)[0].split() for client in clients]
    for uid, count, dropped in said:
        wait_for(lab, uid, "finished")
        assert steps(lab, uid) == list(range(int(count)))
        assert dropped == "0"
    assert len(lab.api("experiments")["items"]) == 4
    os.kill(pid, signal.SIGKILL)
    nursery.close()


def test_a_server_that_was_absent_for_the_whole_run(tmp_path: Path) -> None:
    lab = Lab(tmp_path, "jupyter_server")
    uid, heard = killed_training(lab.environment(), 3)
    with lab:
        lab.api("server")
        wait_for(lab, uid, "failed")
        found = steps(lab, uid)
        assert found == list(range(len(found)))
        assert heard < len(found) <= heard + 2
