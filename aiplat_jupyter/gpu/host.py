"""The machine around the GPUs."""

import os

import psutil

from aiplat_jupyter.core.gpu import Host
from aiplat_jupyter.gpu.asking import Asking


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

    def _told_disk(self) -> tuple[int, int]:
        try:
            return self._disk.answer or (0, 0)
        except OSError:
            return 0, 0
