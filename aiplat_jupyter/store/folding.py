"""Folding: tails become segments, by the rule of a log-structured merge tree.

The new points of a series become a segment, merged with its newest neighbours while these are at most twice as long: so
each point is written O(log n) times. Merged points are sorted by (step, arrival) and cut at 16,384; full segments stay
as they are.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
from sqlalchemy import Connection, bindparam, delete, func, select, text, update

from aiplat_jupyter.store.archive import CHUNK, Archive
from aiplat_jupyter.store.pyramids import pack_pyramid
from aiplat_jupyter.store.segments import SIZE, Blocks, Samples, last_of_each, pack, unpack
from aiplat_jupyter.store.stats import Ints
from aiplat_jupyter.store.tables import Base, SegmentRow, SeriesRow, TailRow
from aiplat_jupyter.store.tails import Group, Tail, encode

GAP_POINTS: Final = 4096
"""How many of a series' first points tell its step gap."""
_MOST_ROWS: Final = 1024
_MOST_BYTES: Final = 1024 * 1024
_ENOUGH: Final = 4096
"""Points of a series that are not worth being kept as a tail first."""
_LATEST: Final = 2**62
_IS_OPEN: Final = text("segments.open")
"""In the words of the index `segments_still_open`, or SQLite would not use it."""

_TAILS: Final = Base.metadata.tables["tails"]
_SEGMENTS: Final = Base.metadata.tables["segments"]
_KEEP: Final = _TAILS.insert().inline()
_HELD: Final = select(func.count(), func.sum(func.length(_TAILS.c.points))).where(
    _TAILS.c.attempt_id == bindparam("attempt")
)


def add(tx: Connection, attempt_id: int, groups: list[Group]) -> None:
    """Keep the points of one commit: as a tail, or in segments where there are enough."""
    if max(len(group.at) for group in groups) >= _ENOUGH:
        _fold(tx, attempt_id, groups)
        return
    low, high = min(int(group.step.min()) for group in groups), max(int(group.step.max()) for group in groups)
    row = {"attempt_id": attempt_id, "step_min": low, "step_max": high, "points": encode(groups)}
    tx.execute(_KEEP, row)
    rows, held = tx.execute(_HELD, {"attempt": attempt_id}).one()
    if rows >= _MOST_ROWS or held >= _MOST_BYTES:
        _fold(tx, attempt_id, [])


def fold(tx: Connection, attempt_id: int) -> None:
    """Fold all tails of an attempt."""
    _fold(tx, attempt_id, [])


def _fold(tx: Connection, attempt_id: int, groups: list[Group]) -> None:
    tail = Archive.writing(tx).tails([attempt_id]).get(attempt_id, Tail())
    if groups:
        tail = tail.extended([(_LATEST, groups)])
    merged = list(_merged(tx, tail))
    if not merged:
        return
    _delete(tx, [number for one in merged for number in one.replaced])
    tx.execute(_SEGMENTS.insert(), [row for one in merged for row in one.rows()])
    _freeze_gaps(tx, merged)
    tx.execute(delete(TailRow).where(TailRow.attempt_id == attempt_id))


class _Merged(NamedTuple):
    """The points that a series' open segments and its new points become."""

    series: int
    arrival: int
    samples: Samples
    replaced: list[int]
    lacks_gap: bool

    def rows(self) -> Iterator[dict[str, Any]]:
        start, total = 0, len(self.samples.step)
        while start < total:
            stop = _cut(self.samples, start)
            yield _row(self.series, self.arrival, self.samples.take(slice(start, stop)), stop == total)
            start = stop


def _merged(tx: Connection, tail: Tail) -> Iterator[_Merged]:
    series = tail.series
    for start in range(0, len(series), CHUNK):
        chunk = series[start : start + CHUNK]
        opened = _open_segments(tx, chunk)
        ask = select(SeriesRow.id, SeriesRow.arrivals, SeriesRow.gap.is_(None)).where(SeriesRow.id.in_(chunk))
        for number, arrivals, lacks_gap in tx.execute(ask):
            samples, arrival, replaced = _merge(arrivals, tail.samples(number), opened.get(number, []))
            yield _Merged(number, arrival, samples, replaced, lacks_gap)


def _open_segments(tx: Connection, series: list[int]) -> dict[int, list[Any]]:
    """Return the open segments of each series, oldest first, in the order in which they were written."""
    columns = (SegmentRow.series_id, SegmentRow.id, SegmentRow.arrival, SegmentRow.count + SegmentRow.superseded)
    ask = select(*columns, SegmentRow.points).where(SegmentRow.series_id.in_(series), _IS_OPEN)
    found: dict[int, list[Any]] = {}
    for row in tx.execute(ask.order_by(SegmentRow.id)):
        found.setdefault(row.series_id, []).append(row)
    return found


def _merge(arrivals: int, fresh: Samples, opened: list[Any]) -> tuple[Samples, int, list[int]]:
    """Merge `fresh` points, the last of `arrivals`, with those of the newest segments that are not much longer.

    Return the points, the arrival of the first, and the segments that they replace.
    """
    size, arrival = len(fresh.step), arrivals - len(fresh.step)
    chosen: list[Any] = []
    while opened and opened[-1][3] <= 2 * size:
        chosen.insert(0, opened.pop())
        size, arrival = size + chosen[0][3], chosen[0].arrival
    samples = Samples.joined([*(unpack(row.points) for row in chosen), fresh]).in_order()
    return samples, arrival, [row.id for row in chosen]


def _cut(samples: Samples, start: int) -> int:
    """Return where the segment that begins at `start` ends: when it is full, or before a step that would be divided."""
    stop = start + SIZE
    if stop >= len(samples.step):
        return len(samples.step)
    first = int(np.searchsorted(samples.step[start:stop], samples.step[stop]))
    return start + first if first else stop


def _row(series: int, arrival: int, samples: Samples, is_last: bool) -> dict[str, Any]:
    drawn = samples.drawn()
    blocks = Blocks.of(drawn)
    return {
        "series_id": series,
        "arrival": arrival,
        "count": len(drawn.step),
        "superseded": len(samples.step) - len(drawn.step),
        "open": is_last and len(samples.step) < SIZE,
        "step_min": int(drawn.step[0]),
        "step_max": int(drawn.step[-1]),
        "pyramid": pack_pyramid(blocks, bool((drawn.wall[1:] >= drawn.wall[:-1]).all())),
        "points": pack(samples),
    }


def _freeze_gaps(tx: Connection, merged: Iterable[_Merged]) -> None:
    """Keep the median step gap of each series that has enough points now."""
    first = [one for one in merged if one.lacks_gap and len(one.samples.step) >= GAP_POINTS]
    if first:
        ask = update(SeriesRow).where(SeriesRow.id == bindparam("number")).values(gap=bindparam("median"))
        tx.execute(ask, [{"number": one.series, "median": gap(one.samples.step)} for one in first])


def gap(step: Ints) -> float:
    """Return the median gap of the first `GAP_POINTS` of these rising steps; 1 where there is none."""
    steps = step[:GAP_POINTS][last_of_each(step[:GAP_POINTS])].astype(np.float64)
    return float(np.median(np.diff(steps))) if len(steps) > 1 else 1.0


def _delete(tx: Connection, segments: list[int]) -> None:
    for start in range(0, len(segments), CHUNK):
        tx.execute(delete(SegmentRow).where(SegmentRow.id.in_(segments[start : start + CHUNK])))
