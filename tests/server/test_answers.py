"""What all routes have in common: formats, pages, errors, repeated requests, headers."""

import asyncio
import json
from typing import Any

import msgspec
import pytest

from aiplat_jupyter.core.problems import Problem
from aiplat_jupyter.core.records import Experiment, NewExperiment, Page, Project
from aiplat_jupyter.pytest_plugin import Ask
from aiplat_jupyter.server.app import AiplatApp

MSGPACK = "application/msgpack"


async def test_messagepack_in_and_out(aiplat_ask: Ask) -> None:
    body = msgspec.msgpack.encode(NewExperiment(project="数字", config={"lr": 1e-3, "nested": {"日": [1, None]}}))
    headers = {"Content-Type": MSGPACK, "Accept": MSGPACK}
    answer = await aiplat_ask("POST", "experiments", body, headers=headers, status=201)
    assert answer.headers["Content-Type"] == MSGPACK
    made = msgspec.msgpack.decode(answer.body, type=Experiment)
    assert made.config == {"lr": 1e-3, "nested": {"日": [1, None]}}
    assert made.project_name == "数字"
    as_json = await aiplat_ask("GET", f"experiments/{made.uid}")
    assert msgspec.json.decode(as_json.body, type=Experiment) == made


async def test_a_client_made_uid_creates_once(aiplat_ask: Ask) -> None:
    new = {"project": "p", "uid": "my-own-uid"}
    first = await aiplat_ask("POST", "experiments", new, status=201)
    again = await aiplat_ask("POST", "experiments", new, status=200)
    assert again.record["uid"] == first.record["uid"] == "my-own-uid"


async def test_an_idempotency_key_is_answered_once(aiplat_ask: Ask) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = await aiplat_ask("POST", "experiments", {"project": "p"}, headers=key, status=201)
    again = await aiplat_ask("POST", "experiments", {"project": "p"}, headers=key, status=201)
    assert again.body == first.body
    assert len((await aiplat_ask("GET", "experiments")).record["items"]) == 1
    other = await aiplat_ask("POST", "experiments", {"project": "q"}, headers=key, status=409)
    assert other.record["code"] == "conflict"
    await aiplat_ask("POST", "experiments", {"project": "p"}, headers={"Idempotency-Key": "k" * 300}, status=400)


async def test_a_request_that_failed_may_be_repeated(aiplat_ask: Ask) -> None:
    key = {"Idempotency-Key": "k-2"}
    await aiplat_ask("POST", "projects/later/trash", headers=key, status=404)
    await aiplat_ask("POST", "projects", {"name": "later", "uid": "later"}, status=201)
    await aiplat_ask("POST", "projects/later/trash", headers=key)


async def test_the_same_request_at_the_same_time_is_done_once(aiplat_ask: Ask) -> None:
    key = {"Idempotency-Key": "k-3"}
    answers = await asyncio.gather(
        *(aiplat_ask("POST", "experiments", {"project": "p"}, headers=key, status=None) for _ in range(5))
    )
    assert {answer.status for answer in answers} <= {201, 409}
    assert len({answer.body for answer in answers if answer.status == 201}) == 1
    assert len((await aiplat_ask("GET", "experiments")).record["items"]) == 1


async def test_secrets_are_not_kept_for_replay(aiplat_ask: Ask) -> None:
    key = {"Idempotency-Key": "k-4"}
    made = [await aiplat_ask("POST", "auth/token", {"name": "t"}, headers=key, status=201) for _ in range(2)]
    assert made[0].record["secret"] != made[1].record["secret"]


@pytest.mark.parametrize("sort", ["name", "-name", "-created"])
async def test_pages_neither_repeat_nor_hide_a_row(aiplat_ask: Ask, sort: str) -> None:
    for number in range(7):
        await aiplat_ask("POST", "projects", {"name": f"p{number}"}, status=201)
    seen, cursor = [], ""
    while True:
        page = msgspec.convert(
            (await aiplat_ask("GET", "projects", sort=sort, limit=3, cursor=cursor, count="true")).record, Page[Project]
        )
        assert page.total is not None
        seen += [project.name for project in page.items]
        if len(seen) == 3:
            await aiplat_ask("POST", "projects", {"name": "p3a"}, status=201)
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert len(seen) == len(set(seen))
    assert {f"p{number}" for number in range(7)} <= set(seen)


