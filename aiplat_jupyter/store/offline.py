"""A database file that is only read: no server need run, and nothing is written to it."""

from collections.abc import Callable
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, Engine

from aiplat_jupyter.core.errors import InvalidInput, Unavailable
from aiplat_jupyter.store import engines, faults, schema

T = TypeVar("T")


class Reader:
    """Runs functions of a connection, one after the other. Servers may use the file meanwhile."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open an SQLite file. Raise `InvalidInput` if there is none, `Unavailable` for one that cannot be read.

        A file of an older version is refused too, as it would have to be changed.
        """
        if not path.is_file():
            raise InvalidInput(f"There is no file {path}.", fields={"path": "a data folder, or its aiplat.db"})
        reader = cls(engines.engine(engines.target(f"sqlite:///{path}"), "offline"))
        try:
            reader.read(_check_schema)
        except BaseException:
            reader.close()
            raise
        return reader

    def read(self, ask: Callable[[Connection], T]) -> T:
        """Return `ask(connection)`, asked in one snapshot."""
        with faults.told(), self._engine.connect() as connection:
            return ask(connection)

    def close(self) -> None:
        """Close the file; may be called twice."""
        self._engine.dispose()


def _check_schema(tx: Connection) -> None:
    found = schema.version(tx)
    if found != schema.revisions()[-1]:
        raise Unavailable(
            "The database is of an older version of aiplat_jupyter, or empty.",
            hint="Start a Jupyter server on it once: that brings it up to date.",
        )
