"""A disk that fills up."""

import errno
import os
from collections.abc import Callable


def scarce(room: int) -> Callable[[int, bytes], int]:
    """Return a ``write`` for a disk with so much room left."""

    def write(fd: int, data: bytes) -> int:
        nonlocal room
        if room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        taken = min(room, len(data))
        room -= taken
        return os.pwrite(fd, data[:taken], os.fstat(fd).st_size)

    return write
