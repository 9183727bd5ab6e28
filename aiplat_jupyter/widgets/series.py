"""One metric of one experiment as the panel holds it: columns of buckets, kept up to date by deltas."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from aiplat_jupyter.core.curves import Columns, Curve
from aiplat_jupyter.core.records import SeriesSummary

Floats = NDArray[np.float64]
_COLUMNS = ("x", "mean", "min", "max", "count", "nan", "posinf", "neginf", "smooth")


class Buckets:
    """Parallel columns in rising x; statistics are NaN where a bucket holds no finite value."""

    x: Floats
    mean: Floats
    min: Floats
    max: Floats
    count: Floats
    nan: Floats
    posinf: Floats
    neginf: Floats
    smooth: Floats

    def __init__(self, columns: Columns) -> None:
        size = len(columns.x)
        for name in _COLUMNS:
            values = getattr(columns, name)
            missing = np.full(size, np.nan) if name == "smooth" else np.zeros(size)
            setattr(self, name, np.asarray(values, float) if len(values) else missing)

    def __len__(self) -> int:
        return len(self.x)

    def replace_from(self, x: float, columns: Columns) -> None:
        """Take `columns` in place of everything from `x` on."""
        kept, tail = self.x < x, Buckets(columns)
        for name in _COLUMNS:
            setattr(self, name, np.concatenate([getattr(self, name)[kept], getattr(tail, name)]))


class Series:
    """A curve's buckets, its abandoned tails and what is known of the whole line."""

    def __init__(self, curve: Curve) -> None:
        self.experiment, self.metric, self.context = curve.experiment, curve.metric, curve.context
        self.buckets = Buckets(curve.columns)
        self.tails: list[Buckets] = []
        self._know(curve)

    @property
    def key(self) -> str:
        """Name within the panel, stable across updates."""
        return series_key(self)

    def merge(self, curve: Curve) -> None:
        """Take a later answer to the same query: all of it, or what changed from ``from_x`` on."""
        if curve.from_x is None:
            self.buckets = Buckets(curve.columns)
        else:
            self.buckets.replace_from(curve.from_x, curve.columns)
        self._know(curve)

    def _know(self, curve: Curve) -> None:
        self.summary: SeriesSummary = curve.summary
        self.extent, self.total, self.raw = curve.x_extent, curve.total, curve.raw
        if curve.from_x is None:  # else they are as they were
            self.tails = [Buckets(tail.columns) for tail in curve.abandoned]


def series_key(curve: Curve | Series) -> str:
    """Return the name of a curve within a panel."""
    return f"{curve.experiment}\n{curve.metric}\n{curve.context}"


def merged(known: dict[str, Series], answer: Iterable[Curve], *, delta: bool) -> dict[str, Series]:
    """Return the series after `answer`; without `delta` it names all there are."""
    result = dict(known) if delta else {}
    for curve in answer:
        key = series_key(curve)
        if delta and key in known:
            known[key].merge(curve)
        else:
            result[key] = Series(curve)
    return result
