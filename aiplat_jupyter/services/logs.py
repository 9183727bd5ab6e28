"""Logs of tasks: pages, searches, downloads and what is written now, for those who may see the task."""

import asyncio
import socket
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, aclosing, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Final, NamedTuple, Self, TypeVar

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import InvalidInput, NotFound
from aiplat_jupyter.core.logs import (
    LogChunk,
    LogDownload,
    LogEnd,
    LogFollow,
    LogGap,
    LogHits,
    LogPage,
    LogQuery,
    LogSearch,
)
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import Level
from aiplat_jupyter.services import access
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.logs import files, following, paging, search
from aiplat_jupyter.store.logs.blocks import DamagedIndex
from aiplat_jupyter.store.logs.following import Follower
from aiplat_jupyter.store.logs.index import Index
from aiplat_jupyter.store.logs.opened import OpenLogs, counts, find
from aiplat_jupyter.store.task_logs import Place, place

PATIENCE: Final = 1.0
"""Seconds that a page waits for a log to be indexed."""
MOST_SEARCHES: Final = 4
"""How many child processes search at once; further searches wait."""
SLICE: Final = 4 * 1024 * 1024
_PIECE: Final = 256 * 1024
_PAUSE: Final = 0.1
_QUIET: Final = 50
"""Pauses without news until an end that another process has to note, and does not, is not waited for any more."""
_LOOK_SECONDS: Final = 1.0
"""How often someone who follows a log looks whether its attempt has ended."""
T = TypeVar("T")


class Download(NamedTuple):
    """The name of a file, and its bytes."""

    name: str
    pieces: AsyncGenerator[bytes]


class Logs:
    """Reads need a viewer of the task's project. An async context manager, whose threads end with it."""

    def __init__(self, database: Database, opened: OpenLogs) -> None:
        self._database = database
        self._opened = opened
        self._threads = ThreadPoolExecutor(4, "aiplat-logs")
        self._searching = asyncio.Semaphore(MOST_SEARCHES)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    async def page(self, who: Identity, task: str, query: LogQuery) -> LogPage:
        """Return lines. Raise `NotFound` for a log that is not there, `InvalidInput` that names the field."""
        paging.check(query)
        place = await self._place(who, task, query.attempt)
        return await self._run(lambda: self._page(place, query))

    def _page(self, place: Place, query: LogQuery) -> LogPage:
        if place.folder is None or (not query.stream and not self._opened.has_log(place.folder)):
            return _empty(place, query)
        with self._opened.borrow(place.folder, query.stream) as index:
            try:
                return self._indexed(place, place.folder, query, index)
            except DamagedIndex:  # and therefore made again
                return self._indexed(place, place.folder, query, index)

    def _indexed(self, place: Place, folder: Path, query: LogQuery, index: Index) -> LogPage:
        is_whole = place.has_ended and index.settle()
        is_more = _wait_for(index)
        with index.turn():
            return LogPage(
                attempt=place.uid,
                stream=query.stream or files.CONSOLE,
                generation=index.generation,
                lines=paging.page(index, query),
                total=index.total,
                matching=paging.matching(index, query.min_level),
                size=index.file.size(),
                indexed=index.indexed,
                levels=counts(index),
                is_complete=is_whole and not is_more,
                streams=self._opened.streams(folder),
            )

    async def search(self, who: Identity, task: str, ask: LogSearch) -> AsyncGenerator[LogHits]:
        """Yield hits as they are found; closing it ends the child process that searches.

        Raise `NotFound` for a log that is not there, `InvalidInput` that names the field.
        """
        search.check(ask)
        place = await self._place(who, task, ask.attempt)
        if place.folder is None:
            yield LogHits(lines=[], offsets=[], count=0, scanned=0, size=0, state="done")
            return
        async with self._searching, self._borrowed(place, place.folder, ask.stream) as index:
            await self._run(lambda: _wait_for(index))
            async with aclosing(search.hits(index, ask, self._run)) as found:
                async for hits in found:
                    yield hits

    async def download(self, who: Identity, task: str, ask: LogDownload) -> Download:
        """Return the log as it is now, empty for a task that has not started. Raise `NotFound` or `InvalidInput`."""
        if ask.offset < 0:
            raise InvalidInput("That cannot be downloaded.", fields={"offset": "0 or more"})
        place = await self._place(who, task, ask.attempt)
        if place.folder is not None:
            await self._run(partial(find, place.folder, ask.stream))
        which = "ranks" if ask.stream == files.RANKS else ask.stream or files.CONSOLE
        stem = f"{place.name or place.task}-{place.number}-{which.replace('/', '-')}"
        return Download(f"{stem}.log", self._pieces(place, ask))

    async def follow(
        self, who: Identity, task: str, ask: LogFollow
    ) -> AsyncGenerator[LogChunk | LogGap | LogEnd | None]:
        """Yield what is written, until the attempt has ended and all is told.

        At most 256 kB ten times a second; None when there is nothing new. Raise `NotFound`, or `InvalidInput` that
        names the field.
        """
        following.check(ask)
        place = await self._place(who, task, ask.attempt)
        follower, looked, quiet = Follower(self._opened, ask), time.monotonic(), 0
        while True:
            news = await self._news(follower, place)
            yield news
            quiet = quiet + 1 if news is None and place.has_ended else 0
            if quiet and (follower.is_settled or quiet > _QUIET):
                break
            await asyncio.sleep(_PAUSE)
            if place.folder is None or time.monotonic() - looked >= _LOOK_SECONDS:
                place, looked = await self._place(who, task, place.uid), time.monotonic()
        yield LogEnd(state=place.state, size=follower.at)

    async def _news(self, follower: Follower, place: Place) -> LogChunk | LogGap | None:
        if place.folder is None:
            return None
        return await self._run(partial(follower.next, place.folder, has_ended=place.has_ended))

    async def _place(self, who: Identity, task: str, attempt: str) -> Place:
        def ask(tx: Connection) -> Place:
            found = place(tx, access.task(tx, who, task, "viewer").id, attempt)
            if found is None:
                raise NotFound(f"The task has no attempt {attempt!r}.", hint="Leave it out for the newest.")
            return found

        found = await self._database.read(ask)
        await self._run(partial(check_reach, found))
        return found

    async def _pieces(self, place: Place, ask: LogDownload) -> AsyncGenerator[bytes]:
        if place.folder is None:
            return
        async with self._borrowed(place, place.folder, ask.stream) as index:
            level, at = ask.min_level, ask.offset
            read = _whole(index, at) if level is None else _filtered(index, level, at)
            while piece := await self._run(lambda: next(read, b"")):
                yield piece

    @asynccontextmanager
    async def _borrowed(self, place: Place, folder: Path, stream: str) -> AsyncIterator[Index]:
        with ExitStack() as stack:
            index = await self._run(lambda: stack.enter_context(self._opened.borrow(folder, stream)))
            if place.has_ended:
                await self._run(index.settle)
            yield index

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)


