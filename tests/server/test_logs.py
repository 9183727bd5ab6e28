"""Logs over HTTP: pages, the stream, searches and downloads of what a task writes."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from aiplat_jupyter.pytest_plugin import Ask
from aiplat_jupyter.server.app import AiplatApp

SCRIPT = """
import sys
for i in range(300):
    print("INFO line", i)
print("ERROR <script>alert(1)</script>")
print("Traceback (most recent call last):\\n  File 'x'\\nValueError: needle")
"""
Submit = Callable[[str], Awaitable[str]]


@pytest.fixture
def submit(aiplat_ask: Ask) -> Submit:
    """Return a function that queues a Python program and returns the task's uid."""

    async def queue(program: str) -> str:
        new = {"project": "logs", "name": "a/b\n", "kind": "command", "command": [sys.executable, "-c", program]}
        return str((await aiplat_ask("POST", "tasks", new, status=201)).record["uid"])

    return queue


async def until_ended(ask: Ask, uid: str) -> dict[str, Any]:
    while True:
        page: dict[str, Any] = (await ask("GET", f"tasks/{uid}/logs", tail=5)).record
        if page["is_complete"]:
            return page
        await asyncio.sleep(0.1)


async def test_a_page(aiplat_ask: Ask, submit: Submit) -> None:
    uid = await submit(SCRIPT)
    page = await until_ended(aiplat_ask, uid)
    assert (page["total"], page["levels"]) == (304, {"INFO": 300, "ERROR": 4})
    assert [line["number"] for line in page["lines"]] == [300, 301, 302, 303, 304]
    assert page["lines"][1]["text"] == "ERROR <script>alert(1)</script>"
    assert [line.get("group") for line in page["lines"]] == [None, None, 302, 302, 302]
    hits = await aiplat_ask("GET", f"tasks/{uid}/logs/search", q="NEEDLE")
    told = [json.loads(line) for line in hits.body.splitlines()]
    assert told[-1]["state"] == "done"
    assert [number for part in told for number in part["lines"]] == [304]
    whole = await aiplat_ask("GET", f"tasks/{uid}/logs/download")
    assert len(whole.body) == page["size"]
    print(whole.headers)
    part = await aiplat_ask("GET", f"tasks/{uid}/logs/download", min_level="ERROR")
    assert part.body.count(b"\n") == 4
    stream = await aiplat_ask("GET", f"tasks/{uid}/logs/stream")
    print(stream.body[-400:])
