"""In which order the text of several streams came: a row per piece of whole lines, in memory and beside the logs.

``{stream}.order``  a header, then a row per piece (`PIECE`)
``{stream}.names``  the header's number, then a line per stream: its name, quoted

The pieces of a stream follow each other without a gap, so a row need not say where its piece starts.
"""

import os
import secrets
import struct
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, Self
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

PIECE: Final = np.dtype(
    [
        ("length", "<u8"),  # bytes of it in its stream
        ("tail", "<u4"),  # checksum of the stream's bytes up to its end (the last `blocks.TAIL` of them)
        ("stream", "<u2"),  # whose it is: a place among the names
        ("added", "<u2"),  # 1: it ends without a newline, and is given one
    ]
)
_HEADER: Final = struct.Struct("<8sQ")
_MAGIC: Final = b"aiprnk1\n"


class Part(NamedTuple):
    """A part of a piece: bytes `start` to `end` of a stream, with a newline behind them if `is_added`.

    `is_begin`: the piece begins here, and with it a line.
    """

    stream: int
    start: int
    end: int
    is_added: bool
    is_begin: bool


class _Table(NamedTuple):
    """Of each piece: its row, its end among all, and its start in its stream. Longer than there are pieces."""

    rows: NDArray[np.void]
    ends: NDArray[np.int64]
    starts: NDArray[np.int64]

    @classmethod
    def of(cls, size: int) -> Self:
        return cls(np.zeros(size, PIECE), np.zeros(size, np.int64), np.zeros(size, np.int64))


class Order:
    """Pieces in the order in which they came. One thread adds; others may read meanwhile."""

    def __init__(self, path: Path | None = None, *, is_kept: bool = False) -> None:
        """Begin; with `path` take over what is sound there. `is_kept`: write it there, too."""
        self.number = secrets.randbits(63)
        self.names: list[str] = []
        self.taken: list[int] = []
        """How many bytes of each stream are in a piece."""
        self.tails: list[int] = []
        """Of each stream, checksum of what is before that."""
        self.size = 0
        """How long all pieces are together."""
        self._table, self._count = _Table.of(64), 0
        self._path, self._files = path, (-1, -1)
        if path is not None and is_kept:
            with suppress(OSError):
                self._files = _open(_rows(path)), _open(_names(path))
        self.is_followed = path is not None and self.catch_up() and not is_kept
        """Another process keeps it."""

    def begin(self) -> None:
        """Forget what was, also on disk."""
        self.number = secrets.randbits(63)
        self.names, self.taken, self.tails = [], [], []
        self._table, self._count, self.size, self.is_followed = _Table.of(64), 0, 0, False
        self._write(self._clear)

    def close(self) -> None:
        """Close the files."""
        for descriptor in self._files:
            if descriptor >= 0:
                os.close(descriptor)
        self._files = -1, -1

    def catch_up(self) -> bool:
        """Take over what the process that keeps it has added; return whether it goes on with what was known."""
        assert self._path is not None
        try:
            number, data = _read(self._path, self._count)
            said, *names = _names(self._path).read_text(errors="replace").split("\n")[:-1]
        except (OSError, ValueError, struct.error):
            return False
        rows = np.frombuffer(data, PIECE, len(data) // PIECE.itemsize)
        is_same = self._count == 0 or number == self.number
        if said != str(number) or not is_same or np.any(rows["stream"] >= len(names)):
            return False
        self.number = number
        self._name([unquote(name) for name in names[len(self.names) :]])
        self._append(rows)
        return True

    def add_names(self, names: list[str]) -> None:
        """Note that there are further streams."""
        if names:
            at = len(_told(self.number, self.names))
            self._name(names)
            text = _told(self.number, self.names)[at:]
            self._write(lambda _, file: os.pwrite(file, text, at))

    def add(self, rows: NDArray[np.void]) -> None:
        """Note pieces behind those that are known."""
        if rows.size:
            at = _HEADER.size + self._count * PIECE.itemsize
            self._append(rows)
            self._write(lambda file, _: os.pwrite(file, rows.tobytes(), at))

    def name_at(self, at: int) -> str:
        """Return of which stream a byte is; nothing behind the end."""
        count = self._count
        place = int(np.searchsorted(self._table.ends[:count], at, "right"))
        return self.names[self._table.rows["stream"][place]] if place < count else ""

    def parts(self, at: int, end: int) -> list[Part]:
        """Return what lies between two places."""
        count = self._count  # first: the table may be replaced by a longer one meanwhile
        rows, ends, starts = self._table
        first, last = np.searchsorted(ends[:count], [at, end - 1], "right").tolist()
        last = min(last + 1, count)
        before = int(ends[first - 1]) if first else 0
        found = []
        for row, stop, start in zip(
            rows[first:last].tolist(), ends[first:last].tolist(), starts[first:last].tolist(), strict=True
        ):
            length, _, stream, added = row
            low, high = max(at - before, 0), min(end, stop) - before
            is_added = bool(added) and high > length
            found.append(Part(stream, start + min(low, length), start + min(high, length), is_added, low == 0))
            before = stop
        return found

    def _clear(self, rows: int, names: int) -> None:
        for file in (rows, names):
            os.ftruncate(file, 0)
        os.pwrite(names, _told(self.number, []), 0)
        os.pwrite(rows, _HEADER.pack(_MAGIC, self.number), 0)

    def _name(self, names: list[str]) -> None:
        self.names += names
        self.taken += [0] * len(names)
        self.tails += [0] * len(names)

    def _append(self, rows: NDArray[np.void]) -> None:
        if not rows.size:
            return
        count = self._count + rows.size
        if count > len(self._table.rows):
            longer = _Table.of(2 * count)
            for old, new in zip(self._table, longer, strict=True):
                new[: self._count] = old[: self._count]
            self._table = longer
        here = slice(self._count, count)
        self._table.rows[here] = rows
        self._table.ends[here] = self.size + np.cumsum((rows["length"] + rows["added"]).astype(np.int64))
        for stream in np.unique(rows["stream"]).tolist():
            own = np.flatnonzero(rows["stream"] == stream)
            ends = self.taken[stream] + np.cumsum(rows["length"][own].astype(np.int64))
            self._table.starts[self._count + own] = ends - rows["length"][own].astype(np.int64)
            self.taken[stream], self.tails[stream] = int(ends[-1]), int(rows["tail"][own[-1]])
        self._count = count
        self.size = int(self._table.ends[count - 1])

    def _write(self, act: Callable[[int, int], object]) -> None:
        """Write to the files. On a full disk what is there stays right, so it is left, and the rest is in memory."""
        if min(self._files) >= 0:
            try:
                act(*self._files)
            except OSError:
                self.close()


def _rows(path: Path) -> Path:
    return path.with_name(f"{path.name}.order")


def _names(path: Path) -> Path:
    return path.with_name(f"{path.name}.names")


def _told(number: int, names: list[str]) -> bytes:
    return "".join(f"{line}\n" for line in [number, *(quote(name, safe="/") for name in names)]).encode()


def _read(path: Path, known: int) -> tuple[int, bytes]:
    """Return the number and the rows behind those that are known. Raise `OSError`, `ValueError` or `struct.error`."""
    with _rows(path).open("rb") as file:
        magic, number = _HEADER.unpack(file.read(_HEADER.size))
        if magic != _MAGIC:
            raise ValueError("it is no order")
        file.seek(_HEADER.size + known * PIECE.itemsize)
        return number, file.read()


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
