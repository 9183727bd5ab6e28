"""Points whose numbers are still on an accelerator: a thread waits for them, so that training need not."""

import sys
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

from aiplat_jupyter.client.bell import Bell
from aiplat_jupyter.client.complaints import Complaints, say
from aiplat_jupyter.client.values import Later, await_together
from aiplat_jupyter.core.errors import InvalidInput

GATHER: Final = 0.05
"""Seconds in which points gather, to be read and written together: threads that hand the interpreter to each other hold
up the training for longer than the work itself."""
LAST: Final = 2.5
"""Seconds that a worker process waits at its end for its last numbers."""


class Point(NamedTuple):
    """The numbers of a call of `log`."""

    values: dict[str, float]
    step: int
    wall: float


class Unread(NamedTuple):
    """A point with numbers that their device may still be computing, and who keeps it, with others, once known."""

    values: dict[str, float | Later]
    step: int
    wall: float
    complaints: Complaints
    keep: Callable[[list[Point]], object]


class Converter:
    """One daemon thread per process that does things in order; started with the first."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Unread | Callable[[], object]] = SimpleQueue()
        self._hurry = Bell()
        self._starting = threading.RLock()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether anything was ever put."""
        return self._thread is not None

    def put(self, task: Unread | Callable[[], object]) -> None:
        """Keep the point, or call `task`, in the thread, after what was put before."""
        self._queue.put(task)
        if self._thread is None:
            self._start()

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                thread = threading.Thread(target=self._run, name="aiplat-converter", daemon=True)
                thread.start()
                self._thread = thread
                _before_a_worker_ends(self.drain)

    def drain(self, timeout: float) -> bool:
        """Wait until everything put so far is done; False after `timeout` seconds."""
        thread = self._thread
        if thread is None or thread is threading.current_thread() or not thread.is_alive():
            return True
        done = threading.Event()
        self.put(done.set)
        self._hurry.ring()
        return done.wait(timeout)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            self._hurry.wait(GATHER)
            gathered = [first, *self._others()]
            keep([task for task in gathered if isinstance(task, Unread)])
            for task in gathered:
                if not isinstance(task, Unread):
                    _do(task)

    def _others(self) -> Iterator[Unread | Callable[[], object]]:
        while True:
            try:
                yield self._queue.get_nowait()
            except Empty:
                return


def _do(task: Callable[[], object]) -> None:
    try:
        task()
    except Exception as error:  # the thread must outlive an experiment that cannot be settled
        say("aiplat: an experiment could not be ended: %r", error)


def _before_a_worker_ends(drain: Callable[[float], object]) -> None:
    """Have a worker of `multiprocessing` drain: it leaves by ``os._exit``, which knows no `atexit`."""
    process = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        from multiprocessing.util import Finalize

        Finalize(None, drain, (LAST,), exitpriority=0)


def keep(points: list[Unread]) -> None:
    """Wait for the numbers of these points, and have those of each experiment kept together."""
    await_together(number for point in points for number in point.values.values() if isinstance(number, Later))
    known: defaultdict[Callable[[list[Point]], object], list[Point]] = defaultdict(list)
    for point in points:
        known[point.keep].append(Point(_known(point), point.step, point.wall))
    for keeps, beside in known.items():
        try:
            keeps(beside)
        except Exception as error:  # what an experiment raises (if strict) costs the others nothing
            say("aiplat: points are dropped: %r", error)


def _known(point: Unread) -> dict[str, float]:
    """Return the numbers, without those that their device's library fails to give."""
    known: dict[str, float] = {}
    for name, number in point.values.items():
        try:
            known[name] = number.known() if isinstance(number, Later) else number
        except Exception as error:  # libraries raise what they like
            point.complaints.dropped += 1
            point.complaints.note(name, InvalidInput(f"The value of {name!r} is dropped: {error}"))
    return known
