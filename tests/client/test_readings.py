"""Which numbers of a sample an experiment keeps."""

import pytest

from aiplat_jupyter.client.readings import GIB, Reader
from aiplat_jupyter.core.gpu import GpuDevice, GpuProcess, Host, Reading, Sample, Tree, labels

HOST = Host(
    cpu=12.5, cores=8, memory_used=GIB, memory_total=4 * GIB, disk_used=Reading(1.0), disk_total=Reading(2.0), load=1.0
)


def device(index: int, **more: object) -> GpuDevice:
    values = {"utilization": 10.0 + index, "memory_used": 2.0 * GIB, "memory_total": 8.0 * GIB, "temperature": 50.0}
    readings = {name: Reading(value) for name, value in values.items()}
    given = {"uuid": f"GPU-{index}", "name": "H100", "power": Reading(None, "no_permission"), **readings, **more}
    return GpuDevice(index=index, **given)


def sample(*devices: GpuDevice, host: Host | None = HOST, **tree: object) -> Sample:
    told = Tree(cpu=250.0, memory=3 * GIB, **tree) if tree else None
    return Sample(state="ok", at=1.0, interval=10.0, devices=list(devices), system=host, tree=told)


def gpus(point: dict[str, float]) -> set[str]:
    return {name.split(".")[1] for name in point if name.startswith("system/gpu.")}


def test_names_and_units() -> None:
    point = Reader(None).point(sample(device(1), gpus={"GPU-1": Reading(1.5 * GIB)}))
    assert point == {
        "system/cpu": 12.5,
        "system/memory": 25.0,
        "system/disk": 50.0,
        "system/process.cpu": 250.0,
        "system/process.memory": 3.0,
        "system/gpu.1.util": 11.0,
        "system/gpu.1.memory": 25.0,
        "system/gpu.1.memory_used": 2.0,
        "system/gpu.1.process_memory": 1.5,
        "system/gpu.1.temperature": 50.0,
    }


def test_what_is_not_known_is_left_out() -> None:
    host = Host(
        cpu=1.0,
        cores=8,
        memory_used=1,
        memory_total=2,
        disk_used=Reading(None, "timeout"),
        disk_total=Reading(None, "timeout"),
        load=1.0,
    )
    bare = device(0, utilization=Reading(None, "lost"), memory_total=Reading(None, "not_supported"))
    point = Reader("0").point(sample(bare, host=host))
    assert point.keys() == {"system/cpu", "system/memory", "system/gpu.0.memory_used", "system/gpu.0.temperature"}


@pytest.mark.parametrize(
    ("visible", "used", "told", "chosen"),
    [
        (None, {"GPU-2"}, {}, {"2"}),
        (None, set(), {}, set()),  # it uses none: what others do on this machine is no part of the run
        (None, set(), {"processes": [GpuProcess(pid=7)]}, set()),
        (None, set(), {"processes": [GpuProcess(pid=7, is_foreign=True)]}, {"0", "1", "2"}),
        (None, set(), {"processes_reason": "no_permission"}, {"0", "1", "2"}),
        ("1", set(), {"processes_reason": "no_permission"}, {"1"}),
        ("GPU-1, 2", set(), {}, {"1", "2"}),
        ("0", {"GPU-2"}, {}, {"0", "2"}),
        ("", set(), {"processes_reason": "no_permission"}, set()),
        ("-1", set(), {"processes_reason": "no_permission"}, set()),
        ("NoDevFiles", set(), {"processes_reason": "no_permission"}, set()),
    ],
)
def test_which_gpus(visible: str | None, used: set[str], told: dict[str, object], chosen: set[str]) -> None:
    devices = [device(index, **told) for index in range(3)]
    tree = {"gpus": dict.fromkeys(used, Reading(1.0))}
    assert gpus(Reader(visible).point(sample(*devices, **tree))) == chosen


def test_a_gpu_that_tells_no_processes_makes_no_other_part_of_the_run() -> None:
    silent = device(1, uuid="AMD-1", vendor="amd", processes_reason="not_supported")
    assert gpus(Reader(None).point(sample(device(0), silent, gpus={}))) == {"1"}
    assert gpus(Reader(None).point(sample(device(0), silent, gpus={"GPU-0": Reading(1.0)}))) == {"0"}


def test_a_gpu_that_was_used_is_told_of_until_the_end() -> None:
    reader = Reader(None)
    assert gpus(reader.point(sample(device(0), device(1), gpus={}))) == set()
    assert gpus(reader.point(sample(device(0), device(1), gpus={"GPU-1": Reading(1.0)}))) == {"1"}
    assert gpus(reader.point(sample(device(0), device(1), gpus={}))) == {"1"}


def test_instances_of_a_gpu_that_is_split() -> None:
    parts = [device(0, uuid=f"MIG-{n}", parent="GPU-0", utilization=Reading(None, "not_supported")) for n in range(2)]
    point = Reader(None).point(sample(device(0), *parts, gpus={"MIG-1": Reading(GIB)}))
    assert {name for name in point if "gpu" in name} == {
        f"system/gpu.0:1.{name}" for name in ("memory", "memory_used", "process_memory", "temperature")
    }
    assert labels([device(0), *parts])["MIG-1"] == "GPU 0 · MIG 1"
    assert gpus(Reader("MIG-0").point(sample(device(0), *parts, gpus={}))) == {"0:0"}
