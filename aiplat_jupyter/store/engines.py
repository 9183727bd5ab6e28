"""Engines for SQLite and PostgreSQL, set up so that the same code is right on both.

A write transaction is alone, whichever process began it: ``BEGIN IMMEDIATE`` on SQLite, a self-conflicting lock of the
table ``changes`` on PostgreSQL. So what it checks stays true until it commits, and the numbers of ``changes`` become
visible in their order.
"""

import os
import sqlite3
import time
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote

import msgspec
import psutil
from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError

from aiplat_jupyter.core.errors import InvalidInput

BUSY_SECONDS: Final = 5.0
_NETWORK: Final = ("nfs", "cifs", "smb", "fuse.sshfs", "lustre", "gpfs", "beegfs", "ceph", "9p", "afs")
_PRAGMAS: Final = (
    "PRAGMA synchronous=NORMAL",
    "PRAGMA cache_size=-16000",
    "PRAGMA temp_store=MEMORY",
    "PRAGMA journal_size_limit=67108864",
)

Access = Literal["read", "write", "migrate", "offline"]
"""``offline`` opens a file of SQLite so that nothing can be written, not even by SQLite itself."""


class Target(NamedTuple):
    """Where the database is."""

    kind: Literal["sqlite", "postgresql"]
    url: URL
    path: Path | None


def target(url: str) -> Target:
    """Return what `url` names. Raise `InvalidInput` for anything but an SQLite file or a PostgreSQL server."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise _bad_url() from None
    if parsed.get_backend_name() == "postgresql":
        return Target("postgresql", parsed.set(drivername="postgresql+psycopg"), None)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise _bad_url()
    return Target("sqlite", parsed, Path(parsed.database).expanduser().absolute())


def _bad_url() -> InvalidInput:
    right = "sqlite:////folder/aiplat.db or postgresql://user@host/database"
    return InvalidInput("The database's URL cannot be used.", fields={"db_url": right})


def engine(where: Target, access: Access, connections: int = 1) -> Engine:
    """Return an engine with at most `connections` open connections."""
    made = create_engine(
        where.url if where.path is None else _sqlite_url(where.path, access),
        pool_size=connections,
        max_overflow=0,
        pool_timeout=30,
        pool_use_lifo=True,
        json_serializer=lambda value: msgspec.json.encode(value).decode(),
        json_deserializer=msgspec.json.decode,
        connect_args=_sqlite_arguments() if where.path else _postgres_arguments(),
    )
    (_prepare_sqlite if where.path else _prepare_postgres)(made, access)
    return made


def _sqlite_url(path: Path, access: Access) -> URL:
    if access != "offline":
        return URL.create("sqlite", database=str(path))
    options = {"uri": "true", "mode": "ro"}
    # Readers share memory beside the file. Where it cannot be made, nobody else has the file open for writing.
    if not os.access(path.parent, os.W_OK) and not path.with_name(f"{path.name}-wal").exists():
        options["immutable"] = "1"
    return URL.create("sqlite", database=f"file:{quote(str(path))}", query=options)


def _sqlite_arguments() -> dict[str, Any]:
    return {"timeout": BUSY_SECONDS, "check_same_thread": False, "isolation_level": None, "cached_statements": 256}


def _postgres_arguments() -> dict[str, Any]:
    return {"connect_timeout": 10, "options": f"-c lock_timeout={int(BUSY_SECONDS * 1000)}"}


def _prepare_sqlite(made: Engine, access: Access) -> None:
    only_reads = access in ("read", "offline")
    own = f"PRAGMA foreign_keys={int(access == 'write')}", f"PRAGMA query_only={int(only_reads)}"
    begin = "BEGIN" if only_reads else "BEGIN IMMEDIATE"

    @event.listens_for(made, "connect")
    def _set_up(connection: Any, _record: object) -> None:
        for pragma in (*_PRAGMAS, *own):
            connection.execute(pragma)

    @event.listens_for(made, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)


def _prepare_postgres(made: Engine, access: Access) -> None:
    if access == "read":
        made.update_execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
    elif access == "write":

        @event.listens_for(made, "begin")
        def _begin(connection: Connection) -> None:
            connection.exec_driver_sql("LOCK TABLE changes IN SHARE ROW EXCLUSIVE MODE")


def set_journal_mode(connection: Connection, path: Path) -> str:
    """Choose write-ahead logging where the file system allows it, and return what SQLite uses now."""
    driver: Any = connection.connection.driver_connection
    driver.execute("PRAGMA auto_vacuum=INCREMENTAL")
    change = f"PRAGMA journal_mode={'DELETE' if on_network(path) else 'WAL'}"
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return str(driver.execute(change).fetchone()[0])
        except sqlite3.OperationalError as error:  # SQLite does not wait here for another server that starts
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def on_network(path: Path) -> bool:
    """Tell whether `path` is on a network's file system, where SQLite's shared memory is not safe."""
    mounts = [part for part in psutil.disk_partitions(all=True) if path.is_relative_to(part.mountpoint)]
    nearest = max(mounts, key=lambda part: len(part.mountpoint), default=None)
    return nearest is not None and nearest.fstype.startswith(_NETWORK)
