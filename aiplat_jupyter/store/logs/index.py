"""The index of one log: made as the log grows, kept in side files, asked by line, offset, time and level."""

import os
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiplat_jupyter.store.logs import files, levels, packed
from aiplat_jupyter.store.logs.blocks import BLOCK, TAIL, Blocks, DamagedIndex, Identity, UnwritableIndex, take
from aiplat_jupyter.store.logs.levels import HIT, LEVEL_BITS, LEVELS, Scan
from aiplat_jupyter.store.logs.long import LongLine
from aiplat_jupyter.store.logs.times import Times

BLOCK_SIZE: Final = 64 * 1024
WORTH_PACKING: Final = BLOCK_SIZE
READ: Final = 4 * BLOCK_SIZE
"""Bytes that are looked through at once."""


class Span(NamedTuple):
    """A block, or what follows the last one.

    Attributes
    ----------
    start, end : its bytes.
    first, lines : number of its first line, and how many it has.
    hits : its lines with a level.
    data : its bytes, if they are in memory.
    long : where the shown text of its one long line begins, and how many states were drawn over; else None.
    """

    start: int
    end: int
    first: int
    lines: int
    hits: NDArray[np.void]
    data: bytes | None = None
    long: tuple[int, int] | None = None


class _Tail(NamedTuple):
    """What follows the last closed block, with the line that has no end yet."""

    data: bytes
    starts: NDArray[np.int64]
    hits: NDArray[np.void]


_NO_HITS: Final = np.zeros(0, HIT)
_EMPTY: Final = _Tail(b"", np.zeros(0, np.int64), _NO_HITS)