def check_reach(place: Place) -> None:
    """Raise `NotFound` if what an attempt has written cannot be seen from here."""
    if place.folder is None or _is_reached(place, place.folder) or place.machine == socket.gethostname():
        return
    raise NotFound("The log is on another machine.", hint=f"Ask a server on {place.machine}.")


def _is_reached(place: Place, folder: Path) -> bool:
    try:
        folder.stat()
    except PermissionError as error:
        raise NotFound(
            f"What this task wrote lies in a folder of the account {place.account}, closed to others.",
            hint=f"Ask a server of {place.account}.",
        ) from error
    except OSError:
        return False
    return True


def _wait_for(index: Index) -> bool:
    """Index what is new, for a while; return whether there is more."""
    end = time.monotonic() + PATIENCE
    while is_more := index.refresh(SLICE):
        if time.monotonic() > end:
            break
    return is_more


def _empty(place: Place, query: LogQuery) -> LogPage:
    return LogPage(
        attempt=place.uid,
        stream=query.stream or files.CONSOLE,
        generation=0,
        lines=[],
        total=0,
        matching=0,
        size=0,
        indexed=0,
        levels={},
        is_complete=place.has_ended,
        is_removed=place.has_ended and place.noted.get("size", 0) > 0,
    )


def _whole(index: Index, at: int) -> Iterator[bytes]:
    """Yield the log as long as it is now."""
    index.look()
    file = index.file
    end = file.size()
    while at < end and (piece := file.read(at, min(_PIECE, end - at))):
        yield file.marked(at, piece)
        at += len(piece)


def _filtered(index: Index, level: Level, offset: int) -> Iterator[bytes]:
    end = index.catch_up(SLICE)
    with index.turn():
        line = paging.line_from(index, offset)
    while True:
        with index.turn():
            found = [raw for raw in paging.raw_lines(index, level, line, _PIECE) if raw.offset < end]
        if not found:
            return
        yield b"".join(index.file.marked(raw.offset, raw.data) for raw in found)
        line = found[-1].number + 1
