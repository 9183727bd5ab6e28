"""Packed points: up to 16,384 of one series in a segment.

All integers are little-endian. A segment's points are::

    version u8 | kind of values u8 | n u32 | bytes of steps u32 | bytes of walls u32 | steps | walls | values

    integers = width u8 | exceptions u32 | first i64 | base i64
             | (difference − base) u8, u16, u32 or u64 × (n − 1), nothing with width 0
             | place u32 × exceptions | difference i64 × exceptions
    values   = one f64 for all (kind 0) | f32 × n, where that is exact (kind 1) | f64 × n (kind 2)

Differences are taken modulo 2⁶⁴. Those that do not fit the width are exceptions ("patched frame of reference", Zukowski
et al., Super-Scalar RAM-CPU Cache Compression, 2006), so that one long pause does not widen them all.

Points are sorted by (step, arrival). Of a step that came more than once only the last arrival is drawn.
"""

import struct
from collections.abc import Sequence
from functools import lru_cache
from typing import Final, NamedTuple, Self

import numpy as np

from aiplat_jupyter.store.stats import Bools, Floats, Ints, Stats

SIZE: Final = 16_384
BLOCK: Final = 64
PLACES: Final = SIZE // BLOCK
"""Most blocks of a segment."""

_VERSION: Final = 1
HEAD: Final = struct.Struct("<BBIII")
INTEGERS: Final = struct.Struct("<BIqq")
WIDTHS: Final = {0: "", 1: "<u1", 2: "<u2", 4: "<u4", 8: "<u8"}
EXCEPTION: Final = 12
SAME, SINGLE, DOUBLE = range(3)
_MICROS: Final = 1e6
_LATEST: Final = 9e12


class Samples(NamedTuple):
    """Points of one series as columns: int64 steps, int64 wall times in microseconds since 1970, float64 values."""

    step: Ints
    wall: Ints
    value: Floats

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the points of all `parts`, one after the other."""
        if len(parts) == 1:
            return parts[0]
        return cls._make(map(np.concatenate, zip(*parts, strict=True)))

    @classmethod
    def none(cls) -> Self:
        """Return no points."""
        return cls(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))

    def take(self, rows: Ints | Bools | slice) -> Self:
        """Return some of the points."""
        return type(self)._make(column[rows] for column in self)

    def in_order(self) -> Self:
        """Return the points, given in the order of arrival, sorted by (step, arrival)."""
        if (self.step[1:] >= self.step[:-1]).all():
            return self
        return self.take(np.argsort(self.step, kind="stable"))

    def drawn(self) -> Self:
        """Return, of points sorted by (step, arrival), the last of each step."""
        last = last_of_each(self.step)
        return self if last.all() else self.take(last)


class Blocks(NamedTuple):
    """Statistics of each 64 drawn points (fewer in the last block of a segment), and where they lie."""

    first_step: Ints
    last_step: Ints
    wall_min: Ints
    wall_max: Ints
    stats: Stats

    @classmethod
    def of(cls, samples: Samples) -> Self:
        """Return the blocks of drawn points, of which there must be some."""
        starts = np.arange(0, len(samples.step), BLOCK)
        ends = np.append(starts[1:], len(samples.step)) - 1
        walls = np.minimum.reduceat(samples.wall, starts), np.maximum.reduceat(samples.wall, starts)
        return cls(samples.step[starts], samples.step[ends], *walls, Stats.of(samples.value, starts))

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the blocks of all `parts`, one after the other."""
        if len(parts) == 1:
            return parts[0]
        bounds = map(np.concatenate, zip(*(part[:4] for part in parts), strict=True))
        return cls._make([*bounds, Stats.joined([part.stats for part in parts])])

    def take(self, rows: Ints | slice) -> Self:
        """Return some of the blocks."""
        return type(self)._make([*(column[rows] for column in self[:4]), self.stats.take(rows)])


def last_of_each(steps: Ints) -> Bools:
    """Return which of some rising steps are the last of equal ones."""
    last = np.ones(len(steps), bool)
    np.not_equal(steps[1:], steps[:-1], out=last[:-1])
    return last


def to_micros(seconds: Floats) -> Ints:
    """Return wall times as whole microseconds; what is no time becomes the nearest that can be kept, NaN 1970."""
    return np.rint(np.clip(np.nan_to_num(seconds), -_LATEST, _LATEST) * _MICROS).astype(np.int64)


def to_seconds(micros: Ints) -> Floats:
    """Return wall times as seconds since 1970."""
    return micros / _MICROS


# Integers


def pack_integers(numbers: Ints) -> bytes:
    """Pack one or more integers as differences of the smallest width that is worth it."""
    differences = np.diff(numbers)
    count = len(differences)
    rank = count // 512
    base = np.partition(differences, rank)[rank] if count else np.int64(0)
    above = (differences - base).view(np.uint64)
    sizes = {w: w * count + EXCEPTION * int((above >> np.uint64(8 * w)).astype(bool).sum()) for w in (0, 1, 2, 4)}
    width = min(sizes | {8: 8 * count}, key=lambda w: (sizes | {8: 8 * count})[w])
    odd = np.flatnonzero(above >> np.uint64(8 * width)) if width < 8 else np.empty(0, np.int64)
    head = INTEGERS.pack(width, len(odd), int(numbers[0]), int(base))
    body = above.astype(WIDTHS[width]).tobytes() if width else b""
    return head + body + odd.astype("<u4").tobytes() + differences[odd].astype("<i8").tobytes()


