r"""The level of each line of a piece of a log, found by numpy in one pass.

A level is one of the words DEBUG, INFO, WARN, WARNING, ERROR, CRITICAL and FATAL in capitals that stands alone, as
Python's logging, loguru and NCCL write it, or the letter and date that absl and glog begin with (``W0208 10:11:12``).
The first one in what is shown of a line counts; a line without one has no level. A letter, digit or
``_ . / \ - $ @ # %`` beside the word makes it part of a name: a path, ``ERROR_RATE``, ``UserWarning``.
"""

import re
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiplat_jupyter.core.tasks import Level
from aiplat_jupyter.store.logs import tracebacks

LEVELS: Final[tuple[Level, ...]] = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
HIT: Final = np.dtype([("line", "<u2"), ("offset", "<u2"), ("group", "<u2"), ("level", "u1")])
"""A line that has a level: its place among the lines of a block (from 0), its offset in the block, the place of the
first line of its traceback, and the level's place in `LEVELS`, with 128 added if it belongs to a traceback."""
GROUPED: Final = 128
LEVEL_BITS: Final = 127
_ERROR: Final = LEVELS.index("ERROR")
_PAD: Final = 16
"""Bytes behind the text, so that a word may be looked up at its very end; they also stand before its first byte."""
_WORDS: Final = {b"CRITICAL": 4, b"DEBUG": 0, b"ERROR": 3, b"FATAL": 4, b"INFO": 1, b"WARN": 2}
_START: Final = np.array([int.from_bytes(word[:4], "little") for word in _WORDS], np.uint32)
_ORDER: Final = np.argsort(_START)
_SORTED: Final = _START[_ORDER]
_WHOLE: Final = np.array([int.from_bytes(word, "little") for word in _WORDS], np.uint64)[_ORDER]
_LENGTH: Final = np.array([len(word) for word in _WORDS])[_ORDER]
_MASK: Final = np.array([(1 << 8 * len(word)) - 1 for word in _WORDS], np.uint64)[_ORDER]
_LEVEL: Final = np.array(list(_WORDS.values()), np.uint8)[_ORDER]
_ING: Final = np.uint64(int.from_bytes(b"WARNING", "little"))
_ING_MASK: Final = np.uint64((1 << 56) - 1)
_LETTERS: Final = {ord("I"): 1, ord("W"): 2, ord("E"): 3, ord("F"): 4}
_PART_OF_NAME: Final = rb"A-Za-z0-9_./\\$@#%-"
_SGR_END: Final = re.compile(rb"\x1b\[[0-9;:]*m\Z")


def _outside(part_of_word: bytes) -> NDArray[np.bool_]:
    inside = re.compile(b"[" + part_of_word + b"]")
    return np.array([inside.match(bytes([byte])) is None for byte in range(256)])


_BEFORE: Final = _outside(_PART_OF_NAME)
_AFTER: Final = _outside(b"=(" + _PART_OF_NAME)
_BEFORE_LETTER: Final = np.isin(np.arange(256), list(b"\0\n\r[: "))


class Scan(NamedTuple):
    """What a piece of a log holds that consists of whole lines.

    Attributes
    ----------
    starts : offset of each line.
    lines, levels, groups : of each line that has a level its place, the level, and the place of its traceback's first
        line (-1: it belongs to none), by place.
    spans : first and last line of each traceback, as `tracebacks.Found` has them.
    """

    starts: NDArray[np.int64]
    lines: NDArray[np.int64]
    levels: NDArray[np.uint8]
    groups: NDArray[np.int64]
    spans: list[tuple[int, int]]

    def hits(self, first: int, end: int) -> NDArray[np.void]:
        """Return the hits of the lines `first` to `end` as they are stored, counted from line `first`."""
        low, high = np.searchsorted(self.lines, [first, end])
        found = np.zeros(high - low, HIT)
        lines, groups = self.lines[low:high], self.groups[low:high]
        is_grouped = groups >= first
        found["line"] = lines - first
        found["offset"] = self.starts[lines] - self.starts[first] if high > low else 0
        found["group"] = np.where(is_grouped, groups - first, 0)
        found["level"] = self.levels[low:high] + np.where(is_grouped, GROUPED, 0).astype(np.uint8)
        return found