class Index:
    """The index of the log `path`; its side files begin with `side`. Every method blocks; threads take a `turn` each.

    `is_own`: no other process keeps it, so this one says what lists show of the log.

    A log that became shorter, or is another file than before, begins a new generation.
    """

    def __init__(self, path: Path, side: Path) -> None:
        """Open the log. Raise `FileNotFoundError`, or `OSError` for what is no ordinary file."""
        self.path, self._side = path, side
        self._lock, self._gate = threading.RLock(), threading.Lock()
        self._held, self.is_own = self._claim()
        try:
            self.file = self._open_file()
        except BaseException:
            self._release()
            raise
        self.blocks = self._open_blocks()
        self.times = Times(self._beside("times") if self._held is not None else None, self.file.key)
        self._tail = _EMPTY
        self._long: LongLine | None = None
        self._checked = -1
        self._adopt()

    def _open_file(self) -> files.LogFile:
        """Open the log. Raise as the index itself does."""
        return files.open_log(self.path)

    def _is_another(self) -> bool:
        """Tell whether there is another log now than the one that is open. Raise `FileNotFoundError`."""
        return files.key_of(self.path) != self.file.key

    def _seen_before(self) -> list[tuple[int, float]]:
        """Return sizes of a log that begins now, and when it had them."""
        return []

    def _beside(self, kind: str) -> Path:
        return self._side.with_name(f"{self._side.name}.{kind}")

    def _claim(self) -> tuple[int | None, bool]:
        """Return the lock of the side files, if it can be had, and whether nobody else has it."""
        try:
            held = take(self._beside("lock"))
        except OSError:  # the folder cannot be written
            return None, True
        return held, held is not None

    def is_free(self) -> bool:
        """Tell whether the process that kept the index on disk has gone, so that another may."""
        held, _ = self._claim()
        if held is not None:
            os.close(held)
        return held is not None

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have the index alone. Who waits comes before who has just had it, so pages are not held up by indexing."""
        with self._gate:
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    def _open_blocks(self) -> Blocks:
        if self._held is None:
            return Blocks.in_memory()
        try:
            return Blocks.on_disk(self._beside("blocks"), self._beside("hits"))
        except OSError:
            return Blocks.in_memory()

    def _adopt(self) -> None:
        """Go on with the index that was there, if it is of this file."""
        known = self.blocks.identity
        if known is None or known[:2] != self.file.key or not self._is_of_this_text():
            self._restart()

    def close(self) -> None:
        """Close all files, and let others write the index."""
        with self.turn():
            self.file.close()
            self.blocks.close()
            self.times.close()
            self._release()

    def _release(self) -> None:
        if self._held is not None:
            os.close(self._held)
            self._held = None

    # What it knows

    @property
    def generation(self) -> int:
        """How often the log began anew."""
        identity = self.blocks.identity
        return identity.generation if identity else 0

    @property
    def start(self) -> int:
        """Where the last closed block ends."""
        return int(self.blocks.last["end"])

    @property
    def indexed(self) -> int:
        """How many bytes are indexed."""
        return self._long.at if self._long else self.start + len(self._tail.data)

    @property
    def total(self) -> int:
        """How many lines there are, with the one that has no end yet."""
        return int(self.blocks.last["lines"]) + (1 if self._long else len(self._tail.starts))

    def levels(self) -> NDArray[np.uint64]:
        """Return how many lines have each of the `LEVELS`."""
        open_ones = np.bincount(self._tail.hits["level"] & LEVEL_BITS, minlength=len(LEVELS))
        counts: NDArray[np.uint64] = self.blocks.last["levels"] + open_ones.astype(np.uint64)
        return counts

    # How it grows

    def refresh(self, most: int) -> bool:
        """Index about `most` bytes of what is new; return whether there is more. Raise `FileNotFoundError`."""
        while most > 0:
            with self.turn():
                self._look()
                try:
                    if not self._step():
                        return False
                except UnwritableIndex:
                    self._detach()
            most -= READ
        return True

    def catch_up(self, piece: int) -> int:
        """Index what the log has now, about `piece` bytes at once, and return how long that is.

        What is written meanwhile may come faster than it is indexed. Raise `FileNotFoundError`.
        """
        self.look()
        end = self.file.size()
        while self.refresh(piece) and self.indexed < end:
            pass
        return end

    def settle(self) -> bool:
        """Take what a job has left that has ended; tell whether that is all. Raise `FileNotFoundError`."""
        return True

    def look(self) -> None:
        """Note how long the log is now. Raise `FileNotFoundError`."""
        with self.turn():
            self._look()

    def _look(self) -> None:
        """Begin anew if the file is another one, or was truncated."""
        if self._is_another():
            self.file = self._open_file()
            self._restart()
        size = self.file.size()
        if size < self.indexed or (size != self._checked and not self._is_of_this_text()):
            self._restart()
        self._checked = size
        self.times.look(size, time.time())

    def _is_of_this_text(self) -> bool:
        """Tell whether the last closed block's end is still what it was."""
        end = self.start
        begin = max(end - TAIL, int(self.blocks.rows[self.blocks.count - 2]["end"]) if self.blocks.count > 1 else 0)
        return end <= self.file.size() and zlib.crc32(self.file.read(begin, end - begin)) == int(
            self.blocks.last["tail"]
        )

    def _restart(self) -> None:
        known = self.blocks.identity
        self._tail, self._long = _EMPTY, None
        if known or self._seen_before():
            self.times.begin(self.file.key, self._seen_before())
        try:
            self.blocks.begin(Identity(*self.file.key, known.generation + 1 if known else 0))
        except UnwritableIndex:
            self._detach()

    def _detach(self) -> None:
        """Begin again in memory: the side files cannot be written."""
        identity = Identity(*self.file.key, self.generation)
        self.blocks.close()
        self.blocks = Blocks.in_memory()
        self.blocks.begin(identity)
        self._tail, self._long = _EMPTY, None

    def _step(self) -> bool:
        """Look through the next piece; return whether there may be more."""
        if self._long:
            return self._step_long(self._long)
        data = self.file.read(self.start, READ)
        is_full = len(data) == READ
        if is_full and b"\n" not in data:
            self._tail, self._long = _EMPTY, LongLine(self.start, data[:1] == b"\r")
            return True
        if not is_full and len(data) == len(self._tail.data):
            return False
        whole = data if data.endswith(b"\n") else data + b"\n"
        scan = levels.scan(whole) if data else None
        first = self._close(data, scan, is_full) if scan else 0
        if not is_full:
            self._tail = _tail(data, scan, first) if scan else _EMPTY
        return is_full

    def _close(self, data: bytes, scan: Scan, is_full: bool) -> int:
        """Close the blocks that `scan` fills, and return the place of the first line behind them."""
        count = len(scan.starts) - (not data.endswith(b"\n"))
        start, first = self.start, 0
        for end in _cuts(scan, count, is_full):
            stop = int(scan.starts[end]) if end < len(scan.starts) else len(data)
            begin = max(int(scan.starts[first]), stop - TAIL)
            self._append(start + stop, end - first, scan.hits(first, end), data[begin:stop])
            first = end
        return first

    def _append(self, end: int, lines: int, hits: NDArray[np.void], tail: bytes, long: LongLine | None = None) -> None:
        last, row = self.blocks.last, np.zeros(1, BLOCK)[0]
        row["end"], row["lines"], row["pieces"] = end, last["lines"] + np.uint64(lines), last["pieces"]
        row["tail"] = zlib.crc32(tail)
        if long:
            row["is_long"], row["shown"], row["folded"] = 1, long.shown, long.folded
            row["pieces"] += np.uint64(not tail.endswith(b"\n"))
        self.blocks.append(row, hits)

    def _step_long(self, long: LongLine) -> bool:
        data = self.file.read(long.at, READ + 1)
        is_whole = long.take(data, READ)
        if is_whole or long.is_too_long:
            end = long.at if is_whole else long.cut(self.file)
            shown = self.file.read(long.shown, end - long.shown)
            found = levels.scan(shown if is_whole else shown + b"\n").hits(0, 1) if not long.is_rest else _NO_HITS
            found["offset"] = 0
            self._append(end, 1, found, self.file.read(max(long.start, end - TAIL), min(TAIL, end - long.start)), long)
            self._long = None if is_whole else LongLine(end, False, is_rest=True)
            return True
        return len(data) > READ

    def pack(self) -> bool:
        """Compress a log that nobody writes any more, and keep the index; return whether nothing is left to do.

        Raise `OSError` if there is no room, or it is written to after all.
        """
        while self.refresh(READ):
            pass
        if not self.is_own:
            return False
        if not isinstance(self.file, files.PlainFile) or self.file.size() < WORTH_PACKING:
            return True
        draft = packed.compress(self.path)
        with self.turn():
            packed.replace(self.path, draft)
            self.file = files.open_log(self.path)
            self.blocks.move(self.file.key)
            self.times.move(self.file.key)
            return True

    # What it is asked

    def span_of_line(self, number: int) -> int:
        """Return the place of the span that has a line."""
        rows = self.blocks.rows[: self.blocks.count]
        return int(np.searchsorted(rows["lines"], number))

    def span_of_offset(self, offset: int) -> int:
        """Return the place of the span that has a byte."""
        rows = self.blocks.rows[: self.blocks.count]
        return int(np.searchsorted(rows["end"], offset, "right"))

    def spans(self, place: int) -> Iterator[Span]:
        """Yield the spans from one on; with lines that have no block yet last."""
        while place < self.blocks.count:
            yield self._closed(place)
            place += 1
        if self.total > int(self.blocks.last["lines"]):
            yield self._open()

    def span(self, place: int) -> Span:
        """Return one span."""
        return self._closed(place) if place < self.blocks.count else self._open()

    def _closed(self, place: int) -> Span:
        row, before = self.blocks.rows[place], self.blocks.rows[place - 1] if place else np.zeros(1, BLOCK)[0]
        first, count = int(before["lines"]) + 1, int(row["lines"] - before["lines"])
        long = (int(row["shown"]), int(row["folded"])) if row["is_long"] else None
        return Span(int(before["end"]), int(row["end"]), first, count, self._hits(place), long=long)

    def _hits(self, place: int) -> NDArray[np.void]:
        try:
            return self.blocks.hits(place)
        except DamagedIndex:
            self._restart()
            raise

    def _open(self) -> Span:
        first = int(self.blocks.last["lines"]) + 1
        if self._long:
            return Span(self.start, self._long.at, first, 1, _NO_HITS, long=(self._long.shown, self._long.folded))
        tail = self._tail
        return Span(self.start, self.indexed, first, len(tail.starts), tail.hits, tail.data)

    def matching(self, least: int) -> NDArray[np.int64]:
        """Return, up to the end of each span, how many lines have at least a level."""
        rows = self.blocks.rows[: self.blocks.count]["levels"][:, least:].sum(axis=1, dtype=np.int64)
        open_ones = np.count_nonzero((self._tail.hits["level"] & LEVEL_BITS) >= least)
        return np.append(rows, (rows[-1] if rows.size else 0) + open_ones)


