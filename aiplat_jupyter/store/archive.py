"""Points as one transaction sees them: segments and tails, read once and remembered as long as they exist.

Segments and tails are written once and their numbers are never used twice, so what was read of them stays true. Which
of them exist is asked each time: another server may have folded meanwhile.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final, NamedTuple, Self

import numpy as np
from sqlalchemy import ColumnElement, Connection, Row, Select, func, select

from aiplat_jupyter.store import tails
from aiplat_jupyter.store.memory import Memory
from aiplat_jupyter.store.pyramids import unpack_pyramids
from aiplat_jupyter.store.scattered import Packed
from aiplat_jupyter.store.segments import BLOCK, Blocks
from aiplat_jupyter.store.stats import Bools, Ints
from aiplat_jupyter.store.tables import Base
from aiplat_jupyter.store.tails import Tail

CHUNK = 500
"""Numbers asked for in one statement."""
_PYRAMIDS: Final = 16
"""Pyramids read at once."""


class Index(NamedTuple):
    """The segments of one series in the order of (first step, arrival), as columns, and their blocks in that order."""

    id: Ints
    arrival: Ints
    points: Ints
    superseded: Ints
    step_min: Ints
    step_max: Ints
    walls_rise: Bools
    blocks: Blocks

    @classmethod
    def of(cls, rows: Sequence[Row[*tuple[Any, ...]]], pyramids: Iterable[Sequence[bytes]]) -> Self:
        """Return the index of these rows of `_NUMBERS`, of which there must be some, and their pyramids."""
        columns = [np.array(column, np.int64) for column in zip(*rows, strict=True)]
        blocks, walls_rise = unpack_pyramids(pyramids, columns[2])
        return cls._make([*columns, walls_rise, blocks])._sorted()

    def merged(self, other: Self) -> Self:
        """Return the segments of both."""
        columns = [np.concatenate(pair) for pair in zip(self[:7], other[:7], strict=True)]
        return type(self)._make([*columns, Blocks.joined([self.blocks, other.blocks])])._sorted()

    def kept(self, ids: Ints) -> Self:
        """Return those segments whose number is among `ids`."""
        return self._take(np.flatnonzero(np.isin(self.id, ids)))

    @property
    def starts(self) -> Ints:
        """The first block of each segment, and the number of blocks at the end."""
        return np.concatenate([[0], np.cumsum(-(-self.points // BLOCK))])

    @property
    def size(self) -> int:
        """Bytes that it holds, about."""
        return 60 * len(self.id) + 100 * len(self.blocks.first_step)

    def _sorted(self) -> Self:
        order = np.lexsort((self.id, self.arrival, self.step_min))
        return self if (np.diff(order) == 1).all() else self._take(order)

    def _take(self, order: Ints) -> Self:
        if len(order) == len(self.id) and (np.diff(order) == 1).all():
            return self
        starts = self.starts
        lengths = np.diff(starts)[order]
        ends = np.cumsum(lengths)
        rows = np.arange(ends[-1] if len(ends) else 0) + np.repeat(starts[order] - ends + lengths, lengths)
        return type(self)._make([*(column[order] for column in self[:7]), self.blocks.take(rows)])


_SEGMENTS: Final = Base.metadata.tables["segments"].c
_TAILS: Final = Base.metadata.tables["tails"].c
_NUMBERS: Final = (
    _SEGMENTS.id,
    _SEGMENTS.arrival,
    _SEGMENTS.count,
    _SEGMENTS.superseded,
    _SEGMENTS.step_min,
    _SEGMENTS.step_max,
)


class Archive:
    """Reads points through `memory`, which must be of committed rows only: `writing` has one of its own."""

    def __init__(self, tx: Connection, memory: Memory) -> None:
        self._tx = tx
        self.memory = memory

    @classmethod
    def reading(cls, tx: Connection) -> "Archive":
        """Return the archive for a read transaction."""
        return cls(tx, Memory.of(tx.engine))

    @classmethod
    def writing(cls, tx: Connection) -> "Archive":
        """Return the archive for a write transaction, whose rows may yet be rolled back."""
        return cls(tx, Memory())

    def indexes(self, series: Collection[int]) -> dict[int, Index]:
        """Return the index of each of these series that has segments."""
        ask = select(_SEGMENTS.series_id, func.count(), func.max(_SEGMENTS.id)).group_by(_SEGMENTS.series_id)
        rows = self._in(ask, _SEGMENTS.series_id, series)
        return {number: self._index(number, count, newest) for number, count, newest in rows}

    def _index(self, series: int, count: int, newest: int) -> Index:
        known: Index | None = self.memory.get(("index", series))
        if known is not None and len(known.id) == count and known.id.max() == newest:
            return known
        mine = _SEGMENTS.series_id == series
        if known is None or known.id.max() >= newest:  # read by a later transaction, or some are purged
            index = self._read(mine)
        else:
            ids = np.array(self._tx.execute(select(_SEGMENTS.id).where(mine)).scalars().all())
            fresh = self._read(mine, _SEGMENTS.id > int(known.id.max()))
            index = known.kept(ids).merged(fresh)
        self.memory.put(("index", series), index, index.size)
        return index

    def _read(self, *which: ColumnElement[bool]) -> Index:
        """Return the index of segments of one series."""
        order = _SEGMENTS.step_min, _SEGMENTS.id
        rows = self._tx.execute(select(*_NUMBERS).where(*which).order_by(*order)).all()
        pyramids = self._tx.execute(select(_SEGMENTS.pyramid).where(*which).order_by(*order)).scalars()
        return Index.of(rows, pyramids.partitions(_PYRAMIDS))

    def tails(self, attempts: Collection[int]) -> dict[int, Tail]:
        """Return the unfolded points of each of these attempts that has some."""
        ask = select(_TAILS.attempt_id, func.min(_TAILS.id), func.max(_TAILS.id)).group_by(_TAILS.attempt_id)
        rows = self._in(ask, _TAILS.attempt_id, attempts)
        return {attempt: self._tail(attempt, oldest, newest) for attempt, oldest, newest in rows}

    def _tail(self, attempt: int, oldest: int, newest: int) -> Tail:
        """Return the tail, whose rows are all newer than those of an earlier one if it was folded meanwhile."""
        known: Tail = self.memory.get(("tail", attempt)) or Tail()
        if known.rows == (oldest, newest):
            return known
        if known.rows[0] != oldest or known.rows[1] > newest:  # folded since, or read by a later transaction
            known = Tail()
        ask = select(_TAILS.id, _TAILS.points).where(_TAILS.attempt_id == attempt, _TAILS.id > known.rows[1])
        rows = self._tx.execute(ask.order_by(_TAILS.id)).all()
        tail = known.extended((number, tails.decode(points)) for number, points in rows)
        self.memory.put(("tail", attempt), tail, tail.size)
        return tail

    def points(self, segments: Sequence[int]) -> dict[int, bytes]:
        """Return the packed points of these segments, by number."""
        found = {number: self.memory.get(("points", number)) for number in segments}
        missing = [number for number, data in found.items() if data is None]
        for number, data in self._in(select(_SEGMENTS.id, _SEGMENTS.points), _SEGMENTS.id, missing):
            found[number] = data
            self.memory.put(("points", number), data, len(data))
        return found

    def opened(self, segments: Sequence[int]) -> Iterator[Packed]:
        """Yield the packed points of each segment, of which a part is to be read before the next is asked for."""
        if self._tx.dialect.name != "sqlite":
            found = self.points(segments)
            yield from (found[number] for number in segments)
            return
        driver: Any = self._tx.connection.driver_connection
        for number in segments:
            known: bytes | None = self.memory.get(("points", number))
            if known is not None:
                yield known
                continue
            with driver.blobopen("segments", "points", number, readonly=True) as blob:
                yield blob

    def passing(self, segment: int) -> bytes:
        """Return the packed points of one segment, to be read once and not remembered."""
        known: bytes | None = self.memory.get(("points", segment))
        if known is not None:
            return known
        found: bytes = self._tx.execute(select(_SEGMENTS.points).where(_SEGMENTS.id == segment)).scalar_one()
        return found

    def _in(
        self, ask: Select[*tuple[Any, ...]], column: Any, numbers: Collection[int]
    ) -> Iterable[Row[*tuple[Any, ...]]]:
        wanted = list(numbers)
        for start in range(0, len(wanted), CHUNK):
            yield from self._tx.execute(ask.where(column.in_(wanted[start : start + CHUNK]))).all()
