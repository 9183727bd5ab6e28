"""What rules on GPUs and machines look at: metrics and derived signs, read from one sample. Pure.

A sign is a number, or None where nobody knows: never a zero that was not measured.
"""

from collections.abc import Callable
from typing import Final, get_args

from aiplat_jupyter.core.alert_presets import HOT
from aiplat_jupyter.core.alerts import GpuSign, HostSign
from aiplat_jupyter.core.gpu import GpuDevice, GpuMetric, GpuStatus, Host, HostMetric, MonitorState, Throttle

FAULTS: Final[frozenset[Throttle]] = frozenset({"thermal", "power_brake", "hardware"})
"""Reasons of throttling that are faults of cooling or power supply."""
STALLED: Final = "stalled"
"""The one sign that is of a driver, not of a GPU."""
_SILENT: Final[frozenset[MonitorState]] = frozenset({"driver_stalled", "driver_mismatch"})


def _share(part: float | None, whole: float | None) -> float | None:
    return 100.0 * part / whole if part is not None and whole else None


def _margin(device: GpuDevice) -> float | None:
    temperature, limit = device.temperature.value, device.temperature_limit.value
    return None if temperature is None else (limit or HOT) - temperature


def _leased_idle(device: GpuDevice) -> float | None:
    used = device.utilization.value
    return None if used is None else 100.0 - used


def _foreign(device: GpuDevice) -> float | None:
    """Tell whether nobody of ours accounts for a process; where processes cannot be told apart, nobody knows."""
    if device.processes_reason:
        return None
    if any(not one.is_foreign and one.holder is None for one in device.processes):
        return 1.0
    return None if any(one.is_foreign for one in device.processes) else 0.0


_GPU: Final[dict[str, Callable[[GpuDevice], float | None]]] = {
    "utilization": lambda device: device.utilization.value,
    "memory_used": lambda device: device.memory_used.value,
    "temperature": lambda device: device.temperature.value,
    "power": lambda device: device.power.value,
    "memory_share": lambda device: _share(device.memory_used.value, device.memory_total.value),
    "temperature_margin": _margin,
    "power_share": lambda device: _share(device.power.value, device.power_limit.value),
    "lost": lambda device: float(device.state == "lost"),
    "xid": lambda device: float(device.xid or 0),
    "ecc_uncorrected": lambda device: device.ecc_uncorrected.value,
    "throttled": lambda device: float(not FAULTS.isdisjoint(device.throttle)),
    "leased_idle": _leased_idle,
    "foreign_process": _foreign,
}
_HOST: Final[dict[str, Callable[[Host], float | None]]] = {
    "cpu": lambda host: host.cpu,
    "host_memory_used": lambda host: float(host.memory_used),
    "disk_used": lambda host: host.disk_used.value,
    "memory_share": lambda host: _share(host.memory_used, host.memory_total),
    "disk_share": lambda host: _share(host.disk_used.value, host.disk_total.value),
}
GPU_METRICS: Final = (*get_args(GpuMetric), *get_args(GpuSign))
HOST_METRICS: Final = (*get_args(HostMetric), *get_args(HostSign))
_UNREADABLE: Final = frozenset({"lost", "xid"})
"""Signs that are told of a GPU that is lost."""
_LEASED: Final = frozenset({"leased_idle", "foreign_process"})
"""Signs of a GPU that a task holds."""


def is_about(metric: str, device: GpuDevice) -> bool:
    """Tell whether there is anything for a metric or sign to tell of a GPU: some are about the task that holds it."""
    return device.lease is not None or metric not in _LEASED


def of_gpu(metric: str, device: GpuDevice) -> float | None:
    """Return a metric or sign of a GPU. Of a lost one nothing but that is known: what else is told is its last."""
    if device.state == "lost" and metric not in _UNREADABLE:
        return None
    return _GPU[metric](device)


def of_host(metric: str, status: GpuStatus) -> float | None:
    """Return a metric or sign of the machine."""
    return None if status.system is None else _HOST[metric](status.system)


def stalled(state: MonitorState, before: MonitorState, *, had_gpus: bool) -> float | None:
    """Return 1 while the driver does not answer, else 0; None while nobody knows, as after a sampler has ended once.

    `before` is the state before this one, but for ``starting``. That there is no driver, or that the sampler ends again
    and again, matters where there were GPUs.
    """
    if state == "starting" or (state == "failed" and before != "failed"):
        return None
    return float(state in _SILENT or (had_gpus and state in ("failed", "no_driver")))
