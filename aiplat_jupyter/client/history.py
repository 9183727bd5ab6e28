"""Tables for further work: all points of an experiment, and lists of experiments, as pandas DataFrames."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec

from aiplat_jupyter.client import journals
from aiplat_jupyter.client.api import connect
from aiplat_jupyter.core.errors import Forbidden, NotFound, Unauthenticated, Unavailable
from aiplat_jupyter.core.queries import MAX_LIMIT, ExperimentQuery
from aiplat_jupyter.core.records import ExperimentRow

if TYPE_CHECKING:
    from pandas import DataFrame

_COLUMNS = ("metric", "context", "attempt", "step", "wall", "value")
_TIMES = ("created_at", "updated_at", "started_at", "ended_at")


def history(uid: str, metrics: tuple[str, ...], *, has_arrived: bool = True) -> DataFrame:
    """Return all points of the metrics (none named: of all) of an experiment, by metric, step and arrival.

    Columns: metric, context, attempt, step, time (UTC), value. From the server; from journals on this machine if no
    server answers or (`has_arrived` false) it has not got all of them yet.
    """
    import pandas as pd

    paths = [] if has_arrived else journals.of_experiment(uid)
    try:
        pages = [] if paths else [_page(page) for page in connect().history(uid, metrics)]
    except (Unavailable, Unauthenticated, Forbidden, NotFound):
        paths = journals.of_experiment(uid)
        if not paths:
            raise
        pages = []
    pages += [table for path in paths for table in _local(path, metrics)]
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
    import pandas as pd

    table = pd.DataFrame([_row(row) for row in _rows(query, list(metrics), limit)])
    for name in _TIMES:
        if name in table:
            table[name] = pd.to_datetime(table[name], unit="s", utc=True)
    return table.set_index("uid") if len(table) else table


def _page(page: Any) -> DataFrame:
    import pandas as pd

    columns = msgspec.structs.asdict(page)
    columns.pop("next_cursor")
    return pd.DataFrame(columns)


def _local(path: Any, metrics: tuple[str, ...]) -> Iterator[DataFrame]:
    import pandas as pd

    for block in journals.blocks(path):
        for number, key in enumerate(block.keys):
            if not metrics or key in metrics:
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


def _rows(query: str, metrics: list[str], limit: int) -> Iterator[ExperimentRow]:
    api, cursor = connect(), None
    while limit > 0:
        ask = ExperimentQuery(q=query, metrics=metrics, limit=min(limit, MAX_LIMIT), cursor=cursor)
        page = api.list_experiments(ask)
        yield from page.items
        limit -= len(page.items)
        if (cursor := page.next_cursor) is None:
            return


def _row(row: ExperimentRow) -> dict[str, Any]:
    fields = msgspec.structs.asdict(row)
    for dropped in ("headline", "metrics", "project", "lifecycle", "stop_requested", "unreachable"):
        fields.pop(dropped)
    return fields | {f"{summary.metric}": summary.last for summary in row.metrics}
