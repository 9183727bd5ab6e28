"""Processes that write journals, to be killed; and what this one may not do."""

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_SCRIPT = """
import fcntl, os, sys
folder, uid = sys.argv[1:]
lock = os.open(f"{folder}/{uid}.lock", os.O_CREAT | os.O_RDWR)
fcntl.lockf(lock, fcntl.LOCK_EX)
journal = os.open(f"{folder}/{uid}.journal", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
for line in sys.stdin:
    os.write(journal, bytes.fromhex(line))
    print("written", flush=True)
"""


class Writer:
    """A living process that holds a journal's lock."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def write(self, data: bytes) -> None:
        """Append to the journal, and wait until it is done."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(data.hex() + "\n")
        self._process.stdin.flush()
        assert self._process.stdout.readline() == "written\n"

    def kill(self) -> None:
        """End it by SIGKILL."""
        self._process.kill()
        self._process.wait()


@contextmanager
def writer(folder: Path, uid: str) -> Iterator[Writer]:
    """Start a process that writes the journal `uid` in `folder`."""
    arguments = [sys.executable, "-I", "-S", "-c", _SCRIPT, str(folder), uid]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield Writer(process)
        finally:
            process.kill()


@contextmanager
def closed(folder: Path) -> Iterator[None]:
    """Close a folder to this thread and those it begins meanwhile, as another account's is, also where root tests."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = (ctypes.c_uint32 * 2)(0x20080522, 0)
    held = (ctypes.c_uint32 * 6)()
    assert libc.capget(version, held) == 0
    less = (ctypes.c_uint32 * 6)(*held)
    less[0] &= ~(1 << 1 | 1 << 2)  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, which are in effect
    folder.chmod(0)
    assert libc.capset(version, less) == 0
    try:
        yield
    finally:
        assert libc.capset(version, held) == 0
        folder.chmod(0o700)
