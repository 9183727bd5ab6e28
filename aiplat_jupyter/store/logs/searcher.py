"""The child process that searches a log: ripgrep where it is installed, else a worker in Python.

Both read the log from standard input and print ``line:offset:`` for each match (a line may have several), so one reader
serves both. A child can be killed, whatever the expression, and shares no interpreter lock with the server.
"""

import asyncio
import os
import resource
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final, Self

from aiplat_jupyter.core.logs import LogSearch
from aiplat_jupyter.store.logs.files import LogFile

INVALID: Final = 2
"""Exit code of both for an expression that they do not understand."""
_PIECE: Final = 64 * 1024
_PATIENCE: Final = 0.2
_MEMORY: Final = 2 << 30
_WORKER: Final = Path(__file__).with_name("worker.py")
_FORMAT: Final = ["--no-config", "--color=never", "-I", "-a", "-n", "-b", "-o", "-r", "", "-j1", "--encoding=none"]


def ripgrep() -> str | None:
    """Return where ripgrep is, None if it is not installed."""
    beside = Path(sys.executable).with_name("rg")
    return shutil.which("rg") or (str(beside) if os.access(beside, os.X_OK) else None)


def commands(ask: LogSearch) -> list[list[str]]:
    """Return what to run: first what tells of each match at once, then, for many matches, what is faster."""
    flags = [*([] if ask.regex else ["-F"]), *([] if ask.case else ["-i"])]
    program = ripgrep()
    if program is None:
        return [[sys.executable, "-I", "-S", str(_WORKER), *flags, "--", ask.q]]
    command = [program, *_FORMAT, *flags, "-e", ask.q, "-"]
    return [[*command, "--line-buffered"], [*command, "--block-buffered"]]


class Searcher:
    """A running child. It is given what `source` has from byte `start` on."""

    def __init__(self, process: Process, source: int, start: int) -> None:
        self._process, self._source, self._start = process, source, start
        self.has_ended = False
        """Whether it printed all that it had to."""

    @classmethod
    @asynccontextmanager
    async def started(cls, command: list[str], file: LogFile, start: int, budget: float) -> AsyncIterator[Self]:
        """Start it, and kill it in the end. Should the server die, the system ends it after its time."""
        source = file.open_again(start)
        try:
            process = await asyncio.create_subprocess_exec(*command, stdin=source, stdout=PIPE, stderr=PIPE, env={})
        except BaseException:
            os.close(source)
            raise
        with suppress(ProcessLookupError):
            resource.prlimit(process.pid, resource.RLIMIT_CPU, (int(budget) + 1, int(budget) + 1))
            resource.prlimit(process.pid, resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        child = cls(process, source, start)
        try:
            yield child
        finally:
            await child._end()

    async def output(self) -> AsyncIterator[bytes]:
        """Yield what it prints until it has ended, and nothing now and then."""
        assert self._process.stdout is not None
        while True:
            try:
                async with asyncio.timeout(_PATIENCE):
                    data = await self._process.stdout.read(_PIECE)
            except TimeoutError:
                yield b""
                continue
            if not data:
                self.has_ended = True
                return
            yield data

    def position(self) -> int:
        """Return how far it has read."""
        try:
            return os.lseek(self._source, 0, os.SEEK_CUR)
        except OSError:  # a pipe
            return self._start

    async def ending(self) -> tuple[int, str]:
        """Return its exit code and what it complained of."""
        assert self._process.stderr is not None
        said = await self._process.stderr.read(4_096)
        return await self._process.wait(), said.decode(errors="replace").strip()

    async def _end(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        os.close(self._source)
        for pipe in (self._process.stdout, self._process.stderr):
            while pipe is not None and await pipe.read(_PIECE):
                pass
        await self._process.wait()
