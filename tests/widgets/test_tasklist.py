"""The list of tasks: queue and ended, pages, search, and what its buttons do."""

from typing import Any

import pytest

from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.core.queries import TaskQuery
from aiplat_jupyter.core.records import Page
from aiplat_jupyter.core.tasks import TaskRow
from aiplat_jupyter.widgets import tasklist
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.tasklist import PAGE, TaskList
from tests.widgets.conftest import eventually, send
from tests.widgets.world import FakeApi, World

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasklist, "PACE", 0.0)


@pytest.fixture
def listed(world: World, source: Feed) -> TaskList:
    world.task("train", done=45)
    world.task("eval", "queued", reason="after", detail="train")
    world.task("old", "failed", reason="exit", detail="7")
    panel = TaskList(source=source)
    eventually(lambda: rows(panel))
    return panel


def rows(panel: TaskList, kind: str = "task") -> list[dict[str, Any]]:
    return [row for row in panel.list.rows if row["kind"] == kind]


def names(panel: TaskList) -> list[str]:
    return [row["name"] for row in rows(panel)]


def test_the_queue_stands_before_what_has_ended(listed: TaskList) -> None:
    train, evaluate, old = rows(listed)
    assert (train["word"], train["share"]) == ({"en": "running", "zh": "运行中"}, 0.45)
    assert (evaluate["why"]["en"], evaluate["why"]["zh"]) == ("after train", "等待 train")
    assert (old["why"]["en"], old["act"]) == ("exit code 7", {"verb": "retry", "word": "retry"})
    assert (train["act"]["word"], evaluate["act"]["word"]) == ("stop", "cancel")
    assert repr(listed) == "TaskList(train running, eval queued, old failed)"


def test_a_machine_that_is_away_and_a_retry_that_is_due_are_told(world: World, source: Feed) -> None:
    world.task("far", unreachable=True)
    world.task("again", "queued", reason="backoff", detail="2026-11-26T22:06:31Z")
    world.task("odd", "queued", reason="backoff", detail="{soon}")
    world.task("alone", reason="unattended")
    panel = TaskList(source=source)
    eventually(lambda: len(rows(panel)) == 4)
    far, again, odd, alone = rows(panel)
    assert (far["word"]["en"], far["icon"], far["why"]["en"]) == ("unreachable", "?", "box has not been heard of")
    assert (again["why"]["en"], again["due"]) == ("next try {due}", 1795730791.0)
    assert (odd["why"]["en"], odd["due"]) == ("next try {soon}", None)
    assert alone["reason"] == "unattended"


def test_it_is_live(world: World, listed: TaskList) -> None:
    assert listed.is_live
    world.task("train", "succeeded")
    eventually(lambda: rows(listed)[1]["word"]["en"] == "succeeded")
    world.task("eval", "running")
    world.task("new", "queued")
    eventually(lambda: names(listed) == ["eval", "new", "train", "old"])


def test_a_task_that_ends_between_two_answers_is_listed_once(
    world: World, listed: TaskList, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask = FakeApi.list_tasks

    def end_then(api: FakeApi, query: TaskQuery) -> Page[TaskRow]:
        answer = ask(api, query)
        world.task("train", "succeeded")
        return answer

    monkeypatch.setattr(FakeApi, "list_tasks", end_then)
    shown: list[list[str]] = []
    listed.list.observe(lambda _: shown.append(names(listed)), "rows")
    world.task("eval", "running")
    eventually(lambda: shown)
    assert shown[0].count("train") == 1


def test_buttons_stop_and_retry(world: World, listed: TaskList) -> None:
    send(listed.list, kind="act", verb="stop", uid="train")
    send(listed.list, kind="act", verb="retry", uid="old")
    eventually(lambda: {row["name"]: row["status"] for row in rows(listed)} | {"eval": ""} == {
        "train": "cancelled", "eval": "", "old": "queued",
    })  # fmt: skip
    assert world.told == ["tasks/train/stop", "tasks/old/retry"]


def test_nothing_else_can_be_asked_for(world: World, listed: TaskList) -> None:
    send(listed.list, kind="act", verb="purge", uid="old")
    send(listed.list, kind="search", q="eval")
    eventually(lambda: names(listed) == ["eval"])
    assert world.told == []


def test_a_selection_tells_which(listed: TaskList) -> None:
    send(listed.list, kind="select", uids=["old"])
    assert listed.value == "old"
    send(listed.list, kind="select", uids=[])
    assert listed.value is None


def test_what_has_ended_has_pages(world: World, listed: TaskList) -> None:
    for number in range(PAGE + 3):
        world.task(f"t{number}", "succeeded")
    eventually(lambda: rows(listed, "pager"))
    (pager,) = rows(listed, "pager")
    assert (pager["section"], pager["to"], pager["total"]) == ("ended", PAGE, PAGE + 4)
    send(listed.list, kind="page", section="ended", way=1)
    eventually(lambda: len(rows(listed)) == 2 + 4)
    send(listed.list, kind="page", section="ended", way=-1)
    eventually(lambda: len(rows(listed)) == 2 + PAGE)


def test_emptiness_says_what_to_do(world: World, source: Feed) -> None:
    panel = TaskList(source=source)
    eventually(lambda: (panel.list.notice or {}).get("key") == "no_tasks")
    send(panel.list, kind="search", q="x")
    eventually(lambda: panel.list.notice["key"] == "no_task_matches")
    world.task("x", "failed")
    eventually(lambda: panel.list.notice is None)
    assert rows(panel, "note")[0]["text"] == "nothing_queued"


def test_one_project_only(world: World, source: Feed) -> None:
    world.add("a", project="digits")
    world.task("train")
    mine, none = TaskList(project="digits", source=source), TaskList(project="another", source=source)
    eventually(lambda: names(mine) == ["train"])
    eventually(lambda: none.list.notice and none.list.notice["key"] == "no_tasks")


def test_a_server_that_is_away_leaves_the_rows(world: World, listed: TaskList) -> None:
    world.error = Unavailable("The server is away.", hint="Start it.")
    send(listed.list, kind="search", q="")
    eventually(lambda: listed.bar.status["kind"] == "stale")
    assert names(listed) == ["train", "eval", "old"]
    world.error = None
    send(listed.list, kind="retry")
    eventually(lambda: listed.bar.status["kind"] == "live")


def test_names_are_handed_over_as_they_are(world: World, source: Feed) -> None:
    world.task("one", "failed", reason="not_started", detail=HOSTILE)
    panel = TaskList(source=source)
    eventually(lambda: rows(panel))
    assert rows(panel)[0]["why"]["en"] == f"could not be started: {HOSTILE}"
