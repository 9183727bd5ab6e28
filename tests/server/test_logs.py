"""Logs over HTTP: pages, the stream, searches and downloads of what a task writes."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from aiplat_jupyter.pytest_plugin import Ask
from aiplat_jupyter.server import logs
from aiplat_jupyter.server.app import AiplatApp
from aiplat_jupyter.store.logs import searcher

SCRIPT = r"""
for i in range(300):
    print("INFO line", i)
print("ERROR <script>alert(1)</script> \x1b[31mred\x1b[0m \x00")
print("Traceback (most recent call last):\n  File 'x'\nValueError: needle")
print("\r 0%|  | 0/2\r100%|##| 2/2", end="")
"""
Submit = Callable[..., Awaitable[str]]
Raw = Callable[..., Any]


@pytest.fixture
def submit(aiplat_ask: Ask) -> Submit:
    """Return a function that queues a Python program and returns the task's uid."""

    async def queue(program: str, name: str = "t") -> str:
        new = {"project": "logs", "name": name, "kind": "command", "command": [sys.executable, "-c", program]}
        return str((await aiplat_ask("POST", "tasks", new, status=201)).record["uid"])

    return queue


async def ended(ask: Ask, uid: str) -> dict[str, Any]:
    """Return the last lines once all are written."""
    while True:
        page: dict[str, Any] = (await ask("GET", f"tasks/{uid}/logs", tail=5)).record
        if page["is_complete"]:
            return page
        await asyncio.sleep(0.1)


