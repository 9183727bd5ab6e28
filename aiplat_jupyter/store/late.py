"""Points that come late, or whose step came before: what they replace, found without reading the whole line."""

from collections.abc import Collection, Iterable
from typing import Final

import numpy as np
from msgspec.structs import replace
from sqlalchemy import Connection, bindparam, select

from aiplat_jupyter.store.archive import CHUNK, Archive
from aiplat_jupyter.store.descent import Leg
from aiplat_jupyter.store.segments import Samples, unpack
from aiplat_jupyter.store.series import Standing, standings
from aiplat_jupyter.store.stats import Bools, Ints
from aiplat_jupyter.store.tables import Base
from aiplat_jupyter.store.tails import Tail, decode

_SEGMENTS: Final = Base.metadata.tables["segments"].c
_TAILS: Final = Base.metadata.tables["tails"].c
_SEGMENTS_BETWEEN: Final = (
    select(_SEGMENTS.id, _SEGMENTS.step_min, _SEGMENTS.step_max, _SEGMENTS.series_id)
    .where(_SEGMENTS.series_id.in_(bindparam("series", expanding=True)))
    .where(_SEGMENTS.step_min <= bindparam("high"), _SEGMENTS.step_max >= bindparam("low"))
    .order_by(_SEGMENTS.arrival, _SEGMENTS.id)
)
_TAILS_BETWEEN: Final = (
    select(_TAILS.id, _TAILS.step_min, _TAILS.step_max)
    .where(_TAILS.attempt_id == bindparam("attempt"))
    .where(_TAILS.step_min <= bindparam("high"), _TAILS.step_max >= bindparam("low"))
)
_POINTS: Final = select(_TAILS.id, _TAILS.points).where(_TAILS.id.in_(bindparam("ids", expanding=True)))


def is_alone(legs: Collection[Leg], first: int) -> bool:
    """Tell whether only the last of these legs can have drawn points at step `first` or behind it."""
    return all(leg.high is not None and leg.high <= first for leg in list(legs)[:-1])


def standing_at(tx: Connection, attempt_id: int, series: Collection[int], steps: Ints) -> dict[int, Samples]:
    """Return the drawn points of each of these series of an attempt at some of these rising steps."""
    found = {number: [Samples.none()] for number in series}
    for number, samples in (*_stored(tx, series, steps), *_unfolded(tx, attempt_id, series, steps)):
        found[number].append(samples.take(_among(samples.step, steps)))
    return {number: Samples.joined(parts).in_order().drawn() for number, parts in found.items()}


def _stored(tx: Connection, series: Collection[int], steps: Ints) -> Iterable[tuple[int, Samples]]:
    """Yield the points of each segment in which one of the steps lies, in the order of arrival."""
    archive, numbers = Archive.writing(tx), list(series)
    for start in range(0, len(numbers), CHUNK):
        wanted = {"series": numbers[start : start + CHUNK], "low": int(steps[0]), "high": int(steps[-1])}
        for segment, low, high, number in tx.execute(_SEGMENTS_BETWEEN, wanted).all():
            if _lies_between(steps, low, high):
                yield number, unpack(archive.passing(segment))


def _unfolded(tx: Connection, attempt_id: int, series: Collection[int], steps: Ints) -> Iterable[tuple[int, Samples]]:
    """Yield the points of the tails in which one of the steps lies, by series."""
    bounds = {"attempt": attempt_id, "low": int(steps[0]), "high": int(steps[-1])}
    ids = [row for row, low, high in tx.execute(_TAILS_BETWEEN, bounds) if _lies_between(steps, low, high)]
    chunks = (ids[start : start + CHUNK] for start in range(0, len(ids), CHUNK))
    rows = (row for chunk in chunks for row in tx.execute(_POINTS, {"ids": chunk}))
    tail = Tail().extended((row, decode(points)) for row, points in rows)
    for number in series:
        yield number, tail.samples(number)


def _among(step: Ints, steps: Ints) -> Bools:
    """Tell which of `step` is one of these rising steps."""
    place = np.minimum(np.searchsorted(steps, step), len(steps) - 1)
    among: Bools = steps[place] == step
    return among


def _lies_between(steps: Ints, low: int, high: int) -> bool:
    return bool(np.searchsorted(steps, low) < np.searchsorted(steps, high, side="right"))


def amended(one: Standing, fresh: Standing, replaced: Samples) -> Standing | None:
    """Return the statistics of a line that gets `fresh` points, of which some come in the place of others.

    None where an extreme was replaced, so that the others must tell.
    """
    if np.isin([step for step in (one.min_step, one.max_step) if step is not None], replaced.step).any():
        return None
    gone = standings(*replaced[:2], replaced.value[:, None])[0] if len(replaced.step) else Standing()
    low, low_step = min(_points(one.min, one.min_step, fresh.min, fresh.min_step), default=(None, None))
    highs = ((-value, step) for value, step in _points(one.max, one.max_step, fresh.max, fresh.max_step))
    high, high_step = min(highs, default=(None, None))
    return replace(
        fresh if one.last_step is None or (fresh.last_step or 0) >= one.last_step else one,
        count=one.count + fresh.count - gone.count,
        nan=one.nan + fresh.nan - gone.nan,
        infinite=one.infinite + fresh.infinite - gone.infinite,
        min=low,
        min_step=low_step,
        max=None if high is None else -high,
        max_step=high_step,
    )


def _points(*pairs: float | int | None) -> list[tuple[float, int]]:
    """Return those pairs of a value and its step that are known."""
    found = zip(pairs[::2], pairs[1::2], strict=True)
    return [(value, int(step)) for value, step in found if value is not None and step is not None]
