"""Points and journals: stored exactly once, and read back by every route that shows them."""

import asyncio
import json
import math
from typing import Any

import msgspec
import pytest

from aiplat_jupyter.core import frames
from aiplat_jupyter.core.curves import CurveAnswer, History
from aiplat_jupyter.core.frames import Status
from aiplat_jupyter.pytest_plugin import Ask
from aiplat_jupyter.server.wire import MSGPACK
from tests.server.journals import opened, points


@pytest.fixture
def journal() -> bytes:
    rows = [(1 / (step + 1), float(step // 10)) for step in range(100)]
    rows[50] = (math.nan, 5.0)
    return opened("e1", "j1") + points(["loss", "epoch"], rows)


async def send(ask: Ask, data: bytes, offset: int, *, status: int = 200, uid: str = "j1") -> Any:
    return (await ask("POST", f"journals/{uid}/frames", data, offset=offset, status=status)).record


async def test_a_journal_becomes_an_experiment(aiplat_ask: Ask, journal: bytes) -> None:
    assert await send(aiplat_ask, journal, 0) == {"offset": len(journal), "stop": False}
    row = (await aiplat_ask("GET", "experiments", metrics="loss")).record["items"][0]
    assert (row["uid"], row["status"], row["project_name"]) == ("e1", "running", "digits")
    assert (row["metrics"][0]["count"], row["metrics"][0]["nan"]) == (100, 1)
    loss = (await aiplat_ask("GET", "experiments/e1/loss")).record
    assert loss[7] == {"step": 7, "loss": 1 / 8, "epoch": 0.0}
    assert loss[50]["loss"] is None
    known = (await aiplat_ask("GET", "journals/j1")).record
    assert (known["experiment"], known["offset"], known["closed"]) == ("e1", len(journal), False)


async def test_history_has_every_point(aiplat_ask: Ask, journal: bytes) -> None:
    await send(aiplat_ask, journal, 0)
    values: list[float] = []
    cursor = ""
    while True:
        answer = await aiplat_ask(
            "GET",
            "experiments/e1/history",
            metrics="loss",
            limit=30,
            cursor=cursor,
            headers={"Accept": "application/msgpack"},
        )
        page = msgspec.msgpack.decode(answer.body, type=History)
        values += page.value
        if page.next_cursor is None:
            break
        cursor = page.next_cursor
    assert len(values) == 100
    assert math.isnan(values[50])


async def test_curves_and_their_cursor(aiplat_ask: Ask, journal: bytes) -> None:
    await send(aiplat_ask, journal, 0)
    asked = {"experiments": "e1", "metrics": ["loss", "epoch"], "width": 20, "smoothing": "ema", "start": 0, "end": 199}
    answer = await aiplat_ask("GET", "metrics/query", headers={"Accept": "application/msgpack"}, **asked)
    curves = msgspec.msgpack.decode(answer.body, type=CurveAnswer)
    loss = next(curve for curve in curves.curves if curve.metric == "loss")
    assert 0 < loss.shown <= 20
    assert (loss.total, sum(loss.columns.count), sum(loss.columns.nan)) == (100, 100, 1)
    later = points(["loss", "epoch"], [(0.005, 10.0)], first_step=100, number=1)
    await send(aiplat_ask, later, len(journal))
    delta = (await aiplat_ask("GET", "metrics/query", cursor=curves.cursor, **asked)).record
    changed = next(curve for curve in delta["curves"] if curve["metric"] == "loss")
    assert changed["total"] == 101
    assert sum(changed["columns"]["count"]) < 101


async def test_an_offset_that_is_behind_or_ahead_is_told_the_true_one(aiplat_ask: Ask, journal: bytes) -> None:
    await send(aiplat_ask, journal, 0)
    for offset in (0, 5, len(journal) + 1):
        problem = await send(aiplat_ask, journal[offset:], offset, status=409)
        assert (problem["code"], problem["offset"]) == ("offset_conflict", len(journal))
    assert await send(aiplat_ask, b"", len(journal)) == {"offset": len(journal), "stop": False}


async def test_a_torn_end_waits_for_the_rest(aiplat_ask: Ask, journal: bytes) -> None:
    committed = (await send(aiplat_ask, journal[:-7], 0))["offset"]
    assert 0 < committed < len(journal) - 7
    assert (await send(aiplat_ask, journal[committed:], committed))["offset"] == len(journal)
    assert (await aiplat_ask("GET", "experiments/e1/metrics")).record[1]["count"] == 100


async def test_racing_senders_store_everything_once(aiplat_ask: Ask, journal: bytes) -> None:
    """As shipper, adoption and `aiplat sync` may."""

    async def ship() -> None:
        offset = 0
        while offset < len(journal):
            answer = await aiplat_ask(
                "POST", "journals/j1/frames", journal[offset : offset + 997], offset=offset, status=None
            )
            assert answer.status in {200, 409}
            offset = answer.record["offset"]

    await asyncio.gather(*(ship() for _ in range(4)))
    for summary in (await aiplat_ask("GET", "experiments/e1/metrics")).record:
        assert summary["count"] == 100


async def test_stop_reaches_the_process(aiplat_ask: Ask, journal: bytes) -> None:
    await send(aiplat_ask, journal, 0)
    assert (await aiplat_ask("POST", "experiments/e1/stop")).record["stop_requested"] is True
    assert await send(aiplat_ask, b"", len(journal)) == {"offset": len(journal), "stop": True}
    end = frames.encode(Status(status="stopped", wall=1.0, cause="asked to stop"))
    await send(aiplat_ask, end, len(journal))
    ended = (await aiplat_ask("GET", "experiments/e1")).record
    assert (ended["status"], ended["cause"]) == ("stopped", "asked to stop")
    await aiplat_ask("POST", "experiments/e1/stop", status=409)


async def test_what_was_purged_stays_purged(aiplat_ask: Ask, journal: bytes) -> None:
    await send(aiplat_ask, journal[: len(journal) // 2], 0)
    offset = (await aiplat_ask("GET", "journals/j1")).record["offset"]
    await aiplat_ask("POST", "experiments/e1/purge", status=409)
    await aiplat_ask("DELETE", "experiments/e1")
    assert (await aiplat_ask("POST", "experiments/e1/purge")).record["freed_bytes"] >= 0
    assert (await send(aiplat_ask, journal[offset:], offset, status=410))["code"] == "gone"
    await aiplat_ask("GET", "journals/j1", status=410)
    await aiplat_ask("GET", "experiments/e1", status=410)
    await aiplat_ask("POST", "experiments", {"project": "p", "uid": "e1"}, status=410)


async def test_points_by_hand_are_stored_once(aiplat_ask: Ask) -> None:
    uid = (await aiplat_ask("POST", "experiments", {"project": "p"}, status=201)).record["uid"]
    first = {"step": [3, 1, 2], "values": {"loss": [0.3, None, 0.2], "acc": [1, 2, 3]}, "journal": "w", "offset": 0}
    assert (await aiplat_ask("POST", f"experiments/{uid}/points", first)).record["offset"] == 3
    again = (await aiplat_ask("POST", f"experiments/{uid}/points", first, status=409)).record
    assert again["offset"] == 3
    second = {"step": [4], "values": {"loss": [0.1]}, "journal": "w", "offset": 3}
    assert (await aiplat_ask("POST", f"experiments/{uid}/points", second)).record["offset"] == 4
    loss = (await aiplat_ask("GET", f"experiments/{uid}/loss")).record
    assert [(point["step"], point["loss"]) for point in loss] == [(1, None), (2, 0.2), (3, 0.3), (4, 0.1)]
    ended = (await aiplat_ask("PATCH", f"experiments/{uid}", {"status": "finished"})).record
    assert ended["status"] == "finished"


async def test_points_by_hand_may_be_messagepack(aiplat_ask: Ask) -> None:
    uid = (await aiplat_ask("POST", "experiments", {"project": "p"}, status=201)).record["uid"]
    headers = {"Content-Type": MSGPACK, "Accept": MSGPACK}
    new = {"step": [2**53, -1], "values": {"loss": [math.inf, math.nan]}, "journal": "w", "offset": 0}
    for status, offset in ((200, 2), (409, 2)):
        answer = await aiplat_ask(
            "POST", f"experiments/{uid}/points", msgspec.msgpack.encode(new), headers=headers, status=status
        )
        told = json.loads(answer.body) if status == 409 else msgspec.msgpack.decode(answer.body)
        assert told["offset"] == offset
    page = await aiplat_ask("GET", f"experiments/{uid}/history", headers=headers)
    found = msgspec.msgpack.decode(page.body, type=History)
    assert found.step == [-1, 2**53]
    assert math.isnan(found.value[0])
    assert found.value[1] == math.inf


async def test_a_metrics_name_may_have_a_comma(aiplat_ask: Ask) -> None:
    uid = (await aiplat_ask("POST", "experiments", {"project": "p"}, status=201)).record["uid"]
    await aiplat_ask("POST", f"experiments/{uid}/points", {"step": [1], "values": {"a,b": [1.0], "c": [2.0]}})

    async def names(metrics: Any) -> list[str]:
        answer = await aiplat_ask("GET", "metrics/query", experiments=uid, metrics=metrics)
        return sorted(curve["metric"] for curve in answer.record["curves"])

    assert await names(["a,b", "c"]) == ["a,b", "c"]
    assert await names(["a,b"]) == ["a,b"]
    by_hand = await aiplat_ask("GET", f"metrics/query?experiments={uid}&metrics=a,b,c")
    assert [curve["metric"] for curve in by_hand.record["curves"]] == ["c"]