@pytest.mark.parametrize(
    ("method", "path", "body", "query", "status", "code"),
    [
        ("GET", "projects", None, {"limit": "x"}, 400, "invalid_input"),
        ("GET", "projects", None, {"cursor": "rubbish"}, 400, "invalid_input"),
        ("GET", "projects", None, {"sort": "colour"}, 400, "invalid_input"),
        ("GET", "experiments", None, {"q": "config.lr<"}, 400, "invalid_input"),
        ("GET", "metrics/query", None, {"experiments": "x"}, 400, "invalid_input"),
        ("POST", "projects", {"name": ""}, {}, 400, "invalid_input"),
        ("POST", "projects", b"{", {}, 400, "invalid_input"),
        ("POST", "projects", None, {}, 400, "invalid_input"),
        ("POST", "projects", {"name": "a", "uid": "a b"}, {}, 400, "invalid_input"),
        ("POST", "projects", {"name": "x" * (1 << 20)}, {}, 413, "too_large"),
        ("POST", "journals/j/frames", b"no frames", {"offset": 0}, 422, "unreadable_journal"),
        ("POST", "journals/j/frames", b"", {"offset": -1}, 400, "invalid_input"),
        ("GET", "projects/none", None, {}, 404, "not_found"),
        ("GET", "projects/a%2F..%2Fb", None, {}, 404, "not_found"),
        ("POST", "projects/none/explode", None, {}, 404, "not_found"),
        ("GET", "nowhere", None, {}, 404, "not_found"),
        ("GET", "", None, {}, 404, "not_found"),
        ("PUT", "projects", {}, {}, 405, "method_not_allowed"),
    ],
)
async def test_errors(
    aiplat_ask: Ask, method: str, path: str, body: Any, query: dict[str, Any], status: int, code: str
) -> None:
    answer = await aiplat_ask(method, path, body, status=status, **query)
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = msgspec.json.decode(answer.body, type=Problem)
    assert (problem.status, problem.code) == (status, code)
    assert problem.detail
    if status == 400:
        assert problem.fields
    if status == 405:
        assert answer.headers["Allow"] == "GET, POST"


async def test_a_bug_tells_a_reference_and_nothing_else(
    aiplat_app: AiplatApp, aiplat_ask: Ask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("something private")

    services = await aiplat_app.services()
    monkeypatch.setattr(services.projects, "list", fail)
    answer = await aiplat_ask("GET", "projects", status=500)
    assert b"private" not in answer.body
    assert b"Traceback" not in answer.body
    reference = answer.record["hint"].split()[-1].rstrip(".")
    assert f"reference {reference}" in caplog.text
    assert "something private" in caplog.text


async def test_headers(aiplat_ask: Ask) -> None:
    for path, status in (("projects", 200), ("nowhere", 404)):
        headers = (await aiplat_ask("GET", path, status=status)).headers
        assert headers["Cache-Control"] == "no-store"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "Etag" not in headers


@pytest.mark.parametrize(
    ("method", "path", "body", "is_activity"),
    [
        ("GET", "experiments", None, False),
        ("GET", "events", None, False),
        ("POST", "journals/j/frames", b"", False),
        ("POST", "projects", {"name": "p"}, True),
    ],
)
async def test_only_what_people_do_counts_as_activity(
    aiplat_app: AiplatApp, aiplat_ask: Ask, method: str, path: str, body: Any, is_activity: bool
) -> None:
    assert aiplat_app.serverapp is not None
    settings = aiplat_app.serverapp.web_app.settings
    settings.pop("api_last_activity", None)
    query = {"wait": 0} if path == "events" else {"offset": 0} if "frames" in path else {}
    await aiplat_ask(method, path, body, status=None, **query)
    assert ("api_last_activity" in settings) == is_activity


HOSTILE = [
    "<script>alert(1)</script>",
    "'; DROP TABLE projects; --",
    "实验 🚀 \u202e\u0000\ufeff",
    "%s %d {0} ${x} \\",
    "../../etc/passwd",
    "a" * 500,
    pytest.param("a" * 1_000_000, id="a megabyte"),
]


@pytest.mark.parametrize("text", HOSTILE)
async def test_texts_come_back_as_they_were(aiplat_ask: Ask, text: str) -> None:
    """Or are refused with the field's name; never half-written, never a 500."""
    body = {"project": text, "name": text, "notes": text, "tags": [text], "config": {text: text}, "uid": "hostile"}
    answer = await aiplat_ask("POST", "experiments", body, status=None)
    if answer.status == 400:
        assert answer.record["fields"]
        await aiplat_ask("GET", "experiments/hostile", status=404)
        return
    made = (await aiplat_ask("GET", "experiments/hostile")).record
    assert (made["name"], made["notes"], made["tags"], made["config"]) == (text, text, [text], {text: text})
    found = (await aiplat_ask("GET", "experiments", q=json.dumps(text))).record
    assert isinstance(found["items"], list)


@pytest.mark.parametrize("number", [2**53, 2**63 - 1, -(2**63), 1e308])
async def test_large_numbers(aiplat_ask: Ask, number: float) -> None:
    config = (await aiplat_ask("POST", "experiments", {"project": "p", "config": {"n": number}}, status=201)).record
    assert config["config"] == {"n": number}


@pytest.mark.parametrize(
    "body",
    [
        {"step": [2**63], "values": {"loss": [1.0]}},
        {"step": [1], "values": {"loss": [1.0, 2.0]}},
        {"step": [1], "values": {"": [1.0]}},
        {"step": [1], "values": {"x" * 1_000_000: [1.0]}},
        {"step": [1], "values": {}, "wall": [1.0, 2.0]},
    ],
)
async def test_bad_points_are_refused_whole(aiplat_ask: Ask, body: Any) -> None:
    uid = (await aiplat_ask("POST", "experiments", {"project": "p"}, status=201)).record["uid"]
    problem = (await aiplat_ask("POST", f"experiments/{uid}/points", body, status=400)).record
    assert problem["fields"]
    assert (await aiplat_ask("GET", f"experiments/{uid}/metrics")).record == []