def _tail(data: bytes, scan: Scan, first: int) -> _Tail:
    if first == len(scan.starts):
        return _EMPTY
    start = int(scan.starts[first])
    return _Tail(data[start:], scan.starts[first:] - start, scan.hits(first, len(scan.starts)))


def _cuts(scan: Scan, count: int, is_full: bool) -> Iterator[int]:
    """Yield the places of lines before which a block ends: no line of it starts behind 64 KiB.

    With `is_full` the last lines are a block too. No block ends within a traceback, unless that is longer than a block.
    """
    first = 0
    while first < count:
        end = int(np.searchsorted(scan.starts[:count], scan.starts[first] + BLOCK_SIZE))
        if end == count and (_is_open_at(scan, first, count) if is_full else _fits(scan, first)):
            return
        first = _before_traceback(scan, first, end)
        yield first


def _fits(scan: Scan, first: int) -> bool:
    """Tell whether the lines from `first` on, with the one that has no end yet, all start within one block."""
    return int(scan.starts[-1] - scan.starts[first]) < BLOCK_SIZE


def _is_open_at(scan: Scan, first: int, count: int) -> bool:
    """Tell whether a traceback starts at `first` that may go on behind what was read."""
    return first > 0 and any(start == first and end >= count for start, end in scan.spans)


def _before_traceback(scan: Scan, first: int, end: int) -> int:
    earlier = end
    for span_first, span_last in reversed(scan.spans):
        if first < span_first < earlier <= span_last:
            earlier = span_first
    return earlier
