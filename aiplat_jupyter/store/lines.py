"""The drawn line of one metric: its points in rising step, one for each step, over segments and tails and all attempts.

A line is made of pieces that do not overlap. Where segments do not overlap either, each is a piece, and only its
blocks' statistics are in memory. Where points came out of order, where a tail is, and where an attempt left its parent
in the middle of a segment, the points themselves are sorted into a piece that is held in memory.

The number of a point on the line is 64 times the number of its block, plus its place in the block.
"""

from collections.abc import Hashable, Iterator, Sequence
from functools import cached_property
from itertools import count, pairwise
from typing import NamedTuple, Self

import numpy as np

from aiplat_jupyter.store import segments
from aiplat_jupyter.store.archive import Archive, Index
from aiplat_jupyter.store.scattered import Part, unpacked
from aiplat_jupyter.store.segments import BLOCK, PLACES, Blocks, Samples, last_of_each
from aiplat_jupyter.store.stats import Bools, Floats, Ints, Stats

_LOWEST, _HIGHEST = np.iinfo(np.int64).min, np.iinfo(np.int64).max
_serial = count(1)


class Stretch(NamedTuple):
    """What one attempt gives to a line: its points of a series with `low` ≤ step < `high` (None: no bound).

    `key` names the content: it is another one when points came or were folded.
    """

    key: tuple[int, ...]
    stored: Index | None
    tail: Samples
    low: int | None = None
    high: int | None = None


class Located(NamedTuple):
    """Points and their numbers on the line; `samples.wall` is empty when it was not asked for."""

    samples: Samples
    number: Ints


