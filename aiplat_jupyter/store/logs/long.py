"""A line that is longer than a piece of a log: a progress bar of a million states, or a text without newlines."""

from typing import Final

import numpy as np

from aiplat_jupyter.store.logs.files import LogFile
from aiplat_jupyter.store.logs.text import whole_characters

MAX_LINE: Final = 1024 * 1024
"""Bytes of text, behind the last carriage return, that one line has; what is longer is several lines."""


class LongLine:
    """Where it starts, how far it was looked through, where what is shown of it begins, and what was drawn over."""

    def __init__(self, start: int, begins_with_return: bool, *, is_rest: bool = False) -> None:
        self.start = self.at = self.shown = start
        self._returns = -1 if begins_with_return else 0
        self.is_rest = is_rest
        """It goes on with a line that was too long."""

    @property
    def folded(self) -> int:
        """How many states were drawn over."""
        return max(0, self._returns)

    @property
    def is_too_long(self) -> bool:
        """Whether it must end though there is no newline."""
        return self.at - self.shown >= MAX_LINE

    def take(self, data: bytes, most: int) -> bool:
        """Look through the next `most` bytes at most of the log; return whether the line ends there.

        Whether a carriage return began it anew shows the byte behind, so the last ones wait for what follows.
        """
        newline = data.find(b"\n", 0, most)
        part = data[: newline + 1] if newline >= 0 else data[:most] if len(data) > most else data.rstrip(b"\r")
        chars = np.frombuffer(part + (data[len(part) : len(part) + 1] or b"\n"), np.uint8)
        returns = np.flatnonzero(chars[:-1] == ord("\r"))
        behind = chars[returns + 1]
        returns = returns[(behind != ord("\r")) & (behind != ord("\n"))]
        if returns.size:
            self._returns += returns.size
            self.shown = self.at + int(returns[-1]) + 1
        self.at += len(part)
        return newline >= 0

    def cut(self, file: LogFile) -> int:
        """Return where a line that is too long ends: between two characters."""
        end = self.shown + MAX_LINE
        return end - 4 + len(whole_characters(file.read(end - 4, 4)))
