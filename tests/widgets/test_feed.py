"""The kernel's live thread: who writes, how often, and what happens when the server is not there."""

import threading
import time

import pytest

from aiplat_jupyter.core.errors import Unauthenticated, Unavailable
from aiplat_jupyter.widgets import feed as feeds
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.losscurve import LossCurve
from tests.widgets.conftest import eventually, send
from tests.widgets.world import World


def curve(world: World, source: Feed, values: list[float] | None = None) -> LossCurve:
    world.add("a")
    world.log("a", "loss", values or [3.0, 2.0, 1.0])
    panel = LossCurve("a", source=source)
    eventually(lambda: panel.overlay.curves)
    return panel


def test_only_the_feed_writes_traits(world: World, source: Feed) -> None:
    panel, writers = curve(world, source), set()
    for widget in (panel.overlay, panel.bar):
        widget.observe(lambda _: writers.add(threading.current_thread().name))
    world.log("a", "loss", [0.5])
    send(panel.bar, kind="set", name="smoothing", value="ema")
    eventually(lambda: panel.overlay.badge["total"] == 4 and panel.bar.values["smoothing"]["value"] == "ema")
    assert writers == {"aiplat-feed"}


def test_many_changes_are_few_updates(world: World, source: Feed) -> None:
    panel = curve(world, source)
    before, start = len(world.asked), time.monotonic()
    for i in range(300):
        world.log("a", "loss", [1.0 / (i + 1)])
        time.sleep(0.003)
    eventually(lambda: panel.overlay.badge["total"] == 303)
    passed = time.monotonic() - start
    assert len(world.asked) - before <= passed / feeds.PACE + 2


def test_nothing_is_asked_when_nothing_changes(world: World, source: Feed) -> None:
    curve(world, source)
    world.end("a")
    time.sleep(0.6)
    before = len(world.asked)
    time.sleep(0.8)
    assert len(world.asked) == before


def test_it_listens_again_after_the_stream_broke(world: World, source: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "POLL", 1e6)
    monkeypatch.setattr(feeds, "LOOK", 1e6)
    panel = curve(world, source)
    assert panel.settle()
    eventually(lambda: world.listeners)
    opened = world.opened
    world.cut()
    eventually(lambda: world.opened > opened)
    world.log("a", "loss", [0.1])
    eventually(lambda: panel.overlay.badge["total"] == 4)


def test_it_looks_by_itself_while_no_stream_comes(world: World, source: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "POLL", 0.3)
    monkeypatch.setattr(feeds, "LOOK", 0.3)
    panel = curve(world, source)
    monkeypatch.setattr(world, "tell", lambda *_: None)
    world.log("a", "loss", [0.1])
    eventually(lambda: panel.overlay.badge["total"] == 4)


def test_a_server_that_goes_away_makes_it_stale_and_comes_back(world: World, source: Feed) -> None:
    panel = curve(world, source)
    world.error = Unavailable("The server does not answer.")
    panel.wake()
    eventually(lambda: panel.bar.status["kind"] == "stale")
    assert panel.overlay.notice is None, "the curve stays"
    assert panel.overlay.curves
    world.error = None
    world.log("a", "loss", [0.1])
    eventually(lambda: panel.bar.status["kind"] == "live")
    assert panel.overlay.badge["total"] == 4


def test_a_new_token_is_asked_for(world: World, source: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    panel, opened = curve(world, source), []
    monkeypatch.setattr(source, "_open_api", lambda: opened.append(1) or world.open())
    world.error = Unauthenticated("The token is of another server.")
    panel.wake()
    eventually(lambda: panel.bar.status["kind"] == "stale")
    world.error = None
    eventually(lambda: panel.bar.status["kind"] == "live")
    assert opened


def test_without_a_first_answer_there_is_an_error_with_retry(world: World, source: Feed) -> None:
    world.error = Unavailable("No Jupyter server was found.", hint="Start Jupyter.")
    panel = LossCurve("a", source=source)
    eventually(lambda: panel.overlay.notice["kind"] == "error")
    assert "Start Jupyter." in panel.overlay.notice["text"]
    world.add("a")
    world.log("a", "loss", [1.0])
    world.error = None
    send(panel.overlay, kind="retry")
    eventually(lambda: panel.overlay.notice is None, 2.0)


def test_a_fault_in_one_panel_leaves_the_others_alone(
    world: World, source: Feed, caplog: pytest.LogCaptureFixture
) -> None:
    good = curve(world, source)
    world.add("b")
    world.log("b", "loss", [1.0])
    bad = LossCurve("b", metric=["loss"], source=source)
    eventually(lambda: bad.overlay.curves)
    bad._ordered = lambda: 1 / 0
    bad.wake()
    eventually(lambda: bad.bar.status["kind"] == "stale")
    world.log("a", "loss", [0.1])
    eventually(lambda: good.overlay.badge["total"] == 4)
    assert "ZeroDivisionError" in caplog.text


def test_a_panel_that_joins_later_is_heard_too(world: World, source: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "POLL", 1e6)
    monkeypatch.setattr(feeds, "LOOK", 1e6)
    curve(world, source)
    world.add("b")
    world.log("b", "loss", [1.0])
    other = LossCurve("b", source=source)
    eventually(lambda: any("experiment:b" in stream.topics for stream in world.listeners))
    world.log("b", "loss", [0.5])
    eventually(lambda: other.overlay.badge["total"] == 2)


def test_a_panel_that_nobody_sees_rests_until_it_ends(
    world: World, source: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aiplat_jupyter.widgets.panel.PATIENCE", 0.0)
    panel = curve(world, source)
    time.sleep(0.5)
    before = len(world.asked)
    for _ in range(3):
        world.log("a", "loss", [0.1])
        time.sleep(0.3)
    assert len(world.asked) == before
    panel._view_count = 1
    eventually(lambda: panel.overlay.badge["total"] == 6)
    panel._view_count = 0
    world.log("a", "loss", [0.1])
    world.end("a")
    eventually(lambda: panel.bar.status["kind"] == "ended" and panel.overlay.badge["total"] == 7)


def test_stopping_ends_both_threads(world: World, source: Feed) -> None:
    curve(world, source)
    source.stop()
    for thread in source._threads:
        thread.join(5)
    assert not any(thread.is_alive() for thread in source._threads)
