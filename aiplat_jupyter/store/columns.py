"""Bytes of a journal → control records and columns of points, in order."""

import zlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from aiplat_jupyter.core import frames
from aiplat_jupyter.core.errors import UnreadableJournal
from aiplat_jupyter.core.frames import HEAD, MAX_PAYLOAD, POINTS_HEAD, Changed, Record, Shape

_POINTS = 0
_MAPS = (*range(0x80, 0x90), 0xDE, 0xDF)


class Batch(NamedTuple):
    """Points of one shape as columns.

    Attributes
    ----------
    keys : names of the k metrics.
    step, wall, value : int64[n], float64[n] (seconds since 1970) and float64[n, k].
    at : int64[n], rising: tells the order of arrival among all batches of one commit.
    """

    keys: tuple[str, ...]
    step: npt.NDArray[np.int64]
    wall: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    at: npt.NDArray[np.int64]


class Points(NamedTuple):
    """Points between two control records: one batch for each shape among them."""

    batches: tuple[Batch, ...]


class Slice(NamedTuple):
    """What some bytes of a journal hold.

    Attributes
    ----------
    items : in the order of the journal, but for `Shape` and `Changed`, which stand before the points they are among.
    end : offset, in the bytes given, behind the last whole frame.
    skipped : number of corrupt bytes before `end`.
    corrupt : True if what stands at `end` can never be read, however many bytes follow.
    """

    items: list[Record | Points]
    end: int
    skipped: int
    corrupt: bool


def decode(data: bytes, shapes: Mapping[int, Sequence[str]], *, skip_corrupt: bool = False) -> Slice:
    """Decode whole frames from the start of `data`; `shapes` are the journal's known ones, by number.

    A torn end is not consumed. Neither is anything from a corrupt frame on, unless `skip_corrupt`: then bytes up to the
    next sound frame are passed over. Nor is anything from the first frame on that cannot be read: points of an unknown
    shape, or what is no record. Raise `UnreadableJournal` if `data` begins with it.
    """
    reader, at, skipped = _Reader(data, shapes), 0, 0
    while True:
        at = reader.read_frames(at)
        resumed = _next_frame(data, at) if skip_corrupt and not reader.failure else at
        if resumed == at:
            break
        skipped += resumed - at
        at = resumed
    if reader.failure and not at:
        raise reader.failure
    reader.close_points()
    return Slice(reader.items, at, skipped, _is_corrupt(data, at))


