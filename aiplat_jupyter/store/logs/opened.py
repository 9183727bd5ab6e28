"""The logs that this process has open, each with one index."""

import logging
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from aiplat_jupyter.core.errors import AiplatError, NotFound, Unavailable
from aiplat_jupyter.core.logs import LogStream
from aiplat_jupyter.core.tasks import Level
from aiplat_jupyter.store.logs import files
from aiplat_jupyter.store.logs.blocks import DamagedIndex
from aiplat_jupyter.store.logs.index import Index
from aiplat_jupyter.store.logs.levels import LEVELS
from aiplat_jupyter.store.logs.ranks import Ranks

_MOST: Final = 128
_IDLE_SECONDS: Final = 30.0
_WATCHED: Final = 64
"""How many logs of an attempt beside the console are looked at while it runs."""

_log = logging.getLogger(__name__)


class _Open:
    """An index and who uses it."""

    def __init__(self, index: Index) -> None:
        self.index, self.users, self.used_at = index, 0, time.monotonic()


class OpenLogs:
    """Indexes by the path of their log. Threads may share it; every method blocks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[Path, _Open] = {}

    @contextmanager
    def borrow(self, folder: Path, stream: str = "") -> Iterator[Index]:
        """Lend the index of an attempt's log; it is closed some time after the last one gave it back.

        Raise `NotFound` for a stream that is not there, or no longer.
        """
        try:
            path = find(folder, stream)
        except NotFound:
            self.let_go(folder)
            raise
        with self._lent(folder, path) as index:
            yield index

    @contextmanager
    def _lent(self, folder: Path, path: Path) -> Iterator[Index]:
        used, is_gone = self._take(folder, path), False
        try:
            yield used.index
        except FileNotFoundError:
            is_gone = True
            raise NotFound(f"The log {path.name} was removed.", hint="Its task may be run again.") from None
        except OSError as error:
            raise Unavailable(f"The log {path.name} cannot be read: {error.strerror or error}.") from error
        finally:
            used.users -= 1
            used.used_at = time.monotonic()
            if is_gone:
                self.let_go(folder)

    def look(self, folder: Path, most: int, *, has_ended: bool) -> int:
        """Index about `most` bytes of what is new in each log but the console's, as times are known of what was seen.

        Return how long they are together. Of very many the first are looked at. Of the log of all ranks only the order
        of its pieces is noted, to the last byte of an attempt that `has_ended`: who reads it indexes it.
        """
        found = files.streams(folder)
        others = [path for name, path in found.items() if name != files.CONSOLE]
        total = sum(self._look(folder, path, lambda index: index.refresh(most)) for path in others[:_WATCHED])
        note = Index.settle if has_ended else Index.look
        return total + self._look(folder, folder / files.RANKS, note) if files.ranks(found) else total

    def _look(self, folder: Path, path: Path, look: Callable[[Index], object]) -> int:
        try:
            with self._lent(folder, path) as index:
                look(index)
                return index.file.size()
        except (AiplatError, DamagedIndex):  # it was removed, or its index is made again the next time
            return 0

    def let_go(self, folder: Path) -> None:
        """Close logs of a folder that somebody removed: their room on the disk is free only then."""
        with self._lock:
            for path in [path for path in self._open if path.is_relative_to(folder)]:
                if not self._open[path].users and not files.is_there(path):
                    self._open.pop(path).index.close()

    def _take(self, folder: Path, path: Path) -> _Open:
        with self._lock:
            self._close_idle()
            used = self._open.get(path)
            if used is not None and not used.users and not used.index.is_own and used.index.is_free():
                self._open.pop(path).index.close()
                used = None
            if used is None:
                used = self._open[path] = _Open(_opened(path, files.side_of(folder, path)))
            used.users += 1
            return used

    def _close_idle(self) -> None:
        now = time.monotonic()
        idle = [path for path, one in self._open.items() if not one.users and now - one.used_at > _IDLE_SECONDS]
        spare = sorted(
            (path for path, one in self._open.items() if not one.users and path not in idle),
            key=lambda path: self._open[path].used_at,
        )
        for path in [*idle, *spare[: max(0, len(self._open) - len(idle) - _MOST)]]:
            self._open.pop(path).index.close()

    def has_log(self, folder: Path) -> bool:
        """Tell whether the folder has any log."""
        return bool(files.streams(folder))

    def streams(self, folder: Path) -> list[LogStream]:
        """Return what streams there are; of those that nobody has opened only the size is known."""
        found = files.streams(folder)
        each = [self._stream(name, path) for name, path in found.items()]
        mixed = files.ranks(found)
        if not mixed:
            return each
        size = sum(stream.size for stream in each if stream.name in mixed)
        return [msgspec.structs.replace(self._stream(files.RANKS, folder / files.RANKS), size=size), *each]

    def _stream(self, name: str, path: Path) -> LogStream:
        with self._lock:
            used = self._open.get(path)
        if used is not None:
            return LogStream(name=name, lines=used.index.total, size=used.index.indexed, levels=counts(used.index))
        return LogStream(name=name, lines=0, size=files.size_of(path), levels={})

    def pack(self, folder: Path) -> bool:
        """Compress the logs of an attempt that has ended; return whether nothing is left to do."""
        done = [self._pack(folder, name) for name in files.streams(folder)]
        return all(done)

    def _pack(self, folder: Path, stream: str) -> bool:
        try:
            with self.borrow(folder, stream) as index:
                return index.pack()
        except AiplatError as error:
            _log.warning("A log in %s cannot be compressed: %s", folder, error)
            return False

    def remove(self, folder: Path) -> bool:
        """Remove the logs of an attempt that has ended, with their indexes; return whether nothing is left to do."""
        with self._lock:
            for path in [path for path in self._open if path.is_relative_to(folder)]:
                if self._open[path].users:
                    return False
                self._open.pop(path).index.close()
            for path in files.streams(folder).values():
                files.remove(path)
            shutil.rmtree(folder / files.INDEXES, ignore_errors=True)
        return True

    def close(self) -> None:
        """Close all."""
        with self._lock:
            for used in self._open.values():
                used.index.close()
            self._open.clear()


def find(folder: Path, stream: str) -> Path:
    """Return the path of a stream's log; where there is no file it is that of all ranks. Raise `NotFound`."""
    console = folder / f"{files.CONSOLE}.log"
    if stream in {"", files.CONSOLE} and files.is_there(console):
        return console
    found = files.streams(folder)
    if stream == files.RANKS and files.ranks(found):
        return folder / files.RANKS
    path = found.get(stream or files.CONSOLE)
    if path is None:
        known = ", ".join(list(found)[:20])
        raise NotFound(f"There is no log {stream or files.CONSOLE!r}.", hint=f"There are: {known}." if known else "")
    return path


def counts(index: Index) -> dict[Level, int]:
    """Return how many lines of each level an index has."""
    return {level: count for level, count in zip(LEVELS, index.levels().tolist(), strict=True) if count}


def _opened(path: Path, side: Path) -> Index:
    try:
        return Ranks(path, side) if path.name == files.RANKS else Index(path, side)
    except FileNotFoundError:
        raise NotFound(f"The log {path.name} was removed.") from None
    except OSError as error:
        raise NotFound(f"The log {path.name} cannot be read: {error.strerror or error}.") from error
