"""Curves: what a chart asks of metrics, answered."""

import base64
import math
from typing import NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection

from aiplat_jupyter.core.curves import AbandonedTail, Columns, Curve, CurveAnswer, CurveQuery, LossPoint
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.store import axes, descent, smoothing
from aiplat_jupyter.store.axes import Along
from aiplat_jupyter.store.buckets import Buckets, buckets, columns
from aiplat_jupyter.store.lines import Line
from aiplat_jupyter.store.questions import Named, Question, check
from aiplat_jupyter.store.segments import BLOCK
from aiplat_jupyter.store.smoothing import Method


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """What an answer held: which question it was, the newest rows at its time, and of each line if it was raw and its gap."""

    question: int
    tail: int
    segment: int
    raw: bytes
    gaps: list[float]


class Held(NamedTuple):
    """What the caller holds of one line: whether each bucket is one point, with which step gap, since which rows."""

    raw: bool
    gap: float
    tail: int
    segment: int


def query(tx: Connection, query: CurveQuery) -> CurveAnswer:
    """Answer curves of the experiments named in `query`, which the caller must be allowed to see.

    Unknown experiments and pairs without points are left out; with a cursor, so are curves that are as they were. Where a
    curve's `from_x` is set, its abandoned tails are as they were and not repeated. Raise `InvalidInput` for a bound, width,
    weight or cursor that makes no sense.
    """
    check(query)
    question = Question(tx, query)
    cursor = None if query.cursor is None else _decoded(query.cursor)
    curves, raw, gaps = [], [], []
    for place, named in enumerate(question.named):
        held = None
        if cursor is not None and cursor.question == question.identity:
            held = Held(bool(cursor.raw[place]), cursor.gaps[place], cursor.tail, cursor.segment)
        line = question.line(named, named.legs)
        method = question.method(named, line)
        curve = _curve(question, named, line, method, held)
        curves += [] if curve is None else [curve]
        raw.append(curve.raw if curve is not None else held is not None and held.raw)
        gaps.append(method.gap)
    return CurveAnswer(curves=curves, cursor=_encoded(Cursor(question.identity, *question.newest, bytes(raw), gaps)))


def _curve(question: Question, named: Named, line: Line | None, method: Method, held: Held | None) -> Curve | None:
    changed = -math.inf if held is None else question.changed_from(named, held.tail, held.segment)
    if changed == math.inf:
        return None
    along = question.along(named, line, named.legs[-1].attempt)
    found, raw = (Buckets.none(), True) if along is None else _buckets(question.query, along)
    total = int(found.stats.points.sum())
    from_x = None
    if (
        held is not None
        and line is not None
        and along is not None
        and _is_stable(question, along, method, held, raw, changed)
    ):
        found, from_x = _tail_of(question, line, along, method, found, int(changed))
    abandoned = _abandoned(question, named) if from_x is None and question.query.abandoned else []
    if line is None and not abandoned:
        return None
    return Curve(
        experiment=named.experiment,
        metric=named.metric,
        context=named.context,
        columns=_columns(question, line, along, method, found),
        shown=len(found.x),
        total=total,
        raw=raw,
        summary=named.summary,
        x_extent=None if along is None else (float(along.axis.first[0]), float(along.axis.last[-1])),
        from_x=from_x,
        abandoned=abandoned,
    )


def _buckets(query: CurveQuery, along: Along) -> tuple[Buckets, bool]:
    start = float(along.axis.first[0]) if query.start is None else query.start
    end = float(along.axis.last[-1]) if query.end is None else query.end
    return buckets(along.axis, start, end, query.width)


def _columns(question: Question, line: Line | None, along: Along | None, method: Method, found: Buckets) -> Columns:
    if line is None or along is None or method.name == "none" or not len(found.x):
        return columns(found)
    return columns(found, smoothing.smoothed(question.archive, line, along.on_line(found.number), method))


def _is_stable(question: Question, along: Along, method: Method, held: Held, raw: bool, changed: float) -> bool:
    """Tell whether what the caller holds of lower x than the change is right as it is."""
    query = question.query
    same_columns = raw or (query.start is not None and query.end is not None)
    return changed > -math.inf and same_columns and raw == held.raw and along.numbers is None and method.gap == held.gap


def _tail_of(
    question: Question, line: Line, along: Along, method: Method, found: Buckets, step: int
) -> tuple[Buckets, float]:
    """Return the buckets that a change at `step` touches, and the x where they begin."""
    number = line.moved(line.number_from(question.archive, step), -method.reach)
    kept = found.number >= number
    if kept.any():
        return found.take(kept), float(found.first_x[kept][0])
    spots = along.axis.spots(np.array([number // BLOCK]))
    return found.take(kept), float(spots.x[number % BLOCK])


def _abandoned(question: Question, named: Named) -> list[AbandonedTail]:
    """Return what the attempts logged that is not drawn, attempt by attempt."""
    tails = []
    for leg in descent.abandoned(named.attempts, named.end):
        along = question.along(named, question.line(named, [leg]), leg.attempt)
        found = Buckets.none() if along is None else _buckets(question.query, along)[0]
        if len(found.x):
            tails.append(AbandonedTail(attempt=leg.attempt.uid, columns=columns(found)))
    return tails


def _encoded(cursor: Cursor) -> str:
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def _decoded(cursor: str) -> Cursor:
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Cursor)
    except (ValueError, msgspec.MsgspecError):
        raise InvalidInput("The cursor cannot be read.", fields={"cursor": "that of an earlier answer"}) from None


def loss(tx: Connection, experiment: str, metric: str = "loss", width: int = 10_000) -> list[LossPoint]:
    """Return the drawn line of `metric` of the experiment with this uid, as the plan wants it.

    Each point, or where there are more than `width`, the last finite one of each of `width` equal intervals of step.
    """
    question = Question(tx, CurveQuery(experiments=[experiment], metrics=[metric], x="metric:epoch"))
    lines = ((named, question.line(named, named.legs)) for named in question.named if not named.context)
    named, line = next(lines, (None, None))
    if named is None or line is None:
        return []
    axis = axes.by_step(question.archive, line).axis
    found, _ = buckets(axis, float(axis.first[0]), float(axis.last[-1]), width)
    epochs = question.other(named, named.legs)
    epoch = np.full(len(found.x), np.nan)
    if epochs is not None:
        epoch = axes.at_or_before(question.archive, epochs, found.x.astype(np.int64))
    rows = zip(found.x.tolist(), found.stats.last.tolist(), epoch.tolist(), strict=True)
    return [LossPoint(step=int(step), loss=_finite(value), epoch=_finite(at)) for step, value, at in rows]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
