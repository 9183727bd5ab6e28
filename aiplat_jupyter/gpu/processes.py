"""The processes that use GPUs: who they are, from whom they descend, and what a tree of them uses.

A driver tells the pids of the machine. In a container those are other processes' or nobody's, so they are not looked
up there: such processes are foreign, and all that is known of them is what they use.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

import psutil

from aiplat_jupyter.core.gpu import Ancestor, GpuDevice, GpuProcess, Reading, Tree

VARIABLE: Final = "AIPLAT_GPU_PIDS"
"""``own``: the driver tells pids of this container; ``host``: of the machine around it. Unset: found out."""
MACHINE: Final = "pid:[4026531836]"
"""The first namespace of pids: Linux numbers it so on every machine."""


def are_own() -> bool:
    """Tell whether the driver's pids are those that this process sees."""
    told = os.environ.get(VARIABLE)
    if told in {"own", "host"}:
        return told == "own"
    try:
        return str(Path("/proc/self/ns/pid").readlink()) == MACHINE
    except OSError:
        return False


class Processes:
    """Remembers what it has found out about processes for as long as they are asked for."""

    def __init__(self) -> None:
        self._are_own = are_own()
        self._known: dict[int, tuple[GpuProcess, list[Ancestor]]] = {}

    def lineages(self) -> dict[int, list[Ancestor]]:
        """Return the ancestors of each that was named last, itself first."""
        return {pid: lineage for pid, (_, lineage) in self._known.items() if lineage}

    def named(self, devices: Iterable[GpuDevice]) -> dict[int, GpuProcess]:
        """Return what is known of each process of the GPUs, by pid; its memory is to be taken from the GPU."""
        pids = {process.pid for device in devices for process in device.processes}
        self._known = {pid: self._known.get(pid) or self._look_up(pid) for pid in pids}
        return {pid: process for pid, (process, _) in self._known.items()}

    def forget_those_that_ended(self) -> None:
        """Look up again, with the next `named`, what has another process behind its pid by now."""
        self._known = {
            pid: known for pid, known in self._known.items() if known[1] and known[1][0].start == _start(pid)
        }

    def _look_up(self, pid: int) -> tuple[GpuProcess, list[Ancestor]]:
        foreign = GpuProcess(pid=pid, is_foreign=True), list[Ancestor]()
        if not self._are_own:
            return foreign
        try:
            process = psutil.Process(pid)
            lineage = [
                Ancestor(pid, process.create_time()),
                *(Ancestor(up.pid, up.create_time()) for up in process.parents()),
            ]
            return GpuProcess(pid=pid, name=process.name(), username=_username(process)), lineage
        except psutil.Error:
            return foreign


class _Usage(NamedTuple):
    who: Ancestor
    seconds: float
    memory: int


class TreeReader:
    """Reads what a process and all below it use, but for this process."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)
        self._times: dict[Ancestor, float] = {}
        self._at = 0.0
        self.read([], {})

    def is_there(self) -> bool:
        """Tell whether the process has not ended."""
        return self._root.is_running()

    def read(self, devices: Iterable[GpuDevice], lineages: dict[int, list[Ancestor]]) -> Tree | None:
        """Return the CPU since the last call, and memory and GPUs now; None if the process has ended."""
        try:
            below = self._root.children(recursive=True)
        except psutil.Error:
            return None
        members = [self._root, *(process for process in below if process.pid != os.getpid())]
        usages = [usage for usage in map(_usage, members) if usage]
        gpus = self._gpus(devices, lineages)
        return Tree(cpu=self._cpu(usages), memory=sum(one.memory for one in usages), gpus=gpus)

    def _cpu(self, usages: list[_Usage]) -> float:
        """Return percent of a core since the last call: of each process, as those that have ended take theirs along."""
        now, before, since = time.monotonic(), self._times, self._at
        self._times, self._at = {one.who: one.seconds for one in usages}, now
        spent = sum(max(0.0, one.seconds - before.get(one.who, 0.0)) for one in usages)
        return 100.0 * spent / max(now - since, 1e-3)

    def _gpus(self, devices: Iterable[GpuDevice], lineages: dict[int, list[Ancestor]]) -> dict[str, Reading]:
        gpus: dict[str, Reading] = {}
        for device in devices:
            for process in device.processes:
                if any(up.pid == self._root.pid for up in lineages.get(process.pid, ())):
                    gpus[device.uuid] = _added(gpus.get(device.uuid, Reading(0.0)), process.memory)
        return gpus


def _usage(process: psutil.Process) -> _Usage | None:
    try:
        with process.oneshot():
            times = process.cpu_times()
            who = Ancestor(process.pid, process.create_time())
            return _Usage(who, times.user + times.system, process.memory_info().rss)
    except psutil.Error:  # it has ended
        return None


def _added(one: Reading, other: Reading) -> Reading:
    if one.value is None or other.value is None:
        return one if one.value is None else other
    return Reading(one.value + other.value)


def _start(pid: int) -> float | None:
    try:
        return psutil.Process(pid).create_time()
    except psutil.Error:
        return None


def _username(process: psutil.Process) -> str:
    try:
        return process.username()
    except (psutil.Error, KeyError):
        return ""
