"""The lines of all ranks as one log: whole lines of each file, in the order in which they arrived.

No text is copied. What the files have more at one look becomes a piece each, and `Order` keeps which came when; the
index, pages, levels and searches are those of any log. Where nobody looked (an order that was lost, a rank that emptied
its file) the files' own times tell the order again.
"""

import time
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aiplat_jupyter.store.logs import files, times, tracebacks
from aiplat_jupyter.store.logs.blocks import TAIL
from aiplat_jupyter.store.logs.feeding import feed
from aiplat_jupyter.store.logs.index import Index
from aiplat_jupyter.store.logs.order import PIECE, Order, Part

EVERY: Final = 0.5
"""Seconds between two looks, however often somebody asks."""
PATIENCE: Final = 3.0
"""Seconds after which a line that has no end, or a traceback, is taken as it is."""
_MOST: Final = 128
"""How many files are merged: the first of more."""
_WINDOW: Final = 64 * 1024
_MARKS: Final = 50_000
"""Times of files that tell the order again; of more only some."""
_HEAD: Final = b"Traceback (most recent call last):"
_NO_PIECE: Final = np.zeros(0, PIECE)


class Ranks(Index):
    """The index of an attempt's `RanksFile`; `path` is in the attempt's folder, and there is nothing there."""

    def _open_file(self) -> files.LogFile:
        """Open the files of all ranks. Raise `FileNotFoundError` if there are not several."""
        return RanksFile(self.path.parent, self._side, is_kept=self._held is not None)

    def _is_another(self) -> bool:
        assert isinstance(self.file, RanksFile)
        return not self.file.look()

    def _seen_before(self) -> list[tuple[int, float]]:
        assert isinstance(self.file, RanksFile)
        return self.file.arrivals

    def settle(self) -> bool:
        """Take lines that have no end as they are; tell whether that is all, which another process may have to do."""
        with self.turn():
            assert isinstance(self.file, RanksFile)
            self.file.hurry()
            self._look()
            return self.file.is_settled


class RanksFile:
    """The text of all ranks, which nobody wrote in one file."""

    def __init__(self, folder: Path, side: Path, *, is_kept: bool) -> None:
        """Open the files of a folder. Raise `FileNotFoundError` if there are not several."""
        self._folder = folder
        self._sources: list[_Source] = []
        self._looked = -float("inf")
        self._order = Order(side, is_kept=is_kept)
        self.arrivals: list[tuple[int, float]] = []
        """Sizes, and when it had them, if the times of its files had to tell."""
        self._patience = PATIENCE
        try:
            if not (self._order.names and self._adopts()):
                self._rebuild()
            self.key = 0, self._order.number
            self.look()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close all files."""
        self._order.close()
        for source in self._sources:
            source.file.close()

    def _paths(self) -> dict[str, Path]:
        found = files.ranks(files.streams(self._folder))
        if not found:
            raise FileNotFoundError(files.RANKS)
        return found

    def _adopts(self) -> bool:
        """Open the files whose order is known, as it was taken over; tell whether they are all as they were."""
        paths = self._paths()
        if any(name not in paths for name in self._order.names):
            return False
        self._sources = [_Source(paths[name]) for name in self._order.names]
        return self._are_sound()

    def _are_sound(self) -> bool:
        order = self._order
        return all(map(_Source.is_sound, self._sources, order.taken, order.tails))

    def _rebuild(self) -> None:
        """Begin anew with what the times of the files tell."""
        self._order.begin()
        self._sources = []
        self._add_streams(self._paths())
        for stream, size, at in self._marks():
            source, taken = self._sources[stream], self._order.taken[stream]
            end = _end_of_lines(source.file, taken, min(size, source.file.size()))
            self._order.add(source.piece(stream, taken, _before_open_traceback(source.file, taken, end)))
            if not self.arrivals or self._order.size > self.arrivals[-1][0]:
                self.arrivals.append((self._order.size, at))

    def _marks(self) -> list[tuple[int, int, float]]:
        """Return how long each file was at which time, in the order of time."""
        known = [source.times(self._folder) for source in self._sources]
        some = 1 + sum(map(len, known)) // _MARKS
        marks = [(stream, *row) for stream, rows in enumerate(known) for row in rows[some - 1 :: some].tolist()]
        return sorted(marks, key=lambda mark: mark[2])

    def _add_streams(self, paths: dict[str, Path]) -> None:
        """Open files that are not yet known. One that cannot be read is left out, until it can."""
        known, fresh = set(self._order.names), []
        for name in [name for name in paths if name not in known][: max(0, _MOST - len(known))]:
            with suppress(OSError):
                self._sources.append(_Source(paths[name]))
                fresh.append(name)
        self._order.add_names(fresh)

    def look(self) -> bool:
        """Take what the files have more; tell whether what was taken before still stands.

        Raise `FileNotFoundError` if there are not several files any more.
        """
        now = time.monotonic()
        if now - self._looked < EVERY:
            return True
        self._looked = now
        paths = self._paths()
        stands = self._follow(paths) if self._order.is_followed else self._stands(paths)
        if not stands:
            self._order.close()
        elif not self._order.is_followed:
            self._add_streams(paths)
            self._order.add(self._fresh(now))
        return stands

    def hurry(self) -> None:
        """Look at once, and from now on wait for no line's end: those who wrote have ended."""
        if self._patience:
            self._patience, self._looked = 0.0, -float("inf")

    @property
    def is_settled(self) -> bool:
        """Whether all that its files have is taken."""
        return all(source.file.size() <= taken for source, taken in zip(self._sources, self._order.taken, strict=True))

    def _stands(self, paths: dict[str, Path]) -> bool:
        return all(name in paths for name in self._order.names) and self._are_sound()

    def _follow(self, paths: dict[str, Path]) -> bool:
        """Take over what the process that keeps the order has added."""
        if not self._order.catch_up() or any(name not in paths for name in self._order.names):
            return False
        self._sources += [_Source(paths[name]) for name in self._order.names[len(self._sources) :]]
        return self._are_sound()

    def _fresh(self, now: float) -> NDArray[np.void]:
        taken = self._order.taken
        found = [
            source.fresh(stream, taken[stream], now, self._patience) for stream, source in enumerate(self._sources)
        ]
        return np.concatenate([_NO_PIECE, *found])

    def size(self) -> int:
        """Return how long it is."""
        return self._order.size

    def read(self, at: int, size: int) -> bytes:
        """Return up to `size` bytes from `at` on."""
        end = min(at + size, self._order.size)
        if at >= end:
            return b""
        parts = self._order.parts(at, end)
        texts = self._texts(parts)
        return b"".join(
            texts[part.stream][1][part.start - texts[part.stream][0] :][: part.end - part.start] + b"\n" * part.is_added
            for part in parts
        )

    def _texts(self, parts: list[Part]) -> dict[int, tuple[int, bytes]]:
        """Return of each stream where its parts start, and their text: they follow each other without a gap."""
        bounds: dict[int, tuple[int, int]] = {}
        for part in parts:
            bounds[part.stream] = bounds.get(part.stream, (part.start, 0))[0], part.end
        return {stream: (start, self._sources[stream].text(start, end)) for stream, (start, end) in bounds.items()}

    def open_again(self, start: int) -> int:
        """Return the end of a pipe into which the text is written from byte `start` on."""
        return feed(self, start)

    def stream(self, at: int) -> str:
        """Return of which stream a byte is."""
        return self._order.name_at(at)

    def marked(self, at: int, data: bytes) -> bytes:
        """Return what stands at `at` with ``[rank3]: `` before each line."""
        told, here = [], 0
        for part in self._order.parts(at, at + len(data)):
            size = part.end - part.start + part.is_added
            text, here = data[here : here + size], here + size
            mark = b"[rank%d]: " % (files.rank(self._order.names[part.stream]) or 0)
            is_whole = part.is_begin or self.read(at + here - size - 1, 1) == b"\n"
            told.append(mark * is_whole + text[:-1].replace(b"\n", b"\n" + mark) + text[-1:])
        return b"".join(told)


