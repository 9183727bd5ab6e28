"""The one thread that writes: changes that wait while a transaction runs share the next one.

A transaction costs its pages: the last page of each table that all changes add to is written once for all of them.
"""

import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final, NamedTuple, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.store import faults

T = TypeVar("T")

PATIENCE: Final = 0.25
"""For how many seconds after a commit of patient changes the next ones wait for others."""
_MOST: Final = 16
"""Changes that share a transaction: it must not lock out another server for long."""


def closed() -> Unavailable:
    """Return the error of a database that was closed."""
    return Unavailable("The platform is shutting down.", hint="Try again when it is back.")


class Job(NamedTuple):
    """A change, and who waits for what it returns."""

    change: Callable[[Connection], Any]
    patient: bool
    future: Future[Any]


class Writer:
    """Runs changes in their order, each whole or not at all, and calls `committed` after each transaction."""

    def __init__(self, engine: Engine, committed: Callable[[], None]) -> None:
        self._engine = engine
        self._committed = committed
        self._jobs: deque[Job] = deque()
        self._news = threading.Condition()
        self._patient_at = -PATIENCE
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="aiplat-writer", daemon=True)
        self._thread.start()

    def submit(self, change: Callable[[Connection], T], *, patient: bool = False) -> Future[T]:
        """Queue `change`, which may be called again if what it shared a transaction with made that fail.

        If it is patient, and one like it was committed just now, it waits for others. Raise `Unavailable` when closed.
        """
        job = Job(change, patient, Future())
        with self._news:
            if self._closed:
                raise closed()
            self._jobs.append(job)
            self._news.notify()
        return job.future

    def close(self) -> None:
        """Finish what was asked for, then end the thread. May be called twice."""
        with self._news:
            self._closed = True
            self._news.notify()
        self._thread.join()

    def _run(self) -> None:
        while self._wait():
            with self._news:
                taken = [self._jobs.popleft() for _ in range(min(_MOST, len(self._jobs)))]
            if wanted := [job for job in taken if job.future.set_running_or_notify_cancel()]:
                self._write(wanted)

    def _wait(self) -> bool:
        """Wait until something is to be done now; return False when nothing ever will be."""
        with self._news:
            while not self._closed:
                rest = self._patient_at + PATIENCE - time.monotonic()
                if self._jobs and (rest <= 0 or not all(job.patient for job in self._jobs)):
                    return True
                self._news.wait(rest if self._jobs else None)
            return bool(self._jobs)

    def _write(self, jobs: Sequence[Job]) -> None:
        """Run `jobs` in one transaction; where one of them makes that fail, each in its own."""
        try:
            with faults.told(), self._engine.begin() as connection:
                settle = [
                    _run_alone(connection, job) if len(jobs) == 1 else _run_beside(connection, job) for job in jobs
                ]
        except Exception as error:  # whatever a change raises is for who asked for it
            for job in jobs:
                if len(jobs) == 1 or isinstance(error, Unavailable):
                    job.future.set_exception(error)
                else:
                    self._write([job])
            return
        if any(job.patient for job in jobs):
            self._patient_at = time.monotonic()
        self._committed()
        for settled in settle:
            settled()


def _run_alone(connection: Connection, job: Job) -> Callable[[], None]:
    result = job.change(connection)
    return lambda: job.future.set_result(result)


def _run_beside(connection: Connection, job: Job) -> Callable[[], None]:
    """Return what tells the outcome. Raise what the engine raises: SQLite may have given up the whole transaction."""
    try:
        with connection.begin_nested():
            return _run_alone(connection, job)
    except (DBAPIError, sqlite3.Error):
        raise
    except Exception as error:  # it is for who asked for the change, and hinders no other
        failure = error
        return lambda: job.future.set_exception(failure)
