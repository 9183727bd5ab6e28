"""What is known of groups of points without looking at each: counts, sum, extremes, last value."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


class Stats(NamedTuple):
    """Parallel columns, one row for each group of points.

    `points` counts all; `nan`, `posinf` and `neginf` those that are not finite. The others are over the finite ones;
    where there is none, `min` is +Inf, `max` is −Inf and `last` is NaN.
    """

    points: Ints
    nan: Ints
    posinf: Ints
    neginf: Ints
    sum: Floats
    min: Floats
    max: Floats
    last: Floats

    @classmethod
    def of(cls, values: Floats, starts: Ints) -> Self:
        """Return the statistics of `values` in groups that begin at the rising indexes `starts`; the first is 0."""
        if not len(starts):
            return cls.none()
        zeros = np.zeros(len(starts), np.int64)
        ends = np.append(starts[1:], len(values)) - 1
        counts = ends - starts + 1
        finite = np.isfinite(values)
        if finite.all():
            return cls(counts, zeros, zeros, zeros, *_extremes(values, values, values, starts), values[ends])
        nan, posinf, neginf = (_tally(mask, starts) for mask in (np.isnan(values), values == np.inf, values == -np.inf))
        sums, lows, highs = (np.where(finite, values, fill) for fill in (0.0, np.inf, -np.inf))
        columns = _extremes(sums, lows, highs, starts)
        return cls(counts, nan, posinf, neginf, *columns, _last(values, finite, starts))

    @classmethod
    def none(cls) -> Self:
        """Return no rows."""
        return cls._make([*np.empty((4, 0), np.int64), *np.empty((4, 0))])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all `parts`, one after the other."""
        return cls._make(map(np.concatenate, zip(*parts, strict=True)))

    def take(self, rows: Ints | Bools | slice) -> Self:
        """Return some of the rows."""
        return type(self)._make(column[rows] for column in self)

    def merged(self, starts: Ints) -> Self:
        """Return one row for each group of rows; groups begin at the rising indexes `starts`; the first is 0."""
        counts = [np.add.reduceat(column, starts) for column in self[:4]]
        extremes = _extremes(self.sum, self.min, self.max, starts)
        known = self.finite > 0
        last = self.last[np.append(starts[1:], len(known)) - 1] if known.all() else _last(self.last, known, starts)
        return type(self)._make([*counts, *extremes, last])

    @property
    def finite(self) -> Ints:
        """How many points are finite."""
        return self.points - self.nan - self.posinf - self.neginf

    @property
    def mean(self) -> Floats:
        """Mean of the finite values; NaN where there is none."""
        with np.errstate(all="ignore"):
            mean = self.sum / self.finite
            # A sum may overflow although the mean does not.
            return np.where(np.isfinite(mean) | (self.finite == 0), mean, self.min / 2 + self.max / 2)


def _extremes(sums: Floats, lows: Floats, highs: Floats, starts: Ints) -> tuple[Floats, Floats, Floats]:
    with np.errstate(all="ignore"):
        return np.add.reduceat(sums, starts), np.minimum.reduceat(lows, starts), np.maximum.reduceat(highs, starts)


def _tally(mask: Bools, starts: Ints) -> Ints:
    return np.add.reduceat(mask, starts, dtype=np.int64)


def _last(values: Floats, finite: Bools, starts: Ints) -> Floats:
    """Return the last value of each group where `finite` holds, NaN where it holds nowhere."""
    where = np.maximum.reduceat(np.where(finite, np.arange(len(values)), -1), starts)
    return np.where(where >= 0, values[where], np.nan)
