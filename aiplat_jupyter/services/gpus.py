"""Which GPUs of this machine tasks may have, as the monitor last saw them."""

import time
from collections.abc import Callable, Container, Sequence
from typing import Any, Final

from aiplat_jupyter.core.gpu import GpuDevice, GpuStatus

_MIB: Final = 2**20
_USABLE_SECONDS: Final = 15.0
_KNOWN: Final = frozenset({"ok", "no_gpu", "no_driver"})
"""States in which it is known which GPUs there are."""


class Gpus:
    """Remembers what the monitor tells `observe`.

    Parameters
    ----------
    busy_mib : a GPU that no task holds and of which more memory than that is used is not given to tasks.
    changed : called when there are others, or others are busy.
    """

    def __init__(self, busy_mib: float, changed: Callable[[], None]) -> None:
        self._busy = busy_mib * _MIB
        self._changed = changed
        self._at = -float("inf")
        self._seen: Sequence[GpuDevice] | None = None

    def observe(self, status: GpuStatus) -> None:
        """Take note of how the GPUs are; while the driver is silent the last account stands, and grows old."""
        if status.state not in _KNOWN:
            return
        before, self._seen, self._at = self._seen, _usable(status.devices), time.monotonic()
        if before is None or self._shape(before) != self._shape(self._seen):
            self._changed()

    def _shape(self, gpus: Sequence[GpuDevice]) -> list[tuple[str, str, bool]]:
        return [(gpu.uuid, gpu.state, self._is_busy(gpu)) for gpu in gpus]

    def count(self) -> int | None:
        """Return how many there are; None: not known yet."""
        return None if self._seen is None else len(self._seen)

    def facts(self) -> list[dict[str, Any]] | None:
        """Return what does not change about them; None: not known yet."""
        return None if self._seen is None else [_facts(gpu) for gpu in self._seen]

    def free(self, held: Container[str]) -> list[str] | None:
        """Return the UUIDs of those that neither tasks hold nor others use; None: the last account is too old."""
        if self._seen is None or time.monotonic() - self._at > _USABLE_SECONDS:
            return None
        idle = [gpu for gpu in self._seen if gpu.state == "ok" and not self._is_busy(gpu)]
        return [gpu.uuid for gpu in idle if gpu.uuid not in held]

    def busy(self, held: Container[str]) -> int:
        """Return how many others use, of those that no task holds."""
        return sum(gpu.uuid not in held and self._is_busy(gpu) for gpu in self._seen or ())

    def _is_busy(self, gpu: GpuDevice) -> bool:
        return (gpu.memory_used.value or 0.0) > self._busy


def _usable(devices: Sequence[GpuDevice]) -> list[GpuDevice]:
    """Leave out GPUs that nobody here or no CUDA can use, and those that are split: programs get their instances."""
    parents = {device.parent for device in devices}
    own = [device for device in devices if device.vendor == "nvidia" and device.state != "closed"]
    return [device for device in own if device.uuid not in parents]


def _facts(gpu: GpuDevice) -> dict[str, Any]:
    memory = gpu.memory_total.value
    return {"uuid": gpu.uuid, "index": gpu.index, "name": gpu.name, "memory": None if memory is None else int(memory)}
