"""Ranges of axes that move in steps, not with each point, and the transform of log axes."""

import math
from collections.abc import Iterable

import numpy as np

from aiplat_jupyter.widgets.series import Floats

Range = tuple[float, float]
_LADDER = (1.0, 1.25, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)
_FULLNESS = 0.6
"""A range that the data fill to less than this share is drawn in."""


def transformed(values: Floats, log: bool) -> Floats:
    """Return `values`, or on a log axis their decadic logarithm with NaN where there is none."""
    if not log:
        return values
    positive = np.where(values > 0, values, np.nan)
    return np.asarray(np.log10(positive))


def step_up(span: float) -> float:
    """Return the next round span at or above `span`."""
    power = 10.0 ** math.floor(math.log10(span))
    return next(factor * power for factor in _LADDER if factor * power >= span * (1 - 1e-9))


def x_home(extents: Iterable[Range], *, growing: bool, log: bool) -> Range:
    """Return the whole range of x: while curves grow, with room up to the next round span."""
    known = [_log_range(extent) if log else extent for extent in extents if extent[1] > 0 or not log]
    if not known:
        return (0.0, 1.0)
    low, high = min(low for low, _ in known), max(high for _, high in known)
    if high <= low:
        return (low - 0.5, high + 0.5) if not growing else (low, low + 1.0)
    return (low, low + step_up(high - low)) if growing else (low, high)


def _log_range(extent: Range) -> Range:
    low, high = extent
    return (math.log10(low) if low > 0 else min(0.0, math.log10(high)), math.log10(high))


def y_range(rows: Iterable[Floats], before: Range | None, *, cut: bool = False) -> Range:
    """Return a range that holds all finite values with some room, and is `before` as long as that still suits.

    `cut`: only the 5th to the 95th percentile of them.
    """
    finite = [row[np.isfinite(row)] for row in rows]
    finite = [row for row in finite if row.size]
    if not finite:
        return before or (0.0, 1.0)
    values = np.concatenate(finite)
    low, high = map(float, np.percentile(values, (5, 95)) if cut else (values.min(), values.max()))
    if before and before[0] <= low and high <= before[1] and high - low >= _FULLNESS * (before[1] - before[0]):
        return before
    return _rounded(low, high)


def _rounded(low: float, high: float) -> Range:
    if high - low <= abs(high) * 1e-12:
        room = abs(high) * 0.1 or 1.0
        return (low - room, high + room)
    step = step_up((high - low) / 20)
    bottom, top = math.floor((low - step * 0.4) / step) * step, math.ceil((high + step * 0.4) / step) * step
    return (0.0 if low >= 0 > bottom else bottom, top)
