"""Points whose numbers are still on an accelerator: a thread waits for them, so that training need not."""

import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final, NamedTuple

from aiplat_jupyter.client.complaints import Complaints, say
from aiplat_jupyter.client.values import Later, await_together
from aiplat_jupyter.core.errors import InvalidInput

GATHER: Final = 0.05
"""Seconds in which points gather, to be read and written together: threads that hand the interpreter to each other hold
up the training for longer than the work itself."""


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
        self._hurry = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether anything was ever put."""
        return self._thread is not None

    def put(self, task: Unread | Callable[[], object]) -> None:
        """Keep the point, or call `task`, in the thread, after what was put before."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="aiplat-converter", daemon=True)
            self._thread.start()
        self._queue.put(task)

    def drain(self, timeout: float) -> bool:
        """Wait until everything put so far is done; False after `timeout` seconds."""
        if self._thread is None or threading.current_thread() is self._thread:
            return True
        done = threading.Event()
        self.put(done.set)
        self._hurry.set()
        return done.wait(timeout)

    def _run(self) -> None:
        while True:
            first = self._queue.get()
            self._hurry.wait(GATHER)
            self._hurry.clear()
            gathered = [first, *self._others()]
            self._guard(partial(keep, [task for task in gathered if isinstance(task, Unread)]))
            for task in gathered:
                if not isinstance(task, Unread):
                    self._guard(task)

    def _guard(self, task: Callable[[], object]) -> None:
        try:
            task()
        except Exception as error:  # the thread must outlive a point that cannot be written
            say("aiplat: a point is dropped: %r", error)

    def _others(self) -> Iterator[Unread | Callable[[], object]]:
        while True:
            try:
                yield self._queue.get_nowait()
            except Empty:
                return


def keep(points: list[Unread]) -> None:
    """Wait for the numbers of these points, and have those of each experiment kept together."""
    await_together(number for point in points for number in point.values.values() if isinstance(number, Later))
    known: defaultdict[Callable[[list[Point]], object], list[Point]] = defaultdict(list)
    for point in points:
        known[point.keep].append(Point(_known(point), point.step, point.wall))
    for keeps, beside in known.items():
        keeps(beside)


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
