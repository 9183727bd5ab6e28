"""System metrics: which numbers of a sample of the machine an experiment keeps, and what they are called.

Shares are in percent, sizes in GiB, temperatures in °C, power in watts. ``system/process.…`` tell of the process and
all that it started; 100 % of ``system/process.cpu`` are one core. GPUs carry their index; a MIG instance that and its
number on the GPU (``gpu.0:1``).
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from aiplat_jupyter.core.gpu import GpuDevice, Host, Reading, Sample, Tree

GIB: Final = 2**30


class Reader:
    """Turns samples into points.

    `visible` is what ``CUDA_VISIBLE_DEVICES`` says, None where it is not set.
    """

    def __init__(self, visible: str | None) -> None:
        self._visible = None if visible is None else [word.strip() for word in visible.split(",")]
        self._used: set[str] = set()

    def point(self, sample: Sample) -> dict[str, float]:
        """Return what there is, by name; what could not be read is left out."""
        parts = [_of_host(sample.system), _of_tree(sample.tree)]
        chosen = {device.uuid for device in self._chosen(sample)}
        for name, device in _named(sample.devices):
            if device.uuid in chosen:
                parts.append(_of_gpu(f"system/gpu.{name}", device, sample.tree))
        return {name: value for part in parts for name, value in part if value is not None}

    def _chosen(self, sample: Sample) -> list[GpuDevice]:
        """Return the GPUs that the process has used, and those that it was given.

        Where it was given none in particular, those of which nobody can tell whether it uses them, as in a container.
        """
        self._used |= sample.tree.gpus.keys() if sample.tree else set()
        if self._visible is None and not self._used and sample.tree:
            return [device for device in sample.devices if _is_untold(device)]
        return [device for device in sample.devices if device.uuid in self._used or self._is_given(device)]

    def _is_given(self, device: GpuDevice) -> bool:
        words = self._visible or ()
        is_split = device.parent is not None
        return any(
            word and (device.uuid.startswith(word) or (word == str(device.index) and not is_split)) for word in words
        )


def _is_untold(device: GpuDevice) -> bool:
    return bool(device.processes_reason) or any(process.is_foreign for process in device.processes)


def _named(devices: Iterable[GpuDevice]) -> Iterator[tuple[str, GpuDevice]]:
    instances: Counter[str] = Counter()
    for device in devices:
        if device.parent is None:
            yield str(device.index), device
        else:
            yield f"{device.index}:{instances[device.parent]}", device
            instances[device.parent] += 1


def _of_host(host: Host | None) -> Iterator[tuple[str, float | None]]:
    if host is not None:
        yield "system/cpu", host.cpu
        yield "system/memory", _share(host.memory_used, host.memory_total)
        yield "system/disk", _share(host.disk_used.value, host.disk_total.value)


def _of_tree(tree: Tree | None) -> Iterator[tuple[str, float | None]]:
    if tree is not None:
        yield "system/process.cpu", tree.cpu
        yield "system/process.memory", tree.memory / GIB


def _of_gpu(name: str, device: GpuDevice, tree: Tree | None) -> Iterator[tuple[str, float | None]]:
    used, total = device.memory_used.value, device.memory_total.value
    yield f"{name}.util", device.utilization.value
    yield f"{name}.memory", _share(used, total)
    yield f"{name}.memory_used", _gib(device.memory_used)
    yield f"{name}.process_memory", _gib(tree.gpus.get(device.uuid, Reading())) if tree else None
    yield f"{name}.temperature", device.temperature.value
    yield f"{name}.power", device.power.value


def _share(used: float | None, total: float | None) -> float | None:
    return 100 * used / total if used is not None and total else None


def _gib(reading: Reading) -> float | None:
    return None if reading.value is None else reading.value / GIB
