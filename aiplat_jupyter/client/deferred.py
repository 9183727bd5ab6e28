"""Points whose numbers are still on an accelerator: a thread waits for them, so that training need not."""

import threading
from collections.abc import Callable
from queue import SimpleQueue

from aiplat_jupyter.client.complaints import Complaints, say
from aiplat_jupyter.client.values import Later
from aiplat_jupyter.core.errors import InvalidInput


class Converter:
    """One daemon thread per process that does things in order; started with the first."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._thread: threading.Thread | None = None

    @property
    def is_running(self) -> bool:
        """Tell whether anything was ever put."""
        return self._thread is not None

    def put(self, task: Callable[[], None]) -> None:
        """Call `task` in the thread, after those before it."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="aiplat-converter", daemon=True)
            self._thread.start()
        self._queue.put(task)

    def drain(self, timeout: float) -> bool:
        """Wait until everything put so far is done; False after `timeout` seconds."""
        if self._thread is None or threading.current_thread() is self._thread:
            return True
        done = threading.Event()
        self._queue.put(done.set)
        return done.wait(timeout)

    def _run(self) -> None:
        while True:
            try:
                self._queue.get()()
            except Exception as error:  # the thread must outlive a point that cannot be written
                say("aiplat: a point is dropped: %r", error)


def convert(point: dict[str, float | Later], complaints: Complaints) -> dict[str, float]:
    """Return the point with all numbers known, without those that their device's library fails to give."""
    known: dict[str, float] = {}
    for name, number in point.items():
        try:
            known[name] = number if isinstance(number, float) else number()
        except Exception as error:  # libraries raise what they like
            complaints.dropped += 1
            complaints.note(name, InvalidInput(f"The value of {name!r} is dropped: {error}"))
    return known
