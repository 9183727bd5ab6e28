"""Searching a log: what a child process finds, as lines of the index, counted and told bit by bit."""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import aclosing
from functools import partial
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
_NONE: Final = np.zeros(0, np.int64)
State = Literal["running", "done", "partial", "invalid"]
Run = Callable[[Callable[[], Any]], Awaitable[Any]]


def check(ask: LogSearch) -> None:
    """Raise `InvalidInput` that names the field."""
    wrong = {}
    if not 0 < len(ask.q) <= MAX_Q or "\n" in ask.q or "\0" in ask.q:
        wrong["q"] = f"1 to {MAX_Q} characters on one line"
    if not 0 <= ask.limit <= MAX_HITS:
        wrong["limit"] = f"0 to {MAX_HITS}"
    if ask.from_line < 1:
        wrong["from_line"] = "at least 1"
    if not 0 < ask.budget_s <= MAX_BUDGET:
        wrong["budget_s"] = f"more than 0, at most {MAX_BUDGET:.0f}"
    if wrong:
        raise InvalidInput("That cannot be searched for.", fields=wrong)


async def hits(index: Index, ask: LogSearch, run: Run) -> AsyncGenerator[LogHits]:
    """Yield hits as they are found; closing it kills the child. `run` does work on a thread.

    What is behind the reader is looked through first, then what is before.
    """
    start = await run(partial(_start, index, ask.from_line))
    tally, end = Tally(index, ask, start), time.monotonic() + ask.budget_s
    for _ in tally.passes():
        async with aclosing(_pass(tally, ask, run, end)) as told:
            async for part in told:
                yield part
                if part.state != "running":
                    return
    await run(tally.settle)
    yield tally.told("done")


def _start(index: Index, line: int) -> int:
    if line <= 1:
        return 0
    with index.turn():
        return paging.offset_of_line(index, line)


async def _pass(tally: "Tally", ask: LogSearch, run: Run, end: float) -> AsyncGenerator[LogHits]:
    for command in searcher.commands(ask):
        async with Searcher.started(command, tally.file, tally.at, ask.budget_s) as child:
            told_at = 0.0
            async for data in child.output():
                await run(partial(tally.take, data))
                tally.position = child.position()
                if time.monotonic() > end:
                    yield await run(tally.broken_off)
                    return
                if tally.is_through:
                    return
                if tally.is_much and "--line-buffered" in command:
                    break
                if time.monotonic() - told_at >= _TOLD_EVERY:
                    told_at = time.monotonic()
                    yield tally.told("running")
            if child.has_ended:
                code, complaint = await child.ending()
                if code == searcher.INVALID:
                    yield tally.told("invalid", complaint)
                elif code < 0:  # it was out of time or memory
                    yield await run(tally.broken_off)
                return
        await run(tally.pass_line)


class Tally:
    """What was found so far, from byte `start` on and then before it."""

    def __init__(self, index: Index, ask: LogSearch, start: int) -> None:
        self.file = index.file
        self.size = index.file.size()
        self.count = 0
        self.at = self.position = self._start = min(start, self.size)
        self.is_through = False
        """Whether the second pass has come to where the first began."""
        self._index = index
        self._room_before = ask.limit // 2 if self._start else 0
        self._room = ask.limit - self._room_before
        self._least = LEVELS.index(ask.min_level) if ask.min_level else None
        self._is_second = False
        self._count_before: int | None = None
        self._behind = 0
        self._nearest = _NONE
        self._before, self._line, self._offset = 0, 0, 0
        self._rest = b""
        self._lines: list[int] = []
        self._offsets: list[int] = []

    def passes(self) -> Iterator[None]:
        """Get ready for each time that the log is looked through: from the start byte on, and up to it."""
        if not self.size or self._start < self.size:
            yield
        if self._start:
            self._is_second, self._room_before = True, self._room_before + self._room
            self.at = self.position = self._before = self._line = self._offset = 0
            self._rest = b""
            self._behind = self.count
            yield

    def settle(self) -> None:
        """Tell of the hits before the start that are nearest to it, as all are known."""
        self._count_before = self.count - self._behind if self._is_second else 0
        with self._index.turn():
            self._tell(self._nearest)
        self._nearest = _NONE
        self.position = self.size if not self._is_second else self._start

    def broken_off(self) -> LogHits:
        """Return what there is when the time is over."""
        with self._index.turn():
            self._tell(self._nearest)
        return self.told("partial")

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
        if self._is_second:
            self.is_through = bool(pairs[-1, 1] >= self._start)
            pairs = pairs[pairs[:, 1] < self._start]
        if not len(pairs):
            return
        is_new = np.diff(pairs[:, 0], prepend=self._line) > 0
        self._line, self._offset = pairs[-1].tolist()
        with self._index.turn():
            self._count(pairs[is_new, 1])

    def _count(self, offsets: NDArray[np.int64]) -> None:
        """Count matches, each in another line."""
        if self._least is not None:
            offsets = offsets[paging.lines_at(self._index, offsets).levels >= self._least]
        self.count += len(offsets)
        if self._is_second:
            together = np.concatenate([self._nearest, offsets])
            self._nearest = together[max(0, len(together) - self._room_before) :]
        else:
            told = offsets[: self._room]
            self._room -= len(told)
            self._tell(told)

    def _tell(self, offsets: NDArray[np.int64]) -> None:
        found = paging.lines_at(self._index, offsets)
        self._lines += found.numbers.tolist()
        self._offsets += found.starts.tolist()

    def pass_line(self) -> None:
        """Go on behind the line of the last match."""
        self._rest, self._before, self.at = b"", self._line, self._offset
        while data := self.file.read(self.at, _PIECE):
            newline = data.find(b"\n")
            self.at += newline + 1 if newline >= 0 else len(data)
            if newline >= 0:
                return

    @property
    def scanned(self) -> int:
        """How many bytes were looked at."""
        done = self.size - self._start + self.position if self._is_second else self.position - self._start
        return min(done, self.size)

    def told(self, state: State, message: str = "") -> LogHits:
        """Return what was not told before."""
        lines, offsets, self._lines, self._offsets = self._lines, self._offsets, [], []
        return LogHits(
            lines=lines,
            offsets=offsets,
            count=self.count,
            scanned=self.scanned,
            size=self.size,
            state=state,
            message=message,
            before=self._count_before,
        )
