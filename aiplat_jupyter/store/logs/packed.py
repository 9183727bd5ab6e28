"""Compressed logs: gzip members of 1 MiB of text each, so that any part is read without what is before it.

``zcat`` and ``rg -z`` read them too. Each member's header says, in an extra field ``AL``, how long the member and its
text are. gzip is in the standard library everywhere; zstd would be smaller by a tenth and faster to read, but a page of
a log is slow enough to fetch at one member of 3 ms.
"""

import os
import struct
import weakref
import zlib
from pathlib import Path
from typing import Final

from aiplat_jupyter.store.logs.feeding import feed

SUFFIX: Final = ".gz"
FRAME: Final = 1024 * 1024
_HEAD: Final = struct.Struct("<4sIBBH2sHII")
"""Magic, method and flags; time; extra flags; system; length of extra; its name, length and content."""
_MAGIC: Final = b"\x1f\x8b\x08\x04"
_EXTRA: Final = (0, 0, 255, 12, b"AL", 8)
_TRAILER: Final = struct.Struct("<II")


class PackedFile:
    """A compressed log that is read as if it were not."""

    def __init__(self, descriptor: int) -> None:
        """Take over the descriptor. Raise `OSError` if it is not such a file."""
        self._descriptor = descriptor
        self.close = weakref.finalize(self, os.close, descriptor)
        found = os.fstat(descriptor)
        self.key = found.st_dev, found.st_ino
        self._members: list[tuple[int, int]] = []
        self._size = self._walk(found.st_size)
        self._last: tuple[int, bytes] = (-1, b"")

    def _walk(self, end: int) -> int:
        """Find the members, of which all but the last hold `FRAME` bytes; return how long the text is."""
        at = size = 0
        while at < end:
            head = os.pread(self._descriptor, _HEAD.size, at)
            *_, name, length, packed, plain = _HEAD.unpack(head) if len(head) == _HEAD.size else (b"", 0, 0, 0)
            is_ours = head[:4] == _MAGIC and (name, length) == _EXTRA[-2:]
            if not (is_ours and packed > _HEAD.size and 0 < plain <= FRAME and size % FRAME == 0):
                self.close()
                raise OSError("the compressed log is damaged, or is none of ours")
            self._members.append((at, packed))
            at, size = at + packed, size + plain
        return size

    def size(self) -> int:
        """Return how long the text is."""
        return self._size

    def read(self, at: int, size: int) -> bytes:
        """Return up to `size` bytes of the text from `at` on."""
        parts = []
        end = min(at + size, self._size)
        while at < end:
            member, within = divmod(at, FRAME)
            part = self._member(member)[within : within + end - at]
            if not part:
                raise OSError("the compressed log is damaged")
            parts.append(part)
            at += len(part)
        return b"".join(parts)

    def _member(self, number: int) -> bytes:
        if self._last[0] != number:
            at, length = self._members[number]
            unpacked = zlib.decompressobj(zlib.MAX_WBITS | 16)
            try:
                self._last = number, unpacked.decompress(os.pread(self._descriptor, length, at), FRAME + 1)
            except zlib.error as error:
                raise OSError("the compressed log is damaged") from error
        return self._last[1]

    def open_again(self, start: int) -> int:
        """Return the end of a pipe into which the text is written from byte `start` on."""
        return feed(self, start)

    def stream(self, _at: int) -> str:
        """Return nothing: it is of one stream."""
        return ""

    def marked(self, _at: int, data: bytes) -> bytes:
        """Return `data` as it is."""
        return data


def compress(log: Path) -> Path:
    """Compress a log that nobody writes any more into a draft beside it. Raise `OSError`."""
    draft = log.with_name(f".{log.name}{SUFFIX}")
    with log.open("rb") as source, draft.open("wb") as packed:
        before = os.fstat(source.fileno())
        while source.tell() < before.st_size and (data := source.read(FRAME)):
            packed.write(member(data))
        packed.flush()
        os.fsync(packed.fileno())
        after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        draft.unlink()
        raise OSError("it was written to while it was compressed")
    os.utime(draft, ns=(before.st_atime_ns, before.st_mtime_ns))
    return draft


def replace(log: Path, draft: Path) -> None:
    """Put the draft in the place of its log. One of them is there at any time, whatever happens. Raise `OSError`."""
    draft.rename(log.with_name(log.name + SUFFIX))
    log.unlink()


def member(data: bytes) -> bytes:
    """Return one gzip member that holds `data`."""
    deflate = zlib.compressobj(6, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = deflate.compress(data) + deflate.flush()
    packed = _HEAD.size + len(body) + _TRAILER.size
    return _HEAD.pack(_MAGIC, *_EXTRA, packed, len(data)) + body + _TRAILER.pack(zlib.crc32(data), len(data))
