"""Searches standard input, where ripgrep is not installed: run as a script, so it imports the standard library only.

``worker.py [-F] [-i] -- EXPRESSION`` prints ``line:offset:`` for each line that matches, lines counted from 1, offsets
in bytes from the start. Ends with 2 and a complaint for an expression that is none. Expressions are of characters, as
ripgrep's are; literals are looked for as bytes, which is faster.
"""

import os
import re
import sys
from collections.abc import Callable, Iterator
from functools import partial

_PIECE = 1024 * 1024
_FOLDS = ("\u017f".encode(), "\u212a".encode())
"""The letters beyond ASCII that are one of ASCII's in another case: the long s and the sign of kelvin."""
Find = Callable[[bytes], Iterator[tuple[int, int]]]
"""Yields offset in a piece, and number from 0, of each line's first match that is not empty."""


def main() -> int:
    """Search, and return the exit code."""
    *flags, _, text = sys.argv[1:]
    try:
        find = finder(text, is_literal="-F" in flags, is_any_case="-i" in flags)
    except (re.error, OverflowError, RecursionError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    line, offset = 1, 0
    for piece in pieces():
        for at, number in find(piece):
            sys.stdout.write(f"{line + number}:{offset + at}:\n")
        sys.stdout.flush()
        line, offset = line + piece.count(b"\n"), offset + len(piece)
    return 0


def finder(text: str, *, is_literal: bool, is_any_case: bool) -> Find:
    """Return what finds `text`. Raise `re.error`, `OverflowError` or `RecursionError` for what is no expression."""
    if is_literal and not is_any_case:
        return partial(literals, text.encode())
    pattern = re.escape(text) if is_literal else text
    find = partial(matches, re.compile(pattern, re.MULTILINE | (re.IGNORECASE if is_any_case else 0)))
    return partial(folded, text.lower().encode(), find) if is_literal and text.isascii() else find


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


def folded(needle: bytes, otherwise: Find, piece: bytes) -> Iterator[tuple[int, int]]:
    """Find ASCII letters in any case."""
    if any(letter in piece for letter in _FOLDS):
        return otherwise(piece)
    return literals(needle, piece.lower())


def literals(needle: bytes, piece: bytes) -> Iterator[tuple[int, int]]:
    """Find bytes as they are."""
    counted = number = 0
    at = piece.find(needle)
    while at >= 0:
        number, counted = number + piece.count(b"\n", counted, at), at
        yield at, number
        end = piece.find(b"\n", at)
        at = piece.find(needle, end) if end >= 0 else -1


def matches(expression: "re.Pattern[str]", piece: bytes) -> Iterator[tuple[int, int]]:
    """Find an expression in the text that the bytes are."""
    text = piece.decode(errors="surrogateescape")
    at = offset = 0
    for begin, number in lines(expression, text):
        offset += begin - at if text.isascii() else len(text[at:begin].encode(errors="surrogateescape"))
        at = begin
        yield offset, number


def lines(expression: "re.Pattern[str]", text: str) -> Iterator[tuple[int, int]]:
    """Yield place in the text, and number from 0, of each line's first match that is not empty."""
    at = counted = number = 0
    while found := expression.search(text, at):
        start = text.rfind("\n", 0, found.start()) + 1
        end = text.find("\n", found.start())
        end = len(text) if end < 0 else end
        number, counted = number + text.count("\n", counted, start), start
        begin = first_in_line(expression, text, found, max(at, start), end)
        if begin is not None:
            yield begin, number
        at = end + 1
        if at > len(text):
            return


def first_in_line(expression: "re.Pattern[str]", text: str, found: "re.Match[str]", start: int, end: int) -> int | None:
    """Return where the first match is that is not empty and does not go beyond its line."""
    if found.start() < found.end() <= end:
        return found.start()
    inside = expression.finditer(text, start, end)
    return next((one.start() for one in inside if one.end() > one.start()), None)


if __name__ == "__main__":
    sys.exit(main())
