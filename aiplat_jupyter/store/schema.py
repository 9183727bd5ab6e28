"""The schema's version: told without Alembic, brought up to date with it, after a backup."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from importlib import resources
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, inspect, text

from aiplat_jupyter.core.errors import SchemaTooNew, Unavailable
from aiplat_jupyter.store import engines
from aiplat_jupyter.store.tables import Base

VERSION_TABLE: Final = "aiplat_version"
KEPT_BACKUPS: Final = 3
_LOCK: Final = 4_170_523_861
_HEADER: Final = b"SQLite format 3\x00"


def revisions() -> list[str]:
    """Return the names of all revisions, the oldest first: the files in `migrations/versions` are numbered."""
    folder = resources.files("aiplat_jupyter.store.migrations") / "versions"
    return sorted(entry.name[:4] for entry in folder.iterdir() if entry.name[:4].isdigit())


def prepare(where: engines.Target, backups: Path | None = None) -> str:
    """Bring the database to the newest schema, and return SQLite's journal mode (empty for PostgreSQL).

    Raise `Unavailable` for what is no database of ours, `SchemaTooNew` for one of a newer version; both untouched.
    """
    if where.path:
        _refuse_foreign_file(where.path)
    with _connected(where, "read") as connection:
        found = version(connection)
    if where.path and found not in (None, revisions()[-1]):
        back_up(where.path, backups or where.path.parent / "backups", str(found))
    with _connected(where, "migrate") as connection:
        mode = engines.set_journal_mode(connection, where.path) if where.path else ""
        if found != revisions()[-1]:
            _upgrade(connection)
        return mode


@contextmanager
def _connected(where: engines.Target, access: engines.Access) -> Iterator[Connection]:
    engine = engines.engine(where, access)
    try:
        with engine.connect() as connection:
            yield connection
    finally:
        engine.dispose()


def _refuse_foreign_file(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_HEADER))
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        path.touch(mode=0o600)
        return
    except OSError as error:
        raise Unavailable(f"The database file {path} cannot be read: {error.strerror}.") from error
    if start and start != _HEADER:
        raise Unavailable(f"{path} is not an SQLite database.", hint="Move it away, or name another file.")


def version(connection: Connection) -> str | None:
    """Return the schema's revision, None for an empty database.

    Raise `SchemaTooNew`, or `Unavailable` for a foreign one.
    """
    tables = set(inspect(connection).get_table_names())
    if VERSION_TABLE in tables:
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()  # noqa: S608  a constant
        if found is not None and found not in revisions():
            raise SchemaTooNew(
                f"The database has schema {found}, newer than this version of aiplat_jupyter knows.",
                hint="Upgrade aiplat_jupyter, or name another database.",
            )
        return found
    if tables if connection.dialect.name == "sqlite" else tables & Base.metadata.tables.keys():
        raise Unavailable("The database belongs to another program.", hint="Name another one for aiplat_jupyter.")
    return None


def _upgrade(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "aiplat_jupyter.store:migrations")
    config.attributes["connection"] = connection
    with connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        command.upgrade(config, "head")


def back_up(path: Path, folder: Path, name: str) -> Path:
    """Copy a database, which may be in use, into `folder`; keep the newest few there.

    Raise `Unavailable` without the space.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    needed = path.stat().st_size
    if shutil.disk_usage(folder).free < needed * 1.05 + 1_000_000:
        raise Unavailable(
            f"Not enough space in {folder} to save the database before its upgrade ({needed / 1e6:,.0f} MB).",
            hint="Free some space, or move old backups away.",
        )
    copy = folder / f"{path.stem}-{name}-{time.strftime('%Y%m%d-%H%M%S')}.db"
    with closing(sqlite3.connect(path)) as source, closing(sqlite3.connect(copy)) as into:
        source.backup(into)
    copy.chmod(0o600)
    for old in sorted(folder.glob(f"{path.stem}-*.db"), key=lambda file: file.stat().st_mtime)[:-KEPT_BACKUPS]:
        old.unlink(missing_ok=True)
    return copy
