"""NVIDIA GPUs, through the driver's library (NVML). Every field is a value, or the reason why there is none.

Functions that this driver is too old for are replaced by their predecessors. What a GPU does not support is asked
once. GPUs are told apart by UUID: the index is PCI order, and changes between restarts.
"""

import contextlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Literal

import psutil
import pynvml
from msgspec.structs import replace

from aiplat_jupyter.core.gpu import UNKNOWN, Absence, GpuDevice, GpuProcess, Reading, Throttle
from aiplat_jupyter.core.ports import DriverProblem
from aiplat_jupyter.gpu.xid import XidWatch

REASONS: Final[dict[int, Absence]] = {
    pynvml.NVML_ERROR_NOT_SUPPORTED: "not_supported",
    pynvml.NVML_ERROR_NO_PERMISSION: "no_permission",
    pynvml.NVML_ERROR_FUNCTION_NOT_FOUND: "function_missing",
    25: "function_missing",  # a struct of a newer version than the driver's; old bindings have no name for it
    pynvml.NVML_ERROR_GPU_IS_LOST: "lost",
    16: "lost",  # the GPU must be reset
    pynvml.NVML_ERROR_TIMEOUT: "timeout",
}
FOR_GOOD: Final[frozenset[Absence]] = frozenset({"not_supported", "function_missing"})
"""Reasons that are remembered."""
FATAL: Final = {1: "failed", 9: "no_driver", 12: "no_driver", 18: "driver_mismatch"}
"""Codes that mean the driver and not a GPU: uninitialized, not loaded, no library, another version than the library."""
NO_LIBRARY: Final = frozenset({9, 12})
SHADOWED: Final = (
    "The package nvidia-ml-py3 is in the place of nvidia-ml-py. Uninstall both, then install nvidia-ml-py."
)
THROTTLES: Final[list[tuple[int, Throttle]]] = [
    (0x1, "idle"),
    (0x2 | 0x100, "settings"),
    (0x4, "power"),
    (0x10, "sync"),
    (0x20 | 0x40, "thermal"),
    (0x80, "power_brake"),
]
HARDWARE: Final = 0x8
EXPLAINED: Final = 0x40 | 0x80
"""Bits that say why the hardware slows down; without them nobody knows."""
Ask = Callable[[Any], float]


def _call(name: str, *arguments: int, scale: float = 1.0) -> Ask:
    """Return what asks a function of the binding, which may be older than the function."""
    return lambda handle: getattr(pynvml, name)(handle, *arguments) * scale


def _utilization(handle: Any) -> float:
    return float(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)


FAST: Final[dict[str, tuple[Ask, ...]]] = {
    "utilization": (_utilization,),
    "temperature": (_call("nvmlDeviceGetTemperatureV", 0), _call("nvmlDeviceGetTemperature", 0)),
    "power": (_call("nvmlDeviceGetPowerUsage", scale=1e-3),),
}
SLOW: Final[dict[str, tuple[Ask, ...]]] = {
    "temperature_limit": (_call("nvmlDeviceGetTemperatureThreshold", 1),),
    "power_limit": (_call("nvmlDeviceGetEnforcedPowerLimit", scale=1e-3),),
    "fan": (_call("nvmlDeviceGetFanSpeed"),),
    "clock_sm": (_call("nvmlDeviceGetClockInfo", 1),),
    "clock_memory": (_call("nvmlDeviceGetClockInfo", 2),),
    "ecc_uncorrected": (_call("nvmlDeviceGetTotalEccErrors", 1, 0),),
}
DETAILS: Final[dict[str, tuple[Ask, ...]]] = {
    "pcie_sent": (_call("nvmlDeviceGetPcieThroughput", 0, scale=1e3),),
    "pcie_received": (_call("nvmlDeviceGetPcieThroughput", 1, scale=1e3),),
}
READINGS: Final = (*FAST, *SLOW, *DETAILS, "memory_used", "memory_total", "memory_reserved")
THROTTLE: Final = (
    _call("nvmlDeviceGetCurrentClocksEventReasons"),
    _call("nvmlDeviceGetCurrentClocksThrottleReasons"),
)
LISTS: Final = (
    ("nvmlDeviceGetComputeRunningProcesses_v3", "nvmlDeviceGetComputeRunningProcesses_v2"),
    ("nvmlDeviceGetGraphicsRunningProcesses_v3", "nvmlDeviceGetGraphicsRunningProcesses_v2"),
)


