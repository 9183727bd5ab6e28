"""Pages of a log: lines by number, offset, time or from the end, all of them or those of a level."""

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.logs import MAX_LINES, MAX_TEXT, LogLine, LogQuery
from aiplat_jupyter.core.tasks import Level
from aiplat_jupyter.store.logs import files
from aiplat_jupyter.store.logs.index import Index, Span
from aiplat_jupyter.store.logs.levels import GROUPED, LEVEL_BITS, LEVELS
from aiplat_jupyter.store.logs.text import MAX_WHOLE, show

FEW: Final = 8
"""Lines of a block up to which each is read alone."""
SMALL: Final = 1024
MAX_BYTES: Final = 2 * 1024 * 1024
"""Text that one page has at most, whatever its lines."""


class Raw(NamedTuple):
    """A line as it is in the file, of a long one only what is shown; `end` is the offset behind it.

    `level` is a place in `LEVELS`, `group` the number of the first line of its traceback.
    """

    number: int
    offset: int
    end: int
    data: bytes
    folded: int
    level: int | None
    group: int | None


class Lines(NamedTuple):
    """Numbers, offsets and levels (-1 for none) of lines."""

    numbers: NDArray[np.int64]
    starts: NDArray[np.int64]
    levels: NDArray[np.int64]


def page(index: Index, query: LogQuery) -> list[LogLine]:
    """Return the lines that are asked for, as many as fit into a page; the query was checked."""
    first, count = _first(index, query), min(abs(query.tail or query.n), MAX_LINES)
    is_backward = query.tail is not None or query.n < 0
    if query.min_level:
        found = _of_level(index, LEVELS.index(query.min_level), first, count, is_backward=is_backward)
    else:
        found = _lines_before(index, first, count) if is_backward else islice(_lines_from(index, first), count)
    most = MAX_WHOLE if query.whole and count == 1 else MAX_TEXT
    lines, room = [], max(MAX_BYTES, most)
    for raw in found:
        lines.append(_as_shown(index, raw, most))
        room -= len(lines[-1].text)
        if room < 0:
            break
    return lines[::-1] if is_backward else lines


def matching(index: Index, level: Level | None) -> int:
    """Return how many lines have at least a level; without one, how many there are."""
    return int(index.matching(LEVELS.index(level))[-1]) if level else index.total


def check(query: LogQuery) -> None:
    """Raise `InvalidInput` that names the field."""
    given = [name for name in ("tail", "line", "offset", "time") if getattr(query, name) is not None]
    if len(given) > 1:
        raise InvalidInput(
            "A page starts at one place.", fields=dict.fromkeys(given[1:], f"Leave out; {given[0]} is given.")
        )
    if query.tail is not None and query.tail < 1:
        raise InvalidInput("That is no number of lines.", fields={"tail": "At least 1."})
    if not query.n:
        raise InvalidInput("A page has lines.", fields={"n": f"1 to {MAX_LINES}, or negative for those before."})


def _first(index: Index, query: LogQuery) -> int:
    """Return the number of the line from which, or before which, is counted."""
    if query.tail is not None:
        return index.total + 1
    if query.time is not None:
        return line_from(index, index.times.offset(query.time))
    if query.offset is not None:
        return line_from(index, query.offset)
    return max(1, query.line or 1)


def line_from(index: Index, offset: int) -> int:
    """Return the number of the first line that starts at `offset` or behind it."""
    if offset <= 0:
        return 1
    for span in index.spans(index.span_of_offset(offset - 1)):
        for raw in _raw(index, span):
            if raw.offset >= offset:
                return raw.number
    return index.total + 1


def offset_of_line(index: Index, number: int) -> int:
    """Return where a line starts; the log's end if there is no such line."""
    return next((raw.offset for raw in _lines_from(index, number)), index.indexed)


def raw_lines(index: Index, level: Level, first: int, size: int) -> list[Raw]:
    """Return lines of a level or above from line `first` on, as many as have about `size` bytes."""
    found = []
    for raw in _of_level(index, LEVELS.index(level), first, MAX_LINES, is_backward=False):
        found.append(raw)
        size -= len(raw.data)
        if size <= 0:
            break
    return found


def lines_at(index: Index, offsets: NDArray[np.int64]) -> Lines:
    """Return of the lines that have these bytes number, offset and level; the offsets rise."""
    found: list[NDArray[np.int64]] = []
    while offsets.size:
        span = index.span(index.span_of_offset(int(offsets[0])))
        here = int(np.searchsorted(offsets, span.end)) or offsets.size
        found.append(_lines_at(index, span, offsets[:here] - span.start))
        offsets = offsets[here:]
    numbers, starts, levels = np.concatenate(found, axis=1) if found else np.zeros((3, 0), np.int64)
    return Lines(numbers, starts, levels)


def _lines_at(index: Index, span: Span, offsets: NDArray[np.int64]) -> NDArray[np.int64]:
    ends = np.zeros(0, np.int64) if span.long else _ends(_data(index, span))
    places = np.searchsorted(ends, offsets, "right")
    levels = np.full(span.lines + 1, -1)
    levels[span.hits["line"]] = span.hits["level"] & LEVEL_BITS
    starts = np.concatenate([[0], ends])[places]
    return np.array([span.first + places, span.start + starts, levels[np.minimum(places, span.lines)]])


