"""The database: one writer thread, a few readers, and functions of a connection that run on them."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

from sqlalchemy import Connection

from aiplat_jupyter.store import engines, faults, schema
from aiplat_jupyter.store.commits import Follower
from aiplat_jupyter.store.tables import Base
from aiplat_jupyter.store.writer import Writer, closed

T = TypeVar("T")


class Database:
    """An open database. Callers pass functions of a connection, never hold one.

    Attributes
    ----------
    kind : which engine it is.
    path : the file of an SQLite database, else None.
    journal_mode : ``wal`` where the file system allows it; what `doctor` warns about otherwise. Empty for PostgreSQL.
    """

    kind: Literal["sqlite", "postgresql"]
    path: Path | None
    journal_mode: str

    def __init__(self, where: engines.Target, journal_mode: str, readers: int) -> None:
        self.kind, self.path, self.journal_mode = where.kind, where.path, journal_mode
        self._where = where
        self._write_engine = engines.engine(where, "write")
        self._read_engine = engines.engine(where, "read", readers)
        self._writer = Writer(self._write_engine, self._tell)
        self._readers = ThreadPoolExecutor(readers, "aiplat-reader")
        self._followers: list[Follower] = []

    @classmethod
    def open(cls, url: str, *, backups: Path | None = None, readers: int = 4) -> Self:
        """Open `url` (SQLAlchemy's form), create or upgrade its schema; blocks, so not for the event loop.

        `backups` is the folder that an upgrade saves the old file in (None: ``backups`` beside it). Raise
        `Unavailable` with a hint for a file that is no database, is damaged or cannot be opened; `SchemaTooNew` for one
        of a newer version. Either way it is left untouched.
        """
        where = engines.target(url)
        Base.registry.configure()  # which the first statement would do otherwise, and take 20 ms longer
        with faults.told():
            return cls(where, schema.prepare(where, backups), readers)

    async def read(self, ask: Callable[[Connection], T]) -> T:
        """Return `ask(connection)`, run on a reader thread in one snapshot."""
        try:
            found = self._readers.submit(self.read_now, ask)
        except RuntimeError:
            raise closed() from None
        return await asyncio.wrap_future(found)

    async def write(self, change: Callable[[Connection], T], *, patient: bool = False) -> T:
        """Return `change(connection)`, run on the writer thread, committed; others may share its transaction.

        Raise what `change` raises, after a roll-back of all that it did; `Unavailable` when locked, full or closed.
        `patient` lets it wait up to a quarter of a second for others to share with, if such ones are frequent.
        """
        return await asyncio.wrap_future(self._writer.submit(change, patient=patient))

    def read_now(self, ask: Callable[[Connection], T]) -> T:
        """Block for `read`; for threads and commands."""
        with faults.told(), self._read_engine.connect() as connection:
            return ask(connection)

    def write_now(self, change: Callable[[Connection], T]) -> T:
        """Block for `write`; for threads and commands."""
        return self.submit(change).result()

    def submit(self, change: Callable[[Connection], T]) -> Future[T]:
        """Queue `change` for the writer thread."""
        return self._writer.submit(change)

    def _tell(self) -> None:
        for follower in tuple(self._followers):
            follower.committed()

    def follow(self, committed: Callable[[], None]) -> Callable[[], None]:
        """Call `committed` after every commit, of this or another process, on some thread; return what ends that.

        Own commits are told at once, others within a quarter of a second; some may be told twice.
        """
        follower = Follower(self._where, committed)
        self._followers.append(follower)

        def end() -> None:
            self._followers.remove(follower)
            follower.stop()

        return end

    async def reclaim(self) -> None:
        """Give the pages that a purge freed back to the file system, a few at a time."""
        if self.kind == "sqlite":
            while await self.write(_vacuum_some):
                pass

    def close(self) -> None:
        """Finish what was asked for, then close every connection. Blocks; may be called twice."""
        self._readers.shutdown()
        self._writer.close()
        self._read_engine.dispose()
        self._write_engine.dispose()


def _vacuum_some(connection: Connection) -> int:
    driver: Any = connection.connection.driver_connection
    driver.execute(
        "PRAGMA incremental_vacuum(1000)"
    ).fetchall()  # SQLAlchemy would not step through a result without columns
    return int(connection.exec_driver_sql("PRAGMA freelist_count").scalar_one())
