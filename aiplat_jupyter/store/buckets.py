"""Points → at most one bucket for each pixel column, exact to the point at the columns' edges.

Blocks that lie in one column are taken from their statistics; only those that an edge divides are unpacked.
"""

from collections.abc import Callable
from typing import NamedTuple, Self

import numpy as np

from aiplat_jupyter.core.curves import Columns
from aiplat_jupyter.store.segments import BLOCK
from aiplat_jupyter.store.stats import Bools, Floats, Ints, Stats


class Spots(NamedTuple):
    """Points on an axis: where they are, what they are, and their numbers in the order of the axis."""

    x: Floats
    value: Floats
    number: Ints


class Axis(NamedTuple):
    """Points in rising x, as blocks of up to 64.

    Attributes
    ----------
    first, last : x of each block's first and last point.
    stats : the blocks' statistics.
    spots : returns the points of some blocks, given by rising number.
    """

    first: Floats
    last: Floats
    stats: Stats
    spots: Callable[[Ints], Spots]


class Buckets(NamedTuple):
    """Groups of points in rising x, as columns; `number` is that of each one's last point."""

    first_x: Floats
    x: Floats
    number: Ints
    stats: Stats

    @classmethod
    def none(cls) -> Self:
        """Return no buckets."""
        nothing = np.empty(0)
        return cls(nothing, nothing, np.empty(0, np.int64), Stats.none())

    def take(self, rows: Bools) -> Self:
        """Return some of the buckets."""
        return type(self)(self.first_x[rows], self.x[rows], self.number[rows], self.stats.take(rows))


def axis_of(x: Floats, value: Floats) -> Axis:
    """Return the axis of points in memory, given in rising x."""
    starts = np.arange(0, len(x), BLOCK)
    ends = np.minimum(starts + BLOCK, len(x)) - 1

    def spots(blocks: Ints) -> Spots:
        numbers = (blocks[:, None] * BLOCK + np.arange(BLOCK)).ravel()
        numbers = numbers[: np.searchsorted(numbers, len(x))]
        return Spots(x[numbers], value[numbers], numbers)

    return Axis(x[starts], x[ends], Stats.of(value, starts), spots)


def buckets(axis: Axis, start: float, end: float, width: int) -> tuple[Buckets, bool]:
    """Return the buckets of the points with `start` ≤ x ≤ `end` in `width` columns, and whether each is one point.

    A point's column is ⌊(x − start) / (end − start) · width⌋, the last one for x = end. Where there are no more points
    than columns, each point is a bucket.
    """
    low, high = np.searchsorted(axis.last, start), np.searchsorted(axis.first, end, side="right")
    window = slice(int(low), int(max(low, high)))
    if axis.stats.points[window].sum() <= width + 2 * BLOCK:
        spots = _within(axis.spots(np.arange(window.start, window.stop)), start, end)
        if len(spots.x) <= width:
            return _single(spots), True
        return _grouped(_runs(spots, start, end, width), start, end, width), False
    whole, divided = _split(axis, window, start, end, width)
    runs = _runs(_within(axis.spots(divided), start, end), start, end, width)
    return _grouped(_merge(whole, runs), start, end, width), False


def _split(axis: Axis, window: slice, start: float, end: float, width: int) -> tuple[Buckets, Ints]:
    """Return one bucket for each run of blocks that lie in one column, and the blocks that an edge divides."""
    first, last = axis.first[window], axis.last[window]
    column = _column(first, start, end, width)
    is_divided = (column != _column(last, start, end, width)) | (first < start) | (last > end)
    starts = np.flatnonzero(np.append(True, is_divided[1:] | is_divided[:-1] | (np.diff(column) != 0)))
    ends = np.append(starts[1:], len(first)) - 1
    number = (window.start + ends) * BLOCK + axis.stats.points[window][ends] - 1
    runs = Buckets(first[starts], last[ends], number, axis.stats.take(window).merged(starts))
    return runs.take(~is_divided[starts]), window.start + np.flatnonzero(is_divided)


def columns(found: Buckets, smooth: Floats | None = None) -> Columns:
    """Return buckets as they travel."""
    stats = found.stats
    empty = stats.finite == 0
    return Columns(
        x=found.x.tolist(),
        first_x=found.first_x.tolist(),
        mean=stats.mean.tolist(),
        min=np.where(empty, np.nan, stats.min).tolist(),
        max=np.where(empty, np.nan, stats.max).tolist(),
        last=stats.last.tolist(),
        count=stats.points.tolist(),
        nan=_unless_zero(stats.nan),
        posinf=_unless_zero(stats.posinf),
        neginf=_unless_zero(stats.neginf),
        smooth=[] if smooth is None else smooth.tolist(),
    )


def _unless_zero(counts: Ints) -> list[int]:
    listed: list[int] = counts.tolist()
    return listed if counts.any() else []


def _column(x: Floats, start: float, end: float, width: int) -> Floats:
    if end <= start:
        return np.zeros(len(x))
    column = x - start
    column /= end - start
    column *= width
    return np.clip(np.floor(column, out=column), 0, width - 1, out=column)


def _within(spots: Spots, start: float, end: float) -> Spots:
    inside = (spots.x >= start) & (spots.x <= end)
    return spots if inside.all() else Spots._make(column[inside] for column in spots)


def _single(spots: Spots) -> Buckets:
    return Buckets(spots.x, spots.x, spots.number, Stats.of(spots.value, np.arange(len(spots.x))))


def _runs(spots: Spots, start: float, end: float, width: int) -> Buckets:
    """Return one bucket for each run of neighbouring points of one block in one column."""
    if not len(spots.x):
        return _single(spots)
    column = _column(spots.x, start, end, width)
    starts = np.flatnonzero(np.append(True, (np.diff(column) != 0) | (np.diff(spots.number // BLOCK) != 0)))
    ends = np.append(starts[1:], len(spots.x)) - 1
    return Buckets(spots.x[starts], spots.x[ends], spots.number[ends], Stats.of(spots.value, starts))


def _merge(one: Buckets, other: Buckets) -> Buckets:
    """Return the buckets of both in the order of their points."""
    number = np.concatenate([one.number, other.number])
    order = np.argsort(number, kind="stable")
    places = [np.concatenate(pair)[order] for pair in zip(one[:3], other[:3], strict=True)]
    return Buckets._make([*places, Stats.joined([one.stats, other.stats]).take(order)])


def _grouped(found: Buckets, start: float, end: float, width: int) -> Buckets:
    """Return one bucket for each column."""
    column = _column(found.x, start, end, width)
    if not len(column):
        return found
    starts = np.flatnonzero(np.append(True, np.diff(column) != 0))
    ends = np.append(starts[1:], len(column)) - 1
    return Buckets(found.first_x[starts], found.x[ends], found.number[ends], found.stats.merged(starts))
