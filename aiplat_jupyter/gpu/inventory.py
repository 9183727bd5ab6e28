"""Which NVIDIA GPUs there are: ``python -m aiplat_jupyter.gpu.inventory`` prints them as JSON.

The driver is asked in a process of its own (`ask`): a call into a driver that hangs never returns, and cannot be
interrupted. GPUs are told apart by UUID; the index changes between restarts.
"""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import pynvml

PATIENCE: Final = 15.0
"""Seconds; loading a driver that was not in use takes some."""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A GPU, or a MIG instance of one, which stands for itself.

    Attributes
    ----------
    index : NVML's, which is PCI order; a MIG instance has that of its GPU.
    memory, used : bytes; None where the driver does not tell (machines with one memory for CPU and GPU).
    """

    uuid: str
    index: int
    name: str
    memory: int | None
    used: int | None


class Unanswered(Exception):
    """The driver did not answer: in time, or at all."""


_abandoned: list[subprocess.Popen[bytes]] = []
"""Children that hang in the driver: not even SIGKILL ends them before it lets go."""


def ask(patience: float = PATIENCE) -> list[Device]:
    """Return the GPUs, as a child process tells them. Blocks, but raises `Unanswered` after `patience` seconds."""
    _abandoned[:] = [each for each in _abandoned if each.poll() is None]
    command = [sys.executable, "-P", "-m", __spec__.name]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # noqa: S603  # our own
    try:
        answer, _ = child.communicate(timeout=patience)
    except subprocess.TimeoutExpired:
        child.kill()
        assert child.stdout is not None
        child.stdout.close()
        _abandoned.append(child)
        raise Unanswered(f"The GPU driver has not answered for {patience:g} s.") from None
    if child.returncode:
        raise Unanswered(f"The process that asks the GPU driver ended with code {child.returncode}.")
    return msgspec.json.decode(answer, type=list[Device])


def devices() -> list[Device]:
    """Return the GPUs that the driver tells of; none without a driver. May block for good."""
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [device for index in range(pynvml.nvmlDeviceGetCount()) for device in _at(index)]
    finally:
        pynvml.nvmlShutdown()


def _at(index: int) -> Iterator[Device]:
    """Yield the GPU of that index, or its MIG instances; nothing if it has fallen off the bus."""
    try:
        gpu = pynvml.nvmlDeviceGetHandleByIndex(index)
        handles = _instances(gpu) or [gpu]
        yield from [_device(handle, index) for handle in handles]
    except pynvml.NVMLError as error:
        print(f"GPU {index}: {error}", file=sys.stderr)


def _instances(gpu: Any) -> list[Any]:
    try:
        if pynvml.nvmlDeviceGetMigMode(gpu)[0] != pynvml.NVML_DEVICE_MIG_ENABLE:
            return []
    except pynvml.NVMLError:
        return []
    found = []
    for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu)):
        try:
            found.append(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu, number))
        except pynvml.NVMLError_NotFound:
            continue
    return found


def _device(handle: Any, index: int) -> Device:
    memory, used = _memory(handle)
    uuid, name = pynvml.nvmlDeviceGetUUID(handle), pynvml.nvmlDeviceGetName(handle)
    return Device(uuid=uuid, index=index, name=name, memory=memory, used=used)


def _memory(handle: Any) -> tuple[int | None, int | None]:
    """Return bytes in all and in use; the newer call does not count what the driver keeps for itself as used."""
    for version in ({"version": pynvml.nvmlMemory_v2}, {}):
        try:
            told = pynvml.nvmlDeviceGetMemoryInfo(handle, **version)
        except pynvml.NVMLError:
            continue
        return (told.total, told.used) if told.total else (None, None)
    return None, None


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(devices()))
