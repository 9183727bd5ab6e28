"""Blocks of 64 points from many segments, unpacked all at once.

A view of a long line needs a block from each of thousands of segments: only the bytes of these blocks are read, and
numpy works on all of them together.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol, Self

import numpy as np
import numpy.typing as npt

from aiplat_jupyter.store.segments import (
    BLOCK,
    DOUBLE,
    EXCEPTION,
    HEAD,
    INTEGERS,
    PLACES,
    SAME,
    SINGLE,
    WIDTHS,
    Samples,
)
from aiplat_jupyter.store.stats import Floats, Ints

_INNER = BLOCK - 1
"""Differences within a block."""


class Packed(Protocol):
    """Packed points of a segment, of which parts can be read: bytes, or an open blob of SQLite."""

    def __getitem__(self, part: slice, /) -> bytes: ...


class Integers(NamedTuple):
    """What some blocks of a segment need of a column of integers: their differences, packed, and all exceptions."""

    width: int
    base: int
    blocks: list[bytes]
    exceptions: bytes

    @classmethod
    def read(cls, data: Packed, at: int, count: int, places: Sequence[int]) -> Self:
        """Read the column of `count` integers at offset `at`."""
        width, odd, _, base = INTEGERS.unpack(data[at : at + INTEGERS.size])
        body = at + INTEGERS.size
        end = body + width * (count - 1)
        blocks = _slices(data, body, width * BLOCK, width * _INNER, places) if width else []
        return cls(width, base, blocks, data[end : end + EXCEPTION * odd] if odd else b"")


class Part(NamedTuple):
    """What must be read of a segment for some of its whole blocks, given by their rising `places`."""

    places: Sequence[int]
    kind: int
    values: list[bytes]
    steps: Integers
    walls: Integers | None

    @classmethod
    def read(cls, data: Packed, places: Sequence[int], walls: bool) -> Self:
        """Read it, with or without wall times."""
        _, kind, count, step_bytes, wall_bytes = HEAD.unpack(data[: HEAD.size])
        at = HEAD.size + step_bytes
        size = {SAME: 0, SINGLE: 4 * BLOCK, DOUBLE: 8 * BLOCK}[kind]
        values = _slices(data, at + wall_bytes, size, size or 8, places)
        steps = Integers.read(data, HEAD.size, count, places)
        return cls(places, kind, values, steps, Integers.read(data, at, count, places) if walls else None)


def _slices(data: Packed, start: int, stride: int, size: int, places: Sequence[int]) -> list[bytes]:
    starts = (start + stride * place for place in places)
    return [data[at : at + size] for at in starts]


def unpacked(parts: Sequence[Part], first_step: Ints, first_wall: Ints) -> Samples:
    """Return the points of all blocks, given the first step and wall time of each.

    Wall times are left out where they were not read.
    """
    lengths = np.array([len(part.places) for part in parts])
    number = np.repeat(np.arange(len(parts)) * PLACES, lengths) + np.concatenate([part.places for part in parts])
    step = _integers([part.steps for part in parts], lengths, number, first_step)
    walls = [part.walls for part in parts if part.walls is not None]
    wall = _integers(walls, lengths, number, first_wall) if walls else np.empty(0, np.int64)
    return Samples(step, wall, _values(parts, lengths))


def _values(parts: Sequence[Part], lengths: Ints) -> Floats:
    kinds = np.repeat([part.kind for part in parts], lengths)
    values = np.empty((len(kinds), BLOCK))
    for kind, form in ((SAME, "<f8"), (SINGLE, "<f4"), (DOUBLE, "<f8")):
        chosen = [block for part in parts if part.kind == kind for block in part.values]
        if chosen:
            values[kinds == kind] = _table(chosen, form)
    return values.ravel()


def _integers(columns: Sequence[Integers], lengths: Ints, number: Ints, first: Ints) -> Ints:
    """Return the integers of blocks with these rising numbers: 256 times that of their segment, plus their place."""
    widths = np.repeat([column.width for column in columns], lengths)
    rows = np.empty((len(widths), BLOCK), np.int64)
    rows[:, 0] = first
    rows[:, 1:] = np.repeat([column.base for column in columns], lengths)[:, None]
    for width in sorted({column.width for column in columns} - {0}):
        blocks = [block for column in columns if column.width == width for block in column.blocks]
        rows[widths == width, 1:] += _table(blocks, WIDTHS[width]).astype(np.int64)
    _patch(rows, columns, number)
    return np.cumsum(rows, axis=1, out=rows).ravel()


def _patch(rows: Ints, columns: Sequence[Integers], number: Ints) -> None:
    """Put the exceptions that lie within the blocks in their places."""
    owners = [owner for owner, column in enumerate(columns) if column.exceptions]
    if not owners:
        return
    found = [columns[owner].exceptions for owner in owners]
    counts = [len(exceptions) // EXCEPTION for exceptions in found]
    place = np.frombuffer(b"".join(e[: 4 * n] for e, n in zip(found, counts, strict=True)), "<u4").astype(np.int64)
    difference = np.frombuffer(b"".join(e[4 * n :] for e, n in zip(found, counts, strict=True)), "<i8")
    block = np.repeat(np.array(owners) * PLACES, counts) + place // BLOCK
    row = np.minimum(np.searchsorted(number, block), len(number) - 1)
    inside = (number[row] == block) & (place % BLOCK < _INNER)
    rows[row[inside], place[inside] % BLOCK + 1] = difference[inside]


def _table(blocks: Sequence[bytes], form: str) -> npt.NDArray[Any]:
    return np.frombuffer(b"".join(blocks), form).reshape(len(blocks), -1)
