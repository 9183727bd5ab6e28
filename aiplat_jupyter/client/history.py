"""Tables for further work: all points of an experiment, and lists of experiments, as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from aiplat_jupyter.client import journals
from aiplat_jupyter.client.api import connect
from aiplat_jupyter.core.curves import History
from aiplat_jupyter.core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from aiplat_jupyter.core.frames import is_clock
from aiplat_jupyter.core.queries import MAX_LIMIT, ExperimentQuery
from aiplat_jupyter.core.records import ExperimentRow, Page

if TYPE_CHECKING:
    from pandas import DataFrame

_COLUMNS = ("metric", "context", "attempt", "step", "wall", "value")
_TIMES = ("created_at", "updated_at", "started_at", "ended_at")


def history(uid: str, metrics: tuple[str, ...], *, has_arrived: bool = True) -> DataFrame:
    """Return all points of some metrics of an experiment, by metric, step and arrival.

    None named: of all that have steps. The others (``system/cpu``) have the time in milliseconds in place of a step.

    Columns: metric, context, attempt, step, time (UTC), value. From the server; from journals on this machine if no
    server answers or (`has_arrived` false) it has not got all of them yet.
    """
    paths = [] if has_arrived else journals.of_experiment(uid)
    try:
        pages = [] if paths else [page_of_points(page) for page in connect().history(uid, metrics)]
    except (Unavailable, Unauthenticated, Forbidden, NotFound):
        paths = journals.of_experiment(uid)
        if not paths:
            raise
        pages = []
    return table_of_points([*pages, *(table for path in paths for table in _local(path, metrics))])


def table_of_points(pages: Iterable[DataFrame]) -> DataFrame:
    """Return the pages as one table, sorted, with times that people can read."""
    import pandas as pd

    pages = list(pages)
    nothing = pd.DataFrame({name: [] for name in _COLUMNS})
    table = pd.concat(pages, ignore_index=True) if pages else nothing
    table.insert(4, "time", pd.to_datetime(table.pop("wall"), unit="s", utc=True))
    return table.sort_values(["metric", "context", "step"], kind="stable", ignore_index=True)


def experiments(query: str = "", *, metrics: Iterable[str] = (), limit: int = 1000) -> DataFrame:
    """Return experiments, the youngest first, as a table indexed by uid.

    Parameters
    ----------
    query : words and conditions, as in the search field: ``config.lr<1e-3 status:finished``.
    metrics : names of metrics whose last values become columns.
    limit : the most rows.

    Raises
    ------
    Unavailable : no server answers.
    InvalidInput : the query cannot be read.
    """
    return table_of_experiments(rows(connect().list_experiments, query, list(metrics), limit))


def table_of_experiments(found: Iterable[ExperimentRow]) -> DataFrame:
    """Return experiments as a table indexed by uid, with times that people can read."""
    import pandas as pd

    table = pd.DataFrame([_row(row) for row in found])
    for name in _TIMES:
        if name in table:
            table[name] = pd.to_datetime(table[name], unit="s", utc=True)
    return table.set_index("uid") if len(table) else table


def page_of_points(page: History) -> DataFrame:
    """Return a page of a history as a table."""
    import pandas as pd

    columns = msgspec.structs.asdict(page)
    columns.pop("next_cursor")
    return pd.DataFrame(columns)


def _local(path: Any, metrics: tuple[str, ...]) -> Iterator[DataFrame]:
    import pandas as pd

    for block in journals.blocks(path):
        for number, key in enumerate(block.keys):
            if key in metrics or not (metrics or is_clock(block.context)):
                yield pd.DataFrame(
                    {
                        "metric": key,
                        "context": block.context,
                        "attempt": block.attempt,
                        "step": block.step,
                        "wall": block.wall,
                        "value": block.values[:, number],
                    }
                )


def rows(
    ask: Callable[[ExperimentQuery], Page[ExperimentRow]], query: str, metrics: list[str], limit: int
) -> Iterator[ExperimentRow]:
    """Yield up to `limit` experiments, asked for page by page."""
    cursor = None
    while limit > 0:
        page = ask(ExperimentQuery(q=query, metrics=metrics, limit=min(limit, MAX_LIMIT), cursor=cursor))
        yield from page.items
        limit -= len(page.items)
        if (cursor := page.next_cursor) is None:
            return


def _row(row: ExperimentRow) -> dict[str, Any]:
    fields = msgspec.structs.asdict(row)
    for dropped in ("headline", "metrics", "project", "lifecycle", "stop_requested", "unreachable"):
        fields.pop(dropped)
    return fields | {summary.metric: summary.last for summary in row.metrics if summary.metric not in fields}
