"""Logs as they travel. Offsets count bytes from the start of the file, line numbers from 1, times are Unix seconds.

A *line* ends with a newline. What is shown of it is the text behind its last carriage return: a progress bar that was
drawn 812 times is one line with ``folded=811``.
"""

from typing import Final, Literal

from msgspec import Struct

from aiplat_jupyter.core.states import TaskState
from aiplat_jupyter.core.tasks import Level

MAX_LINES: Final = 1_000
"""How many lines one page has at most."""
MAX_TEXT: Final = 16 * 1024
"""How many bytes of a line a page carries; more only when that line is asked for alone."""


class LogLine(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line. `text` is UTF-8 with what is not replaced, and still has its ANSI escapes."""

    number: int
    offset: int
    text: str
    level: Level | None = None
    time: float | None = None
    """When it was written, to a second."""
    folded: int = 0
    """Earlier states of the line, drawn over by carriage returns."""
    cut: int = 0
    """Bytes of the line that `text` leaves out."""
    group: int | None = None
    """Number of the first line of the traceback that it belongs to."""
    stream: str = ""
    """In the log of all ranks: the stream that it is of."""
    rank: int | None = None
    """In the log of all ranks: whose it is, by that name: 3 for ``rank3`` and ``attempt_0/3/stderr``."""


class LogStream(Struct, frozen=True, kw_only=True):
    """A file that an attempt writes: ``out`` is its console, others are those of ranks or rotated files.

    ``*`` is no file: it has the lines of all ranks in the order in which they arrived. It is there, before the others,
    where an attempt has several files of ranks.
    """

    name: str
    lines: int
    size: int
    levels: dict[Level, int]


class LogPage(Struct, frozen=True, kw_only=True):
    """Lines of a log that follow each other, or with `min_level` those of that level or above.

    `generation` counts how often the file began anew (a job truncated it): line numbers of another generation mean
    nothing here. `is_complete`: the attempt has ended and all is indexed; `indexed` says how many bytes are.
    """

    attempt: str
    stream: str
    generation: int
    lines: list[LogLine]
    total: int
    """Lines in all."""
    matching: int
    """Lines of `min_level` or above; without it, all."""
    size: int
    indexed: int
    levels: dict[Level, int]
    is_complete: bool
    is_removed: bool = False
    """The task wrote some, and it is no longer there: too old for what is kept, or removed by hand."""
    streams: list[LogStream] = []


class LogQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which lines of which log: one of `tail`, `line`, `offset`, `time`, none of them: the start.

    Attributes
    ----------
    attempt : uid; empty: the newest. stream : name; empty: ``out``; ``*``: the lines of all ranks.
    tail : the last so many lines.
    line, offset, time : the first line with at least this number, byte or time.
    n : how many lines from there on, at most 1,000; negative: so many before it.
    min_level : only lines of this level or above; line numbers stay those of the log.
    whole : with n=1: all of the line's text, up to 8 MiB.
    """

    attempt: str = ""
    stream: str = ""
    tail: int | None = None
    line: int | None = None
    offset: int | None = None
    time: float | None = None
    n: int = 200
    min_level: Level | None = None
    whole: bool = False


class LogSearch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to look for: `q` as it is or as a `regex`, with or without `case`.

    Hits from line `from_line` on come first, in the order of lines, then those before it. At most `limit` hits are told
    (at most 10,000), those nearest to `from_line`, of which at least half are behind it if there are so many; all are
    counted. The search ends after `budget_s` (at most 60) with what it has.
    """

    q: str
    attempt: str = ""
    stream: str = ""
    regex: bool = False
    case: bool = False
    min_level: Level | None = None
    from_line: int = 1
    limit: int = 1_000
    budget_s: float = 10.0


class LogHits(Struct, frozen=True, kw_only=True):
    """A part of the answer to a search: numbers and offsets of further lines that match, how many so far, how far."""

    lines: list[int]
    offsets: list[int]
    count: int
    """Matching lines so far."""
    scanned: int
    """Bytes looked at so far."""
    size: int
    state: Literal["running", "done", "partial", "invalid"]
    """``partial``: the time ran out; ``invalid``: `message` says what is wrong with the expression."""
    message: str = ""
    before: int | None = None
    """How many matching lines there are before `from_line`, told or not; None: not known yet."""


class LogDownload(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which log to download, from byte `offset` on, as it was written; with `min_level` only lines of at least that.

    Lines of all ranks (``stream=*``) begin with theirs: ``[rank3]: ``. Offsets do not count that.
    """

    attempt: str = ""
    stream: str = ""
    min_level: Level | None = None
    offset: int = 0


class LogFollow(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which log to follow: from byte `offset` on, or the last `tail` lines. The header ``Last-Event-ID`` goes on.

    Lines of all ranks (``stream=*``) begin with theirs: ``[rank3]: ``. Offsets do not count that.
    """

    attempt: str = ""
    stream: str = ""
    tail: int | None = None
    offset: int = 0


class LogChunk(Struct, frozen=True, kw_only=True):
    """The next text of a log that is followed, as it was written; `next` is the offset behind it."""

    offset: int
    next: int
    text: str


class LogGap(Struct, frozen=True, kw_only=True):
    """Bytes that are left out, as more was written than can be sent; if `to` is less, the log began anew."""

    start: int
    to: int


class LogEnd(Struct, frozen=True, kw_only=True):
    """The attempt has ended and all of its log was sent."""

    state: TaskState
    size: int
