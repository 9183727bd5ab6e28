"""Which lines of a piece of a log are one traceback.

It begins with ``Traceback (most recent call last):`` and ends with the first line that is not indented, the exception.
Lines of several ranks that are mixed, each with its prefix (``[rank0]: ``, ``[default1]:``), are told apart by it. The
indented traceback of an exception group ends before the first line that is not indented.
"""

import re
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

_HEAD: Final = b"Traceback (most recent call last):"
_PREFIX: Final = re.compile(rb"\[[a-z_]*\d+\]: ?")


class Found(NamedTuple):
    """Lines of tracebacks by place, and the first line of each one's traceback.

    `spans` are first and last line of each traceback; one that has no end yet seems to have a line more than there is.
    """

    lines: list[int]
    groups: list[int]
    spans: list[tuple[int, int]]


class _Open(NamedTuple):
    first: int
    is_indented: bool


def find(data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Found:
    """Return the tracebacks of the lines that `starts` and `ends` tell."""
    heads = _heads(data, ends)
    return _Walk(data, starts, ends, heads).found() if heads else Found([], [], [])


def _heads(data: bytes, ends: NDArray[np.int64]) -> list[int]:
    found, at = [], data.find(_HEAD)
    while at >= 0:
        line = int(np.searchsorted(ends, at, "right"))
        if not data[at + len(_HEAD) : ends[line]].strip():
            found.append(line)
        at = data.find(_HEAD, int(ends[line]))
    return found


class _Walk:
    """One way through the lines, from the head of a traceback to the end of the last that is open."""

    def __init__(self, data: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64], heads: list[int]) -> None:
        self._data, self._starts, self._ends, self._heads = data, starts, ends, heads
        self._open: dict[bytes, _Open] = {}
        self._last: dict[int, int] = {}
        self._group_of: dict[int, int] = {}

    def found(self) -> Found:
        line, waiting, count = self._heads[0], set(self._heads), len(self._starts)
        heads = iter([*self._heads[1:], count])
        upcoming = next(heads)
        while line < count:
            self._visit(line, line in waiting)
            line += 1
            if not self._open:
                while upcoming < line:
                    upcoming = next(heads)
                line = upcoming
        self._last |= {group.first: count for group in self._open.values()}
        lines = sorted(self._group_of)
        return Found(lines, [self._group_of[at] for at in lines], sorted(self._last.items()))

    def _visit(self, line: int, is_head: bool) -> None:
        text = self._data[self._starts[line] : self._ends[line]]
        found = _PREFIX.match(text)
        prefix = found[0].rstrip() if found else b""
        text = text[found.end() :] if found else text
        is_indented = text[:1] in {b" ", b"\t"}
        if is_head:
            self._open[prefix] = _Open(line, is_indented)
        elif prefix not in self._open:
            return
        group = self._open[prefix]
        is_end = not is_indented and not is_head
        if not is_end or (text.strip() and not group.is_indented):
            self._group_of[line] = group.first
            self._last[group.first] = line
        if is_end:
            del self._open[prefix]
