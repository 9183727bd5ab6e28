"""Which GPUs tasks may have."""

from typing import Any

from aiplat_jupyter.core.gpu import GpuDevice, GpuStatus
from aiplat_jupyter.services.gpus import Gpus


def seen(*devices: GpuDevice) -> Gpus:
    """Return what is known of GPUs that the monitor told of once."""
    gpus = Gpus(busy_mib=256.0, changed=lambda: None)
    same: dict[str, Any] = {"agent": "a" * 26, "host": "box", "username": "ada", "at": 1.0, "interval": 1.0}
    gpus.observe(GpuStatus(state="ok", total=len(devices), devices=list(devices), **same))
    return gpus


def device(uuid: str, **facts: Any) -> GpuDevice:
    return GpuDevice(uuid=uuid, index=0, name="NVIDIA H100", **facts)


def test_a_gpu_that_nobody_here_may_use_is_not_for_tasks() -> None:
    gpus = seen(device("GPU-0", state="closed"), device("GPU-1"))
    assert (gpus.count(), gpus.free(set())) == (1, ["GPU-1"])


def test_a_gpu_that_cuda_cannot_use_is_not_for_tasks() -> None:
    gpus = seen(device("GPU-0"), device("AMD-0000:03:00.0", vendor="amd"))
    assert (gpus.count(), gpus.free(set())) == (1, ["GPU-0"])


def test_a_gpu_that_is_lost_is_counted_and_not_given() -> None:
    gpus = seen(device("GPU-0", state="lost"), device("GPU-1"))
    assert (gpus.count(), gpus.free(set())) == (2, ["GPU-1"])
