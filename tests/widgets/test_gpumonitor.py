"""The GPU monitor: what is asked of the server, what is drawn of the answer, and what it says when there is none."""

import base64
import io
import math
import time
from typing import Any

import numpy as np
import pytest
from ipywidgets.widgets import widget as registry
from msgspec.structs import replace
from PIL import Image

from aiplat_jupyter.core.errors import InvalidInput, Unavailable
from aiplat_jupyter.core.gpu import GpuProcess, Holder, Reading
from aiplat_jupyter.widgets import feed, gpumonitor, panel
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.gpumonitor import GpuMonitor
from aiplat_jupyter.widgets.panel import PANEL_MIME, VIEW_MIME
from tests.widgets.conftest import eventually, send
from tests.widgets.machine import GIB, gpu
from tests.widgets.world import FakeApi, World

HOSTILE = '<img src=x onerror="alert(1)">'
UTILIZATION, MEMORY = 0, 1


@pytest.fixture
def monitored(world: World, source: Feed) -> GpuMonitor:
    """Two GPUs, the first of which has been busy for ten minutes."""
    box = world.machine("box")
    box.gpus = [gpu(0, 87.0, 61.0), gpu(1)]
    for ago in range(600, 0, -10):
        box.read(time.time() - ago)
    return shown(GpuMonitor(source=source))


def shown(made: GpuMonitor) -> GpuMonitor:
    eventually(lambda: made.cards.cards)
    return made


def chart(made: GpuMonitor, number: int = UTILIZATION) -> Any:
    return made.children[1].children[number].children[1]


