"""The machine around the GPUs."""

import os
from typing import Final

import psutil

from aiplat_jupyter.core.gpu import Host, Reading
from aiplat_jupyter.gpu.asking import Asking

SILENT_SECONDS: Final = 30.0
"""How long a disk may not answer until what it told last is no longer told."""


class HostReader:
    """Reads CPU, memory and load, and the disk that `folder` lies on, which may be one that never answers."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._disk: Asking[tuple[int, int]] = Asking("disk")
        psutil.cpu_percent()  # later ones tell of the time since
        self._disk.ask(self._ask_disk)

    def read(self, *, is_slow: bool) -> Host:
        """Return how the machine is; the CPU's share is of the time since the last call."""
        if is_slow:
            self._disk.ask(self._ask_disk)
            self._disk.wait(0.05)
        memory = psutil.virtual_memory()
        used, total = self._told_disk()
        return Host(
            cpu=psutil.cpu_percent(),
            cores=psutil.cpu_count() or 1,
            memory_used=memory.total - memory.available,
            memory_total=memory.total,
            disk_used=used,
            disk_total=total,
            load=os.getloadavg()[0],
        )

    def _ask_disk(self) -> tuple[int, int]:
        told = psutil.disk_usage(self._folder)
        return told.used, told.total

    def _told_disk(self) -> tuple[Reading, Reading]:
        try:
            answer = self._disk.answer if self._disk.silent_for < SILENT_SECONDS else None
        except OSError as error:
            return (Reading(None, "no_permission" if isinstance(error, PermissionError) else "unknown"),) * 2
        if answer is None:
            return (Reading(None, "timeout"),) * 2
        used, total = answer
        return Reading(float(used)), Reading(float(total))