def _lines_from(index: Index, first: int) -> Iterator[Raw]:
    for span in index.spans(index.span_of_line(first)):
        yield from _raw(index, span, max(0, first - span.first))


def _lines_before(index: Index, first: int, count: int) -> Iterator[Raw]:
    """Yield `count` lines, back from the one before `first`."""
    number = min(first, index.total + 1) - 1
    last = max(0, number - count)
    while number > last:
        span = index.span(index.span_of_line(number))
        skip = max(0, last + 1 - span.first)
        yield from reversed(list(islice(_raw(index, span, skip), number - span.first + 1 - skip)))
        number = span.first - 1


def _of_level(index: Index, least: int, first: int, count: int, *, is_backward: bool) -> Iterator[Raw]:
    """Yield lines of a level or above: `count` of them from line `first` on, or back from the one before it."""
    upto = index.matching(least)
    place = min(index.span_of_line(first), len(upto) - 1)
    before = int(upto[place - 1]) if place else 0
    rank = before + _matching_before(index.span(place), least, first)
    low, high = (max(0, rank - count), rank) if is_backward else (rank, min(rank + count, int(upto[-1])))
    while low < high:
        place = int(np.searchsorted(upto, high - 1 if is_backward else low, "right"))
        span, before = index.span(place), int(upto[place - 1]) if place else 0
        chosen = span.hits[(span.hits["level"] & LEVEL_BITS) >= least][max(0, low - before) : high - before]
        yield from _picked(index, span, chosen[::-1] if is_backward else chosen)
        low, high = (low, before) if is_backward else (int(upto[place]), high)


def _matching_before(span: Span, least: int, line: int) -> int:
    is_before = span.hits["line"].astype(np.int64) + span.first < line
    return int(np.count_nonzero(is_before & ((span.hits["level"] & LEVEL_BITS) >= least)))


def _raw(index: Index, span: Span, skip: int = 0) -> Iterator[Raw]:
    """Yield the lines of a span, from its line `skip` on."""
    if span.long:
        yield _long(index, span, span.long)
        return
    data = _data(index, span)
    bounds = [0, *_ends(data)[: span.lines - 1].tolist(), len(data)]
    level, group = np.zeros(span.lines, np.uint8), np.zeros(span.lines, np.uint16)
    level[span.hits["line"]], group[span.hits["line"]] = span.hits["level"] + 1, span.hits["group"]
    for place in range(skip, min(span.lines, len(bounds) - 1)):
        alone = data[bounds[place] : bounds[place + 1]]
        yield _made(span, place, bounds[place], alone, int(level[place]), int(group[place]))


def _picked(index: Index, span: Span, hits: NDArray[np.void]) -> Iterator[Raw]:
    """Yield the lines of a span that `hits` tell."""
    if span.long:
        yield _long(index, span, span.long)
        return
    data = _data(index, span) if len(hits) > FEW or span.data is not None else b""
    for place, offset, group, level in hits.tolist():
        alone = data[offset : data.find(b"\n", offset) + 1 or None] if data else _line_at(index, span, offset)
        yield _made(span, place, offset, alone, level + 1, group)


def _line_at(index: Index, span: Span, offset: int) -> bytes:
    """Read one line of a span alone, which most often takes one small piece."""
    size = min(SMALL, span.end - span.start - offset)
    data = index.file.read(span.start + offset, size)
    end = data.find(b"\n") + 1
    if not end and size == SMALL:
        data = index.file.read(span.start + offset, span.end - span.start - offset)
        end = data.find(b"\n") + 1
    return data[: end or None]


def _data(index: Index, span: Span) -> bytes:
    return index.file.read(span.start, span.end - span.start) if span.data is None else span.data


def _ends(data: bytes) -> NDArray[np.int64]:
    return np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1


def _long(index: Index, span: Span, long: tuple[int, int]) -> Raw:
    shown, folded = long
    data = index.file.read(shown, min(span.end - shown, MAX_WHOLE))
    level = int(span.hits["level"][0] & LEVEL_BITS) if span.hits.size else None
    return Raw(span.first, span.start, span.end, data, folded, level, None)


def _made(span: Span, place: int, start: int, data: bytes, mark: int, group: int) -> Raw:
    """Make a line; `mark` is one more than what a hit has as level, 0 for a line without."""
    level = (mark - 1) & LEVEL_BITS if mark else None
    head = span.first + group if mark > GROUPED else None
    offset = span.start + start
    return Raw(span.first + place, offset, offset + len(data), data, 0, level, head)


def _as_shown(index: Index, raw: Raw, most: int) -> LogLine:
    shown, stream = show(raw.data, most), index.file.stream(raw.offset)
    return LogLine(
        number=raw.number,
        offset=raw.offset,
        text=shown.text,
        level=None if raw.level is None else LEVELS[raw.level],
        time=index.times.at(raw.end),
        folded=raw.folded + shown.folded,
        cut=shown.cut,
        group=raw.group,
        stream=stream,
        rank=files.rank(stream) if stream else None,
    )
