"""Following a log: the next bytes of it, as long as its reader keeps up."""

from pathlib import Path
from typing import Final

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.logs import LogChunk, LogFollow, LogGap
from aiplat_jupyter.store.logs import paging
from aiplat_jupyter.store.logs.index import Index
from aiplat_jupyter.store.logs.opened import OpenLogs
from aiplat_jupyter.store.logs.text import whole_characters

BATCH: Final = 256 * 1000
MOST_BEHIND: Final = 1_000_000
_KEPT: Final = 64 * 1024
"""Bytes at the log's end that are told to a reader who was too far behind."""
_SLICE: Final = 16 * 1024 * 1024


def check(ask: LogFollow) -> None:
    """Raise `InvalidInput` that names the field."""
    wrong = {name: "0 or more" for name in ("tail", "offset") if (getattr(ask, name) or 0) < 0}
    if wrong:
        raise InvalidInput("That cannot be followed.", fields=wrong)


class Follower:
    """Where one reader of a log is. Its methods block."""

    def __init__(self, opened: OpenLogs, ask: LogFollow) -> None:
        self.at, self._tail = ask.offset, ask.tail
        self._opened, self._stream = opened, ask.stream
        self._generation: int | None = None
        self.is_settled = True
        """Whether the last look saw all that a job has left that has ended."""

    def next(self, folder: Path, *, has_ended: bool) -> LogChunk | LogGap | None:
        """Return what comes next; None if there is nothing yet. Raise `NotFound` if the log is no longer there."""
        if not self._stream and not self._opened.has_log(folder):
            return None
        with self._opened.borrow(folder, self._stream) as index:
            self.is_settled = not has_ended or index.settle()
            if self._tail is None:
                index.refresh(_SLICE)
            else:
                index.catch_up(_SLICE)
            with index.turn():
                return self._next(index)

    def _next(self, index: Index) -> LogChunk | LogGap | None:
        size = index.file.size()
        if self._tail is not None:
            self.at = paging.offset_of_line(index, max(1, index.total - self._tail + 1))
            self._tail = None
        if (self._generation not in {None, index.generation}) or self.at > size:
            self._generation = index.generation
            return self._jump(0)
        self._generation = index.generation
        if size - self.at > MOST_BEHIND:
            return self._jump(_line_start(index, size - _KEPT))
        return self._chunk(index)

    def _jump(self, to: int) -> LogGap:
        start, self.at = self.at, to
        return LogGap(start=start, to=to)

    def _chunk(self, index: Index) -> LogChunk | None:
        data = index.file.read(self.at, BATCH)
        data = whole_characters(data) or data
        if not data:
            return None
        start, self.at = self.at, self.at + len(data)
        return LogChunk(offset=start, next=self.at, text=index.file.marked(start, data).decode(errors="replace"))


def _line_start(index: Index, offset: int) -> int:
    """Return where a line starts at `offset` or soon behind it; `offset` itself if none does."""
    found = index.file.read(offset, _KEPT).find(b"\n")
    return offset + found + 1
