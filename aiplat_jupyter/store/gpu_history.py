"""What GPUs and machines did: rows of 10 s, rolled up to a minute, 5 minutes, an hour and 6 hours once those are over.

A row holds all of an agent's columns, as a machine of eight GPUs is read as a whole: `HOST` first, then `GPU` for each.
"""

import hashlib
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray
from sqlalchemy import Connection, bindparam, delete, func, insert, select

from aiplat_jupyter.core.gpu import GpuMetric, HostMetric
from aiplat_jupyter.store.tables import GpuHistoryRow, GpuLayoutRow

HOST: Final[tuple[HostMetric, ...]] = ("cpu", "host_memory_used", "disk_used")
GPU: Final[tuple[GpuMetric, ...]] = ("utilization", "memory_used", "temperature", "power")
LEVELS: Final = (10, 60, 300, 3_600, 21_600)
"""Seconds that a row may stand for: a span of time is never drawn from many more rows than it has points."""
FINE: Final = LEVELS[:2]
"""Those that are kept for some days only."""
AT_ONCE: Final = 5_000
"""How many rows one transaction rolls up or removes."""
Floats = NDArray[np.float32]
_BETWEEN: Final = (
    select(GpuHistoryRow.at, GpuHistoryRow.layout_id, GpuHistoryRow.values)
    .where(GpuHistoryRow.agent_id == bindparam("agent"), GpuHistoryRow.seconds == bindparam("seconds"))
    .where(GpuHistoryRow.at >= bindparam("start"), GpuHistoryRow.at < bindparam("end"))
    .order_by(GpuHistoryRow.at)
)


class Track(Struct, frozen=True, kw_only=True):
    """A GPU as its history names it."""

    uuid: str
    index: int
    name: str
    memory_total: float | None
    power_limit: float | None


Layout = tuple[Track, ...]


class Rows(NamedTuple):
    """Rows of one layout in the order of time: when each begins, its seconds, and (mean, min, max) of each column."""

    layout: Layout
    at: NDArray[np.float64]
    seconds: NDArray[np.float64]
    values: Floats
    """Of the shape (rows, 3, columns)."""


def width(layout: Layout) -> int:
    """Return how many columns there are."""
    return len(HOST) + len(GPU) * len(layout)


def add(tx: Connection, agent_id: int, at: int, layout: Layout, values: Floats, seconds: int = LEVELS[0]) -> None:
    """Keep a row; one that is there already (the clock was set back, or another server wrote) gives way."""
    _replace(tx, agent_id, seconds, at, _layout_id(tx, agent_id, layout), values)


def _replace(tx: Connection, agent_id: int, seconds: int, at: int, layout_id: int, values: Floats) -> None:
    same = {"agent_id": agent_id, "seconds": seconds, "at": at, "layout_id": layout_id}
    tx.execute(delete(GpuHistoryRow).where(*(getattr(GpuHistoryRow, name) == value for name, value in same.items())))
    tx.execute(insert(GpuHistoryRow), {**same, "values": values.astype("<f4").tobytes()})


def _layout_id(tx: Connection, agent_id: int, layout: Layout) -> int:
    told = msgspec.to_builtins(layout)
    digest = hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:32]
    same = GpuLayoutRow.agent_id == agent_id, GpuLayoutRow.digest == digest
    found = tx.execute(select(GpuLayoutRow.id).where(*same)).scalar()
    if found is None:
        row = {"agent_id": agent_id, "digest": digest, "gpus": told}
        found = tx.execute(insert(GpuLayoutRow).returning(GpuLayoutRow.id), row).scalar_one()
    return int(found)


def between(tx: Connection, agent_id: int, seconds: int, start: float, end: float) -> list[Rows]:
    """Return the rows that begin in a span of time, those of each layout together."""
    asked = {"agent": agent_id, "seconds": seconds, "start": start, "end": end}
    by_layout: dict[int, tuple[list[int], list[bytes]]] = {}
    for at, layout_id, values in tx.execute(_BETWEEN, asked):
        ats, blobs = by_layout.setdefault(layout_id, ([], []))
        ats.append(at)
        blobs.append(values)
    layouts = _layouts(tx, list(by_layout))
    return [_rows(layouts[one], seconds, ats, blobs) for one, (ats, blobs) in by_layout.items()]


def _rows(layout: Layout, seconds: int, at: list[int], blobs: list[bytes]) -> Rows:
    values = np.frombuffer(b"".join(blobs), "<f4").reshape(len(blobs), 3, width(layout))
    return Rows(layout, np.array(at, np.float64), np.full(len(at), float(seconds)), values)


