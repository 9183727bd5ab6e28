"""What wakes a thread that waits."""

from contextlib import suppress
from queue import Empty, SimpleQueue


class Bell:
    """Rung by any thread, heard by one. Unlike those of `threading` it may be rung by a signal handler at any moment.

    An `Event` that is set by a handler which interrupted its setting waits for itself for ever.
    """

    def __init__(self) -> None:
        self._rung: SimpleQueue[None] = SimpleQueue()

    def ring(self) -> None:
        """Wake who waits, or who will wait next."""
        if self._rung.empty():
            self._rung.put(None)

    def wait(self, seconds: float | None) -> None:
        """Return when it is or was rung, after `seconds` at the latest."""
        with suppress(Empty):
            self._rung.get(timeout=seconds)
            while True:
                self._rung.get_nowait()
