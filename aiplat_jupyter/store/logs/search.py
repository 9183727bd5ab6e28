"""Searching a log: what a child process finds, as lines of the index, counted and told bit by bit."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.logs import LogHits, LogSearch
from aiplat_jupyter.store.logs import paging, searcher
from aiplat_jupyter.store.logs.index import Index
from aiplat_jupyter.store.logs.levels import LEVELS
from aiplat_jupyter.store.logs.searcher import Searcher

MAX_HITS: Final = 10_000
MAX_BUDGET: Final = 60.0
MAX_Q: Final = 2_000
_PIECE: Final = 256 * 1024
_TOLD_EVERY: Final = 0.1
_AT_ONCE: Final = 1_000
"""Matches up to which the child tells of each at once."""
State = Literal["running", "done", "partial", "invalid"]
Run = Callable[[Callable[[], Any]], Awaitable[Any]]


def check(ask: LogSearch) -> None:
    """Raise `InvalidInput` that names the field."""
    wrong = {}
    if not 0 < len(ask.q) <= MAX_Q or "\n" in ask.q or "\0" in ask.q:
        wrong["q"] = f"1 to {MAX_Q} characters on one line"
    if not 0 <= ask.limit <= MAX_HITS:
        wrong["limit"] = f"0 to {MAX_HITS}"
    if not 0 < ask.budget_s <= MAX_BUDGET:
        wrong["budget_s"] = f"more than 0, at most {MAX_BUDGET:.0f}"
    if wrong:
        raise InvalidInput("That cannot be searched for.", fields=wrong)


async def hits(index: Index, ask: LogSearch, run: Run) -> AsyncGenerator[LogHits]:
    """Yield hits as they are found; closing it kills the child. `run` does work on a thread."""
    tally, end = Tally(index, ask), time.monotonic() + ask.budget_s
    for command in searcher.commands(ask):
        async with Searcher.started(command, index.file, tally.at, ask.budget_s) as child:
            told_at = 0.0
            async for data in child.output():
                await run(lambda data=data: tally.take(data))  # type: ignore[misc]
                tally.scanned = child.position()
                if time.monotonic() > end:
                    yield tally.told("partial")
                    return
                if tally.is_much and "--line-buffered" in command:
                    break
                if time.monotonic() - told_at >= _TOLD_EVERY:
                    told_at = time.monotonic()
                    yield tally.told("running")
            if child.has_ended:
                yield _last(tally, *await child.ending())
                return
        await run(tally.pass_line)


def _last(tally: "Tally", code: int, complaint: str) -> LogHits:
    if code == searcher.INVALID:
        return tally.told("invalid", complaint)
    if code < 0:  # it was out of time or memory
        return tally.told("partial")
    tally.scanned = tally.size
    return tally.told("done")


class Tally:
    """What was found so far."""

    def __init__(self, index: Index, ask: LogSearch) -> None:
        self.size = index.file.size()
        self.at = self.scanned = self.count = 0
        self._index, self._room = index, ask.limit
        self._least = LEVELS.index(ask.min_level) if ask.min_level else None
        self._before, self._line, self._offset = 0, 0, 0
        self._rest = b""
        self._lines: list[int] = []
        self._offsets: list[int] = []

    @property
    def is_much(self) -> bool:
        """Whether there are many matches."""
        return self._line > 0 and self.count >= _AT_ONCE

    def take(self, data: bytes) -> None:
        """Count what a child printed that reads from byte `at` on."""
        whole, newline, self._rest = (self._rest + data).rpartition(b"\n")
        if not newline:
            return
        pairs = np.fromstring(whole.replace(b":", b" ").decode("ascii"), np.int64, sep=" ").reshape(-1, 2)
        pairs += (self._before, self.at)
        is_new = np.diff(pairs[:, 0], prepend=self._line) > 0
        self._line, self._offset = pairs[-1].tolist()
        with self._index.turn():
            self._count(pairs[is_new, 1])

    def _count(self, offsets: NDArray[np.int64]) -> None:
        """Count matches, each in another line."""
        if self._least is None:
            self.count += len(offsets)
            found = paging.lines_at(self._index, offsets[: self._room])
        else:
            found = paging.lines_at(self._index, offsets)
            fitting = found.levels >= self._least
            self.count += int(np.count_nonzero(fitting))
            found = paging.Lines(*(column[fitting][: self._room] for column in found))
        self._room -= len(found.numbers)
        self._lines += found.numbers.tolist()
        self._offsets += found.starts.tolist()

    def pass_line(self) -> None:
        """Go on behind the line of the last match."""
        self._rest, self._before, self.at = b"", self._line, self._offset
        while data := self._index.file.read(self.at, _PIECE):
            newline = data.find(b"\n")
            self.at += newline + 1 if newline >= 0 else len(data)
            if newline >= 0:
                return

    def told(self, state: State, message: str = "") -> LogHits:
        """Return what was not told before."""
        lines, offsets, self._lines, self._offsets = self._lines, self._offsets, [], []
        seen = min(self.scanned, self.size)
        return LogHits(
            lines=lines, offsets=offsets, count=self.count, scanned=seen, size=self.size, state=state, message=message
        )
