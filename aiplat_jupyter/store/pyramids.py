"""Pyramids: what lets a reader pass the points of a segment by.

A pyramid has a row of statistics for each 64 drawn points, of a format that depends on what the segment needs::

    format u8 | base of steps i64 | base of walls i64 | rows
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any, Final

import numpy as np

from aiplat_jupyter.store.segments import BLOCK, Blocks, singles
from aiplat_jupyter.store.stats import Bools, Ints, Stats

_HEAD: Final = np.dtype([("format", "u1"), ("step", "<i8"), ("wall", "<i8")])
_WIDE_STEPS, _WIDE_WALLS, _SINGLES, _NOT_FINITE, _UNORDERED = 1, 2, 4, 8, 16
_BASES: Final = {"first_step": "step", "last_step": "step", "wall_min": "wall", "wall_max": "wall"}


@lru_cache
def _row(form: int) -> np.dtype[Any]:
    step, wall = "<u8" if form & _WIDE_STEPS else "<u4", "<u8" if form & _WIDE_WALLS else "<u4"
    value = "<f4" if form & _SINGLES else "<f8"
    fields = [("first_step", step), ("last_step", step), ("wall_min", wall), ("wall_max", wall), ("sum", "<f8")]
    fields += [(name, value) for name in ("min", "max", "last")]
    fields += [(name, "u1") for name in ("nan", "posinf", "neginf") if form & _NOT_FINITE]
    return np.dtype(fields)


def pack_pyramid(blocks: Blocks, walls_rise: bool) -> bytes:
    """Pack the blocks of one segment; `walls_rise` tells whether its wall times never fall from point to point."""
    stats, step, wall = blocks.stats, blocks.first_step[0], blocks.wall_min.min()
    places = {
        "first_step": (blocks.first_step - step).view(np.uint64),
        "last_step": (blocks.last_step - step).view(np.uint64),
        "wall_min": (blocks.wall_min - wall).view(np.uint64),
        "wall_max": (blocks.wall_max - wall).view(np.uint64),
    }
    form = 0 if walls_rise else _UNORDERED
    form |= _WIDE_STEPS if places["last_step"][-1] >> np.uint64(32) else 0
    form |= _WIDE_WALLS if places["wall_max"].max() >> np.uint64(32) else 0
    form |= _SINGLES if singles(np.concatenate([stats.min, stats.max, stats.last])) is not None else 0
    form |= _NOT_FINITE if (stats.finite != stats.points).any() else 0
    rows = np.empty(len(blocks.first_step), _row(form))
    for name in rows.dtype.names or ():
        rows[name] = places[name] if name in places else getattr(stats, name)
    head = np.array([(form, step, wall)], _HEAD)
    return head.tobytes() + rows.tobytes()


def unpack_pyramids(pyramids: Iterable[Sequence[bytes]], counts: Ints) -> tuple[Blocks, Bools]:
    """Return the blocks of all segments one after the other, given how many drawn points each has.

    And, for each segment, whether its wall times never fall. The pyramids come some at a time, so that their bytes need
    little memory: a process pays for each page that it touches first.
    """
    lengths = -(-counts // BLOCK)
    ends = np.cumsum(lengths)
    blocks, rise, start = _empty_blocks(counts, ends), np.empty(len(counts), bool), 0
    for some in pyramids:
        part = slice(start, start + len(some))
        rows = slice(int(ends[start] - lengths[start]), int(ends[part][-1]))
        rise[part] = _unpack_some(blocks.take(rows), some, lengths[part])
        start = part.stop
    return blocks, rise


def _unpack_some(blocks: Blocks, pyramids: Sequence[bytes], lengths: Ints) -> Bools:
    heads = np.frombuffer(b"".join(pyramid[: _HEAD.itemsize] for pyramid in pyramids), _HEAD)
    for form in sorted(set(heads["format"].tolist())):
        chosen = heads["format"] == form
        parts = (memoryview(pyramids[index])[_HEAD.itemsize :] for index in np.flatnonzero(chosen).tolist())
        rows = np.frombuffer(b"".join(parts), _row(form & ~_UNORDERED))
        where = slice(None) if chosen.all() else np.repeat(chosen, lengths)
        _fill(blocks, where, rows, heads[chosen], lengths[chosen])
    rise: Bools = (heads["format"] & _UNORDERED) == 0
    return rise


def _empty_blocks(counts: Ints, ends: Ints) -> Blocks:
    """Return blocks that know only how many points they have. One array for all columns gets the largest pages."""
    total = int(ends[-1])
    sizes = np.full(total, BLOCK, np.int64)
    sizes[ends - 1] = counts - BLOCK * (np.diff(ends, prepend=0) - 1)
    columns = np.empty((8, total), np.int64)
    stats = Stats._make([sizes, *np.zeros((3, total), np.int64), *columns[4:].view(np.float64)])
    return Blocks._make([*columns[:4], stats])


def _fill(
    blocks: Blocks, where: Bools | slice, rows: np.ndarray[Any, Any], heads: np.ndarray[Any, Any], lengths: Ints
) -> None:
    for name in rows.dtype.names or ():
        if name in _BASES:
            base = np.repeat(heads[_BASES[name]], lengths)
            getattr(blocks, name)[where] = base + rows[name].astype(np.int64)
        else:
            getattr(blocks.stats, name)[where] = rows[name]
