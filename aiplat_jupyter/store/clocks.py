"""Clocks: at what time a run was at which step, for series whose points have a time and no step.

A clock is read off the run's points along a line of descent: the step rises linearly from one of them to the next.
"""

from collections.abc import Hashable
from typing import Final, NamedTuple

import numpy as np

from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.lines import Line
from aiplat_jupyter.store.segments import last_of_each, to_seconds
from aiplat_jupyter.store.stats import Floats, Ints

EXACT: Final = 65_536
"""Points of a line that are all looked at; of longer ones, those at both ends of each block of 64."""


class Clock(NamedTuple):
    """Steps at rising times, in milliseconds since 1970. `rises` tells whether the steps never fall."""

    key: Hashable
    at: Floats
    step: Floats
    rises: bool

    @property
    def extent(self) -> tuple[int, int]:
        """The first and the last millisecond of which it can tell the step."""
        return int(np.ceil(self.at[0])), int(np.floor(self.at[-1]))

    def steps(self, at: Floats) -> Floats:
        """Return the step at each of these times, which must lie between the first and the last, to a millionth."""
        steps: Floats = np.round(np.interp(at, self.at, self.step), 6)
        return steps

    def reached(self, step: int) -> int | None:
        """Return the millisecond in which this step or a later one was there first; None if it never was."""
        there = self.step >= step
        return int(np.ceil(self.at[there.argmax()])) if there.any() else None

    def before(self, step: int) -> float:
        """Return a time up to which points at or behind this step have no say; −Inf where the steps fall."""
        place = int(np.searchsorted(self.step, step)) - 2
        return float(self.at[place]) if self.rises and place >= 0 else -np.inf


def clock(archive: Archive, line: Line) -> Clock:
    """Return the clock that the points of `line` are."""
    key = "clock", line.key
    known: Clock | None = archive.memory.get(key)
    if known is None:
        step, wall = _pairs(archive, line)
        order = np.argsort(wall, kind="stable")
        order = order[last_of_each(wall[order])]
        rises = bool((np.diff(step[order]) >= 0).all())
        known = Clock(key, 1000 * to_seconds(wall[order]), step[order].astype(np.float64), rises)
        archive.memory.put(key, known, 16 * len(order))
    return known


def _pairs(archive: Archive, line: Line) -> tuple[Ints, Ints]:
    if line.before[-1] <= EXACT or not line.walls_rise:
        samples = line.points(archive, walls=True).samples
        return samples.step, samples.wall
    blocks = line.blocks
    ends = (blocks.first_step, blocks.last_step), (blocks.wall_min, blocks.wall_max)
    step, wall = (np.stack(pair, axis=1).ravel() for pair in ends)
    return step, wall