class Nvidia:
    """A `core.ports.GpuSource`: keeps the library open and the handles of all GPUs."""

    def __init__(self) -> None:
        self.driver = ""
        self._gpus: list[_Gpu] = []
        self._nameless: list[GpuDevice] = []
        self._xids: XidWatch | None = None

    def open(self) -> None:
        """Open the library and find the GPUs."""
        if not hasattr(pynvml, "nvmlMemory_v2"):
            raise DriverProblem("failed", SHADOWED, is_for_good=True)
        try:
            pynvml.nvmlInit()
            self.driver = str(pynvml.nvmlSystemGetDriverVersion())
            self._gpus, self._nameless = _find()
        except pynvml.NVMLError as error:
            raise _problem(error) from error
        self._xids = XidWatch([(gpu.handle, gpu.uuid) for gpu in self._gpus if gpu.parent is None])

    def read(self, *, is_slow: bool, details: bool) -> list[GpuDevice]:
        """Return how each GPU is."""
        told = [gpu.read(is_slow=is_slow, details=details) for gpu in self._gpus]
        if told and all(each.utilization == each.memory_used == each.power == UNKNOWN for each in told):
            raise DriverProblem("failed", "The driver answers every question with an unknown error.", is_for_good=True)
        if is_slow:
            self._look_for_others()
        return [*(self._with_xid(each) for each in told), *self._nameless]

    def _with_xid(self, device: GpuDevice) -> GpuDevice:
        found = self._xids.newest.get(device.uuid) if self._xids else None
        return replace(device, xid=found[0], xid_at=found[1]) if found else device

    def _look_for_others(self) -> None:
        """Find the GPUs anew if someone has split one, joined its parts, or repaired one meanwhile."""
        try:
            found, nameless = _find()
        except pynvml.NVMLError as error:
            raise _problem(error) from error
        if any(gpu.is_lost for gpu in self._gpus):
            return
        if [gpu.uuid for gpu in found] != [gpu.uuid for gpu in self._gpus]:
            self._gpus, self._nameless = found, nameless


class _Gpu:
    """A GPU or MIG instance, with what is known of it already."""

    def __init__(self, handle: Any, index: int, parent: str | None = None) -> None:
        self.handle = handle
        self.parent = parent
        self.uuid = str(pynvml.nvmlDeviceGetUUID(handle))
        self._absent: dict[str, Reading] = {}
        self._is_new = True
        self._told = GpuDevice(uuid=self.uuid, index=index, name=_text(pynvml.nvmlDeviceGetName(handle)), parent=parent)

    @property
    def is_lost(self) -> bool:
        """Whether the GPU has fallen off the bus."""
        return self._told.state == "lost"

    def read(self, *, is_slow: bool, details: bool) -> GpuDevice:
        """Ask for what is due; a GPU that is lost is asked whether it is back."""
        is_slow, self._is_new = is_slow or self._is_new, False
        if self.is_lost and not (is_slow and self._is_back()):
            return self._told
        if is_slow:  # first of all: of a memory that is shared, what is used is told by the processes
            processes, reason = self._processes()
            self._told = replace(self._told, processes=processes, processes_reason=reason)
        facts: dict[str, Any] = {name: self._reading(name, asks) for name, asks in FAST.items()}
        facts |= self._memory()
        facts |= {name: self._reading(name, asks) if details else UNKNOWN for name, asks in DETAILS.items()}
        if is_slow:
            facts |= {name: self._reading(name, asks) for name, asks in SLOW.items()}
            facts["throttle"] = _throttles(self._reading("throttle", THROTTLE))
        self._told = _consistent(replace(self._told, state="ok", **facts))
        return self._told

    def _is_back(self) -> bool:
        try:
            self.handle = pynvml.nvmlDeviceGetHandleByUUID(self.uuid)
        except pynvml.NVMLError:
            return False
        return self._reading("temperature", FAST["temperature"]).reason != "lost"

    def _reading(self, name: str, asks: tuple[Ask, ...]) -> Reading:
        if name in self._absent:
            return self._absent[name]
        reason: Absence = "unknown"
        for ask in asks:
            value, reason = _asked(ask, self.handle)
            if reason != "function_missing":
                break
        reading = Reading(value, reason)
        if reason in FOR_GOOD:
            self._absent[name] = reading
        return reading

    def _memory(self) -> dict[str, Any]:
        """Read memory by the newer call, which does not count what the driver keeps for itself as used."""
        told, reason = _asked(
            lambda handle: pynvml.nvmlDeviceGetMemoryInfo(handle, version=pynvml.nvmlMemory_v2), self.handle
        )
        if reason == "function_missing":
            told, reason = _asked(pynvml.nvmlDeviceGetMemoryInfo, self.handle)
        if reason == "not_supported" or (told is not None and not told.total):
            return self._shared_memory()
        if told is None:
            return {"memory_used": Reading(None, reason), "memory_reserved": Reading(None, reason)}
        reserved = getattr(told, "reserved", None)
        return {
            "memory_used": Reading(float(told.used)),
            "memory_total": Reading(float(told.total)),
            "memory_reserved": Reading(None, "function_missing") if reserved is None else Reading(float(reserved)),
        }

    def _shared_memory(self) -> dict[str, Any]:
        """Tell of the machine's memory: of what is used, what the processes on the GPU take, if that is told."""
        used = [process.memory for process in self._told.processes]
        missing = self._told.processes_reason or next((each.reason for each in used if each.reason), "")
        total = float(sum(each.value or 0.0 for each in used))
        return {
            "is_unified": True,
            "memory_used": Reading(None, missing) if missing else Reading(total),
            "memory_total": Reading(float(psutil.virtual_memory().total)),
            "memory_reserved": Reading(None, "not_supported"),
        }

    def _processes(self) -> tuple[list[GpuProcess], Absence]:
        found: dict[int, GpuProcess] = {}
        reason: Absence = ""
        for names in LISTS:
            told, problem = self._list(names)
            reason = reason or problem
            for one in told:
                found.setdefault(one.pid, _process(one))
        return list(found.values()), "" if found else reason

    def _list(self, names: tuple[str, ...]) -> tuple[list[Any], Absence]:
        if absent := self._absent.get(names[0]):
            return [], absent.reason
        reason: Absence = "unknown"
        for name in names:
            told, reason = _asked(partial(_list_processes, name), self.handle)
            if reason != "function_missing":
                break
        if reason in FOR_GOOD:
            self._absent[names[0]] = Reading(None, reason)
        return told or [], reason