@lru_cache(64)
def _pack_again(numbers: bytes) -> bytes:
    """Pack int64s that series of the same attempt have in common, once for all of them."""
    return pack_integers(np.frombuffer(numbers, np.int64))


def unpack_integers(data: bytes, at: int, count: int) -> Ints:
    """Return the `count` integers that are packed at offset `at`."""
    first = INTEGERS.unpack_from(data, at)[2]
    return _unpack_some(data, at, count, 0, count, first)


def _unpack_some(data: bytes, at: int, count: int, start: int, stop: int, first: int) -> Ints:
    """Return integers `start` to `stop` of `count`, of which the one at `start` is known to be `first`."""
    width, odd, _, base = INTEGERS.unpack_from(data, at)
    steps = stop - start - 1
    numbers: Ints
    if width == 0 and not odd:
        numbers = first + np.arange(steps + 1) * base
        return numbers
    numbers = np.empty(steps + 1, np.int64)
    numbers[0] = first
    body = at + INTEGERS.size
    if width == 0:
        numbers[1:] = base
    else:
        numbers[1:] = np.frombuffer(data, WIDTHS[width], steps, body + width * start)
        numbers[1:] += base
    if odd:
        _patch(numbers, data, body + width * (count - 1), odd, start)
    total: Ints = np.cumsum(numbers, out=numbers)
    return total


def _patch(numbers: Ints, data: bytes, at: int, odd: int, start: int) -> None:
    """Put the exceptions at offset `at` in the place of those differences that follow the number at `start`."""
    places = np.frombuffer(data, "<u4", odd, at).astype(np.int64) - start
    inside = (places >= 0) & (places < len(numbers) - 1)
    numbers[1:][places[inside]] = np.frombuffer(data, "<i8", odd, at + 4 * odd)[inside]


# Values


def pack_values(values: Floats) -> tuple[int, bytes]:
    """Return the kind and the bytes of one or more values; every bit of them is kept."""
    bits = values.view(np.int64)
    if (bits == bits[0]).all():
        return SAME, values[:1].tobytes()
    short = singles(values)
    return (DOUBLE, values.astype("<f8").tobytes()) if short is None else (SINGLE, short)


def singles(values: Floats) -> bytes | None:
    """Return `values` as 32-bit floats if that keeps every bit of them."""
    with np.errstate(all="ignore"):
        short = values.astype("<f4")
        return short.tobytes() if (short.astype("<f8").view(np.int64) == values.view(np.int64)).all() else None


def unpack_values(data: bytes, at: int, kind: int, count: int) -> tuple[Floats, int]:
    """Return the `count` values at offset `at`, and the offset behind them."""
    sizes = {SAME: 8, SINGLE: 4 * count, DOUBLE: 8 * count}
    return _unpack_values(data, at, kind, 0, count), at + sizes[kind]


def _unpack_values(data: bytes, at: int, kind: int, start: int, stop: int) -> Floats:
    if kind == SAME:
        return np.full(stop - start, np.frombuffer(data, "<f8", 1, at)[0])
    if kind == SINGLE:
        return np.frombuffer(data, "<f4", stop - start, at + 4 * start).astype(np.float64)
    return np.frombuffer(data, "<f8", stop - start, at + 8 * start)


# Segments


def pack(samples: Samples) -> bytes:
    """Pack one or more points, sorted by (step, arrival)."""
    steps, walls = _pack_again(samples.step.tobytes()), _pack_again(samples.wall.tobytes())
    kind, values = pack_values(samples.value)
    return HEAD.pack(_VERSION, kind, len(samples.step), len(steps), len(walls)) + steps + walls + values


def unpack(data: bytes) -> Samples:
    """Return the points that `pack` packed."""
    _, kind, count, steps, walls = HEAD.unpack_from(data)
    at = HEAD.size + steps
    return Samples(
        unpack_integers(data, HEAD.size, count),
        unpack_integers(data, at, count),
        _unpack_values(data, at + walls, kind, 0, count),
    )


def unpack_span(data: bytes, start: int, stop: int, first_step: int, first_wall: int | None) -> Samples:
    """Return points `start` to `stop`, given the step and wall time of the first (None: without wall times)."""
    _, kind, count, steps, walls = HEAD.unpack_from(data)
    at = HEAD.size + steps
    return Samples(
        _unpack_some(data, HEAD.size, count, start, stop, first_step),
        np.empty(0, np.int64) if first_wall is None else _unpack_some(data, at, count, start, stop, first_wall),
        _unpack_values(data, at + walls, kind, start, stop),
    )
