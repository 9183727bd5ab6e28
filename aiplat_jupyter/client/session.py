"""What one process runs for all its experiments, and how they end when nobody says so."""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from types import TracebackType
from typing import Any, Final

from aiplat_jupyter.client.deferred import Converter
from aiplat_jupyter.client.recording import Recording
from aiplat_jupyter.client.shipper import Shipper
from aiplat_jupyter.client.system import SystemMetrics
from aiplat_jupyter.core.states import ExperimentStatus

PATIENCE: Final = 5.0
"""Seconds that the exit of the process waits for the shipper; the journal keeps the rest."""


class Session:
    """The threads and recordings of this process. A forked child gets its own."""

    def __init__(self) -> None:
        self.shipper = Shipper()
        self.converter = Converter()
        self.system = SystemMetrics(self.shipper, self.converter)
        self.recordings: set[Recording] = set()
        self.opened = 0
        """How many experiments were begun."""
        self.followers: list[Callable[[str], None]] = []
        """Called with the uid of an experiment that `finish` has ended: panels complete what the notebook saves."""

    def live(self) -> list[Recording]:
        """Return the recordings that have not ended."""
        self.recordings = {each for each in self.recordings.copy() if not each.ended}
        return list(self.recordings)

    def pause_all(self, status: ExperimentStatus, cause: str) -> None:
        """Note for all experiments an error that may be the end of the process."""
        self.converter.drain(1.0)
        for recording in self.live():
            recording.pause(status, cause)

    def end_all(self) -> None:
        """Settle everything and wait for the shipper, but not for long."""
        deadline = time.monotonic() + PATIENCE
        self.converter.drain(PATIENCE / 2)
        ended = self.live()
        for recording in ended:
            recording.settle()
        self.shipper.hurry()
        for recording in ended:
            if recording.shipment:
                recording.shipment.done.wait(max(0.0, deadline - time.monotonic()))


def current() -> Session:
    """Return the session of this process."""
    return _current


def describe(error: BaseException) -> str:
    """Return what went wrong in one line: ``ValueError: no such file``."""
    text = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__


def status_of(error: BaseException) -> ExperimentStatus:
    """Return what the error makes of an experiment that it passes through."""
    if isinstance(error, SystemExit):
        return "failed" if error.code else "finished"
    is_interrupt = isinstance(error, KeyboardInterrupt) or type(error).__name__ == "CancelledError"
    return "interrupted" if is_interrupt else "failed"


_current = Session()


def _renew_after_fork() -> None:
    global _current
    inherited, _current = _current, Session()
    inherited.system.forget()
    for recording in inherited.recordings:
        recording.fork(_current.shipper, _current.converter)
    _current.recordings = inherited.recordings


@cache
def watch_for_the_end(is_shell: bool) -> None:
    """Learn how this process ends; hooks are chained before whatever is there when the first experiment begins.

    In an IPython shell (`is_shell`) errors and `sys.exit` end a cell, not the process: `notebook` sees to these.
    """
    atexit.register(lambda: _current.end_all())
    if not is_shell:
        _chain_excepthook()
        _chain_threading_excepthook()
        _chain_exit()


os.register_at_fork(after_in_child=_renew_after_fork)


def _chain_excepthook() -> None:
    before = sys.excepthook

    def excepthook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        _current.pause_all(status_of(error), describe(error))
        before(kind, error, trace)

    sys.excepthook = excepthook


def _chain_threading_excepthook() -> None:
    before = threading.excepthook

    def excepthook(args: threading.ExceptHookArgs, /) -> None:
        if args.exc_value is not None and args.exc_type is not SystemExit:
            thread = args.thread.name if args.thread else "a thread"
            _current.pause_all(status_of(args.exc_value), f"{thread}: {describe(args.exc_value)}")
        before(args)

    threading.excepthook = excepthook


def _chain_exit() -> None:
    """Wrap `sys.exit`: the interpreter tells nobody else with which code it ends."""
    before = sys.exit

    def leave(status: Any = None, /) -> None:
        if status not in (None, 0) and threading.current_thread() is threading.main_thread():
            _current.pause_all("failed", f"exit {status}"[:500])
        before(status)

    sys.exit = leave  # type: ignore[assignment]  # `before` never returns
