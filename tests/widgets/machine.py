"""A machine with GPUs, in memory: what a server's sampler would tell of it."""

import math
import time
from typing import Any

from msgspec.structs import replace

from aiplat_jupyter.core.gpu import GpuDevice, GpuHistory, GpuHistoryQuery, GpuSeries, GpuStatus, Host, Reading
from aiplat_jupyter.core.tasks import Agent

GIB = 2**30
ABSENT = Reading(None, "not_supported")


def gpu(index: int, utilization: float | None = 0.0, used: float | None = 0.0, **more: Any) -> GpuDevice:
    """Return a GPU with 80 GiB of memory."""
    plain = {
        "uuid": f"GPU-{index:04}",
        "name": "NVIDIA H100 80GB HBM3",
        "utilization": ABSENT if utilization is None else Reading(utilization),
        "memory_used": ABSENT if used is None else Reading(used * GIB),
        "memory_total": Reading(80.0 * GIB),
        "temperature": Reading(61.0),
        "temperature_limit": Reading(90.0),
        "power": Reading(310.0),
        "power_limit": Reading(700.0),
    }
    return GpuDevice(index=index, **(plain | more))


class Machine:
    """Its devices are set by the test; `read` samples them."""

    def __init__(self, name: str, *gpus: GpuDevice, is_own: bool = True, state: str = "ok", detail: str = "") -> None:
        self.name, self.is_own, self.state, self.detail = name, is_own, state, detail
        self.gpus = list(gpus)
        self.cpu = 12.0
        self.rows: list[tuple[float, dict[tuple[str, str], float]]] = []
        self.at = time.time()
        self._told: GpuStatus | None = None

    def set(self, index: int, **what: Any) -> None:
        """Change a GPU; numbers are readings."""
        readings = {name: Reading(value) if isinstance(value, float) else value for name, value in what.items()}
        self.gpus[index] = replace(self.gpus[index], **readings)

    def read(self, at: float | None = None) -> None:
        """Take a sample."""
        self.at = time.time() if at is None else at
        values = {("", "cpu"): self.cpu, ("", "host_memory_used"): 100.0 * GIB}
        for device in self.gpus:
            for metric in ("utilization", "memory_used"):
                value = getattr(device, metric).value if device.state == "ok" else None
                values[device.uuid, metric] = math.nan if value is None else value
        self.rows.append((self.at, values))
        self._told = self._now()

    def status(self) -> GpuStatus:
        """Return what the server tells of it: the last sample."""
        return self._told or self._now()

    def _now(self) -> GpuStatus:
        return GpuStatus(
            state=self.state, detail=self.detail, agent=self.name, host=self.name, username="ada", is_own=self.is_own,
            at=self.at, interval=1.0, driver="550.54" if self.gpus else "", total=len(self.gpus),
            devices=list(self.gpus),
            system=Host(
                cpu=self.cpu, cores=64, memory_used=100 * GIB, memory_total=512 * GIB, disk_used=Reading(3 * GIB),
                disk_total=Reading(10 * GIB), load=7.5,
            ),
        )  # fmt: skip

    def history(self, query: GpuHistoryQuery) -> GpuHistory:
        """Return all samples in the range."""
        start, end = query.start or 0.0, query.end or time.time()
        rows = [row for row in self.rows if start <= row[0] <= end]
        keys = dict.fromkeys(key for _, values in rows for key in values if key[1] in query.metrics)
        names = {device.uuid: f"{device.index} · {device.name}" for device in self.gpus}
        return GpuHistory(
            agent=self.name, host=self.name, start=start, end=end, resolution=1.0, names=names,
            series=[_series(key, rows) for key in keys],
        )  # fmt: skip

    def agent(self) -> Agent:
        """Return its agent."""
        return Agent(
            uid=self.name, machine=self.name, username="ada", is_own=self.is_own, is_alive=True, is_paused=False,
            slots=1, slots_taken=0, gpus=[], seen_at=self.at,
        )  # fmt: skip


def _series(key: tuple[str, str], rows: list[tuple[float, dict[tuple[str, str], float]]]) -> GpuSeries:
    column = [values.get(key, math.nan) for _, values in rows]
    return GpuSeries(
        gpu=key[0], metric=key[1], at=[at for at, _ in rows], mean=column,
        min=[max(0.0, value - 5) for value in column], max=[value + 5 for value in column],
    )  # fmt: skip
