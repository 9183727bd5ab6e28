"""Tails: the points of one commit of an attempt, all series together, until they are folded.

A tail's bytes are its version u8, then each of its groups::

    series u32 | points u32 | bytes of packed series, order, steps and walls u32 × 4 | kind of values u8 | all of these
"""

import struct
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, Self

import numpy as np

from aiplat_jupyter.store.segments import Samples, pack_integers, pack_values, unpack_integers, unpack_values
from aiplat_jupyter.store.stats import Floats, Ints

_VERSION: Final = b"\x01"
_HEAD: Final = struct.Struct("<6IB")


class Group(NamedTuple):
    """Points of one commit that have the same metrics.

    Attributes
    ----------
    series : int64[k], numbers of the series' rows.
    at : int64[n], rising: the order among all groups of the commit.
    step, wall, value : int64[n], int64[n] (microseconds) and float64[n, k].
    """

    series: Ints
    at: Ints
    step: Ints
    wall: Ints
    value: Floats


def encode(groups: Iterable[Group]) -> bytes:
    """Return the bytes of a tail."""
    return _VERSION + b"".join(map(_encode_group, groups))


def _encode_group(group: Group) -> bytes:
    columns = [pack_integers(column) for column in group[:4]]
    kind, values = pack_values(group.value.ravel())
    head = _HEAD.pack(len(group.series), len(group.at), *map(len, columns), kind)
    return head + b"".join(columns) + values


def decode(data: bytes) -> list[Group]:
    """Return the groups that `encode` made `data` of."""
    groups, at = [], len(_VERSION)
    while at < len(data):
        group, at = _decode_group(data, at)
        groups.append(group)
    return groups


def _decode_group(data: bytes, at: int) -> tuple[Group, int]:
    series, points, *sizes, kind = _HEAD.unpack_from(data, at)
    at += _HEAD.size
    columns = []
    for size, count in zip(sizes, (series, points, points, points), strict=True):
        columns.append(unpack_integers(data, at, count))
        at += size
    values, at = unpack_values(data, at, kind, series * points)
    return Group._make([*columns, values.reshape(points, series)]), at


class Part(NamedTuple):
    """Points of several commits that have the same metrics; `row` is the tail that each came in."""

    row: Ints
    group: Group

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the points of all `parts`, which have the same series."""
        if len(parts) == 1:
            return parts[0]
        columns = zip(*(part.group[1:] for part in parts), strict=True)
        group = Group._make([parts[0].group.series, *map(np.concatenate, columns)])
        return cls(np.concatenate([part.row for part in parts]), group)


class Tail:
    """All unfolded points of an attempt, decoded. Never changes: `extended` returns another."""

    def __init__(self, parts: Sequence[Part] = ()) -> None:
        self.parts = parts
        self._places: dict[int, list[tuple[Part, int]]] = {}
        for part in parts:
            for column, series in enumerate(part.group.series.tolist()):
                self._places.setdefault(series, []).append((part, column))

    def extended(self, rows: Iterable[tuple[int, list[Group]]]) -> "Tail":
        """Return this tail and further (number of row, its groups), in the order of arrival."""
        gathered = {part.group.series.tobytes(): [part] for part in self.parts}
        for row, groups in rows:
            for group in groups:
                part = Part(np.full(len(group.at), row), group)
                gathered.setdefault(group.series.tobytes(), []).append(part)
        return Tail([Part.joined(parts) for parts in gathered.values()])

    @property
    def rows(self) -> tuple[int, int]:
        """Numbers of its first and last row; (0, 0) without any."""
        bounds = [(int(part.row.min()), int(part.row.max())) for part in self.parts]
        return (min(low for low, _ in bounds), max(high for _, high in bounds)) if bounds else (0, 0)

    @property
    def series(self) -> list[int]:
        """Numbers of the series that have points here."""
        return list(self._places)

    @property
    def size(self) -> int:
        """Bytes that it holds, about."""
        return sum(column.nbytes for part in self.parts for column in (part.row, *part.group)) + 500 * len(self._places)

    def samples(self, series: int) -> Samples:
        """Return the points of one series in the order of arrival."""
        return self.since(series, -1)

    def since(self, series: int, row: int) -> Samples:
        """Return those points of one series that came in a later row than `row`, in the order of arrival."""
        places = [(part, column, part.row > row) for part, column in self._places.get(series, ())]
        if not places:
            return Samples.none()
        columns = [
            Samples(part.group.step[rows], part.group.wall[rows], part.group.value[rows, column])
            for part, column, rows in places
        ]
        joined = Samples.joined(columns)
        if len(places) == 1:
            return joined
        row_of = np.concatenate([part.row[rows] for part, _, rows in places])
        at = np.concatenate([part.group.at[rows] for part, _, rows in places])
        return joined.take(np.lexsort((at, row_of)))
