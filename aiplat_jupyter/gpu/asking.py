"""Questions that may never be answered, asked on a thread of its own: a call into a driver, or a dead network disk."""

import queue
import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Asking(Generic[T]):
    """Makes one call at a time; whoever asks goes on. The thread is a daemon: a call that hangs holds up no exit."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[Callable[[], T]] = queue.SimpleQueue()
        self._is_idle = threading.Event()
        self._is_idle.set()
        self._since = 0.0
        self._answer: T | None = None
        self._error: Exception | None = None
        threading.Thread(target=self._run, name=name, daemon=True).start()

    def _run(self) -> None:
        while True:
            call = self._calls.get()
            try:
                self._answer, self._error = call(), None
            except Exception as error:  # told to whoever takes the answer
                self._error = error
            self._is_idle.set()

    def ask(self, call: Callable[[], T]) -> None:
        """Make a call, unless one is still under way."""
        if self._is_idle.is_set():
            self._is_idle.clear()
            self._since = time.monotonic()
            self._calls.put(call)

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is under way; tell whether that is so."""
        return self._is_idle.wait(seconds)

    @property
    def silent_for(self) -> float:
        """How many seconds the call that is under way has taken; 0 if there is none."""
        return 0.0 if self._is_idle.is_set() else time.monotonic() - self._since

    @property
    def answer(self) -> T | None:
        """The last answer; None before the first. Raise what the last call has raised, if it is done."""
        if self._is_idle.is_set() and self._error is not None:
            raise self._error
        return self._answer
