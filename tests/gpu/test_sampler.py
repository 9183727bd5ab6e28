"""The sampler, on a pretended driver, through the real binding."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from msgspec.structs import asdict

from aiplat_jupyter.core.gpu import Reading
from aiplat_jupyter.gpu.host import HostReader
from tests.gpu.sampled import Sampled
from tests.nvml import (
    FUNCTION_NOT_FOUND,
    GIB,
    LOST,
    MIB,
    NO_PERMISSION,
    NOT_SUPPORTED,
    POWER_BRAKE,
    THERMAL,
    VERSION_MISMATCH,
    Gpu,
    Nvidia,
    h100,
    mig,
    unified,
)

UNKNOWN_ERROR = 999


def test_a_gpu_is_read_with_all_that_it_tells(nvidia: Nvidia) -> None:
    nvidia.change(0, util=37, used=3 * GIB, power=312_500, ecc=2, throttle=0x4)
    with Sampled(nvidia.environment()) as sampled:
        sample = sampled.next()
    [gpu] = sample.devices
    assert (sample.state, sample.driver, gpu.state, gpu.vendor) == ("ok", "570.86.10", "ok", "nvidia")
    assert (gpu.uuid, gpu.index, gpu.name) == (nvidia.gpus[0].uuid, 0, "NVIDIA H100 80GB HBM3")
    told = {
        name: getattr(gpu, name).value
        for name in gpu.__struct_fields__
        if isinstance(getattr(gpu, name), Reading) and not name.startswith("pcie")
    }
    assert told == {
        "utilization": 37.0,
        "memory_used": 3 * GIB,
        "memory_total": 80 * GIB,
        "memory_reserved": 500 * MIB,
        "temperature": 35.0,
        "temperature_limit": 87.0,
        "power": 312.5,
        "power_limit": 700.0,
        "fan": 30.0,
        "clock_sm": 1_980.0,
        "clock_memory": 2_619.0,
        "ecc_uncorrected": 2.0,
    }
    assert (gpu.throttle, gpu.processes, gpu.processes_reason, gpu.is_unified) == (["power"], [], "", False)


def test_the_machine_is_told_beside_its_gpus(nvidia: Nvidia) -> None:
    with Sampled(nvidia.environment(), "--folder", "/") as sampled:
        host = sampled.until(
            lambda sample: sample.system is not None and sample.system.disk_total.value is not None
        ).system
    assert host is not None
    assert 0.0 <= host.cpu <= 100.0
    assert host.cores == psutil.cpu_count()
    assert 0 < host.memory_used < host.memory_total == psutil.virtual_memory().total
    assert host.disk_total.value == psutil.disk_usage("/").total


def test_a_disk_that_cannot_be_asked_is_no_disk_of_size_zero(nvidia: Nvidia, tmp_path: Path) -> None:
    with Sampled(nvidia.environment(), "--folder", str(tmp_path / "gone")) as sampled:
        host = sampled.until(lambda sample: sample.system is not None and sample.system.disk_used.reason == "unknown")
    assert host.system is not None
    assert host.system.disk_total == Reading(None, "unknown")


def test_a_disk_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    dead = threading.Event()
    monkeypatch.setattr(psutil, "disk_usage", lambda folder: dead.wait(30))
    host = HostReader("/").read(is_slow=True)
    dead.set()
    assert (host.disk_used, host.disk_total) == (Reading(None, "timeout"),) * 2
    assert host.memory_total > 0


def test_what_a_disk_told_is_not_told_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = HostReader("/")
    wait_for(lambda: reader.read(is_slow=False).disk_used.value is not None)
    dead = threading.Event()
    monkeypatch.setattr(psutil, "disk_usage", lambda folder: dead.wait(30))
    assert reader.read(is_slow=True).disk_used.value is not None
    monkeypatch.setattr("aiplat_jupyter.gpu.host.SILENT_SECONDS", 0.0)
    assert reader.read(is_slow=False).disk_used == Reading(None, "timeout")
    dead.set()


def wait_for(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_what_changes_is_seen(nvidia: Nvidia) -> None:
    with Sampled(nvidia.environment()) as sampled:
        assert sampled.next().devices[0].utilization == Reading(0.0)
        nvidia.change(0, util=99, temperature=90)
        assert sampled.device(lambda gpu: gpu.utilization.value == 99.0).temperature == Reading(90.0)


@pytest.mark.parametrize(
    ("code", "reason"), [(NOT_SUPPORTED, "not_supported"), (NO_PERMISSION, "no_permission"), (UNKNOWN_ERROR, "unknown")]
)
def test_a_value_that_is_missing_says_why(nvidia: Nvidia, code: int, reason: str) -> None:
    nvidia.fail(code, "nvmlDeviceGetPowerUsage")
    with Sampled(nvidia.environment()) as sampled:
        [gpu] = sampled.next().devices
    assert (gpu.power, gpu.utilization) == (Reading(None, reason), Reading(0.0))


def test_what_is_not_supported_is_asked_once_per_gpu(nvidia: Nvidia) -> None:
    nvidia.see(*h100(2))
    nvidia.fail(NOT_SUPPORTED, "nvmlDeviceGetPowerUsage", gpu=0)
    nvidia.fail(NO_PERMISSION, "nvmlDeviceGetPowerUsage", gpu=1)
    with Sampled(nvidia.environment()) as sampled:
        sampled.next()
        nvidia.mend()
        second = sampled.until(lambda sample: sample.devices[1].power.value is not None)
    assert second.devices[0].power == Reading(None, "not_supported")


def test_an_old_driver_is_asked_as_it_used_to_be(nvidia: Nvidia) -> None:
    for function in (
        "nvmlDeviceGetTemperatureV",
        "nvmlDeviceGetMemoryInfo_v2",
        "nvmlDeviceGetCurrentClocksEventReasons",
        "nvmlDeviceGetComputeRunningProcesses_v3",
    ):
        nvidia.fail(FUNCTION_NOT_FOUND, function)
    nvidia.change(0, used=GIB, throttle=0x4, processes={os.getpid(): GIB})
    with Sampled(nvidia.environment()) as sampled:
        [gpu] = sampled.next().devices
    assert (gpu.temperature, gpu.throttle, [one.pid for one in gpu.processes]) == (
        Reading(35.0),
        ["power"],
        [os.getpid()],
    )
    assert gpu.memory_used == Reading(GIB + 500.0 * MIB)  # the old call counts what the driver keeps for itself
    assert gpu.memory_reserved == Reading(None, "function_missing")


def test_the_older_binding_in_the_place_of_ours_is_told(nvidia: Nvidia, tmp_path: Path) -> None:
    (tmp_path / "pynvml.py").write_text(
        "class NVMLError(Exception): pass\nNVMLError_Timeout = NVMLError\n"
        "NVML_ERROR_NOT_SUPPORTED, NVML_ERROR_NO_PERMISSION, NVML_ERROR_FUNCTION_NOT_FOUND = 3, 4, 13\n"
        "NVML_ERROR_GPU_IS_LOST, NVML_ERROR_TIMEOUT = 15, 10\n"
    )
    with Sampled(nvidia.environment() | {"PYTHONPATH": str(tmp_path)}) as sampled:
        sample = sampled.next()
    assert sample.state == "failed"
    assert "nvidia-ml-py3" in sample.detail
    assert sample.system is not None


def test_a_gpu_that_is_lost_keeps_its_row_and_may_come_back(nvidia: Nvidia) -> None:
    nvidia.see(*h100(2))
    nvidia.change(0, throttle=0x40)
    with Sampled(nvidia.environment()) as sampled:
        assert sampled.next().devices[0].throttle == ["thermal"]
        nvidia.fail(LOST, gpu=0)
        lost = sampled.until(lambda sample: sample.devices[0].state == "lost")
        assert lost.devices[0].uuid == nvidia.gpus[0].uuid
        assert (lost.devices[0].temperature, lost.devices[0].throttle) == (Reading(None, "lost"), [])
        assert lost.devices[0].memory_total == Reading(80.0 * GIB)
        assert (lost.state, lost.devices[1].state, lost.devices[1].temperature) == ("ok", "ok", Reading(35.0))
        nvidia.mend()
        assert sampled.device(lambda gpu: gpu.state == "ok").temperature == Reading(35.0)


def test_a_gpu_that_is_lost_from_the_start_hides_no_other(nvidia: Nvidia) -> None:
    nvidia.see(*h100(2))
    nvidia.fail(LOST, gpu=0)
    with Sampled(nvidia.environment()) as sampled:
        sample = sampled.next()
    told = [(gpu.index, gpu.state, gpu.name) for gpu in sample.devices]
    assert told == [(1, "ok", "NVIDIA H100 80GB HBM3"), (0, "lost", "NVIDIA GPU")]


def test_a_gpu_that_may_not_be_used_is_not_lost(nvidia: Nvidia) -> None:
    nvidia.see(*h100(2))
    nvidia.fail(NO_PERMISSION, "nvmlDeviceGetHandleByIndex_v2", gpu=0)
    with Sampled(nvidia.environment()) as sampled:
        usable, closed = sampled.next().devices
        assert (usable.index, usable.state, closed.index, closed.state) == (1, "ok", 0, "closed")
        assert {reading.reason for reading in asdict(closed).values() if isinstance(reading, Reading)} == {
            "no_permission"
        }
        assert closed.processes_reason == "no_permission", "which is not that there are none"
        nvidia.mend()
        assert sampled.device(lambda gpu: gpu.index == 0).uuid == nvidia.gpus[0].uuid


def test_instances_of_a_gpu_that_is_split(nvidia: Nvidia) -> None:
    nvidia.see(*mig())
    nvidia.change(1, used=GIB)
    with Sampled(nvidia.environment()) as sampled:
        whole, first, second = sampled.next().devices
    assert [gpu.parent for gpu in (whole, first, second)] == [None, whole.uuid, whole.uuid]
    assert (whole.utilization, whole.temperature) == (Reading(None, "not_supported"), Reading(35.0))
    assert (first.uuid, first.memory_used, first.memory_total) == (
        nvidia.gpus[1].uuid,
        Reading(1.0 * GIB),
        Reading(40.0 * GIB),
    )
    assert first.utilization == first.temperature == Reading(None, "not_supported")
    assert "3g.40gb" in second.name


def test_memory_that_is_shared_with_the_cpu(nvidia: Nvidia) -> None:
    nvidia.see(*unified())
    nvidia.change(0, processes={os.getpid(): 2 * GIB})
    with Sampled(nvidia.environment()) as sampled:
        [gpu] = sampled.next().devices
        assert gpu.is_unified
        assert gpu.memory_total.value == psutil.virtual_memory().total
        assert gpu.memory_used == Reading(2.0 * GIB)
    nvidia.change(0, processes={os.getpid(): -1})
    with Sampled(nvidia.environment()) as sampled:
        assert sampled.device(lambda gpu: gpu.processes != []).is_unified
        assert sampled.device(lambda gpu: gpu.memory_used.value is None).memory_used.reason == "not_supported"


def test_processes_have_names_and_lineages(nvidia: Nvidia) -> None:
    nvidia.change(0, processes={os.getpid(): GIB, 4_190_000: GIB})
    with Sampled(nvidia.environment()) as sampled:
        sample = sampled.next()
    mine, gone = sample.devices[0].processes
    assert (mine.pid, mine.memory, mine.is_foreign) == (os.getpid(), Reading(1.0 * GIB), False)
    assert (mine.name, mine.username) == (psutil.Process().name(), psutil.Process().username())
    assert [up.pid for up in sample.lineages[os.getpid()]][:2] == [os.getpid(), os.getppid()]
    assert (gone.is_foreign, gone.name, 4_190_000 in sample.lineages) == (True, "", False)


def test_pids_of_the_machine_are_not_looked_up_in_a_container(nvidia: Nvidia) -> None:
    nvidia.change(0, processes={os.getpid(): GIB})
    with Sampled(nvidia.environment() | {"AIPLAT_GPU_PIDS": "host"}) as sampled:
        sample = sampled.next()
    [process] = sample.devices[0].processes
    assert (process.pid, process.is_foreign, process.name, sample.lineages) == (os.getpid(), True, "", {})


def test_processes_that_may_not_be_seen(nvidia: Nvidia) -> None:
    nvidia.fail(NO_PERMISSION, "nvmlDeviceGetComputeRunningProcesses_v3")
    with Sampled(nvidia.environment()) as sampled:
        [gpu] = sampled.next().devices
    assert (gpu.processes, gpu.processes_reason) == ([], "no_permission")


def test_why_a_gpu_is_slow(nvidia: Nvidia) -> None:
    nvidia.see(
        Gpu(uuid="a", throttle=THERMAL | 0x8), Gpu(uuid="b", throttle=POWER_BRAKE | 0x8), Gpu(uuid="c", throttle=8)
    )
    with Sampled(nvidia.environment()) as sampled:
        assert [gpu.throttle for gpu in sampled.next().devices] == [["thermal"], ["power_brake"], ["hardware"]]


def test_faults_are_told_with_their_time(nvidia: Nvidia) -> None:
    nvidia.see(*h100(2))
    with Sampled(nvidia.environment()) as sampled:
        assert sampled.next().devices[1].xid is None
        nvidia.change(1, xid=31, xid_number=1)
        first = sampled.device(lambda gpu: gpu.xid is not None, index=1)
        nvidia.change(1, xid=31, xid_number=2)
        again = sampled.device(lambda gpu: gpu.xid_at != first.xid_at, index=1)
    assert first.xid == again.xid == 31
    assert abs((again.xid_at or 0.0) - time.time()) < 5


def test_pcie_traffic_is_read_only_when_asked_for(nvidia: Nvidia) -> None:
    nvidia.change(0, received=1_500, sent=20)
    with Sampled(nvidia.environment(), interval=60) as sampled:
        assert sampled.next().devices[0].pcie_received.value is None
        sampled.order(60.0, details=True)
        told = sampled.next().devices[0]
    assert (told.pcie_received, told.pcie_sent) == (Reading(1_500_000.0), Reading(20_000.0))


def test_an_order_to_look_more_often_is_followed_at_once(nvidia: Nvidia) -> None:
    with Sampled(nvidia.environment(), interval=600) as sampled:
        sampled.next()
        begun = time.monotonic()
        sampled.order(0.2)
        assert [sampled.next().interval for _ in range(3)] == [0.2] * 3
        assert time.monotonic() - begun < 5


def test_it_ends_with_whoever_started_it(nvidia: Nvidia) -> None:
    with Sampled(nvidia.environment()) as sampled:
        sampled.next()
        assert sampled.hang_up() == 0


def test_without_a_driver_the_machine_is_told_and_a_driver_that_comes_is_found(nvidia: Nvidia) -> None:
    nvidia.unload()
    with Sampled(nvidia.environment(), "--retry", "0.5") as sampled:
        sample = sampled.next()
        assert (sample.state, sample.devices, sample.system is not None) == ("no_driver", [], True)
        nvidia.see(*h100())
        assert sampled.until(lambda sample: sample.state == "ok").devices[0].uuid == nvidia.gpus[0].uuid


def test_a_machine_without_the_library_has_no_driver() -> None:
    with Sampled({}) as sampled:
        sample = sampled.next()
    assert (sample.state, sample.devices) == ("no_driver", [])


def test_a_driver_without_gpus(nvidia: Nvidia) -> None:
    nvidia.see()
    with Sampled(nvidia.environment()) as sampled:
        assert sampled.next().state == "no_gpu"


def test_a_driver_that_was_upgraded_under_it_is_met_by_a_new_process(nvidia: Nvidia) -> None:
    with Sampled(nvidia.environment(), "--retry", "1") as sampled:
        sampled.next()
        threads = psutil.Process(sampled.process.pid).create_time()
        nvidia.fail(VERSION_MISMATCH)
        assert sampled.until(lambda sample: sample.state == "driver_mismatch").system is not None
        nvidia.mend()
        nvidia.driver = "580.1"
        nvidia.change(0, util=5)
        sample = sampled.until(lambda sample: sample.state == "ok")
        assert (sample.driver, sample.devices[0].utilization) == ("580.1", Reading(5.0))
        assert psutil.Process(sampled.process.pid).create_time() == threads  # another program in the same process


def test_a_library_that_disappears(nvidia: Nvidia) -> None:
    with Sampled(nvidia.environment(), "--retry", "0.5") as sampled:
        sampled.next()
        nvidia.unload()
        gone = sampled.until(lambda sample: sample.state not in ("ok", "starting"))
        assert gone.system is not None
        sampled.until(lambda sample: sample.state == "no_driver")
        nvidia.see(*h100())
        assert sampled.until(lambda sample: sample.state == "ok").devices


@pytest.mark.parametrize("function", ["nvmlDeviceGetPowerUsage", "*"])
def test_a_driver_that_hangs_silences_nothing_else(nvidia: Nvidia, function: str) -> None:
    with Sampled(nvidia.environment()) as sampled:
        sampled.next()
        nvidia.hang(function)
        stalled = sampled.until(lambda sample: sample.state == "driver_stalled")
        assert stalled.detail == ""
        assert stalled.devices[0].utilization == Reading(None, "timeout")
        assert stalled.devices[0].memory_total == Reading(80.0 * GIB)
        assert stalled.system is not None
        assert sampled.hang_up() == 0


def test_an_interrupt_at_the_terminal_ends_it_without_a_traceback(nvidia: Nvidia, capfd: pytest.CaptureFixture) -> None:
    with Sampled(nvidia.environment()) as sampled:
        sampled.next()
        sampled.process.send_signal(signal.SIGINT)
        assert sampled.process.wait(5) == 0
    assert "Traceback" not in capfd.readouterr().err


def test_sixty_four_gpus_and_names_with_markup(nvidia: Nvidia) -> None:
    nvidia.see(*h100(64))
    nvidia.change(63, name='<img src=x onerror=alert(1)> & "GPU"')
    with Sampled(nvidia.environment()) as sampled:
        devices = sampled.next().devices
    assert [gpu.index for gpu in devices] == list(range(64))
    assert devices[63].name == '<img src=x onerror=alert(1)> & "GPU"'


def test_counters_that_go_backwards_and_values_that_cannot_be(nvidia: Nvidia) -> None:
    nvidia.change(0, ecc=7)
    with Sampled(nvidia.environment(), interval=0.2) as sampled:
        assert sampled.next().devices[0].ecc_uncorrected == Reading(7.0)
        nvidia.change(0, ecc=0, util=4_294_967_295)
        assert sampled.device(lambda gpu: gpu.utilization.value is None).utilization == Reading(None, "unknown")
    with Sampled(nvidia.environment()) as sampled:
        assert sampled.next().devices[0].ecc_uncorrected == Reading(0.0)


WORK = """
import sys, time
sys.stdin.read(1)
end = time.monotonic() + 3
while time.monotonic() < end:
    pass
time.sleep(60)
"""


def test_a_tree_of_processes_is_told_with_its_gpus(nvidia: Nvidia) -> None:
    nvidia.see(*h100(2))
    child = subprocess.Popen([sys.executable, "-c", WORK], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    nvidia.change(1, processes={child.pid: 2 * GIB})
    try:
        with Sampled(nvidia.environment(), "--pid", str(os.getpid())) as sampled:
            tree = sampled.next().tree
            assert tree is not None
            assert tree.gpus == {nvidia.gpus[1].uuid: Reading(2.0 * GIB)}
            assert tree.memory > psutil.Process(child.pid).memory_info().rss
            assert child.stdin is not None
            child.stdin.write(b"!")
            child.stdin.flush()
            assert sampled.until(lambda sample: sample.tree is not None and sample.tree.cpu > 20).tree
    finally:
        child.kill()
        child.communicate()


def test_it_ends_with_the_process_that_it_tells_of(nvidia: Nvidia) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    try:
        with Sampled(nvidia.environment(), "--pid", str(child.pid)) as sampled:
            assert sampled.next().tree is not None
            child.kill()
            child.wait(5)
            assert sampled.process.wait(5) == 0
    finally:
        child.kill()
