"""One panel per place, and nothing left of the one it replaces."""

import threading

import ipywidgets
import pytest
from ipywidgets.widgets import widget as registry

from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.widgets import messages, panel
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.losscurve import LossCurve
from aiplat_jupyter.widgets.projectlist import ProjectList
from tests.widgets.conftest import eventually, send
from tests.widgets.world import FakeApi, World


def models() -> int:
    return len(registry._instances)


@pytest.fixture
def run(world: World) -> str:
    world.add("a")
    world.log("a", "loss", [2.0, 1.0])
    return "a"


def test_running_a_cell_again_closes_the_panel_before(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel, "current_cell", lambda: "cell-1")
    first = LossCurve(run, source=source)
    after_one = models()
    for _ in range(5):
        again = LossCurve(run, source=source)
    assert models() == after_one
    assert first.comm is None
    assert again.comm is not None
    assert list(source._seats) == [again]


def test_a_cell_that_begins_another_experiment_closes_the_panel_of_the_one_before(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel, "current_cell", lambda: "cell-1")
    first, beside = LossCurve(run, source=source), ProjectList(source=source)
    monkeypatch.setattr(panel, "current_run", lambda: 2)
    LossCurve("b", source=source)
    assert first.comm is None
    assert beside.comm is None


@pytest.mark.parametrize("change", [{"cell": "cell-2"}, {"metric": "accuracy"}, {"target": "b"}])
def test_another_cell_metric_or_target_is_another_panel(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch, change: dict[str, str]
) -> None:
    monkeypatch.setattr(panel, "current_cell", lambda: "cell-1")
    first = LossCurve(run, source=source)
    monkeypatch.setattr(panel, "current_cell", lambda: change.get("cell", "cell-1"))
    LossCurve(change.get("target", run), metric=change.get("metric", "loss"), source=source)
    assert first.comm is not None


@pytest.mark.parametrize(
    "make", [lambda source: LossCurve("a", source=source), lambda source: ProjectList(source=source)]
)
def test_closing_closes_every_model(world: World, source: Feed, run: str, make: object) -> None:
    before = set(registry._instances)
    made = make(source)
    eventually(lambda: made.fresh_at and not made.error)
    made.close()
    made.close()
    assert set(registry._instances) == before


def test_closing_does_not_touch_widgets_of_others(world: World, source: Feed, run: str) -> None:
    other = ipywidgets.VBox([LossCurve(run, source=source)])
    other.children[0].close()
    assert other.comm is not None


def test_messages_are_acknowledged_after_they_took_effect(world: World, source: Feed, run: str) -> None:
    made = LossCurve(run, source=source)
    eventually(lambda: made.bar.values)
    send(made.bar, kind="set", name="y_log", value=True)
    eventually(lambda: made.bar.seen == 1)
    assert made.bar.values["y_log"]["value"] is True


def test_settling_waits_for_what_the_server_knows_now(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = LossCurve(run, source=source)
    eventually(lambda: made.overlay.curves)
    monkeypatch.setattr(world, "tell", lambda *_: None)
    world.log(run, "loss", [0.5])
    world.end(run)
    assert made.settle()
    assert made.bar.status["kind"] == "ended"
    assert made.overlay.badge["total"] == 3


def test_a_message_is_heard_before_its_answer_is_there(
    world: World, source: Feed, run: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = LossCurve(run, source=source)
    eventually(lambda: made.overlay.curves)
    answer, may_answer = FakeApi.curves, threading.Event()
    monkeypatch.setattr(FakeApi, "curves", lambda api, query: may_answer.wait(5) and answer(api, query))
    send(made.bar, kind="set", name="smoothing", value="mean")
    eventually(lambda: made.bar.heard == 1)
    assert made.bar.seen == 0
    may_answer.set()
    eventually(lambda: made.bar.seen == 1)


def test_settling_gives_up_when_no_server_answers(world: World, source: Feed) -> None:
    world.error = Unavailable("No server.")
    assert LossCurve("a", source=source).settle(timeout=0.3) is False


def test_replies_run_where_the_browser_asked() -> None:
    class Comm:
        def _reply_subshell_for(self, data: object, default: str) -> str:
            return "the shell that published last"

    class Widget:
        comm = Comm()

    assert messages.keep_frontend_subshell(Widget())
    assert Widget.comm._reply_subshell_for({}, "the front end's") == "the front end's"


@pytest.mark.parametrize("comm", [None, object()])
def test_kernels_without_that_routing_are_left_alone(comm: object) -> None:
    assert not messages.keep_frontend_subshell(type("Widget", (), {"comm": comm})())


def test_a_message_that_is_no_message_is_ignored(world: World, source: Feed, run: str) -> None:
    made = LossCurve(run, source=source)
    made.overlay._handle_msg({"content": {"data": {"method": "custom", "content": ["x"]}}, "buffers": []})
    assert made.comm is not None


def test_it_reads_well_as_text(world: World, source: Feed, run: str) -> None:
    made = LossCurve(run, source=source)
    eventually(lambda: made.overlay.curves)
    assert repr(made) == "LossCurve(a; loss 1 @ 1; running)"
