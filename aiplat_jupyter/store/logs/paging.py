"""Pages of a log: lines by number, offset, time or from the end, all of them or those of a level."""

from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.logs import MAX_LINES, MAX_TEXT, LogLine, LogQuery
from aiplat_jupyter.core.tasks import Level
from aiplat_jupyter.store.logs.index import Index, Span
from aiplat_jupyter.store.logs.levels import GROUPED, LEVEL_BITS, LEVELS
from aiplat_jupyter.store.logs.text import MAX_WHOLE, show

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


def page(index: Index, query: LogQuery) -> list[LogLine]:
    """Return the lines that are asked for. Raise `InvalidInput` that names the field."""
    check(query)
    first = _first(index, query)
    count = min(abs(query.tail or query.n), MAX_LINES)
    is_backward = query.tail is not None or query.n < 0
    if query.min_level:
        found = _of_level(index, LEVELS.index(query.min_level), first, count, is_backward)
    elif is_backward:
        found = islice(_lines(index, max(1, first - count)), min(count, max(0, first - 1)))
    else:
        found = islice(_lines(index, first), count)
    most = MAX_WHOLE if query.whole and count == 1 else MAX_TEXT
    return _shown(index, found, most, is_backward)


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
    return next((raw.offset for raw in _lines(index, number)), index.indexed)


def raw_lines(index: Index, level: Level, first: int, count: int) -> list[Raw]:
    """Return up to `count` lines of a level or above, from line `first` on."""
    return list(_of_level(index, LEVELS.index(level), first, count, is_backward=False))


def line_of(index: Index, offset: int) -> Raw:
    """Return the line that has the byte `offset`, without its text."""
    span = index.span(index.span_of_offset(offset))
    before = index.before(span, offset)
    place = before.count(b"\n")
    hit = span.hits[np.searchsorted(span.hits["line"], place) :][:1]
    level = int(hit["level"][0] & LEVEL_BITS) if hit.size and hit["line"][0] == place else None
    return Raw(span.first + place, span.start + before.rfind(b"\n") + 1, offset, b"", 0, level, None)


def _lines(index: Index, first: int) -> Iterator[Raw]:
    for span in index.spans(index.span_of_line(first)):
        yield from _raw(index, span, max(0, first - span.first))


def _of_level(index: Index, least: int, first: int, count: int, is_backward: bool) -> Iterator[Raw]:
    """Yield lines of a level or above: `count` of them before line `first`, or from it on."""
    upto = index.matching(least)
    place = min(index.span_of_line(first), len(upto) - 1)
    before = int(upto[place - 1]) if place else 0
    rank = before + _matching_before(index.span(place), least, first)
    low, high = (max(0, rank - count), rank) if is_backward else (rank, min(rank + count, int(upto[-1])))
    while low < high:
        place = int(np.searchsorted(upto, low, "right"))
        span, before = index.span(place), int(upto[place - 1]) if place else 0
        fitting = span.hits[(span.hits["level"] & LEVEL_BITS) >= least]
        yield from _picked(index, span, fitting[low - before : high - before])
        low = int(upto[place])


def _matching_before(span: Span, least: int, line: int) -> int:
    is_before = span.hits["line"].astype(np.int64) + span.first < line
    return int(np.count_nonzero(is_before & ((span.hits["level"] & LEVEL_BITS) >= least)))


def _raw(index: Index, span: Span, skip: int = 0) -> Iterator[Raw]:
    """Yield the lines of a span, from its line `skip` on."""
    if span.long:
        yield _long(index, span, span.long)
        return
    data = _data(index, span)
    ends = np.flatnonzero(np.frombuffer(data, np.uint8) == ord("\n")) + 1
    bounds = [0, *ends[: span.count - 1].tolist(), len(data)]
    level, group = np.zeros(span.count, np.uint8), np.zeros(span.count, np.uint16)
    level[span.hits["line"]], group[span.hits["line"]] = span.hits["level"] + 1, span.hits["group"]
    for place in range(skip, min(span.count, len(bounds) - 1)):
        yield _made(span, place, bounds[place], bounds[place + 1], data, int(level[place]), int(group[place]))


def _picked(index: Index, span: Span, hits: NDArray[np.void]) -> Iterator[Raw]:
    """Yield the lines of a span that `hits` tell."""
    if span.long:
        yield _long(index, span, span.long)
        return
    data = _data(index, span)
    for place, offset, group, level in hits.tolist():
        yield _made(span, place, offset, data.find(b"\n", offset) + 1 or len(data), data, level + 1, group)


def _data(index: Index, span: Span) -> bytes:
    return index.file.read(span.start, span.end - span.start) if span.data is None else span.data


def _long(index: Index, span: Span, long: tuple[int, int]) -> Raw:
    shown, folded = long
    data = index.file.read(shown, min(span.end - shown, MAX_WHOLE))
    level = int(span.hits["level"][0] & LEVEL_BITS) if span.hits.size else None
    return Raw(span.first, span.start, span.end, data, folded, level, None)


def _made(span: Span, place: int, start: int, end: int, data: bytes, mark: int, group: int) -> Raw:
    """Make a line; `mark` is one more than what a hit has as level, 0 for a line without."""
    level = (mark - 1) & LEVEL_BITS if mark else None
    head = span.first + group if mark > GROUPED else None
    return Raw(span.first + place, span.start + start, span.start + end, data[start:end], 0, level, head)


def _shown(index: Index, found: Iterator[Raw], most: int, is_backward: bool) -> list[LogLine]:
    """Return lines as they are shown, as many as fit into a page: of a page that ends somewhere, the last ones."""
    lines = [_as_shown(index, raw, most) for raw in found]
    if is_backward:
        lines.reverse()
    room, kept = max(MAX_BYTES, most), 0
    for line in lines:
        room -= len(line.text)
        if room < 0:
            break
        kept += 1
    lines = lines[:kept]
    if is_backward:
        lines.reverse()
    return lines


def _as_shown(index: Index, raw: Raw, most: int) -> LogLine:
    shown = show(raw.data, most)
    return LogLine(
        number=raw.number,
        offset=raw.offset,
        text=shown.text,
        level=None if raw.level is None else LEVELS[raw.level],
        time=index.times.at(raw.end),
        folded=raw.folded + shown.folded,
        cut=shown.cut,
        group=raw.group,
    )
