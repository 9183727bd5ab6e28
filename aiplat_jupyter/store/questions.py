"""Questions about curves: what a query names, looked up and read together."""

import math
import zlib
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import msgspec
from sqlalchemy import Connection, func, select

from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import is_clock
from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.store import axes, descent, folding, series
from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.axes import Along
from aiplat_jupyter.store.clocks import Clock, clock
from aiplat_jupyter.store.descent import Ancestor, Family, Leg, Sources
from aiplat_jupyter.store.lines import Line
from aiplat_jupyter.store.series import Series
from aiplat_jupyter.store.smoothing import Method
from aiplat_jupyter.store.tables import Base

MAX_EXPERIMENTS: Final = 200
MAX_METRICS: Final = 50
MAX_WIDTH: Final = 10_000
_METRIC: Final = "metric:"
_TABLES: Final = Base.metadata.tables
_WEIGHTS: Final = {"twema": (0.0, 0.999), "ema": (0.0, 0.999), "gaussian": (0.1, 1_000.0), "mean": (1.0, 10_001.0)}


class Named(NamedTuple):
    """One metric of one experiment.

    `rows` are its series, by attempt, and `others` those of the metric on the x axis; `clocks`, where it has no steps,
    those that tell at what time the run was at which step.
    """

    experiment: str
    attempts: Family
    legs: Sequence[Leg]
    metric: str
    context: str
    rows: Mapping[int, Series]
    others: Mapping[int, Series]
    clocks: Mapping[int, Series]

    @property
    def end(self) -> int:
        """The attempt that the line ends in."""
        return self.legs[-1].attempt.id

    @property
    def origin(self) -> float:
        """When the first point of the line's attempts was logged, in seconds since 1970."""
        walls = [leg.attempt.first_wall for leg in self.legs]
        return min((wall for wall in walls if wall is not None), default=0.0)

    @property
    def gap(self) -> float | None:
        """The step gap that was frozen, if one was."""
        gaps = [self.rows[leg.attempt.id].gap for leg in self.legs if leg.attempt.id in self.rows]
        return next((gap for gap in gaps if gap is not None), None)

    @property
    def summary(self) -> SeriesSummary:
        """The summary of the line."""
        row = self.rows.get(self.end)
        return SeriesSummary(metric=self.metric, context=self.context, count=0) if row is None else row.summary