@pytest.fixture
def raw(aiplat_app: AiplatApp) -> Raw:
    """Return a function that asks over a connection of its own, as a browser does, and yields what is answered."""
    serverapp = aiplat_app.serverapp
    assert serverapp is not None

    @asynccontextmanager
    async def ask(path: str, **headers: str) -> AsyncIterator[asyncio.StreamReader]:
        reader, writer = await asyncio.open_connection("127.0.0.1", serverapp.port)
        fields = {"Authorization": f"token {serverapp.identity_provider.token}", "Host": "localhost", **headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        writer.write(f"GET {serverapp.base_url}aiplat/api/v1/{path} HTTP/1.0\r\n{head}\r\n".encode())
        assert b" 200 " in await reader.readuntil(b"\r\n")
        await reader.readuntil(b"\r\n\r\n")
        try:
            yield reader
        finally:
            writer.close()

    return ask


def events(stream: bytes) -> list[tuple[str, int, Any]]:
    found = []
    for block in stream.decode().split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if fields:
            found.append((fields["event"], int(fields["id"]), json.loads(fields["data"])))
    return found


async def test_from_the_program_to_the_page(aiplat_ask: Ask, submit: Submit) -> None:
    page = await ended(aiplat_ask, await submit(SCRIPT))
    assert (page["total"], page["levels"]) == (305, {"INFO": 300, "ERROR": 4})
    assert [line["number"] for line in page["lines"]] == [301, 302, 303, 304, 305]
    assert page["lines"][0]["text"] == "ERROR <script>alert(1)</script> \x1b[31mred\x1b[0m \x00"
    assert [line.get("group") for line in page["lines"]] == [None, 302, 302, 302, None]
    assert (page["lines"][-1]["text"], page["lines"][-1]["folded"]) == ("100%|##| 2/2", 1)


async def test_lists_show_what_was_written(aiplat_ask: Ask, submit: Submit) -> None:
    uid = await submit(SCRIPT)
    await ended(aiplat_ask, uid)
    async with asyncio.timeout(20):
        while (row := (await aiplat_ask("GET", f"tasks/{uid}")).record)["log"]["lines"] != 305:
            await asyncio.sleep(0.1)
    assert row["log"]["levels"] == {"INFO": 300, "ERROR": 4}
    assert row["lineage"][0]["log"] == row["log"]
    assert (row["progress"]["done"], row["progress"]["total"]) == (2, 2)


async def test_bad_queries_name_the_field(aiplat_ask: Ask, submit: Submit) -> None:
    uid = await submit(SCRIPT)
    await ended(aiplat_ask, uid)
    for path, query, field in (
        ("logs", {"tail": 0}, "tail"),
        ("logs", {"n": "many"}, "n"),
        ("logs", {"min_level": "LOUD"}, "min_level"),
        ("logs", {"line": 1, "time": 2.0}, "time"),
        ("logs/stream", {"offset": -1}, "offset"),
        ("logs/stream", {"tail": -1}, "tail"),
        ("logs/search", {"q": ""}, "q"),
        ("logs/search", {"q": "x", "limit": 10**6}, "limit"),
    ):
        problem = (await aiplat_ask("GET", f"tasks/{uid}/{path}", status=400, **query)).record
        assert field in problem["fields"], (path, query)
    await aiplat_ask("GET", f"tasks/{uid}/logs", stream="../../aiplat.db", status=404)
    await aiplat_ask("GET", f"tasks/{uid}/logs/download", stream="../../aiplat.db", status=404)
    await aiplat_ask("GET", f"tasks/{uid}/logs/search", q="x", stream="nope", status=404)
    await aiplat_ask("GET", f"tasks/{uid}/logs/stream", stream="nope", status=404)
    await aiplat_ask("GET", "tasks/none/logs", status=404)


async def test_a_log_that_was_deleted_is_a_clear_error(aiplat_app: AiplatApp, aiplat_ask: Ask, submit: Submit) -> None:
    uid = await submit(SCRIPT)
    await ended(aiplat_ask, uid)
    Path(aiplat_app.data_dir, "tasks", uid, "1", "out.log").unlink()
    for path in ("logs?stream=out", "logs/search?q=x", "logs/download", "logs/stream?stream=out"):
        assert (await aiplat_ask("GET", f"tasks/{uid}/{path}", status=404)).record["code"] == "not_found"


class TestSearch:
    async def test_a_record_a_line(self, aiplat_ask: Ask, submit: Submit) -> None:
        uid = await submit(SCRIPT)
        await ended(aiplat_ask, uid)
        answer = await aiplat_ask("GET", f"tasks/{uid}/logs/search", q="NEEDLE")
        told = [json.loads(line) for line in answer.body.splitlines()]
        assert answer.headers["Content-Type"].startswith(logs.NDJSON)
        assert (told[-1]["state"], told[-1]["count"]) == ("done", 1)
        assert [number for part in told for number in part["lines"]] == [304]

    async def test_closing_the_request_ends_it(
        self, aiplat_ask: Ask, submit: Submit, raw: Raw, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(searcher, "ripgrep", lambda: None)
        uid = await submit("print('a' * 60 + '!')")
        await ended(aiplat_ask, uid)
        async with raw(f"tasks/{uid}/logs/search?q=(a%7Caa)%2B%24&regex=true&budget_s=60") as reader:
            await reader.readuntil(b"\n")
            assert workers()
        async with asyncio.timeout(10):
            while workers():
                await asyncio.sleep(0.05)


def workers() -> list[str]:
    """Return the children of this process that search."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    lines = [Path(f"/proc/{child}/cmdline") for child in children]
    return [str(line) for line in lines if line.exists() and b"worker.py" in line.read_bytes()]


class TestDownload:
    async def test_all_of_it_as_a_file(self, aiplat_app: AiplatApp, aiplat_ask: Ask, submit: Submit) -> None:
        uid = await submit(SCRIPT, 'a/b "c" 训练')
        await ended(aiplat_ask, uid)
        answer = await aiplat_ask("GET", f"tasks/{uid}/logs/download")
        assert answer.body == Path(aiplat_app.data_dir, "tasks", uid, "1", "out.log").read_bytes()
        named = answer.headers["Content-Disposition"]
        assert named.startswith("attachment; filename=\"a_b_c_-1-out.log\"; filename*=UTF-8''a%2Fb%20%22c%22")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"

    async def test_lines_of_a_level(self, aiplat_ask: Ask, submit: Submit) -> None:
        uid = await submit(SCRIPT)
        await ended(aiplat_ask, uid)
        answer = await aiplat_ask("GET", f"tasks/{uid}/logs/download", min_level="ERROR")
        assert answer.body.count(b"\n") == 4
        assert answer.body.endswith(b"ValueError: needle\n")


class TestStream:
    async def test_what_is_written_comes_and_then_the_end(self, aiplat_ask: Ask, submit: Submit) -> None:
        uid = await submit("import time\nfor i in range(5):\n    print('line', i, flush=True); time.sleep(0.8)")
        answer = await aiplat_ask("GET", f"tasks/{uid}/logs/stream")
        found = events(answer.body)
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["X-Accel-Buffering"] == "no"
        assert {name for name, _, _ in found[:-1]} == {"log"}
        assert len(found) > 2
        assert "".join(data["text"] for _, _, data in found[:-1]) == "".join(f"line {i}\n" for i in range(5))
        assert all(at == data["next"] for _, at, data in found[:-1])
        assert found[-1] == ("end", 35, {"state": "succeeded", "size": 35})

    async def test_it_goes_on_behind_the_last_event(self, aiplat_ask: Ask, submit: Submit) -> None:
        uid = await submit("print('one'); print('two')")
        await ended(aiplat_ask, uid)
        answer = await aiplat_ask("GET", f"tasks/{uid}/logs/stream", tail=2, headers={"Last-Event-ID": "4"})
        assert events(answer.body)[0] == ("log", 8, {"offset": 4, "next": 8, "text": "two\n"})
        await aiplat_ask("GET", f"tasks/{uid}/logs/stream", headers={"Last-Event-ID": "-1"}, status=400)

    async def test_a_revoked_token_ends_it_though_much_is_told(
        self, aiplat_ask: Ask, submit: Submit, raw: Raw, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logs, "HEARTBEAT", 0.2)
        minted = (await aiplat_ask("POST", "auth/token", {"name": "t", "scopes": ["read"]}, status=201)).record
        uid = await submit("import time\nwhile True: print('x', flush=True); time.sleep(0.05)")
        bearer = f"Bearer {minted['secret']}"
        async with raw(f"tasks/{uid}/logs/stream", Authorization=bearer) as reader, asyncio.timeout(20):
            await reader.readuntil(b"event: log")
            await aiplat_ask("DELETE", f"auth/tokens/{minted['token']['uid']}", status=204)
            while await reader.read(65_536):
                pass
        await aiplat_ask("POST", f"tasks/{uid}/stop", {"now": True})

    async def test_silence_is_broken_by_heartbeats(
        self, aiplat_ask: Ask, submit: Submit, raw: Raw, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(logs, "HEARTBEAT", 0.2)
        uid = await submit("import time; time.sleep(60)")
        async with raw(f"tasks/{uid}/logs/stream") as reader, asyncio.timeout(20):
            for _ in range(3):
                assert await reader.readuntil(b"\n\n") == b":\n\n"
        await aiplat_ask("POST", f"tasks/{uid}/stop", {"now": True})

    async def test_a_caller_who_goes_is_forgotten(
        self, aiplat_app: AiplatApp, aiplat_ask: Ask, submit: Submit, raw: Raw
    ) -> None:
        uid = await submit("import time; print('x', flush=True); time.sleep(60)")
        services: Any = await aiplat_app.services()
        asked: list[Any] = []
        place = services.logs._place
        services.logs._place = lambda *given: asked.append(given) or place(*given)
        async with raw(f"tasks/{uid}/logs/stream") as reader:
            await reader.readuntil(b"event: log")
        await asyncio.sleep(1.0)
        asked.clear()
        await asyncio.sleep(1.5)
        assert asked == []
        await aiplat_ask("POST", f"tasks/{uid}/stop", {"now": True})