class _Source:
    """The file of one rank."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.file = files.open_log(path)
        self._size, self._searched = -1, 0
        self._grew = time.monotonic() - max(0.0, time.time() - _changed(path))

    def is_sound(self, taken: int, tail: int) -> bool:
        """Tell whether what was taken of it is still there. It may have been compressed meanwhile."""
        if files.key_of(self._path) != self.file.key:
            self.file, self._size = files.open_log(self._path), -1
        size = self.file.size()
        return size == self._size or (size >= taken and self._tail(taken) == tail)

    def fresh(self, stream: int, taken: int, now: float, patience: float) -> NDArray[np.void]:
        """Return the piece that it has more, if any; what has stood still for `patience` seconds as it is."""
        size = self.file.size()
        if size != self._size:
            self._grew = self._grew if self._size < 0 else now
            self._size = size
        if size <= taken:
            return _NO_PIECE
        if now - self._grew >= patience:
            return self.piece(stream, taken, size)
        start = max(taken, self._searched)
        end = _end_of_lines(self.file, start, size)
        if end == start:
            self._searched = size
            return _NO_PIECE
        self._searched = 0
        return self.piece(stream, taken, _before_open_traceback(self.file, taken, end))

    def piece(self, stream: int, start: int, end: int) -> NDArray[np.void]:
        """Return a piece that ends somewhere; none that is empty."""
        if end <= start:
            return _NO_PIECE
        is_added = self.file.read(end - 1, 1) != b"\n"
        return np.array([(end - start, self._tail(end), stream, is_added)], PIECE)

    def times(self, folder: Path) -> NDArray[np.void]:
        """Return what is known of how long it was when."""
        side = files.side_of(folder, self._path)
        return times.known(side.with_name(f"{side.name}.times"), self.file.key)

    def _tail(self, end: int) -> int:
        begin = max(0, end - TAIL)
        return zlib.crc32(self.file.read(begin, end - begin))

    def text(self, start: int, end: int) -> bytes:
        """Return its bytes. What was emptied since the last look reads as newlines, until that is noticed."""
        return self.file.read(start, end - start).ljust(end - start, b"\n")


def _changed(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:  # it is compressed
        return 0.0


def _end_of_lines(file: files.LogFile, start: int, end: int) -> int:
    """Return where the last whole line between two places ends; `start` if none does."""
    while end > start:
        begin = max(start, end - _WINDOW)
        newline = file.read(begin, end - begin).rfind(b"\n")
        if newline >= 0:
            return begin + newline + 1
        end = begin
    return start


def _before_open_traceback(file: files.LogFile, start: int, end: int) -> int:
    """Return `end`, or where a traceback starts before it that has no end yet."""
    begin = max(start, end - _WINDOW)
    data = file.read(begin, end - begin)
    if _HEAD not in data:
        return end
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    starts = np.concatenate([[0], ends[:-1]])
    opened = [first for first, last in tracebacks.find(data, starts, ends).spans if last >= len(starts)]
    return begin + int(starts[min(opened)]) if opened else end
