"""The stream of changes: told as they come, resumed where it broke off, ended cleanly."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest

from aiplat_jupyter.pytest_plugin import Ask
from aiplat_jupyter.server import stream
from aiplat_jupyter.server.app import AiplatApp


class Event(NamedTuple):
    id: int
    name: str
    data: Any


class Reader:
    """Reads a stream as a browser does; over HTTP/1.0, which knows no chunks."""

    def __init__(self, source: asyncio.StreamReader) -> None:
        self.headers: dict[str, str] = {}
        self.raw = b""
        self._source = source

    async def read_head(self) -> str:
        """Return the status line."""
        status, *headers = (await self._source.readuntil(b"\r\n\r\n")).decode().strip().split("\r\n")
        self.headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in headers)}
        return status

    @property
    def events(self) -> list[Event]:
        found = []
        for block in self.raw.decode().split("\n\n")[:-1]:
            fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
            if "event" in fields:
                found.append(Event(int(fields["id"]), fields["event"], json.loads(fields["data"])))
        return found

    async def until(self, is_enough: Callable[["Reader"], bool]) -> None:
        async with asyncio.timeout(10):
            while not is_enough(self):
                data = await self._source.read(1000)
                assert data, "the stream ended"
                self.raw += data

    async def until_end(self) -> None:
        async with asyncio.timeout(10):
            await self._source.read()


@pytest.fixture
def follow(aiplat_app: AiplatApp, jp_auth_header: dict[str, str], http_server_client: Any) -> Any:
    """Return a context manager that opens a stream, and hangs up at its end."""
    assert aiplat_app.serverapp is not None
    path = f"{aiplat_app.serverapp.base_url}aiplat/api/v1/events"
    port = aiplat_app.serverapp.port

    @asynccontextmanager
    async def opened(query: str = "", **headers: str) -> AsyncIterator[Reader]:
        source, sink = await asyncio.open_connection("127.0.0.1", port)
        lines = [f"GET {path}?{query} HTTP/1.0", "Host: 127.0.0.1"]
        lines += [f"{name}: {value}" for name, value in {**jp_auth_header, **headers}.items()]
        sink.write("\r\n".join([*lines, "", ""]).encode())
        reader = Reader(source)
        assert "200 OK" in await reader.read_head()
        await reader.until(lambda reader: reader.raw.startswith(b"id: ") and b"\n\n" in reader.raw)
        try:
            yield reader
        finally:
            sink.close()
            await sink.wait_closed()

    return opened


async def make(ask: Ask, name: str) -> str:
    return str((await ask("POST", "projects", {"name": name}, status=201)).record["uid"])


async def test_changes_are_told_as_they_come(aiplat_ask: Ask, follow: Any) -> None:
    async with follow() as reader:
        assert reader.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert reader.headers["cache-control"] == "no-cache, no-transform"
        assert reader.headers["x-accel-buffering"] == "no"
        uid = await make(aiplat_ask, "p")
        await reader.until(lambda reader: len(reader.events) >= 1)
        [event] = reader.events
        assert (event.name, event.data["topic"], event.data["kind"]) == ("change", "projects", "created")
        assert (event.data["uid"], event.data["seq"]) == (uid, event.id)


async def test_only_what_was_asked_for_is_told(aiplat_ask: Ask, follow: Any) -> None:
    uid = (await aiplat_ask("POST", "experiments", {"project": "p"}, status=201)).record["uid"]
    async with follow(f"topics=experiment:{uid}") as reader:
        await make(aiplat_ask, "other")
        await aiplat_ask("PATCH", f"experiments/{uid}", {"notes": "new"})
        await reader.until(lambda reader: len(reader.events) >= 1)
        assert {event.data["topic"] for event in reader.events} == {f"experiment:{uid}"}


@pytest.mark.parametrize("by", ["header", "query"])
async def test_a_stream_goes_on_where_it_broke_off(aiplat_ask: Ask, follow: Any, by: str) -> None:
    async with follow() as reader:
        await make(aiplat_ask, "seen")
        await reader.until(lambda reader: len(reader.events) >= 1)
        last = reader.events[-1].id
    missed = [await make(aiplat_ask, name) for name in ("missed 1", "missed 2")]
    resume = {"Last-Event-ID": str(last)} if by == "header" else {}
    async with follow("after=0" if by == "header" else f"after={last}", **resume) as reader:
        await reader.until(lambda reader: len(reader.events) >= 2)
        assert [event.data["uid"] for event in reader.events] == missed


async def test_a_number_of_another_database_means_resync(aiplat_ask: Ask, follow: Any) -> None:
    await make(aiplat_ask, "p")
    async with follow(**{"Last-Event-ID": "123456789"}) as reader:
        await reader.until(lambda reader: len(reader.events) >= 1)
        [event] = reader.events
        assert (event.name, event.data) == ("resync", {"seq": event.id})
        uid = await make(aiplat_ask, "afterwards")
        await reader.until(lambda reader: len(reader.events) >= 2)
        assert reader.events[1].data["uid"] == uid


async def test_silence_is_broken_by_comments(follow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    async with follow() as reader:
        await reader.until(lambda reader: reader.raw.count(b":\n\n") >= 2)
        assert reader.events == []


async def test_a_revoked_token_ends_its_stream(aiplat_ask: Ask, follow: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "HEARTBEAT", 0.05)
    minted = (await aiplat_ask("POST", "auth/token", {"name": "t", "scopes": ["read"]}, status=201)).record
    async with follow(Authorization=f"Bearer {minted['secret']}") as reader:
        await reader.until(lambda reader: b":\n\n" in reader.raw)
        await aiplat_ask("DELETE", f"auth/tokens/{minted['token']['uid']}", status=204)
        await reader.until_end()


async def test_a_caller_that_goes_is_forgotten(aiplat_app: AiplatApp, follow: Any) -> None:
    bus: Any = (await aiplat_app.services()).bus
    async with follow():  # whoever else listens, like the dispatcher, does so by now
        before = set(bus._subscriptions)
        async with follow(), follow():
            assert len(set(bus._subscriptions) - before) == 2
        async with asyncio.timeout(5):
            while set(bus._subscriptions) - before:
                await asyncio.sleep(0.01)


async def test_a_server_that_stops_ends_its_streams(aiplat_app: AiplatApp, follow: Any) -> None:
    async with follow() as reader:
        await aiplat_app.stop_extension()
        await reader.until_end()


async def test_a_bad_number_is_refused(aiplat_ask: Ask) -> None:
    problem = (await aiplat_ask("GET", "events", headers={"Last-Event-ID": "yesterday"}, status=400)).record
    assert "Last-Event-ID" in problem["fields"]


async def test_long_poll_waits_for_a_change(aiplat_ask: Ask) -> None:
    start = (await aiplat_ask("GET", "events", wait=0)).record
    assert start["items"] == []
    polling = asyncio.ensure_future(aiplat_ask("GET", "events", wait=10, after=start["next"]))
    await asyncio.sleep(0.1)
    assert not polling.done()
    uid = await make(aiplat_ask, "p")
    answer = (await asyncio.wait_for(polling, 5)).record
    assert [change["uid"] for change in answer["items"]] == [uid]
    assert answer["next"] == answer["items"][-1]["seq"]
    assert answer["resync"] is False


async def test_long_poll_misses_nothing_between_two_requests(aiplat_ask: Ask) -> None:
    at = (await aiplat_ask("GET", "events", wait=0)).record["next"]
    made = [await make(aiplat_ask, name) for name in "abc"]
    answer = (await aiplat_ask("GET", "events", wait=5, after=at)).record
    assert [change["uid"] for change in answer["items"]] == made
    nothing = (await aiplat_ask("GET", "events", wait=0.01, after=answer["next"])).record
    assert nothing == {"items": [], "next": answer["next"], "resync": False}


async def test_long_poll_tells_that_too_much_was_missed(aiplat_ask: Ask) -> None:
    at = (await aiplat_ask("GET", "events", wait=0)).record["next"]
    answer = (await aiplat_ask("GET", "events", wait=5, after=at + 1000)).record
    assert answer == {"items": [], "next": at, "resync": True}