def scan(data: bytes) -> Scan:
    """Look through `data`, which ends with a newline."""
    padded = data + bytes(_PAD)
    chars = np.frombuffer(padded, np.uint8)
    ends = np.flatnonzero(chars == ord("\n")) + 1
    starts = np.concatenate([[0], ends[:-1]])
    at, levels = _words(padded, chars)
    if b"\r" in data:
        is_shown = ~_drawn_over(chars, at, ends)
        at, levels = at[is_shown], levels[is_shown]
    lines, first = np.unique(np.searchsorted(ends, at, "right"), return_index=True)
    found = tracebacks.find(data, starts, ends)
    return _with_tracebacks(starts, lines, levels[first], found)


def _words(padded: bytes, chars: NDArray[np.uint8]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Return where the marks of levels are, and their levels, by place."""
    could = (chars - np.uint8(ord("C"))) < 4
    could |= chars == ord("I")
    could |= chars == ord("W")
    at = np.flatnonzero(could)
    heads = np.ndarray((len(padded) - 7,), "<u4", padded, 0, (1,))[at]
    place = np.minimum(np.searchsorted(_SORTED, heads), len(_SORTED) - 1)
    is_word = _SORTED[place] == heads
    words, word_levels = _whole_words(padded, chars, at[is_word], place[is_word])
    letters, letter_levels = _dated_letters(chars, at)
    if not letters.size:
        return words, word_levels
    both, levels = np.concatenate([words, letters]), np.concatenate([word_levels, letter_levels])
    order = np.argsort(both)
    return both[order], levels[order]


def _whole_words(
    padded: bytes, chars: NDArray[np.uint8], at: NDArray[np.int64], place: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    wide = np.ndarray((len(padded) - 7,), "<u8", padded, 0, (1,))[at]
    is_warning = wide & _ING_MASK == _ING
    length = np.where(is_warning, 7, _LENGTH[place])
    before, after = chars[at - 1], chars[at + length]
    stands = (wide & _MASK[place] == _WHOLE[place]) & _AFTER[after]
    alone = stands & _BEFORE[before]
    for index in np.flatnonzero(stands & (before == ord("m"))):
        alone[index] = _SGR_END.search(padded, max(0, at[index] - 24), at[index]) is not None
    return at[alone], _LEVEL[place[alone]]


def _dated_letters(chars: NDArray[np.uint8], at: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    for ahead in (1, 2, 3, 4):
        at = at[chars[at + ahead] - np.uint8(ord("0")) < 10]
    at = at[(chars[at + 5] == ord(" ")) & (chars[at + 8] == ord(":")) & _BEFORE_LETTER[chars[at - 1]]]
    at = at[np.isin(chars[at], list(_LETTERS))]
    return at, np.array([_LETTERS[letter] for letter in chars[at].tolist()], np.uint8)


def _drawn_over(chars: NDArray[np.uint8], at: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which places are followed by a carriage return that began the line anew."""
    returns = np.flatnonzero(chars == ord("\r"))
    behind = chars[returns + 1]
    returns = returns[(behind != ord("\r")) & (behind != ord("\n"))]
    if not returns.size:
        return np.zeros(at.size, np.bool_)
    following = np.searchsorted(returns, at)
    there = returns[np.minimum(following, returns.size - 1)]
    line_end = ends[np.minimum(np.searchsorted(ends, at, "right"), ends.size - 1)]
    drawn: NDArray[np.bool_] = (following < returns.size) & (there < line_end)
    return drawn


def _with_tracebacks(
    starts: NDArray[np.int64], lines: NDArray[np.int64], levels: NDArray[np.uint8], found: tracebacks.Found
) -> Scan:
    if not found.lines:
        return Scan(starts, lines, levels, np.full(lines.size, -1), [])
    grouped = np.array(found.lines)
    is_plain = ~np.isin(lines, grouped)
    all_lines = np.concatenate([lines[is_plain], grouped])
    order = np.argsort(all_lines)
    all_levels = np.concatenate([levels[is_plain], np.full(grouped.size, _ERROR, np.uint8)])[order]
    groups = np.concatenate([np.full(np.count_nonzero(is_plain), -1), np.array(found.groups)])[order]
    return Scan(starts, all_lines[order], all_levels, groups, found.spans)
