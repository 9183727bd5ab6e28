"""Verbs on the logs of tasks, and the handlers of those that answer bit by bit."""

import asyncio
import re
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import msgspec
from tornado.iostream import StreamClosedError

from aiplat_jupyter.core.errors import InvalidInput
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
from aiplat_jupyter.server.base import Handler
from aiplat_jupyter.server.call import Services
from aiplat_jupyter.server.stream import HEARTBEAT

if TYPE_CHECKING:
    from aiplat_jupyter.services.logs import Download

NDJSON: Final = "application/x-ndjson"
EVENTS: Final = "text/event-stream"
TEXT: Final = "text/plain"
NOTEBOOK: Final = "application/x-ipynb+json"
_UNSAFE: Final = re.compile(r"[^A-Za-z0-9._-]+")


async def get_log(at: Services, who: Identity, uid: str, query: LogQuery) -> LogPage:
    """Answer lines of a task's log."""
    return await at.logs.page(who, uid, query)


async def search_log(at: Services, who: Identity, uid: str, query: LogSearch) -> AsyncGenerator[LogHits]:
    """Search a task's log; answer hits as they are found, a record a line, until the request is closed."""
    return at.logs.search(who, uid, query)


async def follow_log(
    at: Services, who: Identity, uid: str, query: LogFollow
) -> AsyncGenerator[LogChunk | LogGap | LogEnd | None]:
    """Follow a task's log as server-sent events ``log``, ``gap`` and ``end``, whose id is the offset behind them."""
    return at.logs.follow(who, uid, query)


async def download_log(at: Services, who: Identity, uid: str, query: LogDownload) -> "Download":
    """Download a task's log, all of it or the lines of a level."""
    return await at.logs.download(who, uid, query)


class Answering(Handler):
    """Answers bit by bit, until all is told or the caller has gone."""

    def initialize(self) -> None:
        """Make the sign that the caller has gone."""
        self._gone = asyncio.Event()

    def on_connection_close(self) -> None:
        """End the answer."""
        self._gone.set()

    async def act(self, **path: str) -> None:
        """Answer; what is wrong before the first bit is told as a problem."""
        route = self.routes["GET"]
        arguments = self._arguments(route, path)
        bits = self._bits(await route.act(self.at, self.who, **self._resumed(arguments)))
        async with aclosing(bits):
            async for bit in _until(self._gone, bits):
                if not self._headers_written:
                    self._open(route.media)
                self.write(bit)
                with suppress(StreamClosedError):
                    await self.flush()
        if not self._headers_written:
            self._open(route.media)
            await self.flush()

    def _open(self, media: str) -> None:
        self._set_answer_headers()
        self.set_header("Content-Type", f"{media}; charset=utf-8")
        self.set_header("Cache-Control", "no-cache, no-transform")
        self.set_header("X-Accel-Buffering", "no")

    def _resumed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        return arguments

    def _bits(self, answer: Any) -> AsyncGenerator[bytes]:
        raise NotImplementedError


class SearchHandler(Answering):
    """A record a line."""

    async def _bits(self, answer: AsyncGenerator[LogHits]) -> AsyncGenerator[bytes]:
        async with aclosing(answer):
            async for hits in answer:
                yield msgspec.json.encode(hits) + b"\n"


class DownloadHandler(Answering):
    """The bytes as a file."""

    async def _bits(self, answer: "Download") -> AsyncGenerator[bytes]:
        plain = _UNSAFE.sub("_", answer.name)
        named = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(answer.name, safe='')}"
        self.set_header("Content-Disposition", named)
        self.set_header("X-Content-Type-Options", "nosniff")
        async with aclosing(answer.pieces):
            async for piece in answer.pieces:
                yield piece


class FollowHandler(Answering):
    """Events, and a comment now and then."""

    def _resumed(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Go on where the header says: a client that connects again repeats its first query, but knows more."""
        seen = self.request.headers.get("Last-Event-ID", "")
        if not seen:
            return arguments
        if not (seen.isascii() and seen.isdigit() and len(seen) < 19):
            raise InvalidInput("Last-Event-ID is no offset.", fields={"Last-Event-ID": "Leave it out."})
        return arguments | {"query": msgspec.structs.replace(arguments["query"], offset=int(seen), tail=None)}

    async def _bits(self, answer: AsyncGenerator[LogChunk | LogGap | LogEnd | None]) -> AsyncGenerator[bytes]:
        said = checked = time.monotonic()
        async with aclosing(answer):
            async for news in answer:
                now = time.monotonic()
                if now - checked >= HEARTBEAT:
                    checked = now
                    if not await self.is_still_welcome():
                        return
                if news is not None or now - said >= HEARTBEAT or not self._headers_written:
                    said = now
                    yield b":\n\n" if news is None else _event(news)


def _event(news: LogChunk | LogGap | LogEnd) -> bytes:
    match news:
        case LogChunk():
            name, at = b"log", news.next
        case LogGap():
            name, at = b"gap", news.to
        case LogEnd():
            name, at = b"end", news.size
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (at, name, msgspec.json.encode(news))


async def _until(gone: asyncio.Event, bits: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    """Yield bits until they end or the caller has gone, which does not wait for the next one."""
    leaving = asyncio.ensure_future(gone.wait())
    try:
        while True:
            coming = asyncio.ensure_future(anext(bits, None))
            await asyncio.wait({coming, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if gone.is_set():
                coming.cancel()
                with suppress(asyncio.CancelledError):
                    await coming
                return
            if (bit := coming.result()) is None:
                return
            yield bit
    finally:
        leaving.cancel()
