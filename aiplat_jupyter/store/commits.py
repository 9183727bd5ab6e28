"""Hearing of commits that other servers made in the same database."""

import logging
import threading
from collections.abc import Callable
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from aiplat_jupyter.store import engines

POLL_SECONDS: Final = 0.2
CHANNEL: Final = "aiplat_changes"

_log = logging.getLogger(__name__)


class Follower:
    """A thread that calls `tell` when somebody committed.

    SQLite counts in ``PRAGMA data_version`` what other connections commit, which costs microseconds to ask;
    PostgreSQL sends a notification.
    """

    def __init__(self, where: engines.Target, tell: Callable[[], None]) -> None:
        self.committed = tell
        self._where = where
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="aiplat-follower", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        engine = engines.engine(self._where, "read")
        watch = _watch_sqlite if self._where.path else _watch_postgres
        while not self._stopped.is_set():
            try:
                with engine.connect() as connection:
                    watch(connection.connection.driver_connection, self.committed, self._stopped)
            except Exception as error:  # a thread must not end silently; the engine's errors have no common root
                level = logging.DEBUG if isinstance(error, SQLAlchemyError) else logging.WARNING
                _log.log(level, "Lost sight of the database, looking again: %s", error)
                self.committed()
                self._stopped.wait(1.0)
        engine.dispose()


def _watch_sqlite(connection: Any, tell: Callable[[], None], stopped: threading.Event) -> None:
    seen = None
    while not stopped.wait(POLL_SECONDS):
        version = connection.execute("PRAGMA data_version").fetchone()
        if version != seen:
            seen = version
            tell()


def _watch_postgres(connection: Any, tell: Callable[[], None], stopped: threading.Event) -> None:
    connection.rollback()
    connection.read_only = False
    connection.autocommit = True
    connection.execute(f"LISTEN {CHANNEL}")
    tell()
    while not stopped.is_set():
        for _ in connection.notifies(timeout=POLL_SECONDS, stop_after=1):
            tell()