class Question:
    """A query and what answers it.

    Attributes
    ----------
    named : the lines it names.
    newest : numbers of the newest rows of tails and of segments.
    identity : tells it, over these series of these attempts, from other questions.
    """

    def __init__(self, tx: Connection, query: CurveQuery) -> None:
        self.query, self.archive = query, Archive.reading(tx)
        self.newest = _newest(tx, "tails"), _newest(tx, "segments")
        experiments = _experiments(tx, query.experiments)
        self.named = _named(tx, query, experiments)
        attempts = {number for _, family, _ in experiments for number in family}
        parts = [rows for one in self.named for rows in (one.rows, one.others, one.clocks)]
        numbers = {row.id for rows in parts for row in rows.values()}
        self._sources = Sources(self.archive, attempts, numbers)
        self.identity = _identity(query, self.named)

    @property
    def has_fixed_columns(self) -> bool:
        """Whether pixel columns stay where they are when points come."""
        return self.query.start is not None and self.query.end is not None

    def line(self, named: Named, legs: Sequence[Leg]) -> Line | None:
        """Return the line of `named` along `legs`."""
        legs = self._timed(named, legs) if is_clock(named.context) else legs
        return self._sources.line(legs, _numbers(named.rows))

    def other(self, named: Named, legs: Sequence[Leg]) -> Line | None:
        """Return the line of the metric on the x axis along `legs`."""
        return self._sources.line(legs, _numbers(named.others))

    def _clock(self, named: Named, legs: Sequence[Leg]) -> Clock | None:
        """Return what tells the steps along `legs` of a line that has none; None where nothing does."""
        line = self._sources.line(legs, _numbers(named.clocks))
        return None if line is None else clock(self.archive, line)

    def _timed(self, named: Named, legs: Sequence[Leg]) -> list[Leg]:
        """Return the legs by the clock; on an axis of steps, only as far as the clock tells these."""
        bounds = [(leg, self._time(named, leg, leg.low), self._time(named, leg, leg.high)) for leg in legs]
        timed = [leg._replace(low=low, high=high) for leg, low, high in bounds if leg.low is None or low is not None]
        if self._is_by_time:
            return timed
        told = self._clock(named, descent.drawn(named.attempts, legs[-1].attempt.id))
        if told is None:
            return []
        first, last = told.extent
        return [
            leg._replace(
                low=first if leg.low is None else max(first, leg.low),
                high=last + 1 if leg.high is None else min(last + 1, leg.high),
            )
            for leg in timed
        ]

    def _time(self, named: Named, leg: Leg, step: int | None) -> int | None:
        """Return the millisecond in which the attempt of `leg` first reached a step; None if it never did."""
        told = None if step is None else self._clock(named, [Leg(leg.attempt, None, None)])
        return None if told is None or step is None else told.reached(step)

    @property
    def _is_by_time(self) -> bool:
        return self.query.x in ("wall", "relative")

    def along(self, named: Named, line: Line | None, end: Ancestor) -> Along | None:
        """Lay `line`, which ends in `end`, along the axis that the query asks for; None if it has no point there."""
        x = self.query.x
        if line is None:
            return None
        if self._is_by_time:
            return axes.by_wall(self.archive, line, named.origin if x == "relative" else 0.0)
        legs = descent.drawn(named.attempts, end.id)
        told = self._clock(named, legs) if named.clocks else None
        if x == "step":
            return axes.by_step(self.archive, line) if told is None else axes.by_clock(self.archive, line, told)
        other = self.other(named, legs)
        along = None if other is None else axes.by_metric(self.archive, line, other, told)
        return along if along is not None and len(along.axis.first) else None

    def method(self, named: Named, line: Line | None) -> Method:
        """Return how to smooth `line`."""
        gap = named.gap
        if gap is None and line is not None and self.query.smoothing == "twema":
            gap = folding.gap(line.points(self.archive, line.first_blocks(folding.GAP_POINTS)).samples.step)
        return Method(self.query.smoothing, self.query.weight, gap or 1.0)

    def changed_from(self, named: Named, tail: int, segment: int) -> float:
        """Return the lowest step of the line that may have changed since these were the newest rows.

        −Inf where all may have, or what was left behind; +Inf where nothing has.
        """
        lowest = math.inf
        for rows in (named.rows, named.others):
            for attempt, row in rows.items():
                step = self._sources.since(attempt, row.id, tail, segment)
                if step is not None:
                    is_end = attempt == named.end and rows is named.rows
                    lowest = min(lowest, step if is_end else -math.inf)
        return lowest if self._is_by_time else min(lowest, self._clock_changed_from(named, tail, segment))

    def _clock_changed_from(self, named: Named, tail: int, segment: int) -> float:
        """Return the time from which on a clock may tell other steps than it did when these were the newest rows."""
        lowest = math.inf
        for attempt, row in named.clocks.items():
            step = self._sources.since(attempt, row.id, tail, segment)
            if step is not None:
                told = self._clock(named, named.legs) if attempt == named.end else None
                lowest = min(lowest, -math.inf if told is None else told.before(step))
        return lowest


def check(query: CurveQuery) -> None:
    """Raise `InvalidInput` for what no curve can answer."""
    wrong = {}
    if len(query.experiments) > MAX_EXPERIMENTS:
        wrong["experiments"] = f"at most {MAX_EXPERIMENTS}"
    if len(query.metrics) > MAX_METRICS:
        wrong["metrics"] = f"at most {MAX_METRICS}"
    if not 1 <= query.width <= MAX_WIDTH:
        wrong["width"] = f"from 1 to {MAX_WIDTH} pixels"
    if query.x not in ("step", "relative", "wall") and query.x.removeprefix(_METRIC) in ("", query.x):
        wrong["x"] = "step, relative, wall or metric:<name>"
    bounds = [bound for bound in (query.start, query.end) if bound is not None]
    if not all(map(math.isfinite, bounds)) or bounds != sorted(bounds):
        wrong["start"] = "a number that is not greater than `end`"
    low, high = _WEIGHTS.get(query.smoothing, (-math.inf, math.inf))
    if not low <= query.weight <= high:
        wrong["weight"] = f"from {low:g} to {high:g} for {query.smoothing}"
    if wrong:
        raise InvalidInput("The curves cannot be answered like this.", fields=wrong)


