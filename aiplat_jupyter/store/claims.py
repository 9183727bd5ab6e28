"""Telling whether the server of this machine that holds a lease is gone, sooner than the lease expires."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Claims:
    """Words, each with a file that is locked for as long as the process lives that made it up."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def held(self, word: str) -> Iterator[None]:
        """Let others see that whoever goes by `word` lives, until the block or the process ends."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._path(word), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            self._path(word).unlink(missing_ok=True)
            os.close(lock)

    def is_dead(self, word: str) -> bool:
        """Tell whether that process is known to be gone; False for one of another machine or folder."""
        try:
            lock = os.open(self._path(word), os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(lock)

    def sweep(self) -> None:
        """Remove what killed processes left; nobody can be told then that they are dead."""
        for path in self._folder.glob("*.lock"):
            if self.is_dead(path.stem):
                path.unlink(missing_ok=True)

    def _path(self, word: str) -> Path:
        return self._folder / f"{word}.lock"
