"""The inventory of GPUs, told by a stand-in for NVIDIA's library."""

import time

import pytest

from aiplat_jupyter.gpu import inventory
from aiplat_jupyter.gpu.inventory import Device, Unanswered
from tests.nvml import GIB, LOST, Gpu, Nvidia


@pytest.fixture(autouse=True)
def environment(nvidia: Nvidia, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in nvidia.environment().items():
        monkeypatch.setenv(name, value)


def test_gpus_are_told_by_uuid(nvidia: Nvidia) -> None:
    nvidia.see(Gpu(uuid="GPU-a", name="NVIDIA A100", used=3 * GIB), Gpu(uuid="GPU-b", name="NVIDIA A100"))
    assert inventory.ask() == [
        Device(uuid="GPU-a", index=0, name="NVIDIA A100", memory=80 * GIB, used=3 * GIB),
        Device(uuid="GPU-b", index=1, name="NVIDIA A100", memory=80 * GIB, used=0),
    ]


def test_a_lost_gpu_hides_no_other(nvidia: Nvidia, capfd: pytest.CaptureFixture[str]) -> None:
    nvidia.see(Gpu(uuid="GPU-a"), Gpu(uuid="GPU-b"))
    nvidia.fail(LOST, gpu=0)
    assert [each.uuid for each in inventory.ask()] == ["GPU-b"]
    assert "GPU 0: GPU is lost" in capfd.readouterr().err


def test_memory_that_is_not_told_is_not_zero(nvidia: Nvidia) -> None:
    nvidia.see(Gpu(uuid="GPU-a", name="NVIDIA GB10", total=0))
    assert inventory.ask() == [Device(uuid="GPU-a", index=0, name="NVIDIA GB10", memory=None, used=None)]


def test_a_driver_that_hangs_blocks_nobody(nvidia: Nvidia) -> None:
    nvidia.hang()
    begun = time.monotonic()
    with pytest.raises(Unanswered):
        inventory.ask(patience=1.0)
    assert time.monotonic() - begun < 5


def test_without_a_driver_there_are_none(nvidia: Nvidia) -> None:
    nvidia.unload()
    assert inventory.ask() == []