def _layouts(tx: Connection, ids: Sequence[int]) -> dict[int, Layout]:
    asked = select(GpuLayoutRow.id, GpuLayoutRow.gpus).where(GpuLayoutRow.id.in_(ids))
    return {row[0]: msgspec.convert(row[1], Layout) for row in tx.execute(asked)}


def last_gpus(tx: Connection, agent_id: int, since: float) -> float:
    """Return when an agent's machine last had GPUs since some time; -inf if it had none."""
    layouts = tx.execute(select(GpuLayoutRow.id, GpuLayoutRow.gpus).where(GpuLayoutRow.agent_id == agent_id))
    ids = [row[0] for row in layouts if row[1]]
    own = GpuHistoryRow.agent_id == agent_id, GpuHistoryRow.seconds.in_(LEVELS), GpuHistoryRow.at >= since
    at = tx.execute(select(func.max(GpuHistoryRow.at)).where(*own, GpuHistoryRow.layout_id.in_(ids))).scalar()
    return -float("inf") if at is None else float(at)


def reduced(values: Floats) -> Floats:
    """Return mean, min and max of rows as one row; NaN where none has a value."""
    with np.errstate(invalid="ignore"):
        known = np.count_nonzero(~np.isnan(values[:, 0]), axis=0)
        mean = np.nansum(values[:, 0], axis=0, dtype=np.float64) / np.where(known, known, np.nan)
    row = np.stack([mean, np.fmin.reduce(values[:, 1]), np.fmax.reduce(values[:, 2])])
    return row.astype(np.float32)


def roll_up(tx: Connection, agent_id: int, now: float) -> bool:
    """Make the longer rows of the periods that are over; tell whether more are left."""
    found = [_roll(tx, agent_id, fine, coarse, now) for fine, coarse in pairwise(LEVELS)]
    return any(found)


def _roll(tx: Connection, agent_id: int, fine: int, coarse: int, now: float) -> bool:
    begin = _next(tx, agent_id, fine, coarse, now)
    if begin is None:
        return False
    over = int(now) // coarse * coarse
    end = min(over, begin + AT_ONCE * fine // coarse * coarse)
    for rows in between(tx, agent_id, fine, begin, end):
        layout_id = _layout_id(tx, agent_id, rows.layout)
        periods = rows.at.astype(np.int64) // coarse * coarse
        for period in np.unique(periods):
            _replace(tx, agent_id, coarse, int(period), layout_id, reduced(rows.values[periods == period]))
    return end < over


def _next(tx: Connection, agent_id: int, fine: int, coarse: int, now: float) -> int | None:
    """Return where the first row begins that is to be made; None if there is nothing to make it of."""
    last = _edge(tx, agent_id, coarse, now, func.max)
    after = 0 if last is None else last + coarse
    asked = select(func.min(GpuHistoryRow.at)).where(GpuHistoryRow.agent_id == agent_id, GpuHistoryRow.seconds == fine)
    first: int | None = tx.execute(asked.where(GpuHistoryRow.at >= after, GpuHistoryRow.at <= now)).scalar()
    return None if first is None else first // coarse * coarse


def _edge(tx: Connection, agent_id: int, seconds: int, now: float, which: Any) -> int | None:
    """Return where the first or last row begins; rows of the future were written by a clock that was set back."""
    own = GpuHistoryRow.agent_id == agent_id, GpuHistoryRow.seconds == seconds, GpuHistoryRow.at <= now
    found: int | None = tx.execute(select(which(GpuHistoryRow.at)).where(*own)).scalar()
    return found


def first(tx: Connection, agent_id: int, seconds: int) -> int | None:
    """Return where the first row of so many seconds begins."""
    return _edge(tx, agent_id, seconds, time.time(), func.min)


def remove_old(tx: Connection, agent_id: int, before: dict[int, float]) -> bool:
    """Remove rows that began before a time, by their seconds; tell whether more are left."""
    found = [_remove(tx, agent_id, seconds, at) for seconds, at in before.items()]
    return any(found)


def _remove(tx: Connection, agent_id: int, seconds: int, before: float) -> bool:
    old = GpuHistoryRow.agent_id == agent_id, GpuHistoryRow.seconds == seconds, GpuHistoryRow.at < before
    some = select(GpuHistoryRow.id).where(*old).order_by(GpuHistoryRow.at).limit(AT_ONCE)
    return tx.execute(delete(GpuHistoryRow).where(GpuHistoryRow.id.in_(some))).rowcount == AT_ONCE
