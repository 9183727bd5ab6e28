"""Series: one row for each metric of an attempt, with what lists show of its drawn line."""

import math
from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final, NamedTuple

import numpy as np
from msgspec import Struct
from msgspec.structs import asdict, astuple, replace
from sqlalchemy import Connection, Dialect, bindparam, select

from aiplat_jupyter.core.frames import is_clock
from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.store import descent
from aiplat_jupyter.store.archive import CHUNK, Archive
from aiplat_jupyter.store.descent import Family, Leg, Sources
from aiplat_jupyter.store.lines import Line
from aiplat_jupyter.store.segments import to_seconds
from aiplat_jupyter.store.stats import Floats, Ints
from aiplat_jupyter.store.tables import Base

_LAST_KINDS: Final = {1: math.nan, 2: math.inf, 3: -math.inf}


class Standing(Struct, frozen=True):
    """The statistics of a drawn line as a row of `series` keeps them, but for `last`, which may be NaN or ±Inf."""

    count: int = 0
    nan: int = 0
    infinite: int = 0
    last: float | None = None
    last_step: int | None = None
    last_wall: float | None = None
    min: float | None = None
    min_step: int | None = None
    max: float | None = None
    max_step: int | None = None

    def stored(self) -> tuple[Any, ...]:
        """Return it as the columns `_STORED` of the row."""
        if self.last is None or math.isfinite(self.last):
            return *astuple(self), 0
        kind = 1 if math.isnan(self.last) else 2 if self.last > 0 else 3
        return *astuple(replace(self, last=None)), kind


_STORED: Final = (*Standing.__struct_fields__, "last_kind")


class Series(NamedTuple):
    """A row of `series`."""

    id: int
    attempt_id: int
    metric: str
    context: str
    arrivals: int
    gap: float | None
    standing: Standing

    @classmethod
    def of(cls, row: Sequence[Any]) -> "Series":
        """Return a row of `_COLUMNS` as a record."""
        kind, standing = row[-1], Standing(*row[6:-1])
        if kind:
            standing = replace(standing, last=_LAST_KINDS[kind])
        return cls._make((*row[:6], standing))

    @property
    def summary(self) -> SeriesSummary:
        """What it tells of its drawn line; of one that has no steps, nothing of these."""
        told = SeriesSummary(metric=self.metric, context=self.context, **asdict(self.standing))
        return replace(told, last_step=None, min_step=None, max_step=None) if is_clock(self.context) else told


_TABLE: Final = Base.metadata.tables["series"]
_COLUMNS: Final = [_TABLE.c[name] for name in (*Series._fields[:-1], *_STORED)]
_OF_ATTEMPTS: Final = select(*_COLUMNS).where(_TABLE.c.attempt_id.in_(bindparam("attempts", expanding=True)))
_OF_METRICS: Final = _OF_ATTEMPTS.where(_TABLE.c.metric.in_(bindparam("metrics", expanding=True)))


def named(tx: Connection, attempt_ids: Collection[int], metrics: Collection[str] | None) -> list[Series]:
    """Return the series of these metrics (None: all) of these attempts, by metric and context."""
    found: list[Series] = []
    attempts, names = list(attempt_ids), None if metrics is None else set(metrics)
    ask = _OF_ATTEMPTS if names is None or len(names) > CHUNK else _OF_METRICS
    for start in range(0, len(attempts), CHUNK):
        wanted = {"attempts": attempts[start : start + CHUNK], "metrics": list(names or ())}
        found += map(Series.of, tx.execute(ask, wanted).all())
    chosen = found if names is None else [one for one in found if one.metric in names]
    return sorted(chosen, key=lambda one: (one.metric, one.context))


def clocks(tx: Connection, attempt_ids: Collection[int]) -> dict[int, Series]:
    """Return the series that tells best at what time each of these attempts was at which step: the one of most points.

    Other ranks' series, and those that have no steps, tell nothing.
    """
    asked = _OF_ATTEMPTS.where(_TABLE.c.context == "").order_by(_TABLE.c.arrivals.desc(), _TABLE.c.id).limit(1)
    found = (tx.execute(asked, {"attempts": [attempt]}).first() for attempt in attempt_ids)
    return {row.attempt_id: Series.of(row) for row in found if row is not None}


def made(tx: Connection, attempt_id: int, metrics: Sequence[str], context: str) -> tuple[dict[str, Series], list[str]]:
    """Return the series of these metrics of an attempt by name, and the names for which they had to be made."""
    known = _by_name(tx, attempt_id, metrics, context)
    missing = [metric for metric in metrics if metric not in known]
    if missing:
        nothing = {"attempt_id": attempt_id, "context": context, "arrivals": 0}
        nothing |= zip(_STORED, Standing().stored(), strict=True)
        tx.execute(_TABLE.insert(), [{"metric": metric, **nothing} for metric in missing])
        known |= _by_name(tx, attempt_id, missing, context)
    return known, missing


