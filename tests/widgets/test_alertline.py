"""Alerts in panels: one line about what is shown, until somebody acknowledges it."""

import pytest

from aiplat_jupyter.core.alerts import Target
from aiplat_jupyter.core.errors import NotFound
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.gpumonitor import GpuMonitor
from aiplat_jupyter.widgets.losscurve import LossCurve
from aiplat_jupyter.widgets.tasklist import TaskList
from tests.widgets.conftest import eventually, send
from tests.widgets.world import FakeApi, World

BOX = Target(key="GPU-0000", label="GPU 0 on box", agent="box", gpu="GPU-0000")


@pytest.fixture
def monitored(world: World, source: Feed) -> GpuMonitor:
    world.machine("box")
    world.sample()
    made = GpuMonitor(source=source)
    eventually(lambda: made.cards.cards and world.opened)
    return made


def test_an_alert_about_what_is_shown(world: World, monitored: GpuMonitor) -> None:
    assert monitored.bar.alert is None
    world.alert("a", BOX, name="GPU memory almost full", preset="gpu_memory")
    eventually(lambda: monitored.bar.alert)
    told = monitored.bar.alert
    assert (told["icon"], told["word"], told["about"], told["more"]) == ("⚠", "alert_gpu_memory", "GPU 0 on box", 0)


def test_the_worst_goes_first_and_the_others_are_counted(world: World, monitored: GpuMonitor) -> None:
    world.alert("a", BOX, severity="info")
    world.alert("b", BOX, severity="critical", rule=None, title="Smoke", text="from the fan")
    world.alert("c", Target(key="x", label="elsewhere", agent="other"), severity="critical")
    eventually(lambda: monitored.bar.alert and monitored.bar.alert["more"] == 1)
    assert (monitored.bar.alert["text"], monitored.bar.alert["word"]) == ("Smoke", "")
    assert (monitored.bar.alert["icon"], monitored.bar.alert["why"]) == ("✕", "from the fan")


def test_acknowledging_makes_it_go(world: World, monitored: GpuMonitor) -> None:
    world.alert("a", BOX)
    world.alert("b", BOX)
    eventually(lambda: monitored.bar.alert and monitored.bar.alert["more"] == 1)
    for _ in range(2):
        uid = monitored.bar.alert["uid"]
        send(monitored.bar, kind="acknowledge", uid=uid)
        eventually(lambda uid=uid: monitored.bar.alert is None or monitored.bar.alert["uid"] != uid)
    assert monitored.bar.alert is None
    assert all(alert.acknowledged_at for alert in world.alerts.values())


def test_one_that_is_over_says_so_until_it_was_seen(world: World, monitored: GpuMonitor) -> None:
    world.alert("a", BOX, state="resolved")
    eventually(lambda: monitored.bar.alert and monitored.bar.alert["over"])
    world.alert("a", BOX, state="resolved", acknowledged_at=1.0)
    eventually(lambda: monitored.bar.alert is None)


def test_of_experiments_and_tasks_only_those_that_are_shown(world: World, source: Feed) -> None:
    for uid in ("a", "b"):
        world.add(uid)
        world.log(uid, "loss", [1.0])
        world.task(f"t-{uid}")
    curve, tasks = LossCurve("a", source=source), TaskList("t-a", source=source)
    eventually(lambda: curve.overlay.curves and tasks.list.rows)
    eventually(lambda: world.opened)
    for uid in ("b", "a"):
        world.alert(f"e-{uid}", Target(key=uid, label=uid, experiment=uid), "experiment")
        world.alert(f"t-{uid}", Target(key=uid, label=uid, task=f"t-{uid}"), "task")
    eventually(lambda: curve.bar.alert and tasks.bar.alert)
    assert (curve.bar.alert["uid"], curve.bar.alert["more"]) == ("e-a", 0)
    assert (tasks.bar.alert["uid"], tasks.bar.alert["more"]) == ("t-a", 0)


def test_a_server_without_alerts(world: World, source: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(*_: object) -> None:
        raise NotFound("There is no such route.")

    monkeypatch.setattr(FakeApi, "list_alerts", missing)
    world.machine("box")
    made = GpuMonitor(source=source)
    eventually(lambda: made.cards.cards)
    assert made.settle()
    assert (made.error, made.bar.alert) == (None, None)
