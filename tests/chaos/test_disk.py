"""A disk that is full under the database: the server says so, reads go on, and nothing is lost once there is room."""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from tests.chaos.test_kill import STEADY, steps, wait_for
from tests.lab import Lab

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(120)]


def refusal(lab: Lab) -> dict[str, Any] | None:
    """Try to write something long; return what the server says if it cannot."""
    try:
        lab.api("projects", "POST", {"name": f"p{time.monotonic()}", "description": "x" * 50_000})
    except HTTPError as error:
        return {"status": error.code, **json.loads(error.read())}
    return None


def test_a_full_disk_under_the_database(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    with Lab(tmp_path, "jupyter_server") as lab:
        lab.api("server")
        command = [sys.executable, "-c", STEADY, str(stop)]
        with subprocess.Popen(command, env=lab.environment(), stdout=subprocess.PIPE, text=True) as client:
            assert client.stdout is not None
            uid = client.stdout.readline().strip()
            wait_for(lab, uid, "running")
            largest = max(file.stat().st_size for file in lab.data_dir.glob("aiplat.db*"))
            before = resource.prlimit(lab.pid, resource.RLIMIT_FSIZE, (largest + 100_000, resource.RLIM_INFINITY))
            deadline = time.monotonic() + 30
            while (said := refusal(lab)) is None:
                assert time.monotonic() < deadline
            assert (said["status"], said["code"]) == (503, "unavailable")
            assert "disk" in said["detail"]
            assert said["hint"]
            time.sleep(2)
            held = steps(lab, uid)
            assert held == list(range(len(held)))
            time.sleep(1)
            assert steps(lab, uid) == held
            resource.prlimit(lab.pid, resource.RLIMIT_FSIZE, before)
            stop.touch()
            count, dropped = client.communicate(timeout=60)[0].split()
        wait_for(lab, uid, "finished")
        assert int(count) > len(held)
        assert steps(lab, uid) == list(range(int(count)))
        assert dropped == "0"
        assert refusal(lab) is None
