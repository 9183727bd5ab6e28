"""The file that one process appends the frames of one experiment to."""

import fcntl
import os
import threading
from pathlib import Path
from typing import Final

from aiplat_jupyter.core.frames import whole_frames

_FLAGS: Final = os.O_CREAT | os.O_RDWR | os.O_APPEND | os.O_CLOEXEC


class Journal:
    """``{uid}.journal``, and ``{uid}.lock`` beside it, which is locked while this process lives.

    A frame is appended by one ``write(2)``: after it the kernel has the bytes, whatever happens to the process. Raises
    OSError where the folder cannot be written.

    Attributes
    ----------
    lock : the experiment's, held by whoever appends.
    fd : of the file, readable too.
    size : bytes of whole frames. `Experiment.log` appends by itself, to save a call, and keeps it up to date.
    """

    def __init__(self, folder: Path, uid: str, lock: threading.RLock) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.uid = uid
        self.path = folder / f"{uid}.journal"
        self.lock = lock
        self.size = 0
        # Locked before the journal can be seen, or a server could take it for a dead process's.
        self._lock_fd = os.open(folder / f"{uid}.lock", _FLAGS, 0o600)
        try:
            fcntl.lockf(self._lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.fd = os.open(self.path, _FLAGS, 0o600)
        except OSError:
            os.close(self._lock_fd)
            raise

    def append(self, data: bytes) -> None:
        """Append whole frames, or raise OSError and leave the file as it was (a full disk). `lock` must be held."""
        self.restore()
        try:
            if self.fd >= 0 and os.write(self.fd, data) == len(data):
                self.size += len(data)
                return
        finally:
            self.restore()
        raise OSError(f"{self.path} takes no more: the disk is full, or the journal is closed.")

    def restore(self) -> None:
        """Cut a torn tail, and count what an interrupt kept from being counted. `lock` must be held."""
        if self.fd < 0:
            return
        surplus = os.fstat(self.fd).st_size - self.size
        if surplus > 0:
            tail = os.pread(self.fd, surplus, self.size)
            self.size += max((end for _, end in whole_frames(tail)), default=0)
            os.ftruncate(self.fd, self.size)

    def close(self) -> None:
        """Close the file and free the lock, from when on servers may adopt the journal."""
        with self.lock:
            if self.fd >= 0:
                os.close(self.fd)
                os.close(self._lock_fd)
                self.fd = self._lock_fd = -1