def _newest(tx: Connection, table: str) -> int:
    newest: int | None = tx.execute(select(func.max(_TABLES[table].c.id))).scalar_one()
    return newest or 0


def _experiments(tx: Connection, uids: Sequence[str]) -> list[tuple[str, Family, int]]:
    """Return uid, attempts and current attempt of each experiment that has one, in the order asked."""
    experiments, attempts = _TABLES["experiments"], _TABLES["attempts"]
    ask = select(experiments.c.uid, experiments.c.attempt_id, *(attempts.c[name] for name in Ancestor._fields))
    ask = ask.join_from(experiments, attempts, attempts.c.experiment_id == experiments.c.id)
    families: dict[str, dict[int, Ancestor]] = {}
    ends: dict[str, int | None] = {}
    for uid, end, *attempt in tx.execute(ask.where(experiments.c.uid.in_(uids))):
        ancestor = Ancestor._make(attempt)
        families.setdefault(uid, {})[ancestor.id] = ancestor
        ends[uid] = end
    found = ((uid, families.get(uid, {}), ends.get(uid)) for uid in dict.fromkeys(uids))
    return [(uid, family, end) for uid, family, end in found if end is not None and end in family]


def _named(tx: Connection, query: CurveQuery, experiments: Sequence[tuple[str, Family, int]]) -> list[Named]:
    other = query.x.removeprefix(_METRIC) if query.x.startswith(_METRIC) else None
    metrics = list(dict.fromkeys(query.metrics if other is None else [*query.metrics, other]))
    rows: dict[int, list[Series]] = {}
    has_clock = set()
    for row in series.named(tx, [number for _, family, _ in experiments for number in family], metrics):
        rows.setdefault(row.attempt_id, []).append(row)
        if is_clock(row.context):
            has_clock.add(row.attempt_id)
    timed = {number for _, family, _ in experiments if not has_clock.isdisjoint(family) for number in family}
    clocks = series.clocks(tx, timed)
    return [
        one
        for uid, family, end in experiments
        for one in _named_of(uid, family, end, dict.fromkeys(query.metrics), other, rows, clocks)
    ]


def _named_of(
    uid: str,
    family: Family,
    end: int,
    metrics: Mapping[str, None],
    other: str | None,
    rows: Mapping[int, list[Series]],
    clocks: Mapping[int, Series],
) -> list[Named]:
    """Return the lines of one experiment, by metric as asked and by context."""
    found: dict[tuple[str, str], dict[int, Series]] = {}
    for attempt in family:
        for row in rows.get(attempt, ()):
            found.setdefault((row.metric, row.context), {})[attempt] = row
    legs = descent.drawn(family, end)
    return [
        Named(
            uid,
            family,
            legs,
            metric,
            context,
            of,
            found.get((other or "", context)) or found.get((other or "", ""), {}),
            {number: clocks[number] for number in family if number in clocks} if is_clock(context) else {},
        )
        for metric in metrics
        for (name, context), of in found.items()
        if name == metric
    ]


def _numbers(rows: Mapping[int, Series]) -> dict[int, int]:
    return {attempt: row.id for attempt, row in rows.items()}


def _identity(query: CurveQuery, named: Sequence[Named]) -> int:
    asked = msgspec.structs.replace(query, cursor=None)
    numbers = [
        (one.end, one.origin if query.x == "relative" else 0, [*_numbers(one.rows).values()])
        + ((*_numbers(one.clocks).values(),) if one.clocks else ())
        for one in named
    ]
    return zlib.crc32(msgspec.msgpack.encode((asked, numbers)))
