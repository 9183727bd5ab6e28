"""Curves: what a chart asks of metrics, answered."""

import base64
import math
from typing import Final

import msgspec
import numpy as np
from sqlalchemy import Connection

from aiplat_jupyter.core.curves import AbandonedTail, Columns, Curve, CurveAnswer, CurveQuery, LossPoint
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.store import axes, descent, smoothing
from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.axes import Along
from aiplat_jupyter.store.buckets import Buckets, buckets, columns
from aiplat_jupyter.store.lines import Line
from aiplat_jupyter.store.questions import Named, Question, check
from aiplat_jupyter.store.segments import BLOCK
from aiplat_jupyter.store.smoothing import Method
from aiplat_jupyter.store.stats import Ints

_EXACT: Final = 2.0**53


class Look(msgspec.Struct, frozen=True, array_like=True):
    """How a line was shown: each bucket one point, along an axis in the order of its steps, with which step gap."""

    raw: bool
    in_order: bool
    gap: float


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """What an answer held: to which question, the newest rows of tails and segments, and how each line was shown."""

    question: int
    tail: int
    segment: int
    looks: list[Look]


def query(tx: Connection, query: CurveQuery) -> CurveAnswer:
    """Answer curves of the experiments named in `query`, which the caller must be allowed to see.

    Unknown experiments and pairs without points are left out; with a cursor, so are curves that are as they were.
    Where a curve's `from_x` is set, its abandoned tails are as they were and not repeated. Raise `InvalidInput` for a
    bound, width, weight or cursor that makes no sense.
    """
    check(query)
    question = Question(tx, query)
    cursor = None if query.cursor is None else _decoded(query.cursor)
    if cursor is not None and (cursor.question, len(cursor.looks)) != (question.identity, len(question.named)):
        cursor = None
    curves, looks = [], []
    for place, named in enumerate(question.named):
        held = None if cursor is None else cursor.looks[place]
        changed = -math.inf if cursor is None else question.changed_from(named, cursor.tail, cursor.segment)
        if held is not None and changed == math.inf:
            looks.append(held)
            continue
        curve, look = _curve(question, named, held, changed)
        curves.append(curve)
        looks.append(look)
    return CurveAnswer(curves=curves, cursor=_encoded(Cursor(question.identity, *question.newest, looks)))


def _curve(question: Question, named: Named, held: Look | None, changed: float) -> tuple[Curve, Look]:
    """Return the curve, or what has changed of it from step `changed` on since it was shown like `held`."""
    line = question.line(named, named.legs)
    method = question.method(named, line)
    along = question.along(named, line, named.legs[-1].attempt)
    if line is None or along is None:
        return _answer(question, named, None, columns(Buckets.none()), 0, True, None), Look(True, True, method.gap)
    found, raw = _buckets(question.query, along)
    look = Look(raw, along.numbers is None, method.gap)
    total, from_x = int(found.stats.points.sum()), None
    if changed > -math.inf and look == held and look.in_order and (raw or question.has_fixed_columns):
        found, from_x = _from(question, line, method, found, along, int(changed))
    shown = _columns(question, line, along, method, found)
    return _answer(question, named, along, shown, total, raw, from_x), look


def _answer(
    question: Question, named: Named, along: Along | None, shown: Columns, total: int, raw: bool, from_x: float | None
) -> Curve:
    return Curve(
        experiment=named.experiment,
        metric=named.metric,
        context=named.context,
        columns=shown,
        shown=len(shown.x),
        total=total,
        raw=raw,
        summary=named.summary,
        x_extent=None if along is None else (float(along.axis.first[0]), float(along.axis.last[-1])),
        from_x=from_x,
        abandoned=_abandoned(question, named) if from_x is None and question.query.abandoned else [],
    )


def _buckets(query: CurveQuery, along: Along) -> tuple[Buckets, bool]:
    start = float(along.axis.first[0]) if query.start is None else query.start
    end = float(along.axis.last[-1]) if query.end is None else query.end
    return buckets(along.axis, start, end, query.width)


def _columns(question: Question, line: Line, along: Along, method: Method, found: Buckets) -> Columns:
    if method.name == "none" or not len(found.x):
        return columns(found)
    return columns(found, smoothing.smoothed(question.archive, line, along.on_line(found.number), method))


def _from(
    question: Question, line: Line, method: Method, found: Buckets, along: Along, step: int
) -> tuple[Buckets, float | None]:
    """Return the buckets that a change at `step` touches, and the x where they begin (None: they are all).

    On an axis of time a step that came again has moved, from somewhere behind the point in front of it.
    """
    moved = 0 if question.query.x == "step" else 1
    number = line.moved(line.number_from(question.archive, step), -method.reach - moved)
    if number == 0:
        return found, None
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
    steps = _steps(question.archive, line, found)
    epochs = question.other(named, named.legs)
    epoch = np.full(len(steps), np.nan)
    if epochs is not None:
        epoch = axes.at_or_before(question.archive, epochs, steps)
    rows = zip(steps.tolist(), found.stats.last.tolist(), epoch.tolist(), strict=True)
    return [LossPoint(step=step, loss=_finite(value), epoch=_finite(at)) for step, value, at in rows]


def _steps(archive: Archive, line: Line, found: Buckets) -> Ints:
    """Return the step of each bucket's last point; beyond 2⁵³ the floats of an axis do not tell every step."""
    if np.abs(found.x[[0, -1]]).max() < _EXACT:
        return found.x.astype(np.int64)
    samples, number = line.points(archive, np.unique(found.number // BLOCK))
    return samples.step[np.searchsorted(number, found.number)]


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
