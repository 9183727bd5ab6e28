"""The file that one process appends the frames of one experiment to."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path
from typing import Final

from aiplat_jupyter.core.frames import HEAD, MAX_PAYLOAD, whole_frames

_SLICE: Final = MAX_PAYLOAD + HEAD.size
_FLAGS: Final = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC


class Journal:
    """``{uid}.journal``, and ``{uid}.lock`` beside it, which is locked while this process lives.

    A frame is appended by one ``write(2)``: after it the kernel has the bytes, whatever happens to the process. Raises
    OSError where the folder cannot be written.

    Attributes
    ----------
    lock : held by whoever appends; given by who needs it before there is a journal.
    fd : of the file, readable too.
    size : bytes counted as written. `Experiment.log` writes by itself, to save a call, and counts too.
    """

    def __init__(self, folder: Path, uid: str, lock: threading.RLock | None = None) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.uid = uid
        self.path = folder / f"{uid}.journal"
        self.lock = lock or threading.RLock()
        self.size = self._sound = 0
        # Locked before the journal can be seen, or a server could take it for a dead process's.
        self._lock_fd = os.open(folder / f"{uid}.lock", _FLAGS, 0o600)
        try:
            fcntl.lockf(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.fd = os.open(self.path, _FLAGS, 0o600)
        except OSError:
            os.close(self._lock_fd)
            raise

    def append(self, data: bytes) -> None:
        """Append frames; where only some fit (a full disk) raise OSError, those kept are whole. `lock` must be held."""
        self.restore()
        try:
            if self.fd >= 0 and os.write(self.fd, data) == len(data):
                self.size += len(data)
                return
        finally:
            self.restore()
        raise OSError(f"{self.path} takes no more: the disk is full, or the journal is closed.")

    def restore(self) -> None:
        """Cut a torn tail and count again, if the file is not as long as was counted. `lock` must be held.

        That is so after a short write, after an interrupt between a write and its count, and when a signal handler
        logs there.
        """
        if self.fd < 0:
            return
        end = os.fstat(self.fd).st_size
        if end != self.size:
            self.size = self._end_of_frames(self._sound)
            if self.size < end:
                os.ftruncate(self.fd, self.size)
        self._sound = self.size

    def _end_of_frames(self, at: int) -> int:
        """Return where the last whole frame behind `at` ends."""
        while data := os.pread(self.fd, _SLICE, at):
            sound = max((end for _, end in whole_frames(data)), default=0)
            if not sound:
                break
            at += sound
        return at

    def close(self) -> None:
        """Close the file and free the lock, from when on servers may adopt the journal."""
        with self.lock:
            if self.fd >= 0:
                os.close(self.fd)
                os.close(self._lock_fd)
                self.fd = self._lock_fd = -1