class _Reader:
    """Collects items; the offsets of points wait, by shape, until a record ends their run.

    `failure` says why the frame cannot be read that stands where the last one ended.
    """

    def __init__(self, data: bytes, shapes: Mapping[int, Sequence[str]]) -> None:
        self.items: list[Record | Points] = []
        self.failure: UnreadableJournal | None = None
        self._data = data
        self._shapes = {number: tuple(keys) for number, keys in shapes.items()}
        self._waiting: dict[bytes, list[int]] = {}

    def read_frames(self, at: int) -> int:
        """Read sound frames from offset `at` on; return where they end, or the first begins that cannot be read."""
        data, waiting, end = self._data, self._waiting, at
        try:
            for start, stop in frames.whole_frames(memoryview(data)[at:]):
                first = at + start
                if data[first] != _POINTS:
                    self._record(data[first : at + stop])
                else:
                    head = data[first - HEAD.size : first - 4] + data[first + 1 : first + 5]
                    offsets = waiting.get(head)
                    if offsets is None:
                        offsets = waiting[head] = self._known(head)
                    offsets.append(first)
                end = at + stop
        except UnreadableJournal as error:
            self.failure = error
        return end

    def close_points(self) -> None:
        """Turn the waiting points into batches."""
        batches = tuple(self._batch(head, offsets) for head, offsets in self._waiting.items())
        if batches:
            self.items.append(Points(batches))
        self._waiting.clear()

    def _record(self, payload: bytes) -> None:
        try:
            record = frames.decode(payload)
        except msgspec.MsgspecError as error:
            raise UnreadableJournal(f"A record of the journal cannot be read: {error}") from error
        if isinstance(record, Shape):
            self._name(record)
        elif not isinstance(record, Changed):
            self.close_points()
        self.items.append(record)

    def _name(self, shape: Shape) -> None:
        keys = tuple(shape.keys)
        if self._shapes.get(shape.number, keys) != keys:  # a process that was interrupted gave the number twice
            self.close_points()
        self._shapes[shape.number] = keys

    def _known(self, head: bytes) -> list[int]:
        """Return the list for offsets of points with this length and shape number, after checking both."""
        length, number = HEAD.unpack(head)
        keys = self._shapes.get(number)
        if keys is None:
            raise UnreadableJournal(f"The journal holds points of shape {number}, which it has not named before.")
        if length != POINTS_HEAD.size + 8 * len(keys):
            raise UnreadableJournal(
                f"Points of shape {number} have {length} bytes, which does not fit {len(keys)} keys."
            )
        return []

    def _batch(self, head: bytes, offsets: list[int]) -> Batch:
        length, number = HEAD.unpack(head)
        keys, at = self._shapes[number], np.array(offsets, np.int64)
        table = _rows(self._data, at, length).view(
            np.dtype([("head", "V5"), ("step", "<i8"), ("wall", "<f8"), ("value", "<f8", (len(keys),))])
        )[:, 0]
        step, wall, value = (np.ascontiguousarray(table[name]) for name in ("step", "wall", "value"))
        return Batch(keys, step, wall, value, at)


def _rows(data: bytes, at: npt.NDArray[np.int64], length: int) -> npt.NDArray[np.uint8]:
    """Return `length` bytes from each offset as uint8[n, length]: a view where the offsets are evenly spaced."""
    content = np.frombuffer(data, np.uint8)
    strides = np.diff(at)
    if len(strides) and (strides != strides[0]).any():
        rows: npt.NDArray[np.uint8] = content[at[:, None] + np.arange(length)]
        return rows
    stride = int(strides[0]) if len(strides) else length
    return np.ndarray((len(at), length), np.uint8, data, int(at[0]), (stride, 1))


def _is_corrupt(data: bytes, at: int) -> bool:
    if at + HEAD.size > len(data):
        return False
    length = HEAD.unpack_from(data, at)[0]
    return not 0 < length <= MAX_PAYLOAD or at + HEAD.size + length <= len(data)


def _next_frame(data: bytes, at: int) -> int:
    """Return the offset of the first sound frame behind `at`.

    Where there is none: the first offset at which a frame may stand whose rest is still to come.
    """
    starts, lengths = _plausible(data, at + 1)
    whole = starts + HEAD.size + lengths <= len(data)
    for start in starts[whole].tolist():
        if _is_sound(data, start):
            return int(start)
    if not _is_corrupt(data, at):
        return at
    torn = starts[~whole]
    return int(torn[0]) if len(torn) else max(at, len(data) - HEAD.size)


def _plausible(data: bytes, at: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return the offsets from `at` on where a head could stand, and the lengths it would have."""
    positions = len(data) - HEAD.size - at
    if positions <= 0:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    lengths = np.ndarray((positions,), "<u4", data, at, (1,))
    tags = np.frombuffer(data, np.uint8, positions, at + HEAD.size)
    is_record = np.isin(tags, _MAPS)
    is_points = (tags == _POINTS) & (lengths >= POINTS_HEAD.size) & ((lengths - POINTS_HEAD.size) % 8 == 0)
    found = np.flatnonzero((lengths > 0) & (lengths <= MAX_PAYLOAD) & (is_record | is_points))
    return found + at, lengths[found].astype(np.int64)


def _is_sound(data: bytes, at: int) -> bool:
    length, checksum = HEAD.unpack_from(data, at)
    start = at + HEAD.size
    return bool(zlib.crc32(memoryview(data)[start : start + length]) == checksum)
