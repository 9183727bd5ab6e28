"""What became of this server's kernels: the cause when a journal's process is gone."""

import time


class Kernels:
    """A plain register that the server part feeds: the last thing done to each kernel, and how its process ended."""

    def requested(self, kernel: str, action: str, at: float | None = None) -> None:
        """Note that someone asked for ``restart`` or ``shutdown`` of a kernel."""
        raise NotImplementedError

    def exited(self, kernel: str, code: int | None, at: float | None = None) -> None:
        """Note that a kernel's process ended by itself; `code` is negative for a signal, None when it is not known."""
        raise NotImplementedError
