"""A pipe through which a child process reads a log that is no file of its own: it is compressed, or made of several."""

import os
import threading
from contextlib import suppress
from typing import Final, Protocol

_PIECE: Final = 1024 * 1024


class Readable(Protocol):
    """The bytes of a log."""

    def read(self, at: int, size: int) -> bytes:
        """Return up to `size` bytes from `at` on."""


def feed(file: Readable, start: int) -> int:
    """Return the end of a pipe into which a thread writes what a log has from byte `start` on."""
    end, entry = os.pipe()

    def write() -> None:
        at = start
        with suppress(BrokenPipeError), os.fdopen(entry, "wb", buffering=0) as pipe:
            while data := file.read(at, _PIECE):
                at += len(data)
                view = memoryview(data)
                while view:
                    view = view[pipe.write(view) or 0 :]

    threading.Thread(target=write, name="aiplat-log-feeder", daemon=True).start()
    return end
