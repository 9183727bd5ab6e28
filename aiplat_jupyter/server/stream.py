"""The stream of changes: server-sent events, and a long poll for proxies that hold streams back."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Final, Union

import msgspec
from msgspec import Struct
from tornado.iostream import StreamClosedError

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.records import Change, Identity
from aiplat_jupyter.server.base import Handler
from aiplat_jupyter.server.call import Services

if TYPE_CHECKING:
    from aiplat_jupyter.services.bus import Resync

HEARTBEAT: Final = 15.0
"""Seconds between comments, which show that the stream is alive."""
MAX_WAIT: Final = 60.0
MAX_ITEMS: Final = 1000
AT_ONCE: Final = 0.01
"""Seconds in which changes that are already there arrive."""
Event = Union[Change, "Resync"]


class ChangesQuery(Struct, frozen=True, kw_only=True):
    """Which changes.

    Attributes
    ----------
    topics : ``projects``, ``experiments``, ``experiment:<uid>``, …; none named: all that are kept. ``gpu`` must be
        named: its events are called ``gpu`` and carry a `GpuStatus`.
    after : the last number seen; the stream goes on behind it. None: from now on. The header ``Last-Event-ID`` does the
        same.
    wait : seconds (at most 60) to wait for a change and then answer `Changes` once, instead of a stream.
    """

    topics: list[str] = []
    after: int | None = None
    wait: float | None = None


class Changes(Struct, frozen=True, kw_only=True):
    """What a long poll answers: go on with ``after=next``."""

    items: list[Change]
    next: int
    resync: bool = False
    """Too much was missed: ask for everything again, then go on."""


async def wait_for_changes(at: Services, who: Identity, query: ChangesQuery) -> Changes:
    """Follow changes as server-sent events; with `wait`, answer the next ones as JSON."""
    seen, resync = at.bus.seq if query.after is None else query.after, False
    items: list[Change] = []
    patience = min(query.wait or 0.0, MAX_WAIT)
    async with at.bus.subscribe(who, query.topics, seen) as changes:
        while len(items) < MAX_ITEMS and (event := await _next(changes, patience)):
            patience = AT_ONCE
            if isinstance(event, Change):
                seen = event.seq or seen
                items.append(event)
            else:
                seen, resync = event.seq, True
    return Changes(items=items, next=seen, resync=resync)


async def _next(events: AsyncIterator[Event], patience: float) -> Event | None:
    """Return the next event; None if there is none in time, after which the iterator is spent."""
    with contextlib.suppress(TimeoutError, StopAsyncIteration):
        async with asyncio.timeout(patience):
            return await anext(events)
    return None


class StreamHandler(Handler):
    """Sends changes as they come, until the caller or the server goes."""

    def initialize(self) -> None:
        """Make the sign that the caller has gone."""
        self._gone = asyncio.Event()

    def on_connection_close(self) -> None:
        """Wake the stream, to end it."""
        self._gone.set()

    async def act(self, **path: str) -> None:
        """Answer the stream, or the long poll."""
        query = self._arguments(self.routes["GET"], path)["query"]
        if query.wait is not None:
            await super().act(**path)
            return
        after = self._last_event_id(query)
        with contextlib.suppress(StreamClosedError):
            async with self.at.bus.subscribe(self.who, query.topics, after) as changes:
                await self._open(after)
                await self._stream(changes)

    async def _stream(self, changes: AsyncIterator[Event]) -> None:
        async for event in _paced(changes, self._gone):
            if event is None and not await self.is_still_welcome():
                break
            await self._send(await self._encoded(event))

    async def _encoded(self, event: Event | None) -> bytes:
        """Return an event, or a comment. What GPUs do is told itself, as everyone would ask for it at once."""
        if isinstance(event, Change) and event.topic == "gpu":
            return b"event: gpu\ndata: %s\n\n" % await self.at.gpu.event(self.who)
        return _encode(event) if event else b":\n\n"

    def _last_event_id(self, query: ChangesQuery) -> int:
        """Return the number to go on from: a browser that connects again repeats its first query, but knows more."""
        header = self.request.headers.get("Last-Event-ID", "")
        if header and not (header.isascii() and header.isdigit() and len(header) < 19):
            raise InvalidInput("Last-Event-ID is no number of ours.", fields={"Last-Event-ID": "Leave it out."})
        if header:
            return int(header)
        return self.at.bus.seq if query.after is None else query.after

    async def _open(self, after: int) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self.set_header("Cache-Control", "no-cache, no-transform")
        self.set_header("X-Accel-Buffering", "no")
        await self._send(b"id: %d\n\n" % after)

    async def _send(self, data: bytes) -> None:
        self.write(data)
        await self.flush()


def _encode(event: Event) -> bytes:
    name, data = ("change", event) if isinstance(event, Change) else ("resync", {"seq": event.seq})
    number = b"" if isinstance(event, Change) and not event.seq else b"id: %d\n" % event.seq
    return number + b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))


async def _paced(events: AsyncIterator[Event], gone: asyncio.Event) -> AsyncIterator[Event | None]:
    """Yield events, and None every `HEARTBEAT`, until they end or the caller has gone."""
    leaving = asyncio.ensure_future(gone.wait())
    coming, beat = _coming(events), time.monotonic() + HEARTBEAT
    try:
        while not gone.is_set():
            silence = max(0.0, beat - time.monotonic())
            await asyncio.wait({coming, leaving}, timeout=silence, return_when=asyncio.FIRST_COMPLETED)
            if time.monotonic() >= beat:
                beat = time.monotonic() + HEARTBEAT
                yield None
            if not coming.done():
                continue
            if (event := coming.result()) is None:
                return
            yield event
            coming = _coming(events)
    finally:
        leaving.cancel()
        coming.cancel()


def _coming(events: AsyncIterator[Event]) -> asyncio.Task[Event | None]:
    async def next_or_none() -> Event | None:
        return await anext(events, None)

    return asyncio.ensure_future(next_or_none())
