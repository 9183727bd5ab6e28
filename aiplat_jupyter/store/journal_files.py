"""The folder of journals: ``{uid}.journal``, and ``{uid}.lock`` that its process holds while it lives."""

import fcntl
import os
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

from aiplat_jupyter.core.ids import is_uid

_UNLOCKED_SECONDS: Final = 5.0
"""How old a journal without a lock file must be to count as left behind."""


class Left(NamedTuple):
    """A journal in the folder, as `stat` tells."""

    uid: str
    size: int
    modified_at: float


class Claim(NamedTuple):
    """The right to adopt a journal."""

    lock: int | None

    def release(self) -> None:
        """Let go of the lock."""
        if self.lock is not None:
            os.close(self.lock)


class JournalFiles:
    """Journals of this machine, by uid. Every method is short and blocking."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._own: set[str] = set()

    def scan(self) -> list[Left]:
        """Return all journals, the oldest first."""
        try:
            with os.scandir(self.directory) as entries:
                found = [left for entry in entries if (left := _left(entry))]
        except FileNotFoundError:
            return []
        self._own = self._open_here()
        return sorted(found, key=lambda left: left.modified_at)

    def claim(self, uid: str) -> Claim | None:
        """Return a claim if the journal's process is gone; until it is released, no other server thinks so too.

        To be called for what `scan` has found.
        """
        if uid in self._own:
            return None
        try:
            lock = os.open(self._lock(uid), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return Claim(None) if self._is_old(uid) else None
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(lock)
            return None
        return Claim(lock)

    def _open_here(self) -> set[str]:
        """Return the journals whose lock this very process has open.

        Code in the server's own process may log too. Its lock would not stop us, and is lost as soon as we open and
        close the file: POSIX gives locks to processes.
        """
        folder = self.directory.resolve()
        return {file.stem for file in _open_files() if file.suffix == ".lock" and file.parent == folder}

    def _is_old(self, uid: str) -> bool:
        try:
            return time.time() - self.path(uid).stat().st_mtime > _UNLOCKED_SECONDS
        except FileNotFoundError:
            return False

    def read(self, uid: str, offset: int, size: int) -> bytes:
        """Return up to `size` bytes from `offset` on; nothing if the journal is not here."""
        try:
            with self.path(uid).open("rb") as file:
                return os.pread(file.fileno(), size, offset)
        except FileNotFoundError:
            return b""

    def remove(self, uids: Iterable[str]) -> int:
        """Remove journals, and return how many bytes that freed."""
        freed = 0
        for uid in uids:
            try:
                freed += self.path(uid).stat().st_size
            except FileNotFoundError:
                continue
            self.path(uid).unlink(missing_ok=True)
            self._lock(uid).unlink(missing_ok=True)
        return freed

    def path(self, uid: str) -> Path:
        """Return where the journal is, or would be."""
        return self.directory / f"{uid}.journal"

    def _lock(self, uid: str) -> Path:
        return self.directory / f"{uid}.lock"


def _open_files() -> Iterator[Path]:
    """Yield what the descriptors of this process stand for; nothing where the platform does not tell."""
    with suppress(OSError), os.scandir("/proc/self/fd") as descriptors:
        for descriptor in descriptors:
            with suppress(OSError):  # it was closed meanwhile
                yield Path(descriptor.path).readlink()


def _left(entry: os.DirEntry[str]) -> Left | None:
    uid, dot, kind = entry.name.rpartition(".")
    if not dot or kind != "journal" or not is_uid(uid):
        return None
    try:
        found = entry.stat()
    except FileNotFoundError:
        return None
    return Left(uid, found.st_size, found.st_mtime)
