"""What is known of GPUs while nobody answers for them."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from aiplat_jupyter.core.gpu import GpuDevice, Reading

CHANGING: Final = ("utilization", "memory_used", "temperature", "power", "fan", "clock_sm", "clock_memory")
_SILENT: Final = dict.fromkeys(CHANGING, Reading(None, "timeout"))


def silenced(devices: Iterable[GpuDevice]) -> list[GpuDevice]:
    """Return GPUs without what has changed since they were last heard of."""
    return [replace(device, throttle=[], **_SILENT) for device in devices]
