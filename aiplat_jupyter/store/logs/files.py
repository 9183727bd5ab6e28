"""The files of logs: which ones a folder has, and reading them, also when they are compressed."""

import os
import re
import stat
import weakref
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import quote

from aiplat_jupyter.store.logs.packed import SUFFIX, PackedFile

MAX_STREAMS: Final = 256
CONSOLE: Final = "out"
RANKS: Final = "*"
"""The stream that has the lines of all ranks; no file of this name is a stream."""
INDEXES: Final = ".index"
"""The folder beside logs that has what is known of them."""
_DEPTH: Final = 5
_LOOKS: Final = 5_000
"""How many entries of a folder are looked at."""
_NAME: Final = re.compile(r"[^.].*\.log(\.\d+)?")
_RANK: Final = re.compile(r"(?<!\d)\d{1,5}\Z")
_ROTATED: Final = re.compile(r"\.log\.\d+\Z")


class LogFile(Protocol):
    """The bytes of a log. `key` is device and inode."""

    key: tuple[int, int]

    def size(self) -> int:
        """Return how long it is."""

    def read(self, at: int, size: int) -> bytes:
        """Return up to `size` bytes from `at` on."""

    def open_again(self, start: int) -> int:
        """Return a descriptor of one's own that reads from byte `start` on."""

    def stream(self, at: int) -> str:
        """Return of which stream a byte is, where they are mixed; else nothing."""

    def marked(self, at: int, data: bytes) -> bytes:
        """Return what stands at `at`; where ranks are mixed, with a mark before each line that says of which it is."""

    @property
    def close(self) -> Callable[[], object]:
        """Closes it; so does forgetting it."""


class PlainFile:
    """A log as the job writes it. It stays open as long as someone has it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.close = weakref.finalize(self, os.close, descriptor)
        found = os.fstat(descriptor)
        self.key = found.st_dev, found.st_ino

    def size(self) -> int:
        """Return how long it is."""
        return os.fstat(self._descriptor).st_size

    def read(self, at: int, size: int) -> bytes:
        """Return up to `size` bytes from `at` on."""
        return os.pread(self._descriptor, size, at)

    def open_again(self, start: int) -> int:
        """Return a descriptor of one's own that reads from byte `start` on."""
        again = os.open(f"/proc/self/fd/{self._descriptor}", os.O_RDONLY | os.O_CLOEXEC)
        os.lseek(again, start, os.SEEK_SET)
        return again

    def stream(self, _at: int) -> str:
        """Return nothing: it is of one stream."""
        return ""

    def marked(self, _at: int, data: bytes) -> bytes:
        """Return `data` as it is."""
        return data


def open_log(path: Path) -> LogFile:
    """Open a log, or what it was compressed to. Raise `FileNotFoundError`; `OSError` for what is no ordinary file."""
    try:
        return PlainFile(opened(path))
    except FileNotFoundError:
        return PackedFile(opened(path.with_name(path.name + SUFFIX)))


def key_of(path: Path) -> tuple[int, int]:
    """Return device and inode of the file that `open_log` would open. Raise `FileNotFoundError`."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        found = path.with_name(path.name + SUFFIX).lstat()
    return found.st_dev, found.st_ino


def is_there(path: Path) -> bool:
    """Tell whether there is a log, or what it was compressed to, whatever it is."""
    return os.path.lexists(path) or os.path.lexists(path.with_name(path.name + SUFFIX))


def side_of(folder: Path, path: Path) -> Path:
    """Return what the names of the side files of a log below `folder` begin with."""
    return folder / INDEXES / quote(str(path.relative_to(folder)), safe="")


def remove(path: Path) -> None:
    """Remove a log and what it was compressed to."""
    path.unlink(missing_ok=True)
    path.with_name(path.name + SUFFIX).unlink(missing_ok=True)


def opened(path: Path) -> int:
    """Return a descriptor of an ordinary file; a link or a pipe that a job put in its place is refused (`OSError`)."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(f"{path.name} is no ordinary file")
    return descriptor


def streams(folder: Path) -> dict[str, Path]:
    """Return the logs below a folder by their stream's name, the console first, numbers in their order.

    The name is the path in the folder without ``.log``. Links are not followed; what is hidden is left out.
    """
    found: dict[str, Path] = {}
    for path in _logs(folder):
        name = str(path.relative_to(folder)).removesuffix(SUFFIX).removesuffix(".log")
        if name != RANKS:
            found[name] = path.with_name(path.name.removesuffix(SUFFIX))
        if len(found) == MAX_STREAMS:
            break
    return dict(sorted(found.items(), key=lambda item: (item[0] != CONSOLE, _natural(item[0]))))


@lru_cache(MAX_STREAMS)
def rank(stream: str) -> int | None:
    """Return of which rank a file is: the number that the last part of its path that ends with one ends with.

    So ``attempt_0/3/stderr``, ``rank3`` and ``worker-3`` are of rank 3. The console and rotated files are of none.
    """
    if _ROTATED.search(stream):
        return None
    numbers = (_RANK.search(part) for part in reversed(stream.split("/")))
    return next((int(number[0]) for number in numbers if number), None)


def ranks(found: dict[str, Path]) -> dict[str, Path]:
    """Return those of an attempt's streams that are of ranks; none if there is only one."""
    of_ranks = {name: path for name, path in found.items() if rank(name) is not None}
    return of_ranks if len(of_ranks) > 1 else {}


def _natural(name: str) -> list[str | int]:
    """Return what names are ordered by: rank 10 comes behind rank 9."""
    return [int(part) if place % 2 else part for place, part in enumerate(re.split("([0-9]+)", name))]


def _logs(folder: Path) -> Iterator[Path]:
    folders, looks = [(folder, 0)], 0
    while folders:
        here, depth = folders.pop(0)
        try:
            entries = sorted(os.scandir(here), key=lambda entry: (entry.name != f"{CONSOLE}.log", entry.name))
        except OSError:
            continue
        for entry in entries[: _LOOKS - looks]:
            if entry.is_dir(follow_symlinks=False) and depth < _DEPTH and not entry.name.startswith("."):
                folders.append((Path(entry.path), depth + 1))
            elif entry.is_file(follow_symlinks=False) and _NAME.fullmatch(entry.name.removesuffix(SUFFIX)):
                yield Path(entry.path)
        looks += len(entries)
        if looks >= _LOOKS:
            return


def size_of(path: Path) -> int:
    """Return how long a log that nobody has open is; 0 if it cannot be read."""
    try:
        file = open_log(path)
    except OSError:
        return 0
    try:
        return file.size()
    finally:
        file.close()
