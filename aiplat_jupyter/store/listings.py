"""Lists of experiments: filtered, sorted, a page at a time, and counted."""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, cast, func, literal, null, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.core.records import ExperimentRow as Listed
from aiplat_jupyter.core.records import Identity, Page
from aiplat_jupyter.store import experiments, filters, pages, projects
from aiplat_jupyter.store.rows import AnyRow
from aiplat_jupyter.store.tables import AttemptRow, ConfigValueRow, ExperimentRow, ProjectRow, SeriesRow

Part = tuple[list[pages.Key], Select[*tuple[Any, ...]]]
"""Keys of a part of a list, and the statement that asks for its rows."""
_SORTS: Final = {
    "created": ExperimentRow.created_at,
    "updated": ExperimentRow.updated_at,
    "name": func.lower(ExperimentRow.name),
    "status": ExperimentRow.status,
}


def page(tx: Connection, who: Identity, query: ExperimentQuery) -> Page[Listed]:
    """Return a page of what `who` may see: row numbers are sorted first, then only the page's rows are read."""
    limit = pages.checked_limit(query.limit)
    matching = projects.visible(who), *filters.conditions(query, tx.dialect.name)
    found: list[AnyRow] = []
    for keys, asked in _parts(query.sort):
        columns: list[Any] = [key.column.label(f"key_{number}") for number, key in enumerate(keys)]
        asked = asked.add_columns(*columns).where(*matching)
        if query.cursor:
            asked = asked.where(pages.after(keys, query.cursor, query.sort))
        found += tx.execute(asked.limit(limit + 1 - len(found))).all()
        if len(found) > limit:
            break
    return Page(
        items=experiments.listed(tx, [row[0] for row in found[:limit]], query.metrics),
        next_cursor=pages.encode(found[limit - 1][1:], query.sort) if len(found) > limit else None,
        total=sum(counts(tx, who, query).values()) if query.count else None,
    )


def counts(tx: Connection, who: Identity, query: ExperimentQuery) -> dict[str, int]:
    """Return how many of the experiments that match `query` have each status."""
    asked = select(ExperimentRow.status, func.count()).join(ProjectRow)
    matching = asked.where(projects.visible(who), *filters.conditions(query, tx.dialect.name))
    return {status: count for status, count in tx.execute(matching.group_by(ExperimentRow.status))}  # noqa: C416  typed


def _parts(sort: str) -> Iterator[Part]:
    """Yield the parts of the list, one behind the other: what has a value to sort by, then what has none.

    So the database finds the first experiments by their values, instead of looking for the value of each experiment.
    """
    field, down = pages.split(sort)
    kind, _, name = field.partition(".")
    asked, last = select(ExperimentRow.id).join(ProjectRow), pages.Key(ExperimentRow.id, down)
    if field in _SORTS:
        keys = [pages.Key(_SORTS[field], down), last]
        yield keys, asked.order_by(*pages.order(keys))
        return
    if kind not in ("config", "metric") or not name:
        raise pages.unknown_sort(sort, ", ".join([*_SORTS, "config.<key>", "metric.<name>[.min|.max|.last]"]))
    values, is_of_it = _config_entry(name) if kind == "config" else _statistic(name)
    none = [pages.Key(cast(null(), value.type), down, True) for value in values]
    for place, value in enumerate(values):
        keys = [*none[:place], *(pages.Key(one, down) for one in values[place:]), last]
        lacks = (one.is_(None) for one in values[:place])
        yield keys, asked.where(is_of_it, *lacks, value.is_not(None)).order_by(*pages.order(keys[place:]))
    exists = select(literal(1)).where(is_of_it, values[-1].is_not(None)).correlate(ExperimentRow).exists()
    yield [*none, last], asked.where(~exists).order_by(*pages.order([last]))


def _config_entry(key: str) -> tuple[list[InstrumentedAttribute[Any]], ColumnElement[bool]]:
    """Return number and text of a config entry, and the condition that it is the experiment's; all have a text."""
    entry = aliased(ConfigValueRow)
    return [entry.number, entry.text], and_(entry.experiment_id == ExperimentRow.id, entry.key == key)


def _statistic(name: str) -> tuple[list[InstrumentedAttribute[Any]], ColumnElement[bool]]:
    """Return a statistic of a metric, and the condition that it is the experiment's.

    The attempt leads from a series to its experiment by row numbers.
    """
    metric, statistic = filters.statistic(name)
    series, attempt = aliased(SeriesRow), aliased(AttemptRow)
    is_current = and_(attempt.id == ExperimentRow.attempt_id, attempt.experiment_id == ExperimentRow.id)
    is_of_it = and_(series.attempt_id == attempt.id, series.metric == metric, series.context == "")
    return [getattr(series, statistic)], and_(is_current, is_of_it)
