"""The list: pages, search, order, selection, and strings that are only ever text."""

from typing import Any

import pytest

from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.widgets import projectlist
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.panel import PANEL_MIME
from aiplat_jupyter.widgets.projectlist import MAX_OPEN, PAGE, ProjectList
from tests.widgets.conftest import eventually, send
from tests.widgets.world import World


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(projectlist, "PACE", 0.0)


@pytest.fixture
def listed(world: World, source: Feed) -> ProjectList:
    world.add("a", "mlp", "digits")
    world.add("b", "cnn", "digits", "failed")
    world.add("c", "lora", "llama")
    world.log("a", "loss", [3.0, 2.0, 1.0])
    panel = ProjectList(source=source)
    eventually(lambda: rows(panel))
    return panel


def rows(panel: ProjectList, kind: str = "") -> list[dict[str, Any]]:
    return [row for row in panel.list.rows if kind in ("", row["kind"])]


def open_project(panel: ProjectList, uid: str, *, wanted: bool = True) -> None:
    send(panel.list, kind="open", uid=uid, open=wanted)


def test_projects_open_to_their_experiments(listed: ProjectList) -> None:
    assert [(row["name"], row["count"], row["running"]) for row in rows(listed)] == [("digits", 2, 1), ("llama", 1, 1)]
    open_project(listed, "p-digits")
    eventually(lambda: rows(listed, "experiment"))
    a, b = rows(listed, "experiment")
    assert (a["name"], a["word"], a["last"], a["spark"]) == ("mlp", "running", 1.0, [3.0, 2.0, 1.0])
    assert (b["word"], b["last"], b["spark"]) == ("status_failed", None, [])
    open_project(listed, "p-digits", wanted=False)
    eventually(lambda: not rows(listed, "experiment"))


def test_it_is_live(world: World, listed: ProjectList) -> None:
    open_project(listed, "p-digits")
    eventually(lambda: rows(listed, "experiment"))
    world.log("a", "loss", [float("nan")])
    eventually(lambda: rows(listed, "experiment")[0]["diverged"])
    world.add("d", "new", "another")
    eventually(lambda: len(rows(listed, "project")) == 3)


def test_sparklines_are_asked_for_only_when_they_have_grown(world: World, listed: ProjectList) -> None:
    open_project(listed, "p-digits")
    eventually(lambda: rows(listed, "experiment"))
    before = len(world.asked)
    world.end("b")
    eventually(lambda: rows(listed, "experiment")[1]["word"] == "finished")
    assert len(world.asked) == before


def test_a_search_finds_experiments_of_all_projects(listed: ProjectList) -> None:
    send(listed.list, kind="search", q="l")
    eventually(lambda: [row["name"] for row in rows(listed)] == ["mlp", "lora"])
    assert rows(listed)[1]["project"] == "llama"
    send(listed.list, kind="search", q="nothing like it")
    eventually(lambda: listed.list.notice)
    assert (listed.list.notice["key"], listed.list.notice["values"]) == ("no_match", {"q": "nothing like it"})
    send(listed.list, kind="search", q="")
    eventually(lambda: rows(listed, "project"))


def test_a_condition_that_cannot_be_read_says_why(listed: ProjectList) -> None:
    send(listed.list, kind="search", q="config.lr<<1")
    eventually(lambda: listed.list.notice)
    assert (listed.list.notice["key"], "<<" in listed.list.notice["text"]) == ("bad_query", True)


def test_pages_turn_forward_and_back(world: World, source: Feed) -> None:
    for i in range(PAGE * 2 + 3):
        world.add(f"r{i:03}", f"run {i:03}")
    panel = ProjectList(source=source)
    eventually(lambda: rows(panel))
    open_project(panel, "p-digits")
    eventually(lambda: rows(panel, "pager"))
    seen = [row["name"] for row in rows(panel, "experiment")]
    for _ in range(2):
        before = rows(panel, "pager")[0]["from"]
        send(panel.list, kind="page", section="p-digits", way=1)
        eventually(lambda n=before: rows(panel, "pager")[0]["from"] > n)
        seen += [row["name"] for row in rows(panel, "experiment")]
    assert seen == [f"run {i:03}" for i in range(PAGE * 2 + 3)]
    last = rows(panel, "pager")[0]
    assert (last["from"], last["to"], last["total"], last["on"]) == (PAGE * 2 + 1, PAGE * 2 + 3, PAGE * 2 + 3, False)
    send(panel.list, kind="page", section="p-digits", way=-1)
    eventually(lambda: rows(panel, "pager")[0]["from"] == PAGE + 1)


def test_a_table_is_saved_for_hosts_without_widgets(world: World, listed: ProjectList) -> None:
    world.runs["c"].name = "<script>lora</script>"
    world.log("c", "loss", [0.5])
    send(listed.list, kind="search", q="lora")
    eventually(lambda: rows(listed, "experiment"))
    forms = listed.bundle()
    assert forms[PANEL_MIME] == {"version": 1, "widget": {"model_id": listed.model_id}}
    assert "<td>&lt;script&gt;lora&lt;/script&gt;</td><td>● running</td><td>loss</td><td>0.5</td>" in forms["text/html"]


def test_what_is_saved_follows_the_rows_and_their_states(
    world: World, listed: ProjectList, monkeypatch: pytest.MonkeyPatch
) -> None:
    renewed: list[str] = []
    monkeypatch.setattr(ProjectList, "renew_output", lambda self: renewed.append(self.bundle()["text/html"]))
    open_project(listed, "p-digits")
    eventually(lambda: renewed)
    world.log("a", "loss", [0.7])
    assert listed.settle()
    assert len(renewed) == 1
    world.end("a")
    eventually(lambda: len(renewed) == 2)
    assert "✓ finished" in renewed[-1]


def test_few_projects_are_open_at_once(world: World, source: Feed) -> None:
    for i in range(MAX_OPEN + 2):
        world.add(f"r{i}", project=f"p{i:02}")
    panel = ProjectList(source=source)
    eventually(lambda: rows(panel))
    for i in range(MAX_OPEN + 2):
        open_project(panel, f"p-p{i:02}")
    eventually(lambda: len(rows(panel, "experiment")) == MAX_OPEN)
    assert not rows(panel)[0]["open"]


def test_selecting_can_be_observed(listed: ProjectList) -> None:
    seen: list[object] = []
    listed.observe(lambda change: seen.append(change["new"]), "selected")
    send(listed.list, kind="select", uids=["a", "b"])
    assert seen == [("a", "b")]
    assert listed.value == "a"
    eventually(lambda: listed.list.selected == ["a", "b"])


def test_an_empty_platform_says_what_to_do(source: Feed) -> None:
    panel = ProjectList(source=source)
    eventually(lambda: panel.list.notice["kind"] == "empty")
    assert panel.list.notice["hint"] == "no_projects_hint"


def test_without_a_server_there_is_a_card_and_later_a_stale_list(
    world: World, source: Feed, listed: ProjectList
) -> None:
    world.error = Unavailable("No server.")
    listed.wake()
    eventually(lambda: listed.bar.status["kind"] == "stale")
    assert rows(listed)
    other = ProjectList("q", source=source)
    eventually(lambda: other.list.notice["kind"] == "error")
    world.error = None
    assert other.bar.status["kind"] == "retrying"
    send(other.list, kind="retry")
    eventually(lambda: other.list.notice["kind"] == "empty")
