"""The inventory of GPUs, told by a stand-in for NVIDIA's library."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aiplat_jupyter.gpu import inventory
from aiplat_jupyter.gpu.inventory import Device, Unanswered

GIB = 1024**3
Driver = Callable[[str], None]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the built stand-in."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    folder = tmp_path_factory.mktemp("nvml")
    source, name = Path(__file__).with_name("nvml.c"), "libnvidia-ml.so.1"
    subprocess.run(["gcc", "-shared", "-fPIC", f"-Wl,-soname,{name}", "-o", folder / name, source], check=True)
    return folder


@pytest.fixture
def driver(library: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """Return a function that says which GPUs there are."""
    monkeypatch.setenv("LD_LIBRARY_PATH", str(library), prepend=os.pathsep)
    monkeypatch.setenv("NVML_STUB", str(tmp_path / "gpus"))

    def there_are(gpus: str) -> None:
        (tmp_path / "gpus").write_text(gpus)

    return there_are


def test_gpus_are_told_by_uuid(driver: Driver) -> None:
    driver(f"GPU-a|NVIDIA A100|{80 * GIB}|{3 * GIB}|0\nGPU-b|NVIDIA A100|{80 * GIB}|0|0\n")
    assert inventory.ask() == [
        Device(uuid="GPU-a", index=0, name="NVIDIA A100", memory=80 * GIB, used=3 * GIB),
        Device(uuid="GPU-b", index=1, name="NVIDIA A100", memory=80 * GIB, used=0),
    ]


def test_a_lost_gpu_hides_no_other(driver: Driver, capfd: pytest.CaptureFixture[str]) -> None:
    driver(f"GPU-a|A100|{GIB}|0|15\nGPU-b|A100|{GIB}|0|0\n")
    assert [each.uuid for each in inventory.ask()] == ["GPU-b"]
    assert "GPU 0: GPU is lost" in capfd.readouterr().err


def test_memory_that_is_not_told_is_not_zero(driver: Driver) -> None:
    driver("GPU-a|NVIDIA GB10|0|0|0\n")
    assert inventory.ask() == [Device(uuid="GPU-a", index=0, name="NVIDIA GB10", memory=None, used=None)]


def test_a_driver_that_hangs_blocks_nobody(driver: Driver) -> None:
    driver("hang")
    begun = time.monotonic()
    with pytest.raises(Unanswered):
        inventory.ask(patience=1.0)
    assert time.monotonic() - begun < 5


def test_without_a_driver_there_are_none(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NVML_STUB", "/nowhere")
    assert inventory.ask() == []
