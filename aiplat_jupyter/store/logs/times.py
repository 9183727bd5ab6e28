"""When a log had which size: what tells the time of a line that does not say it.

Times are seen, not written in the log, so unlike the rest of the index they cannot be made again.
"""

import os
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

TIME: Final = np.dtype([("size", "<u8"), ("at", "<f8")])
_HEADER: Final = struct.Struct("<8s2Q")
_MAGIC: Final = b"aiptim1\n"
_EVERY: Final = 1.0
_SURE: Final = 2.5
"""Seconds between two looks up to which what was written between them has a time."""


class Times:
    """Rising sizes and when they were seen; kept in a file if there is one. Not safe for threads.

    Times rise too, unless the clock is set back: then they begin a further *run*.
    """

    def __init__(self, path: Path | None, key: tuple[int, int]) -> None:
        self._header = _HEADER.pack(_MAGIC, *key)
        self._file: int | None = None
        self._forget()
        if path is not None:
            with suppress(OSError):
                self._open(path)

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def begin(self, key: tuple[int, int], seen: Iterable[tuple[int, float]] = ()) -> None:
        """Forget what was, for another file in the place of the first or one that began anew.

        `seen` are sizes and times, both rising, that are known of it all the same.
        """
        self._header = _HEADER.pack(_MAGIC, *key)
        self._forget()
        with suppress(OSError):
            self._clear()
        for size, at in seen:
            self._add(size, at)
        self._seen = self._sizes[-1]

    def move(self, key: tuple[int, int]) -> None:
        """Say that the same text is in another file now, `key` its device and inode."""
        self._header = _HEADER.pack(_MAGIC, *key)
        if self._file is not None:
            with suppress(OSError):
                os.pwrite(self._file, self._header, 0)

    def _forget(self) -> None:
        self._sizes: list[int] = [0]
        self._ats: list[float] = [0.0]
        self._runs = [0]
        self._seen = 0
        self._looked = 0.0

    def _open(self, path: Path) -> None:
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        rows = _rows(os.pread(self._file, os.fstat(self._file).st_size, 0), self._header)
        if rows is None:
            self._clear()
        else:
            self._sizes += rows["size"].tolist()
            self._ats += rows["at"].tolist()
            self._runs += (np.flatnonzero(np.diff(rows["at"]) < 0) + 2).tolist()
            self._seen = self._sizes[-1]

    def _clear(self) -> None:
        if self._file is not None:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, self._header, 0)

    def look(self, size: int, now: float) -> None:
        """Note that the log has `size` bytes at `now`; a clock that went back a little is as if it had stood still."""
        if now < self._ats[-1] - _SURE:
            self._add(self._seen, now)
            self._looked = now
        now = max(now, self._ats[-1])
        if size > self._seen:
            if self._looked - self._ats[-1] > _EVERY:
                self._add(self._seen, self._looked)
            self._seen = size
        if self._seen > self._sizes[-1] and now - self._ats[-1] >= _EVERY:
            self._add(self._seen, now)
        self._looked = now

    def _add(self, size: int, at: float) -> None:
        if self._file is not None:
            row = np.array([(size, at)], TIME).tobytes()
            end = os.fstat(self._file).st_size
            with suppress(OSError):  # a full disk: the time is known until the process ends
                os.pwrite(self._file, row, end - (end - _HEADER.size) % TIME.itemsize)
        if at < self._ats[-1]:
            self._runs.append(len(self._ats))
        self._sizes.append(size)
        self._ats.append(at)

    def at(self, end: int) -> float | None:
        """Return when the byte before `end` was written, to a second; None where nobody looked."""
        place = bisect_left(self._sizes, end)
        if place == len(self._sizes):
            return self._looked if self._looked - self._ats[-1] <= _SURE else None
        if not place or self._ats[place] - self._ats[place - 1] > _SURE:
            return None
        return self._ats[place]

    def offset(self, at: float) -> int:
        """Return how long the log was at a time, the last one if the clock told it more than once."""
        end = len(self._ats)
        for first in reversed(self._runs):
            if self._ats[first] <= at:
                return self._sizes[bisect_right(self._ats, at, first, end) - 1]
            end = first
        return 0


def known(path: Path, key: tuple[int, int]) -> NDArray[np.void]:
    """Return what a file of times tells of the log `key`; nothing if it is of another, or there is none."""
    try:
        rows = _rows(path.read_bytes(), _HEADER.pack(_MAGIC, *key))
    except OSError:
        rows = None
    return np.zeros(0, TIME) if rows is None else rows


def _rows(data: bytes, header: bytes) -> NDArray[np.void] | None:
    """Return the rows of a file of times; None if it is of another log, or damaged."""
    rows = np.frombuffer(data, TIME, max(0, len(data) - _HEADER.size) // TIME.itemsize, min(len(data), _HEADER.size))
    is_sound = np.all(np.diff(rows["size"].astype(np.int64)) >= 0) and np.all(np.isfinite(rows["at"]))
    return rows if data[: _HEADER.size] == header and is_sound else None
