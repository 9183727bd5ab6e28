"""Errors of the database engines, told as something that a person can act on."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from aiplat_jupyter.core.errors import Unavailable

_SQLITE = {
    "SQLITE_BUSY": ("The database is locked by another program.", "Close what holds it, or try again."),
    "SQLITE_LOCKED": ("The database is locked.", "Try again."),
    "SQLITE_FULL": ("The disk that holds the database is full.", "Free some space; nothing that was logged is lost."),
    "SQLITE_IOERR": (
        "The disk that holds the database cannot be read or written.",
        "Check the disk and its free space.",
    ),
    "SQLITE_READONLY": ("The database cannot be written.", "Check the permissions of its file and folder."),
    "SQLITE_PERM": ("The database cannot be written.", "Check the permissions of its file and folder."),
    "SQLITE_CANTOPEN": ("The database file cannot be opened.", "Check that its folder exists and is yours to write."),
    "SQLITE_NOTADB": ("The file is not an SQLite database.", "Move it away, or name another file."),
    "SQLITE_CORRUPT": ("The database file is damaged or cut short.", "Restore it from the folder `backups` beside it."),
}
_POSTGRES = {
    "55P03": ("The database is locked by another program.", "Try again."),
    "53100": ("The disk of the PostgreSQL server is full.", "Free some space; nothing that was logged is lost."),
    "53300": ("The PostgreSQL server has no connection left.", "Raise its max_connections, or close other programs."),
}


@contextmanager
def told() -> Iterator[None]:
    """Raise `Unavailable` for what the engine cannot do now; pass everything else on."""
    try:
        yield
    except DBAPIError as error:
        raise _unavailable(error.orig, isinstance(error, OperationalError)) or error from error
    except sqlite3.Error as error:
        raise _unavailable(error, False) or error from error
    except PoolTimeout as error:
        raise Unavailable("The database is busy with other requests.", hint="Try again.") from error


def _unavailable(error: BaseException | None, lost: bool) -> Unavailable | None:
    if isinstance(error, sqlite3.Error):
        known = _SQLITE.get("_".join((getattr(error, "sqlite_errorname", None) or "").split("_")[:2]))
    else:
        known = _POSTGRES.get(getattr(error, "sqlstate", None) or "")
        if known is None and lost:
            known = ("The PostgreSQL server does not answer.", "Check that it runs and that its URL is right.")
    return Unavailable(known[0], hint=known[1]) if known else None