class Pieces(NamedTuple):
    """Neighbouring pieces as columns, and the blocks of all.

    `segment` is the number of the segment that holds a piece's points; minus a number that is used once for a piece in
    memory, whose points are `samples`.
    """

    segment: Ints
    points: Ints
    superseded: Ints
    walls_rise: Bools
    blocks: Blocks
    samples: dict[int, Samples]

    @classmethod
    def of_index(cls, index: Index, start: int, stop: int) -> Self:
        """Return segments `start` to `stop` of an index."""
        blocks = index.blocks.take(slice(*index.starts[[start, stop]]))
        columns = (index.id, index.points, index.superseded, index.walls_rise)
        return cls._make([*(column[start:stop] for column in columns), blocks, {}])

    @classmethod
    def of_samples(cls, samples: Samples) -> Self:
        """Return one piece, of drawn points."""
        number, rise = -next(_serial), bool((samples.wall[1:] >= samples.wall[:-1]).all())
        columns = ([number], [len(samples.step)], [0], [rise])
        return cls._make([*map(np.array, columns), Blocks.of(samples), {number: samples}])

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the pieces of all `parts`, one after the other."""
        if len(parts) == 1:
            return parts[0]
        columns = map(np.concatenate, zip(*(part[:4] for part in parts), strict=True))
        samples = {number: points for part in parts for number, points in part.samples.items()}
        return cls._make([*columns, Blocks.joined([part.blocks for part in parts]), samples])


class Line:
    """A drawn line of one or more points, its `blocks` in rising step. It never changes: `key` names its content."""

    def __init__(self, pieces: Pieces, key: Hashable) -> None:
        self.key = key
        self._pieces = pieces
        self._starts = np.concatenate([[0], np.cumsum(-(-pieces.points // BLOCK))])
        self.blocks = pieces.blocks

    @property
    def size(self) -> int:
        """Bytes that it holds, about."""
        held = sum(column.nbytes for samples in self._pieces.samples.values() for column in samples)
        return held + 100 * len(self.blocks.first_step)

    @cached_property
    def walls_rise(self) -> bool:
        """Whether wall times never fall along the line."""
        between = self.blocks.wall_min[1:] >= self.blocks.wall_max[:-1]
        return bool(self._pieces.walls_rise.all() and between.all())

    @cached_property
    def steps(self) -> tuple[Floats, Floats]:
        """The first and the last step of each block, as floats."""
        return self.blocks.first_step.astype(np.float64), self.blocks.last_step.astype(np.float64)

    @cached_property
    def before(self) -> Ints:
        """How many points stand before each block, and how many there are at all."""
        return np.concatenate([[0], np.cumsum(self.blocks.stats.points)])

    @cached_property
    def identity(self) -> Ints:
        """A number for each block that no other content has."""
        lengths = np.diff(self._starts)
        within = np.arange(self._starts[-1]) - np.repeat(self._starts[:-1], lengths)
        identity: Ints = np.repeat(self._pieces.segment * PLACES, lengths) + within
        return identity

    @property
    def whole(self) -> Stats:
        """The statistics of all points, as one row."""
        return self.blocks.stats.merged(np.zeros(1, np.int64))

    def points(self, archive: Archive, blocks: Ints | None = None, *, walls: bool = False) -> Located:
        """Return the points of some blocks (rising; None: of all)."""
        blocks = np.arange(len(self.blocks.first_step)) if blocks is None else blocks
        if not len(blocks):
            return Located(Samples.none(), np.empty(0, np.int64))
        sizes = self.blocks.stats.points[blocks]
        ends = np.cumsum(sizes)
        number = np.repeat(blocks * BLOCK - ends + sizes, sizes) + np.arange(ends[-1])
        scattered = self._scattered(blocks, walls)
        if not scattered.any():
            return Located(Samples.joined(list(self._spans(archive, blocks, walls))), number)
        samples = self._picked(archive, blocks[scattered], walls)
        if scattered.all():
            return Located(samples, number)
        samples = Samples.joined([samples, *self._spans(archive, blocks[~scattered], walls)])
        is_picked = np.repeat(scattered, sizes)
        order = np.argsort(np.concatenate([number[is_picked], number[~is_picked]]))
        wall = samples.wall[order] if walls else _NO_WALLS
        return Located(Samples(samples.step[order], wall, samples.value[order]), number)

    def first_blocks(self, points: int) -> Ints:
        """Return the blocks that hold at least this many of the first points, or all."""
        return np.arange(min(len(self.before) - 1, int(np.searchsorted(self.before, points))))

    def number_from(self, archive: Archive, step: int) -> int:
        """Return the number of the first point at or behind `step`, or of the last point."""
        block = min(int(np.searchsorted(self.blocks.last_step, step)), len(self.blocks.last_step) - 1)
        samples, number = self.points(archive, np.array([block]))
        return int(number[min(int(np.searchsorted(samples.step, step)), len(number) - 1)])

    def moved(self, number: int, distance: int) -> int:
        """Return the number of the point that stands `distance` points behind another, or at the line's end."""
        place = np.clip(self.before[number // BLOCK] + number % BLOCK + distance, 0, self.before[-1] - 1)
        block = int(np.searchsorted(self.before, place, side="right")) - 1
        return block * BLOCK + int(place - self.before[block])

    def _owners(self, blocks: Ints) -> Ints:
        """Return the piece that each block belongs to."""
        return np.searchsorted(self._starts, blocks, side="right") - 1

    def _scattered(self, blocks: Ints, walls: bool) -> Bools:
        """Return which blocks can be unpacked alone, and lie in segments of which no more than half is wanted."""
        pieces, owner = self._pieces, self._owners(blocks)
        wanted = np.bincount(owner, minlength=len(pieces.segment))
        fit = (pieces.segment > 0) & (pieces.superseded == 0) & (2 * wanted * BLOCK <= pieces.points)
        if walls:
            fit &= pieces.walls_rise
        is_scattered: Bools = fit[owner] & (self.blocks.stats.points[blocks] == BLOCK)
        return is_scattered

    def _picked(self, archive: Archive, blocks: Ints, walls: bool) -> Samples:
        """Return the points of scattered blocks."""
        owner = self._owners(blocks)
        firsts = np.flatnonzero(np.append(True, owner[1:] != owner[:-1]))
        bounds = [*firsts.tolist(), len(blocks)]
        places = (blocks - self._starts[owner]).tolist()
        opened = archive.opened(self._pieces.segment[owner[firsts]].tolist())
        parts = [
            Part.read(data, places[low:high], walls) for data, (low, high) in zip(opened, pairwise(bounds), strict=True)
        ]
        return unpacked(parts, self.blocks.first_step[blocks], self.blocks.wall_min[blocks])

    def _spans(self, archive: Archive, blocks: Ints, walls: bool) -> Iterator[Samples]:
        """Yield the points of each run of neighbouring blocks of one piece."""
        owner = self._owners(blocks)
        breaks = np.flatnonzero((np.diff(blocks) != 1) | (np.diff(owner) != 0)) + 1
        firsts = np.concatenate([[0], breaks])
        lasts = np.concatenate([breaks, [len(blocks)]]) - 1
        owners, segment = owner[firsts], self._pieces.segment
        packed = archive.points([number for number in segment[owner[last_of_each(owner)]].tolist() if number > 0])
        starts = (blocks[firsts] - self._starts[owners]) * BLOCK
        stops = np.minimum((blocks[lasts] + 1 - self._starts[owners]) * BLOCK, self._pieces.points[owners])
        for piece, first, start, stop in zip(
            *(c.tolist() for c in (owners, blocks[firsts], starts, stops)), strict=True
        ):
            number = int(segment[piece])
            if number < 0:
                yield self._pieces.samples[number].take(slice(start, stop))
            else:
                yield self._unpacked(packed[number], piece, first, start, stop, walls)

    def _unpacked(self, data: bytes, piece: int, first: int, start: int, stop: int, walls: bool) -> Samples:
        """Return drawn points `start` to `stop` of a segment, the first of which opens block `first`."""
        if self._pieces.superseded[piece] or (walls and not self._pieces.walls_rise[piece]):
            samples = segments.unpack(data).drawn().take(slice(start, stop))
            return samples if walls else samples._replace(wall=_NO_WALLS)
        wall = int(self.blocks.wall_min[first]) if walls else None
        return segments.unpack_span(data, start, stop, int(self.blocks.first_step[first]), wall)


_NO_WALLS = np.empty(0, np.int64)


def line(archive: Archive, stretches: Sequence[Stretch]) -> Line | None:
    """Return the line through `stretches`, in the order of descent; None if they hold no point.

    Where two have a point at the same step, the later one's is drawn.
    """
    key = ("line", tuple((stretch.key, stretch.low, stretch.high) for stretch in stretches))
    known: Line | None = archive.memory.get(key)
    if known is None:
        entries = _Entries.of(stretches)
        if not len(entries.low):
            return None
        found = [_pieces(archive, stretches, *group) for group in entries.groups()]
        parts = [part for part in found if part is not None]
        if not parts:
            return None
        known = Line(Pieces.joined(parts), key)
        archive.memory.put(key, known, known.size)
    return known


class _Entries(NamedTuple):
    """Segments and tails that a line is made of, by rising first step.

    `place` is the segment's place in its stretch's index, −1 for a tail; `loose` ones must be sorted point by point.
    """

    stretch: Ints
    place: Ints
    low: Ints
    high: Ints
    loose: Bools

    @classmethod
    def of(cls, stretches: Sequence[Stretch]) -> Self:
        parts = [part for number, stretch in enumerate(stretches) for part in _entries(number, stretch)]
        if not parts:
            return cls._make([*np.empty((4, 0), np.int64), np.empty(0, bool)])
        columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
        order = np.argsort(columns[2], kind="stable")
        return cls._make(column[order] for column in columns)

    def groups(self) -> Iterator[tuple["_Entries", bool]]:
        """Yield neighbouring segments that overlap nothing (True), and all entries that overlap each other (False)."""
        reach = np.maximum.accumulate(self.high)
        fresh = np.append(True, self.low[1:] > reach[:-1])
        alone = fresh & np.append(fresh[1:], True) & ~self.loose
        follows = (np.diff(self.stretch) == 0) & (np.diff(self.place) == 1) & alone[1:] & alone[:-1]
        starts = np.flatnonzero(fresh & ~np.append(False, follows)).tolist()
        for start, stop in zip(starts, [*starts[1:], len(fresh)], strict=True):
            yield type(self)._make(column[start:stop] for column in self), bool(alone[start])


def _entries(number: int, stretch: Stretch) -> Iterator[tuple[Ints, Ints, Ints, Ints, Bools]]:
    low = _LOWEST if stretch.low is None else stretch.low
    high = _HIGHEST if stretch.high is None else stretch.high - 1
    if high < _LOWEST:
        return
    if stretch.stored is not None:
        index = stretch.stored
        places = np.flatnonzero((index.step_min <= high) & (index.step_max >= low))
        least, most = index.step_min[places], index.step_max[places]
        cut = (least < low) | (most > high)
        yield np.full(len(places), number), places, np.maximum(least, low), np.minimum(most, high), cut
    steps = stretch.tail.step
    inside = steps[(steps >= low) & (steps <= high)]
    if len(inside):
        yield np.array([number]), np.array([-1]), inside.min(keepdims=True), inside.max(keepdims=True), np.array([True])


def _pieces(archive: Archive, stretches: Sequence[Stretch], entries: _Entries, alone: bool) -> Pieces | None:
    """Return neighbouring entries as pieces; None where a segment has points before and behind its stretch only."""
    index = stretches[entries.stretch[0]].stored
    if alone and index is not None:
        return Pieces.of_index(index, int(entries.place[0]), int(entries.place[-1]) + 1)
    samples = _sorted(archive, stretches, entries)
    return Pieces.of_samples(samples) if len(samples.step) else None


def _sorted(archive: Archive, stretches: Sequence[Stretch], entries: _Entries) -> Samples:
    """Return the drawn points of overlapping entries."""
    is_tail = entries.place < 0
    arrival = [_arrival(stretches[s].stored, place) for s, place in zip(entries.stretch, entries.place, strict=True)]
    order = np.lexsort((*np.array(arrival).T[::-1], is_tail, entries.stretch))
    settled = int(np.argmax(is_tail[order])) if is_tail.any() else len(order)
    if settled == len(order):
        return _settled(archive, stretches, entries, order)
    parts = [_remembered(archive, stretches, entries, order[:settled])] if settled else []
    parts += [_loose(archive, stretches[entries.stretch[e]], int(entries.place[e])) for e in order[settled:]]
    return Samples.joined(parts).in_order().drawn()


def _arrival(index: Index | None, place: int) -> tuple[int, int]:
    return (0, 0) if index is None or place < 0 else (int(index.arrival[place]), int(index.id[place]))


def _settled(archive: Archive, stretches: Sequence[Stretch], entries: _Entries, order: Ints) -> Samples:
    """Return the drawn points of some segments, given in the order of arrival."""
    parts = [_loose(archive, stretches[entries.stretch[entry]], int(entries.place[entry])) for entry in order]
    return Samples.joined(parts).in_order().drawn()


def _remembered(archive: Archive, stretches: Sequence[Stretch], entries: _Entries, order: Ints) -> Samples:
    """Return the same, kept for when a tail beside these segments has grown."""
    used = [(stretches[entries.stretch[entry]], int(entries.place[entry])) for entry in order]
    key = "settled", tuple((int(s.stored.id[place]), s.low, s.high) for s, place in used if s.stored is not None)
    known: Samples | None = archive.memory.get(key)
    if known is None:
        known = _settled(archive, stretches, entries, order)
        archive.memory.put(key, known, sum(column.nbytes for column in known))
    return known


def _loose(archive: Archive, stretch: Stretch, place: int) -> Samples:
    """Return the points of one entry within the stretch's bounds, the order of arrival kept among equal steps."""
    samples = stretch.tail
    if place >= 0 and stretch.stored is not None:
        samples = segments.unpack(archive.passing(int(stretch.stored.id[place])))
    if stretch.low is not None:
        samples = samples.take(samples.step >= stretch.low)
    return samples if stretch.high is None else samples.take(samples.step < stretch.high)
