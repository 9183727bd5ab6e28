"""GPUs in a real server with its sampler, on a pretended driver."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil
import pytest

from tests.lab import Lab
from tests.nvml import GIB, LOST, Nvidia, h100


@pytest.fixture
def lab(tmp_path: Path, nvidia: Nvidia) -> Iterator[Lab]:
    nvidia.see(*h100(2))
    with Lab(tmp_path / "lab", "jupyter_server", env=nvidia.environment()) as lab:
        wait_for(lab)
        yield lab


def wait_for(lab: Lab, patience: float = 40.0) -> None:
    """Wait for the platform, which starts after the server."""
    deadline = time.monotonic() + patience
    while True:
        try:
            lab.api("gpu/status")
            return
        except HTTPError:
            assert time.monotonic() < deadline


def until(lab: Lab, is_so: Callable[[Any], bool], patience: float = 40.0) -> Any:
    """Ask for the status until it is so; return it."""
    deadline = time.monotonic() + patience
    while not is_so(status := lab.api("gpu/status")):
        assert time.monotonic() < deadline, status
        time.sleep(0.3)
    return status


def sampler(lab: Lab) -> psutil.Process:
    """Return the server's sampler."""
    children = psutil.Process(lab.pid).children()
    return next(child for child in children if "aiplat_jupyter.gpu.sampler" in child.cmdline())


def kernel(lab: Lab) -> tuple[str, int]:
    """Start a kernel for a notebook; return its id and process."""
    started = lab.start_kernel("deep/train.ipynb")
    children = psutil.Process(lab.pid).children(recursive=True)
    return started, next(child.pid for child in children if "ipykernel_launcher" in child.cmdline())


def test_a_notebook_that_uses_a_gpu_is_named(lab: Lab, nvidia: Nvidia) -> None:
    started, pid = kernel(lab)
    nvidia.change(0, processes={pid: 2 * GIB}, util=87)
    status = until(lab, lambda status: any(gpu["processes"] for gpu in status["devices"]))
    [process] = status["devices"][0]["processes"]
    status = until(lab, lambda status: status["devices"][0]["processes"][0]["holder"] is not None)
    assert status["devices"][0]["processes"][0]["holder"] == {
        "kernel": started,
        "notebook": "deep/train.ipynb",
        "experiment": None,
        "experiment_name": None,
        "task": None,
        "task_name": None,
        "project": None,
        "is_hidden": False,
    }
    assert (process["pid"], process["memory"]["value"], status["devices"][1]["processes"]) == (pid, 2 * GIB, [])


def test_a_stream_carries_each_sample(lab: Lab, nvidia: Nvidia) -> None:
    url = f"{lab.url}/aiplat/api/v1/events?topics=gpu"
    request = urllib.request.Request(url, headers={"Authorization": f"token {lab.token}"})
    with urllib.request.urlopen(request, timeout=30) as stream:
        assert stream.readline().startswith(b"id: "), "where the stream begins"
        told: list[Any] = []
        while len(told) < 3:
            line = stream.readline()
            assert not line.startswith(b"id: "), "samples are not kept"
            if line.startswith(b"data: "):
                told.append(json.loads(line[6:]))
                nvidia.change(0, util=len(told))
    assert [one["interval"] for one in told[1:]] == [1.0, 1.0]
    assert told[2]["devices"][0]["utilization"]["value"] in (1.0, 2.0)
    assert lab.api("gpu/history")["series"]


def test_a_sampler_that_is_killed_is_replaced(lab: Lab) -> None:
    until(lab, lambda status: status["state"] == "ok")
    first = sampler(lab)
    first.kill()
    failed = until(lab, lambda status: status["state"] != "ok")
    assert failed["state"] == "failed"
    assert failed["devices"][0]["utilization"] == {"value": None, "reason": "timeout"}
    assert failed["devices"][0]["memory_total"]["value"] == 80 * GIB
    until(lab, lambda status: status["state"] == "ok")
    assert sampler(lab).pid != first.pid


def test_a_sampler_ends_with_its_server(lab: Lab) -> None:
    until(lab, lambda status: status["state"] == "ok")
    child = sampler(lab)
    os.kill(lab.pid, signal.SIGKILL)
    child.wait(10)
    lab._process.wait(5)
    lab.start()  # for its end in order


def test_a_driver_that_hangs_holds_up_neither_server_nor_its_end(lab: Lab, nvidia: Nvidia) -> None:
    until(lab, lambda status: status["state"] == "ok")
    nvidia.hang()
    stalled = until(lab, lambda status: status["state"] == "driver_stalled")
    assert stalled["system"]["memory_total"] > 0
    begun = time.monotonic()
    assert lab.api("server")["machine"]
    assert time.monotonic() - begun < 5


def test_tasks_get_their_gpus_from_the_monitor(lab: Lab, nvidia: Nvidia) -> None:
    until(lab, lambda status: status["state"] == "ok")
    nvidia.change(0, used=2 * GIB)  # others use it
    until(lab, lambda status: status["devices"][0]["memory_used"]["value"] == 2 * GIB)
    command = ["sh", "-c", "echo on $CUDA_VISIBLE_DEVICES; sleep 30"]
    task = lab.api("tasks", "POST", {"project": "p", "kind": "command", "command": command, "gpus": 1})
    status = until(lab, lambda status: status["devices"][1]["lease"] is not None)
    assert status["devices"][1]["lease"]["task"] == task["uid"]
    assert status["devices"][0]["lease"] is None
    nvidia.change(1, processes={lab.api(f"tasks/{task['uid']}")["lineage"][0]["pid"] or 0: GIB})

    def is_named(status: Any) -> bool:
        return any(one["holder"] and one["holder"]["task"] == task["uid"] for one in status["devices"][1]["processes"])

    until(lab, is_named)


def test_doctor_says_what_the_monitor_sees(lab: Lab, nvidia: Nvidia) -> None:
    def doctor() -> str:
        command = [sys.executable, "-m", "aiplat_jupyter.cli", "doctor"]
        return subprocess.run(command, env=lab.environment(), capture_output=True, text=True, timeout=50).stdout

    until(lab, lambda status: status["state"] == "ok")
    assert "2 GPUs, driver 570.86.10" in doctor()
    nvidia.fail(LOST, gpu=1)
    until(lab, lambda status: status["devices"][1]["state"] == "lost")
    assert "GPU 1 NVIDIA H100 80GB HBM3 has fallen off the bus" in doctor()
