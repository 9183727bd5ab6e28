"""For whom GPUs work: process → kernel, notebook and experiment, or task; and the tasks that hold GPUs.

A process counts for what is above it, too: a worker of a data loader belongs to the kernel that started it. Where the
driver shows no processes of ours, as in containers, the queue's leases still tell which task a GPU works for.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec.structs import asdict, replace
from sqlalchemy import Connection

from aiplat_jupyter.core.gpu import Ancestor, GpuDevice, Holder, Sample
from aiplat_jupyter.services.kernels import Kernels, RunningKernel
from aiplat_jupyter.store import gpu_holders
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.gpu_holders import Logging, Working

FRESH_SECONDS: Final = 5.0
"""How long what was found out is taken for true, unless a process comes."""
SAME_START: Final = 2.0
"""Seconds by which two accounts of a process's start may differ; pids are not used again that soon."""
SAME_ATTEMPT: Final = 10.0
"""The same for a task's process, whose start is known by when it was noticed."""

_OF_NO_PROJECT: Final = ("kernel", "notebook")


class _Known(NamedTuple):
    kernels: Sequence[RunningKernel]
    logging: Sequence[Logging]
    running: Sequence[Working]
    leasing: Sequence[Working]


class Attribution:
    """Finds the holders of a machine's GPUs and processes, whoever's server it is that they run by."""

    def __init__(self, database: Database, kernels: Kernels, machine: str, boot_id: str) -> None:
        self._database = database
        self._kernels = kernels
        self._machine = machine
        self._boot_id = boot_id
        self._known = _Known((), (), (), ())
        self._pids: frozenset[int] = frozenset()
        self._at = -float("inf")

    async def devices(self, sample: Sample) -> list[GpuDevice]:
        """Return a sample's GPUs with their holders."""
        pids = frozenset(up.pid for lineage in sample.lineages.values() for up in lineage)
        if sample.devices and (pids - self._pids or time.monotonic() - self._at > FRESH_SECONDS):
            await self._ask(pids)
        holders = {pid: holder for pid, lineage in sample.lineages.items() if (holder := self._holder(lineage))}
        leases = {one.gpu: _of_task(one) for one in self._known.leasing}
        return [_attributed(device, holders, leases) for device in sample.devices]

    async def _ask(self, pids: frozenset[int]) -> None:
        def ask(tx: Connection) -> tuple[list[Logging], list[Working], list[Working]]:
            logging = gpu_holders.logging(tx, self._machine, self._boot_id, pids)
            return logging, gpu_holders.running(tx, self._machine), gpu_holders.leasing(tx, self._machine)

        self._known = _Known(await self._kernels.running(), *await self._database.read(ask))
        self._pids, self._at = pids, time.monotonic()

    def _holder(self, lineage: Sequence[Ancestor]) -> Holder | None:
        """Return for whom a process works: what is nearest above it of each kind, of one project."""
        found: dict[str, Any] = {}
        for up in reversed(lineage):
            for holder in self._at_process(up):
                if holder.project not in (None, found.get("project")):
                    found = {name: value for name, value in found.items() if name in _OF_NO_PROJECT}
                found |= {name: value for name, value in asdict(holder).items() if value}
        return Holder(**found) if found else None

    def _at_process(self, up: Ancestor) -> Iterable[Holder]:
        for attempt in self._known.running:
            if attempt.pid == up.pid and _is_near(attempt.started_at, up.start, SAME_ATTEMPT):
                yield _of_task(attempt)
        for journal in self._known.logging:
            if journal.pid == up.pid and _is_near(journal.start, up.start, SAME_START):
                yield _of_journal(journal)
        for kernel in self._known.kernels:
            if kernel.pid == up.pid:
                yield Holder(kernel=kernel.kernel, notebook=kernel.notebook)


def _attributed(device: GpuDevice, holders: Mapping[int, Holder], leases: Mapping[str | None, Holder]) -> GpuDevice:
    lease = leases.get(device.uuid)
    if not device.processes:
        return replace(device, lease=lease) if lease else device
    processes = [replace(one, holder=holders.get(one.pid)) for one in device.processes]
    return replace(device, lease=lease, processes=processes)


def _of_task(one: Working) -> Holder:
    return Holder(task=one.task, task_name=one.name, project=one.project, experiment=one.experiment)


def _of_journal(one: Logging) -> Holder:
    notebook = one.notebook if one.kernel else None
    return Holder(
        kernel=one.kernel, notebook=notebook, experiment=one.experiment, experiment_name=one.name, project=one.project
    )


def _is_near(one: float | None, other: float, tolerance: float) -> bool:
    return not one or abs(one - other) <= tolerance
