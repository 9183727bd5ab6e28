"""The database: one writer thread, a few readers, and functions of a connection that run on them."""

from collections.abc import Callable
from pathlib import Path
from typing import Literal, Self, TypeVar

from sqlalchemy import Connection

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

    @classmethod
    def open(cls, url: str, *, backups: Path | None = None, readers: int = 4) -> Self:
        """Open `url` (SQLAlchemy's form), create or upgrade its schema; blocks, so not for the event loop.

        `backups` is the folder that an upgrade saves the old file in (None: beside it, in ``backups``). Raise
        `Unavailable` with a hint for a file that is no database, is damaged or cannot be opened; `SchemaTooNew` for one
        of a newer version. Either way it is left untouched.
        """
        raise NotImplementedError

    async def read(self, ask: Callable[[Connection], T]) -> T:
        """Return `ask(connection)`, run on a reader thread in one snapshot."""
        raise NotImplementedError

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Return `change(connection)`, run on the writer thread in one transaction, committed.

        Raise what `change` raises, after a roll-back; `Unavailable` when locked, full or closed.
        """
        raise NotImplementedError

    def read_now(self, ask: Callable[[Connection], T]) -> T:
        """Block for `read`; for threads and commands."""
        raise NotImplementedError

    def write_now(self, change: Callable[[Connection], T]) -> T:
        """Block for `write`; for threads and commands."""
        raise NotImplementedError

    def close(self) -> None:
        """Finish what was asked for, then close every connection. Blocks; may be called twice."""
        raise NotImplementedError
