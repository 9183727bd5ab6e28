"""Axes: the points of a line in rising x, be it the step, a time or another metric."""

from collections.abc import Callable, Hashable
from typing import NamedTuple

import numpy as np

from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.buckets import Axis, Spots, axis_of
from aiplat_jupyter.store.clocks import Clock
from aiplat_jupyter.store.lines import Line
from aiplat_jupyter.store.segments import to_seconds
from aiplat_jupyter.store.stats import Floats, Ints


class Along(NamedTuple):
    """A line laid along an axis.

    `numbers` are the numbers on the line of the axis's points, where these are in another order than the line's (else
    None).
    """

    axis: Axis
    numbers: Ints | None

    def on_line(self, number: Ints) -> Ints:
        """Return the numbers on the line of points that have these numbers on the axis."""
        return number if self.numbers is None else self.numbers[number]


def by_step(archive: Archive, line: Line) -> Along:
    """Lay `line` along its steps."""

    def spots(wanted: Ints) -> Spots:
        samples, number = line.points(archive, wanted)
        return Spots(samples.step.astype(np.float64), samples.value, number)

    return Along(Axis(*line.steps, line.blocks.stats, spots), None)


def by_wall(archive: Archive, line: Line, origin: float) -> Along:
    """Lay `line` along wall time, in seconds since `origin`."""
    blocks = line.blocks

    def spots(wanted: Ints) -> Spots:
        samples, number = line.points(archive, wanted, walls=True)
        return Spots(to_seconds(samples.wall) - origin, samples.value, number)

    if not line.walls_rise:
        every = np.arange(len(blocks.first_step))
        return _sorted(archive, (line.key, "wall", origin), lambda: spots(every))
    first, last = to_seconds(blocks.wall_min) - origin, to_seconds(blocks.wall_max) - origin
    return Along(Axis(first, last, blocks.stats, spots), None)


def by_clock(archive: Archive, line: Line, clock: Clock) -> Along:
    """Lay `line`, whose steps are milliseconds that `clock` knows, along the steps of the run."""
    (first, last, stats, timed), _ = by_step(archive, line)

    def spots(wanted: Ints) -> Spots:
        found = timed(wanted)
        return found._replace(x=clock.steps(found.x))

    if not clock.rises:
        return _sorted(archive, (line.key, clock.key), lambda: spots(np.arange(len(first))))
    return Along(Axis(clock.steps(first), clock.steps(last), stats, spots), None)


def by_metric(archive: Archive, line: Line, other: Line, clock: Clock | None = None) -> Along:
    """Lay `line` along the last finite value that `other` has at or before each step, without points before that.

    With a `clock`, the steps of `line` are milliseconds that it knows.
    """

    def spots() -> Spots:
        (step, _, value), number = line.points(archive)
        if clock is not None:
            step = np.floor(clock.steps(step.astype(np.float64))).astype(np.int64)
        x = at_or_before(archive, other, step)
        return Spots(x, value, number)

    return _sorted(archive, (line.key, "metric", other.key, clock and clock.key), spots)


def at_or_before(archive: Archive, line: Line, steps: Ints) -> Floats:
    """Return the last finite value of `line` at or before each of `steps`; NaN where there is none."""
    step, _, value = line.points(archive).samples
    finite = np.isfinite(value)
    place = np.searchsorted(step[finite], steps, side="right") - 1
    return np.append(value[finite], np.nan)[place]


def _sorted(archive: Archive, key: Hashable, spots: Callable[[], Spots]) -> Along:
    """Return points in rising x, those without an x left out, and remember them as what `key` names."""
    known: Along | None = archive.memory.get(("axis", key))
    if known is None:
        x, value, number = spots()
        order = np.argsort(x, kind="stable")[: len(x) - int(np.isnan(x).sum())]
        known = Along(axis_of(x[order], value[order]), number[order])
        archive.memory.put(("axis", key), known, 32 * len(order))
    return known
