"""A pretended NVIDIA driver: a stand-in for its library (tests/gpu/nvml.c), for processes that run in its environment.

Not only for pytest: ``with Lab(home, env=Nvidia(folder).environment()) as lab`` shows what a machine with GPUs shows.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from msgspec import Struct
from msgspec.structs import asdict, replace

SOURCE: Final = Path(__file__).with_name("gpu") / "nvml.c"
NAME: Final = "libnvidia-ml.so.1"
MIB: Final = 2**20
GIB: Final = 2**30
LOST: Final = 15
NOT_SUPPORTED: Final = 3
NO_PERMISSION: Final = 4
FUNCTION_NOT_FOUND: Final = 13
VERSION_MISMATCH: Final = 18
THERMAL: Final = 0x40
POWER_BRAKE: Final = 0x80
IDLE: Final = 0x1


class Gpu(Struct, frozen=True, kw_only=True):
    """What the driver shall tell of a GPU, in its own units (mW, MHz, KB/s). `parent`: it is a MIG instance of that."""

    uuid: str
    name: str = "NVIDIA H100 80GB HBM3"
    parent: int = -1
    is_split: bool = False
    total: int = 80 * GIB
    used: int = 0
    reserved: int = 500 * MIB
    util: int = 0
    temperature: int = 35
    slowdown: int = 87
    power: int = 70_000
    limit: int = 700_000
    fan: int = 30
    sm: int = 1_980
    memory_clock: int = 2_619
    received: int = 0
    sent: int = 0
    ecc: int = 0
    throttle: int = IDLE
    xid: int = 0
    xid_number: int = 0
    """Raise it to let the driver tell of another fault."""
    processes: dict[int, int] = {}
    """pid → bytes; −1: not told."""


class Nvidia:
    """The driver of the processes that run in its `environment`; what it tells may be changed while they run."""

    def __init__(self, folder: Path, *gpus: Gpu) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / "gpus"
        self.gpus: list[Gpu] = []
        self.faults: list[str] = []
        self.driver = "570.86.10"
        self.see(*gpus)

    def environment(self) -> dict[str, str]:
        """Return the variables that make a process find the stand-in, once it starts."""
        before = os.environ.get("LD_LIBRARY_PATH")
        path = os.pathsep.join(filter(None, [str(library()), before]))
        return {"LD_LIBRARY_PATH": path, "NVML_STUB": str(self._file), "AIPLAT_GPU_PIDS": "own"}

    def see(self, *gpus: Gpu) -> None:
        """Say which GPUs there are."""
        self.gpus = list(gpus)
        self._write()

    def change(self, index: int, **facts: object) -> None:
        """Say something new of one GPU: ``change(0, util=99, processes={pid: GIB})``."""
        self.gpus[index] = replace(self.gpus[index], **facts)
        self._write()

    def fail(self, code: int, function: str = "*", gpu: int | str = "*") -> None:
        """Let calls of a function (all of them) answer an error, for one GPU or all."""
        self.faults.append(f"error {function} {gpu} {code}")
        self._write()

    def hang(self, function: str = "*", gpu: int | str = "*") -> None:
        """Let calls never return; those that have begun to hang do so for good."""
        self.faults.append(f"hang {function} {gpu}")
        self._write()

    def mend(self) -> None:
        """End all errors and hanging."""
        self.faults.clear()
        self._write()

    def unload(self) -> None:
        """Let there be no driver, until one of the other methods is called."""
        self._file.unlink(missing_ok=True)

    def _write(self) -> None:
        lines = [f"driver {self.driver}", *self.faults]
        for index, gpu in enumerate(self.gpus):
            facts = asdict(gpu)
            processes = facts.pop("processes")
            lines += [
                f"gpu {index} {key} {int(value) if isinstance(value, bool) else value}" for key, value in _told(facts)
            ]
            lines += [f"process {index} {pid} {memory}" for pid, memory in processes.items()]
        new = self._file.with_suffix(".new")
        new.write_text("\n".join(lines) + "\n")
        new.replace(self._file)


def _told(facts: dict[str, object]) -> Iterator[tuple[str, object]]:
    """Leave out that something is no MIG instance: the stand-in takes numbers without a sign."""
    return ((key, value) for key, value in facts.items() if (key, value) != ("parent", -1))


def h100(count: int = 1) -> list[Gpu]:
    """Return data-centre GPUs that idle."""
    return [Gpu(uuid=f"GPU-{index:08x}-0000-4000-8000-000000000000") for index in range(count)]


def mig() -> list[Gpu]:
    """Return a GPU that is split in two, and its instances."""
    whole = Gpu(uuid="GPU-00000000-0000-4000-8000-000000000000", is_split=True)
    small: dict[str, Any] = {"name": "NVIDIA H100 80GB HBM3 MIG 3g.40gb", "parent": 0, "total": 40 * GIB}
    return [whole, *(Gpu(uuid=f"MIG-0000000{number}-0000-5000-8000-000000000000", **small) for number in (1, 2))]


def unified() -> list[Gpu]:
    """Return a GPU that shares the memory of its CPU."""
    return [Gpu(uuid="GPU-0000gb10-0000-4000-8000-000000000000", name="NVIDIA GB10", total=0)]


@cache
def library() -> Path:
    """Return the folder of the stand-in, built once for each state of its source. Needs gcc."""
    digest = hashlib.sha256(SOURCE.read_bytes()).hexdigest()[:12]
    folder = Path(tempfile.gettempdir()) / f"aiplat-nvml-{os.getuid()}-{digest}"
    if not (folder / NAME).exists():
        folder.mkdir(exist_ok=True)
        new = folder / f"{os.getpid()}.so"
        flags = ["-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", f"-Wl,-soname,{NAME}", "-pthread"]
        subprocess.run(["gcc", *flags, "-o", new, SOURCE], check=True)
        new.replace(folder / NAME)
    return folder


@pytest.fixture
def nvidia(tmp_path: Path) -> Nvidia:
    """A driver that tells of one H100; processes find it if they are started with ``env=nvidia.environment()``."""
    if not shutil.which("gcc"):
        pytest.skip("needs gcc")
    return Nvidia(tmp_path / "nvidia", *h100())
