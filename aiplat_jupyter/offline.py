"""`aiplat.open`: the tables of a store that is read offline, without a server."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from sqlalchemy import Connection

from aiplat_jupyter.client import history
from aiplat_jupyter.core.curves import History
from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.core.records import ExperimentRow, Identity, Page
from aiplat_jupyter.services import access
from aiplat_jupyter.store import listings, metrics
from aiplat_jupyter.store.offline import Reader

if TYPE_CHECKING:
    from pandas import DataFrame

_ANYONE: Final = Identity(username="", is_admin=True)
"""Who can read the file can read all of it."""
_PAGE: Final = 100_000


class Store:
    """The experiments of a database file, read only. Also a context manager, which closes it."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    def experiments(self, query: str = "", *, metrics: Iterable[str] = (), limit: int = 1000) -> DataFrame:
        """Return experiments as a table, as `aiplat.experiments` does."""
        return history.table_of_experiments(history.rows(self._list, query, list(metrics), limit))

    def history(self, uid: str, *metrics: str) -> DataFrame:
        """Return all points of an experiment as a table, as `Experiment.history` does. Raise `NotFound`."""
        return history.table_of_points(history.page_of_points(page) for page in self._pages(uid, metrics))

    def _list(self, query: ExperimentQuery) -> Page[ExperimentRow]:
        return self._reader.read(lambda tx: listings.page(tx, _ANYONE, query))

    def _pages(self, uid: str, names: tuple[str, ...]) -> Iterator[History]:
        cursor = None
        while True:
            page = self._reader.read(partial(_history, uid=uid, names=names, cursor=cursor))
            yield page
            if (cursor := page.next_cursor) is None:
                return

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _history(tx: Connection, uid: str, names: tuple[str, ...], cursor: str | None) -> History:
    access.experiment(tx, _ANYONE, uid, "viewer")
    return metrics.history(tx, uid, names, _PAGE, cursor)


def open(path: str | Path) -> Store:  # noqa: A001  # it is called as `aiplat.open`
    """Open a data folder, or the database file in it (also a copy or a backup), for reading.

    Nothing is written, and servers may go on using it. What journals hold that no server has taken yet is not in it.
    Raise `InvalidInput` if there is no such file, `Unavailable` for one that is damaged, foreign or of another version.
    """
    found = Path(path).expanduser().absolute()
    return Store(Reader.open(found / "aiplat.db" if found.is_dir() else found))