def _find() -> tuple[list[_Gpu], list[GpuDevice]]:
    """Return all GPUs, those that are split followed by their instances; and those of which nothing can be asked."""
    found: list[_Gpu] = []
    nameless: list[GpuDevice] = []
    for index in range(pynvml.nvmlDeviceGetCount()):
        try:
            gpu = _Gpu(pynvml.nvmlDeviceGetHandleByIndex(index), index)
        except pynvml.NVMLError as error:
            if error.value in FATAL:
                raise
            nameless.append(_nameless(index, error.value))
        else:
            found += [gpu, *_instances(gpu, index)]
    return found, nameless


def _nameless(index: int, code: int) -> GpuDevice:
    """Return a GPU that the driver counts and does not hand out: one that may not be used from here, or is lost."""
    is_closed = code == pynvml.NVML_ERROR_NO_PERMISSION
    state: Literal["closed", "lost"] = "closed" if is_closed else "lost"
    reason: Absence = "no_permission" if is_closed else "lost"
    facts: dict[str, Any] = dict.fromkeys(READINGS, Reading(None, reason)) | {"processes_reason": reason}
    return GpuDevice(uuid=f"GPU-{index}", index=index, name="NVIDIA GPU", state=state, **facts)


def _instances(gpu: _Gpu, index: int) -> Iterator[_Gpu]:
    if not _is_split(gpu.handle):
        return
    for number in range(pynvml.nvmlDeviceGetMaxMigDeviceCount(gpu.handle)):
        with contextlib.suppress(pynvml.NVMLError):
            yield _Gpu(pynvml.nvmlDeviceGetMigDeviceHandleByIndex(gpu.handle, number), index, gpu.uuid)


def _is_split(handle: Any) -> bool:
    try:
        return bool(pynvml.nvmlDeviceGetMigMode(handle)[0] == pynvml.NVML_DEVICE_MIG_ENABLE)
    except pynvml.NVMLError:
        return False


def _asked(ask: Callable[[Any], Any], handle: Any) -> tuple[Any, Absence]:
    """Return the answer, or None with the reason. Raise `DriverProblem` where it is the driver that has gone."""
    try:
        return ask(handle), ""
    except AttributeError:  # the binding is older than the function
        return None, "function_missing"
    except pynvml.NVMLError as error:
        if error.value in FATAL:
            raise _problem(error) from error
        return None, REASONS.get(error.value, "unknown")


def _problem(error: Any) -> DriverProblem:
    """Return what an error of the whole driver means. A library that was never loaded may be looked for again."""
    state: Any = FATAL.get(error.value, "failed")
    return DriverProblem(state, str(error), is_for_good=error.value not in NO_LIBRARY)


def _consistent(device: GpuDevice) -> GpuDevice:
    """Let a GPU that a call has found lost be lost as a whole, and nothing be busy for more than all of the time."""
    if any(getattr(device, name).reason == "lost" for name in ("memory_used", *FAST)):
        lost = Reading(None, "lost")
        readings = dict.fromkeys(("memory_used", *FAST), lost)
        return replace(device, state="lost", throttle=[], **readings)
    if (device.utilization.value or 0.0) > 100.0:
        return replace(device, utilization=UNKNOWN)
    return device


def _list_processes(name: str, handle: Any) -> Any:
    return getattr(pynvml, name)(handle)


def _process(told: Any) -> GpuProcess:
    memory = told.usedGpuMemory
    return GpuProcess(pid=told.pid, memory=Reading(None, "not_supported") if memory is None else Reading(float(memory)))


def _throttles(bits: Reading) -> list[Throttle]:
    mask = int(bits.value or 0)
    found = [name for bit, name in THROTTLES if mask & bit]
    return [*found, "hardware"] if mask & HARDWARE and not mask & EXPLAINED else found


def _text(name: str | bytes) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
