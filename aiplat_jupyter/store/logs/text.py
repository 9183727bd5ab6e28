"""What is shown of a line: the text behind its last carriage return."""

import math
import re
from typing import Final, NamedTuple

from aiplat_jupyter.core.logs import MAX_TEXT
from aiplat_jupyter.core.tasks import Progress

MAX_WHOLE: Final = 8 * 1024 * 1024
"""Bytes of a line that is asked for alone."""
_RETURNS: Final = re.compile(rb"\r+")
_BAR: Final = re.compile(r"\d{1,3}%\|[^|]*\|\s*(?P<done>[\d.]+)(?P<unit>[kKMGT]?)/(?P<total>[\d.]+)(?P<units>[kKMGT]?)")
"""Looked for in whatever jobs write, so each part of a line is tried once: a long row of blanks takes no time."""
_SCALE: Final = {"": 1.0, "k": 1e3, "K": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}


class Shown(NamedTuple):
    """A line's text as UTF-8, how many states of it were drawn over, and how many bytes are left out."""

    text: str
    folded: int
    cut: int


def show(raw: bytes, most: int = MAX_TEXT) -> Shown:
    """Return what is shown of the line `raw`, at most `most` bytes of it."""
    line = raw.strip(b"\r\n") if b"\r" in raw else raw.rstrip(b"\n")
    folded, last = 0, line.rfind(b"\r")
    if last >= 0:
        folded = len(_RETURNS.findall(line))
        line = line[last + 1 :]
    if len(line) <= most:
        return Shown(line.decode(errors="replace"), folded, 0)
    kept = whole_characters(line[:most])
    return Shown(kept.decode(errors="replace"), folded, len(line) - len(kept))


def whole_characters(data: bytes) -> bytes:
    """Return `data` without the first bytes of a character that goes on behind it."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte & 0xC0 == 0x80:
            continue
        width = 2 if byte >> 5 == 6 else 3 if byte >> 4 == 14 else 4 if byte >> 3 == 30 else 1
        return data[:-back] if width > back else data
    return data


def progress(text: str) -> Progress | None:
    """Return how far the bar of tqdm is that `text` shows; None if it shows none."""
    found = _BAR.search(text)
    if found is None:
        return None
    try:
        done = float(found["done"]) * _SCALE[found["unit"]]
        total = float(found["total"]) * _SCALE[found["units"]]
    except ValueError:
        return None
    if not math.isfinite(done + total):  # of hundreds of digits
        return None
    return Progress(done=done, total=total or None, text=text[: found.start()].rstrip().rstrip(": ")[-100:])