def curve(made: GpuMonitor, number: int = UTILIZATION, place: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return x and y as they are drawn, without the padding at the end."""
    overlay = chart(made, number)
    mark, row = overlay.curves[place]["line"]
    drawn = overlay.parts["marks"][mark]
    return np.atleast_2d(drawn.x)[row][:-1], np.atleast_2d(drawn.y)[row][:-1]


def y_range(made: GpuMonitor, number: int) -> tuple[float, float]:
    scale = chart(made, number).parts["y_scale"]
    return scale.min, scale.max


def card(made: GpuMonitor, place: int = 0) -> dict[str, Any]:
    return made.cards.cards[place]


# What is drawn


def test_past_and_present_of_each_gpu(monitored: GpuMonitor) -> None:
    assert [entry["name"] for entry in chart(monitored).curves] == ["GPU 0", "GPU 1"]
    assert set(curve(monitored)[1]) == {87.0}
    assert curve(monitored, MEMORY)[1][-1] == pytest.approx(61.0)
    assert card(monitored)["utilization"] == {"value": 87.0, "why": ""}
    assert card(monitored)["memory"]["share"] == pytest.approx(61 / 80 * 100)
    assert [each["kind"] for each in monitored.cards.cards] == ["gpu", "gpu", "host"]
    assert monitored.cards.head["word"] == "gpu_some_driver"


def test_scales_are_those_of_what_can_be(monitored: GpuMonitor) -> None:
    for number, most in ((UTILIZATION, 100.0), (MEMORY, 80.0)):
        low, high = y_range(monitored, number)
        assert -0.02 * most < low < 0
        assert most < high < 1.02 * most
    x = [chart(monitored, number).parts["x_scale"] for number in (UTILIZATION, MEMORY)]
    assert x[0] is x[1]


def test_a_gpu_has_one_colour_in_cards_and_charts(monitored: GpuMonitor) -> None:
    colours = [entry["color"] for entry in chart(monitored).curves]
    assert colours == [entry["color"] for entry in chart(monitored, MEMORY).curves]
    assert colours == [card(monitored, place)["color"] for place in (0, 1)]
    assert len(set(colours)) == 2


def test_one_mark_for_each_group_of_lines(world: World, source: Feed) -> None:
    world.machine("box").gpus = [gpu(index, 10.0 * index) for index in range(8)]
    world.sample()
    made = shown(GpuMonitor(source=source))
    assert len({entry["line"][0] for entry in chart(made).curves}) == 1
    assert len(chart(made).curves) == 8


def test_samples_arrive_by_the_stream(world: World, monitored: GpuMonitor) -> None:
    eventually(lambda: world.opened)
    asked, length = len(world.histories), len(curve(monitored)[0])
    box = world.machines["box"]
    for later, value in ((2.0, 40.0), (4.0, 30.0)):  # behind what history's last point tells of
        box.set(0, utilization=value)
        world.sample(time.time() + later)
        eventually(lambda v=value: card(monitored)["utilization"]["value"] == v)
    assert curve(monitored)[1][-2:].tolist() == [40.0, 30.0]
    assert len(curve(monitored)[0]) == length + 2
    assert len(world.histories) <= asked + 1, "only the stream's beginning asks for history again"


def test_nothing_is_written_while_nothing_changes(monitored: GpuMonitor, world: World) -> None:
    eventually(lambda: world.opened)
    assert monitored.settle()
    written: list[object] = []
    monitored.cards.observe(written.append)
    chart(monitored).observe(written.append)
    world.sample(world.machines["box"].at)
    time.sleep(0.4)
    assert written == []


def test_at_most_four_updates_a_second(monitored: GpuMonitor, world: World) -> None:
    eventually(lambda: world.opened)
    drawn: list[object] = []
    monitored.cards.observe(drawn.append, "cards")
    for value in range(60):
        world.machines["box"].set(0, utilization=float(value))
        world.sample()
        time.sleep(0.02)
    eventually(lambda: card(monitored)["utilization"]["value"] == 59.0)
    assert len(drawn) <= 8
    assert curve(monitored)[1][-1] == 59.0


def test_the_window_moves_in_steps_and_begins_where_readings_do(monitored: GpuMonitor) -> None:
    low, high = (getattr(chart(monitored).parts["x_scale"], end) for end in ("min", "max"))
    assert low == pytest.approx(curve(monitored)[0][0])
    assert high - low in (600.0, 800.0)


# What the browser sends


def test_a_zoom_is_of_both_charts_and_asks_for_its_range(world: World, monitored: GpuMonitor) -> None:
    now = time.time()
    send(chart(monitored, MEMORY), kind="interval", x=[now - 300, now - 200], y=[0, 10])
    eventually(lambda: chart(monitored).interval == chart(monitored, MEMORY).interval == [now - 300, now - 200])
    assert (chart(monitored).y_interval, chart(monitored, MEMORY).y_interval) == (None, [0.0, 10.0])
    assert (world.histories[-1].start, world.histories[-1].end) == (now - 300, now - 200)
    send(chart(monitored), kind="interval", x=None, y=None)
    eventually(lambda: chart(monitored).interval is None)


def test_another_span(world: World, monitored: GpuMonitor) -> None:
    send(monitored.bar, kind="set", name="hours", value="span_6h")
    eventually(lambda: time.time() - world.histories[-1].start == pytest.approx(6 * 3600, abs=15))
    eventually(lambda: monitored.bar.values["hours"]["value"] == "span_6h")
    assert (monitored.hours, world.histories[-1].end) == (6.0, None)


@pytest.mark.parametrize("message", [{"name": "hours", "value": "for ever"}, {"name": "agent", "value": "x"}])
def test_what_cannot_be_set_is_not(monitored: GpuMonitor, message: dict[str, str]) -> None:
    send(monitored.bar, kind="set", **message)
    eventually(lambda: monitored.bar.seen == 1)
    assert monitored.hours == 1.0


@pytest.mark.parametrize("hours", [0, -1, 721, math.nan])
def test_hours_that_make_no_sense(source: Feed, hours: float) -> None:
    with pytest.raises(InvalidInput, match="hours"):
        GpuMonitor(hours=hours, source=source)


def test_a_name_hides_its_curve(monitored: GpuMonitor) -> None:
    key = chart(monitored).curves[0]["key"]
    send(chart(monitored), kind="toggle", key=key)
    eventually(lambda: chart(monitored).curves[0]["hidden"])
    assert not chart(monitored, MEMORY).curves[0]["hidden"]
    send(chart(monitored), kind="solo", key=key)
    eventually(lambda: chart(monitored).curves[1]["hidden"] and not chart(monitored).curves[0]["hidden"])


# States


@pytest.mark.parametrize(
    ("state", "word"),
    [("no_gpu", "gpu_no_gpu"), ("no_driver", "gpu_no_driver"), ("starting", "gpu_starting")],
)
def test_without_a_gpu_it_shows_the_machine(world: World, source: Feed, state: str, word: str) -> None:
    world.machine("box", state=state)
    world.sample()
    made = shown(GpuMonitor(source=source))
    assert (made.cards.head["word"], made.cards.head["icon"]) == (word, "")
    assert [each["kind"] for each in made.cards.cards] == ["host"]
    assert chart(made).axes["y"]["word"] == "gpu_axis_cpu"
    assert curve(made)[1].tolist() == [12.0]
    assert y_range(made, MEMORY)[1] == pytest.approx(512 * 1.015)


@pytest.mark.parametrize("state", ["driver_mismatch", "driver_stalled", "failed"])
def test_trouble_is_said_and_the_last_readings_stay(world: World, monitored: GpuMonitor, state: str) -> None:
    eventually(lambda: world.opened)
    box = world.machines["box"]
    box.state, box.detail = state, "NVML said so"
    world.sample()
    eventually(lambda: monitored.cards.head["word"] == f"gpu_{state}")
    assert monitored.bar.status == {"kind": "idle"}
    assert (monitored.cards.head["icon"], monitored.cards.head["why"]) == ("⚠", "NVML said so")
    assert card(monitored)["utilization"]["value"] == 87.0


def test_a_lost_gpu_stays_and_its_curve_ends(world: World, monitored: GpuMonitor) -> None:
    eventually(lambda: world.opened)
    world.machines["box"].set(0, state="lost", temperature=Reading(None, "lost"))
    world.sample()
    eventually(lambda: card(monitored)["lost"])
    assert card(monitored)["temperature"] == {"value": None, "why": "gpu_lost", "look": False, "limit": 90.0}
    assert card(monitored)["utilization"] == {"value": None, "why": "gpu_lost"}
    assert math.isnan(curve(monitored)[1][-1])
    assert "GPU 0 lost" in repr(monitored)


def test_what_is_not_told_is_never_a_zero(world: World, source: Feed) -> None:
    box = world.machine("box")
    box.gpus = [
        gpu(0, None, None),
        gpu(0, None, 5.0, uuid="MIG-1", parent="GPU-0000"),
    ]
    world.sample()
    made = shown(GpuMonitor(source=source))
    assert card(made)["utilization"] == {"value": None, "why": "gpu_not_with_mig"}
    assert card(made)["memory"]["value"] is None
    assert card(made)["memory"]["share"] is None
    assert (card(made, 1)["label"], card(made, 1)["utilization"]["why"]) == ("GPU 0 · MIG 0", "gpu_not_with_mig")
    assert chart(made).notice == {"kind": "empty", "key": "gpu_untold", "hint": "gpu_not_with_mig"}
    assert [entry["name"] for entry in chart(made, MEMORY).curves] == ["GPU 0 · MIG 0"]
    assert "GPU 0 –, –" in repr(made)
    assert [card(made, place)["nobody"]["word"] for place in (0, 1)] == ["gpu_split", "gpu_free"]
    box.set(1, utilization=Reading(None, "timeout"))
    world.sample()
    eventually(lambda: card(made, 1)["nobody"] == {"word": "gpu_processes_hidden", "why": "gpu_timeout"})


def test_shared_memory_is_told(world: World, source: Feed) -> None:
    world.machine("spark").gpus = [gpu(0, 3.0, 40.0, is_unified=True, memory_total=Reading(128.0 * GIB))]
    world.sample()
    made = shown(GpuMonitor(source=source))
    assert card(made)["unified"]
    assert y_range(made, MEMORY)[1] == pytest.approx(128 * 1.015)


def test_heat_and_faults_are_worth_a_look(world: World, source: Feed) -> None:
    hot = gpu(0, temperature=Reading(86.0), throttle=["thermal", "idle", "power"], xid=79, ecc_uncorrected=Reading(3.0))
    world.machine("box").gpus = [hot]
    world.sample()
    made = shown(GpuMonitor(source=source))
    assert card(made)["temperature"]["look"]
    assert [(sign["word"], sign["level"]) for sign in card(made)["signs"]] == [
        ("gpu_xid", "broken"), ("gpu_ecc", "broken"), ("gpu_slow_thermal", "look"), ("gpu_slow_power", "quiet"),
    ]  # fmt: skip


# For whom


def test_who_holds_it(world: World, source: Feed) -> None:
    train = Holder(kernel="k", notebook="work/train.ipynb", experiment="e", experiment_name="mlp")
    processes = [
        GpuProcess(pid=1, memory=Reading(1.0 * GIB), name="python", username="bob"),
        GpuProcess(pid=2, memory=Reading(60.0 * GIB), name="python", username="ada", holder=train),
        GpuProcess(pid=3, is_foreign=True),
    ]
    lease = Holder(task="t", task_name="eval-all")
    world.machine("box").gpus = [gpu(0, processes=processes, lease=lease), gpu(1, processes_reason="no_permission")]
    world.sample()
    made = shown(GpuMonitor(source=source))
    told = card(made)["users"]
    assert [each["kind"] for each in told] == ["lease", "process", "process", "foreign"]
    assert [each["who"] and each["who"]["text"] for each in told] == ["eval-all", "train.ipynb · mlp", None, None]
    assert told[3]["memory"] == {"value": None, "why": "gpu_unknown"}
    assert card(made, 1)["users"] == []
    assert card(made, 1)["nobody"] == {"word": "gpu_processes_hidden", "why": "gpu_no_permission"}


def test_a_lease_whose_process_is_there_is_told_once(world: World, source: Feed) -> None:
    task = Holder(task="t", task_name="train")
    world.machine("box").gpus = [gpu(0, processes=[GpuProcess(pid=2, holder=task)], lease=task)]
    world.sample()
    (user,) = card(shown(GpuMonitor(source=source)))["users"]
    assert user["kind"] == "process"


def test_others_work_and_hostile_names(world: World, source: Feed) -> None:
    processes = [
        GpuProcess(pid=1, name=HOSTILE, holder=Holder(is_hidden=True)),
        GpuProcess(pid=2, holder=Holder(kernel="k")),
        GpuProcess(pid=3, holder=Holder(task="t", task_name=HOSTILE)),
    ]
    world.machine(HOSTILE).gpus = [gpu(0, name=HOSTILE, processes=processes)]
    world.sample()
    made = shown(GpuMonitor(source=source))
    hidden, kernel, task = (user["who"] for user in card(made)["users"])
    assert (hidden["text"], hidden["word"]) == ("", "gpu_hidden")
    assert (kernel["text"], kernel["word"]) == ("", "gpu_kernel")
    assert (task["text"], card(made)["name"]) == (HOSTILE, HOSTILE)


# Other machines, and none


@pytest.mark.parametrize("agent", ["far", None])
def test_another_machine_is_asked_for(
    world: World, source: Feed, monkeypatch: pytest.MonkeyPatch, agent: str | None
) -> None:
    monkeypatch.setattr(feed, "LOOK", 0.1)
    monkeypatch.setattr(gpumonitor, "SILENCE", 0.1)
    world.machine("near").gpus = [gpu(0, 1.0)]
    far = world.machine("far")
    far.gpus = [gpu(0, 50.0)]
    for machine in world.machines.values():
        machine.read()
    made = shown(GpuMonitor(agent, source=source))
    eventually(lambda: world.opened or agent)
    assert card(made)["utilization"]["value"] == (50.0 if agent else 1.0)
    assert ("gpu" in made.topics) == (agent is None)
    far.set(0, utilization=60.0)
    far.read()
    if agent:
        eventually(lambda: card(made)["utilization"]["value"] == 60.0)


def test_it_asks_again_when_no_sample_comes(
    world: World, monitored: GpuMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stream may be open and tell nothing, as behind a proxy that buffers."""
    eventually(lambda: world.opened)
    assert monitored.settle()
    asked: list[object] = []
    ask = FakeApi.gpu_status
    monkeypatch.setattr(FakeApi, "gpu_status", lambda api, query: (asked.append(query), ask(api, query))[1])
    monkeypatch.setattr(feed, "LOOK", 0.1)
    box = world.machines["box"]
    box.set(0, utilization=40.0)
    world.sample()
    eventually(lambda: card(monitored)["utilization"]["value"] == 40.0)
    assert asked == [], "what is heard is not asked for"
    box.set(0, utilization=30.0)
    box.read()
    monkeypatch.setattr(gpumonitor, "SILENCE", 0.1)
    monitored.wake()
    eventually(lambda: card(monitored)["utilization"]["value"] == 30.0)
    assert asked


def test_an_agent_that_does_not_exist(world: World, source: Feed) -> None:
    world.machine("box")
    made = GpuMonitor("nowhere", source=source)
    eventually(lambda: chart(made).notice["kind"] == "error")
    assert chart(made).notice["text"] == "There is no agent or machine 'nowhere'. There are: box."


def test_a_machine_of_several_accounts_is_shown_by_the_own(
    world: World, source: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    own, bobs = world.machine("adas"), world.machine("bobs")
    told = [replace(bobs.agent(), machine="box"), replace(own.agent(), machine="box")]
    monkeypatch.setattr(FakeApi, "agents", lambda _: told)
    made = GpuMonitor("box", source=source)
    eventually(lambda: made._status is not None)
    assert made._status is not None
    assert made._status.agent == own.agent().uid


def test_an_agent_that_is_away(world: World, source: Feed) -> None:
    world.machine("near")
    away = world.machine("far", state="away")
    away.gpus = [gpu(0, 50.0)]
    away.read()
    made = shown(GpuMonitor("far", source=source))
    assert made.cards.head["word"] == "gpu_away"
    assert made.bar.status == {"kind": "ended", "icon": "?", "word": "away", "at": away.at}


def test_a_server_that_is_away_leaves_what_is_shown(world: World, monitored: GpuMonitor) -> None:
    world.error = Unavailable("The server is away.", hint="Start it.")
    send(chart(monitored), kind="retry")
    eventually(lambda: monitored.bar.status["kind"] == "stale")
    assert card(monitored)["utilization"]["value"] == 87.0
    world.error = None
    send(chart(monitored), kind="retry")
    eventually(lambda: monitored.bar.status["kind"] == "live")


def test_a_gap_that_comes_while_it_draws_is_no_age(
    world: World, monitored: GpuMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = monitored._draw
    monkeypatch.setattr(monitored, "_draw", lambda *given: (monitored.changed(None), draw(*given))[1])
    world.sample()
    assert monitored.settle()
    assert math.isfinite(monitored.bar.status["age"])


def test_no_server_at_all(world: World, source: Feed) -> None:
    world.error = Unavailable("No server.", hint="Start one.")
    made = GpuMonitor(source=source)
    eventually(lambda: chart(made).notice["kind"] == "error")
    assert chart(made).notice["text"] == "No server. Start one."
    assert made.bar.status["kind"] == "retrying"
    world.machine("box")
    world.sample()
    world.error = None
    send(chart(made), kind="retry")
    eventually(lambda: chart(made).notice is None)


def test_samples_are_asked_for_only_while_someone_looks(
    world: World, monitored: GpuMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    eventually(lambda: any("gpu" in stream.topics for stream in world.listeners))
    monkeypatch.setattr(panel, "PATIENCE", -1.0)
    world.sample()
    eventually(lambda: not any("gpu" in stream.topics for stream in world.listeners))
    monitored._view_count = 1
    eventually(lambda: any("gpu" in stream.topics for stream in world.listeners))


def test_they_are_asked_for_again_also_if_another_panel_let_them_go(
    world: World, source: Feed, monitored: GpuMonitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    eventually(lambda: any("gpu" in stream.topics for stream in world.listeners))
    monkeypatch.setattr(panel, "PATIENCE", -1.0)
    source.retune()
    eventually(lambda: [stream.topics for stream in world.listeners] == [("alerts",)])
    monitored._view_count = 1
    eventually(lambda: any("gpu" in stream.topics for stream in world.listeners))


# As an output


def test_what_is_saved(monitored: GpuMonitor) -> None:
    forms = monitored.bundle()
    assert set(forms) == {PANEL_MIME, VIEW_MIME, "text/plain", "image/png"}
    assert forms["text/plain"] == "GpuMonitor(GPU 0 87 %, 61.0 / 80.0 GiB; GPU 1 0 %, 0.0 / 80.0 GiB; CPU 12 %)"
    assert Image.open(io.BytesIO(base64.b64decode(forms["image/png"]))).size == (1440, 1280)


def test_closing_closes_every_model(world: World, source: Feed) -> None:
    before = set(registry._instances)
    world.machine("box").gpus = [gpu(0)]
    world.sample()
    made = shown(GpuMonitor(source=source))
    made.close()
    assert set(registry._instances) == before


def test_running_a_cell_again_closes_the_one_before(
    world: World, source: Feed, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.machine("box")
    monkeypatch.setattr(panel, "current_cell", lambda: "cell-1")
    first, second = GpuMonitor(source=source), GpuMonitor(source=source)
    assert first.comm is None
    assert second.comm is not None