def _by_name(tx: Connection, attempt_id: int, metrics: Sequence[str], context: str) -> dict[str, Series]:
    return {one.metric: one for one in named(tx, [attempt_id], metrics) if one.context == context}


@lru_cache(16)
def _storing(dialect: Dialect, columns: tuple[str, ...]) -> tuple[str, Sequence[str] | None]:
    """Return the statement that writes these columns of row `number`, as the driver takes it, and its values' order.

    A row for each of 10,000 metrics takes SQLAlchemy longer than SQLite.
    """
    values: dict[str, Any] = {name: bindparam(name) for name in columns}
    compiled: Any = _TABLE.update().where(_TABLE.c.id == bindparam("number")).values(values).compile(dialect=dialect)
    return str(compiled), compiled.positiontup


def _store(tx: Connection, columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> None:
    """Write these columns of some rows, each given as their values and its number."""
    if rows:
        statement, order = _storing(tx.dialect, columns)
        names = (*columns, "number")
        pick = itemgetter(*map(names.index, order or names))
        values: Any = list(map(pick, rows)) if order else [dict(zip(names, row, strict=True)) for row in rows]
        tx.exec_driver_sql(statement, values)


def store(tx: Connection, changed: Mapping[int, Standing]) -> None:
    """Write the statistics of these series, by number."""
    _store(tx, _STORED, [(*standing.stored(), number) for number, standing in changed.items()])


def store_arrived(tx: Connection, changed: Mapping[int, tuple[int, Standing]]) -> None:
    """Write how many points came of these series, and their statistics."""
    rows = [(*standing.stored(), arrivals, number) for number, (arrivals, standing) in changed.items()]
    _store(tx, (*_STORED, "arrivals"), rows)


# What points make of a standing


def standings(step: Ints, wall: Ints, value: Floats) -> list[Standing]:
    """Return the statistics of each column of `value` (float64[n, k]) at steps that rise; there must be some."""
    finite, nan = np.isfinite(value), np.isnan(value).sum(axis=0)
    low, high = np.where(finite, value, np.inf), np.where(finite, value, -np.inf)
    extremes = [low.min(axis=0), step[low.argmin(axis=0)], high.max(axis=0), step[high.argmax(axis=0)]]
    columns = [nan, finite.sum(axis=0), value[-1], *extremes]
    count, last = len(step), (int(step[-1]), float(to_seconds(wall[-1:])[0]))
    return [
        Standing(count, n, count - n - known, value, *last, *(extremes if known else _NO_EXTREMES))
        for n, known, value, *extremes in zip(*(column.tolist() for column in columns), strict=True)
    ]


_NO_EXTREMES: Final = (None, None, None, None)


def joined(one: Standing, later: Standing) -> Standing:
    """Return the statistics of two runs of points, the second of which has the larger steps."""
    lower = later.min is not None and (one.min is None or later.min < one.min)
    higher = later.max is not None and (one.max is None or later.max > one.max)
    least, most = later if lower else one, later if higher else one
    counts = one.count + later.count, one.nan + later.nan, one.infinite + later.infinite
    last = later.last, later.last_step, later.last_wall
    return Standing(*counts, *last, least.min, least.min_step, most.max, most.max_step)


def counted(archive: Archive, line: Line | None) -> Standing:
    """Return the statistics of a whole line."""
    if line is None:
        return Standing()
    total, stats = line.whole, line.blocks.stats
    blocks = np.unique([stats.min.argmin(), stats.max.argmax(), len(stats.min) - 1])
    step, wall, value = line.points(archive, blocks, walls=True).samples
    few = standings(step, wall, value[:, None])[0]
    infinite = int(total.posinf[0] + total.neginf[0])
    return replace(few, count=int(total.points[0]), nan=int(total.nan[0]), infinite=infinite)


def legs_of(attempts: Family, end: int, context: str) -> list[Leg]:
    """Return what the statistics of the series in attempt `end` are of: where there are no steps, of all attempts."""
    return descent.whole(attempts, end) if is_clock(context) else descent.drawn(attempts, end)


def recount(tx: Connection, attempts: Family, end: int, metrics: Sequence[str], context: str) -> None:
    """Write the statistics of these metrics for the line that ends in attempt `end` anew, from its points."""
    legs = legs_of(attempts, end, context)
    ids = [leg.attempt.id for leg in legs]
    found = [one for one in named(tx, ids, metrics) if one.context == context]
    own, _ = made(tx, end, list(dict.fromkeys(one.metric for one in found)), context)
    archive = Archive.writing(tx)
    sources = Sources(archive, ids, [one.id for one in found])
    lines = {
        own[metric].id: sources.line(legs, {one.attempt_id: one.id for one in found if one.metric == metric})
        for metric in own
    }
    store(tx, {number: counted(archive, line) for number, line in lines.items()})
