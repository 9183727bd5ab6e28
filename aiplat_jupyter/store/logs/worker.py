"""Searches standard input, where ripgrep is not installed: run as a script, so it imports the standard library only.

``worker.py [-F] [-i] -- EXPRESSION`` prints ``line:offset:`` for each line that matches, lines counted from 1, offsets
in bytes from the start. Ends with 2 and a complaint for an expression that is none.
"""

import os
import re
import sys
from collections.abc import Iterator

_PIECE = 1024 * 1024


def main() -> int:
    """Search, and return the exit code."""
    *flags, _, text = sys.argv[1:]
    pattern = text.encode()
    if "-F" in flags:
        pattern = re.escape(pattern)
    try:
        expression = re.compile(pattern, re.MULTILINE | (re.IGNORECASE if "-i" in flags else 0))
    except (re.error, OverflowError, RecursionError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    line, offset = 1, 0
    for piece in pieces():
        for at, number in matches(expression, piece):
            sys.stdout.write(f"{line + number}:{offset + at}:\n")
        sys.stdout.flush()
        line, offset = line + piece.count(b"\n"), offset + len(piece)
    return 0


def pieces() -> Iterator[bytes]:
    """Yield the input in pieces of whole lines."""
    rest: list[bytes] = []
    while data := os.read(0, _PIECE):
        end = data.rfind(b"\n") + 1
        if not end:
            rest.append(data)
            continue
        yield b"".join([*rest, data[:end]])
        rest = [data[end:]]
    if last := b"".join(rest):
        yield last


def matches(expression: "re.Pattern[bytes]", piece: bytes) -> Iterator[tuple[int, int]]:
    """Yield offset in the piece, and number from 0, of each line's first match that is not empty."""
    at = counted = number = 0
    while found := expression.search(piece, at):
        start = piece.rfind(b"\n", 0, found.start()) + 1
        end = piece.find(b"\n", found.start())
        end = len(piece) if end < 0 else end
        number, counted = number + piece.count(b"\n", counted, start), start
        begin = first_in_line(expression, piece, found, max(at, start), end)
        if begin is not None:
            yield begin, number
        at = end + 1
        if at > len(piece):
            return


def first_in_line(
    expression: "re.Pattern[bytes]", piece: bytes, found: "re.Match[bytes]", start: int, end: int
) -> int | None:
    """Return where the first match is that is not empty and does not go beyond its line."""
    if found.start() < found.end() <= end:
        return found.start()
    inside = expression.finditer(piece, start, end)
    return next((one.start() for one in inside if one.end() > one.start()), None)


if __name__ == "__main__":
    sys.exit(main())
