"""The index of a log: a row for each closed block, in memory and on disk, and the lines with a level, on disk only.

The files are caches. Each block's row carries checksums of all rows and all hits so far, and of the block's last bytes
in the log: what does not fit the log, is torn or was changed is not believed, and made again.
"""

import fcntl
import os
import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from aiplat_jupyter.store.logs.levels import HIT, LEVEL_BITS, LEVELS

BLOCK: Final = np.dtype(
    [
        ("end", "<u8"),  # offset behind its last byte
        ("lines", "<u8"),  # lines up to its end
        ("levels", "<u8", (len(LEVELS),)),  # of them, how many have which level
        ("shown", "<u8"),  # of a long line: where what is shown of it begins
        ("folded", "<u8"),  # of a long line: states that were drawn over
        ("pieces", "<u8"),  # lines up to its end that end without a newline, as they are too long
        ("is_long", "<u1"),  # it is one long line
        ("tail", "<u4"),  # checksum of the last bytes of it in the log
        ("hits", "<u4"),  # checksum of all hits so far
        ("check", "<u4"),  # checksum of this row and all before
    ]
)
TAIL: Final = 256
"""Bytes at a block's end that its checksum covers."""
_HEADER: Final = struct.Struct("<8s4Q")
_MAGIC: Final = b"aiplog1\n"
_CHECKED: Final = BLOCK.itemsize - 4


class Identity(NamedTuple):
    """Which file an index is of, and how often the log began anew before."""

    device: int
    inode: int
    generation: int


class Blocks:
    """Rows of closed blocks and their hits. Not safe for threads."""

    def __init__(self, rows: int, hits: int, *, is_shared: bool) -> None:
        self._rows_file, self._hits_file = rows, hits
        self.is_shared = is_shared
        """Whether it is kept on disk, for the next process."""
        self.rows = np.zeros(64, BLOCK)
        self.count = 0
        self.identity: Identity | None = None

    @classmethod
    def in_memory(cls) -> Self:
        """Return an empty index that no other process sees."""
        return cls(os.memfd_create("aiplat-blocks"), os.memfd_create("aiplat-hits"), is_shared=False)

    @classmethod
    def on_disk(cls, blocks: Path, hits: Path) -> Self:
        """Open the files, and take over what is sound in them. Raise `OSError` if they cannot be written."""
        made = cls(_open(blocks), _open(hits), is_shared=True)
        made._load()
        return made

    def close(self) -> None:
        """Close the files."""
        os.close(self._rows_file)
        os.close(self._hits_file)

    @property
    def last(self) -> np.void:
        """The last row; zeros if there is none."""
        row: np.void = self.rows[self.count - 1] if self.count else np.zeros(1, BLOCK)[0]
        return row

    @property
    def bytes_on_disk(self) -> int:
        """Size of both files."""
        return os.fstat(self._rows_file).st_size + os.fstat(self._hits_file).st_size

    def begin(self, identity: Identity) -> None:
        """Forget everything, and begin the index of a file. Raise `UnwritableIndex`."""
        self.count = 0
        os.ftruncate(self._rows_file, 0)
        os.ftruncate(self._hits_file, 0)
        self._name(identity)

    def move(self, key: tuple[int, int]) -> None:
        """Say that the same text is in another file now."""
        assert self.identity is not None
        self._name(self.identity._replace(device=key[0], inode=key[1]))

    def _name(self, identity: Identity) -> None:
        self.identity = identity
        _write(self._rows_file, 0, _HEADER.pack(_MAGIC, *identity, zlib.crc32(repr(identity).encode())))

    def append(self, row: np.void, hits: NDArray[np.void]) -> None:
        """Close a block; `levels` of its row are counted here. Raise `UnwritableIndex`."""
        before, kept = self.last, int(self.last["levels"].sum())
        counts = np.bincount(hits["level"] & LEVEL_BITS, minlength=len(LEVELS))
        row["levels"] = before["levels"] + counts.astype(np.uint64)
        data = hits.tobytes()
        row["hits"] = zlib.crc32(data, int(before["hits"]))
        row["check"] = zlib.crc32(row.tobytes()[:_CHECKED], int(before["check"]))
        _write(self._hits_file, kept * HIT.itemsize, data)
        _write(self._rows_file, _HEADER.size + self.count * BLOCK.itemsize, row.tobytes())
        if self.count == len(self.rows):
            self.rows = np.concatenate([self.rows, np.zeros(len(self.rows), BLOCK)])
        self.rows[self.count] = row
        self.count += 1

    def hits(self, block: int) -> NDArray[np.void]:
        """Return the hits of a block."""
        first = int(self.rows["levels"][block - 1].sum()) if block else 0
        end = int(self.rows["levels"][block].sum())
        data = os.pread(self._hits_file, (end - first) * HIT.itemsize, first * HIT.itemsize)
        if len(data) != (end - first) * HIT.itemsize:
            raise DamagedIndex
        return np.frombuffer(data, HIT)

    def _load(self) -> None:
        data = _read_all(self._rows_file)
        if len(data) < _HEADER.size:
            return
        magic, *identity, check = _HEADER.unpack_from(data)
        if magic != _MAGIC or check != zlib.crc32(repr(Identity(*identity)).encode()):
            return
        count = (len(data) - _HEADER.size) // BLOCK.itemsize
        rows = np.frombuffer(data, BLOCK, count, _HEADER.size).copy()
        self.identity = Identity(*identity)
        if count and not self._is_sound(rows):
            return
        self.rows, self.count = rows if count else self.rows, count

    def _is_sound(self, rows: NDArray[np.void]) -> bool:
        check = 0
        for row in rows:
            check = zlib.crc32(row.tobytes()[:_CHECKED], check)
        if check != rows[-1]["check"] or np.any(np.diff(rows["end"].astype(np.int64)) <= 0):
            return False
        size, hits = int(rows[-1]["levels"].sum()) * HIT.itemsize, 0
        for at in range(0, size, 1 << 20):
            data = os.pread(self._hits_file, min(1 << 20, size - at), at)
            hits = zlib.crc32(data, hits)
        return hits == int(rows[-1]["hits"])


class UnwritableIndex(Exception):
    """The disk is full, or the folder cannot be written."""


class DamagedIndex(Exception):
    """The hits of a block are not there any more: somebody changed the file."""


def take(lock: Path) -> int | None:
    """Return a descriptor that holds the lock, None if another process has it. Raise `OSError` if it cannot be made."""
    lock.parent.mkdir(mode=0o700, exist_ok=True)
    descriptor = _open(lock)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


def _read_all(descriptor: int) -> bytes:
    return os.pread(descriptor, os.fstat(descriptor).st_size, 0)


def _write(descriptor: int, at: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        try:
            done = os.pwrite(descriptor, view, at)
        except OSError as error:
            raise UnwritableIndex from error
        view, at = view[done:], at + done
