"""What became of this server's kernels: the cause when a journal's process is gone."""

import re
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, Literal, NamedTuple

from aiplat_jupyter.core.errors import NotFound
from aiplat_jupyter.core.states import ExperimentStatus

KEPT: Final = 1_000
_OOM_COUNTERS: Final = ("/sys/fs/cgroup/memory.events", "/proc/vmstat")


class Ending(NamedTuple):
    """What became of a process, as status and cause of its attempt."""

    status: ExperimentStatus
    cause: str


class RunningKernel(NamedTuple):
    """A kernel's process, and the notebook (or file) that it works for, as a path below the server's root."""

    pid: int
    kernel: str
    notebook: str | None


class _Event(NamedTuple):
    what: Literal["restart", "shutdown", "exit"]
    code: int | None
    at: float


class Kernels:
    """A plain register that the server part feeds: the last thing that befell each kernel. For any thread.

    `interrupter` interrupts one, on the event loop; None while no server part is there.
    """

    running: Callable[[], Awaitable[Sequence[RunningKernel]]]
    """Lists the kernels that run now. To be called on the event loop."""

    def __init__(self) -> None:
        self.running = _none_running
        self.interrupter: Callable[[str], Awaitable[None]] | None = None
        self._events: dict[str, _Event] = {}
        self._lock = threading.Lock()

    def requested(self, kernel: str, action: Literal["restart", "shutdown"], at: float | None = None) -> None:
        """Note that someone asked for the restart or shutdown of a kernel."""
        self._note(kernel, _Event(action, None, time.time() if at is None else at))

    def exited(self, kernel: str, code: int | None, at: float | None = None) -> None:
        """Note that a kernel's process ended by itself; `code` is negative for a signal, None when it is not known."""
        self._note(kernel, _Event("exit", code, time.time() if at is None else at))

    async def interrupt(self, kernel: str) -> None:
        """Interrupt a kernel of this server. Raise `NotFound` for any other."""
        if self.interrupter is None:
            raise NotFound("This server runs no kernels.")
        await self.interrupter(kernel)

    def _note(self, kernel: str, event: _Event) -> None:
        with self._lock:
            self._events.pop(kernel, None)
            self._events[kernel] = event
            while len(self._events) > KEPT:
                del self._events[next(iter(self._events))]

    def knows(self, kernel: str, since: float) -> bool:
        """Tell whether something befell a kernel that was alive at `since`."""
        with self._lock:
            event = self._events.get(kernel)
        return event is not None and event.at >= since

    def ending(self, kernel: str | None, since: float, oom_kills: int) -> Ending:
        """Return how a process ended that was alive at `since` and did not say goodbye.

        `oom_kills` is the machine's count of out-of-memory kills when the process began; what the kernel's register
        does not explain, a higher count does.
        """
        with self._lock:
            event = self._events.get(kernel or "")
        if event and event.at >= since and event.what != "exit":
            return Ending("interrupted", f"kernel {'restarted' if event.what == 'restart' else 'shut down'}")
        if count_oom_kills() > oom_kills:
            return Ending("failed", "out of memory")
        if event and event.at >= since and event.code is not None:
            return Ending("failed", _told(event.code))
        return Ending("failed", "process was killed or died without finishing")


async def _none_running() -> Sequence[RunningKernel]:
    return ()


def _told(code: int) -> str:
    if code >= 0:
        return f"kernel exited with code {code}"
    try:
        return f"kernel killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"kernel killed by signal {-code}"


def count_oom_kills() -> int:
    """Return how many processes of this control group (or machine) ran out of memory; 0 if not told."""
    for counter in _OOM_COUNTERS:
        try:
            found = re.search(r"^oom_kill (\d+)", Path(counter).read_text(encoding="utf-8"), re.MULTILINE)
        except OSError:
            continue
        return int(found[1]) if found else 0
    return 0
