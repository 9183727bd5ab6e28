"""Rules look at what happens: samples, points, the queue; each thing is said once, whatever dies in between."""

import asyncio
import math
import time
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from aiplat_jupyter.core.alert_presets import PRESETS
from aiplat_jupyter.core.alerts import Alert, AlertQuery, NewRule, Rule, RulePatch
from aiplat_jupyter.core.gpu import GpuDevice, GpuProcess, GpuStatus, Holder, Host, MonitorState, Reading
from aiplat_jupyter.core.records import Bulk, ExperimentPatch, NewExperiment, NewMember, NewPoints
from aiplat_jupyter.core.tasks import StopTask, Task
from aiplat_jupyter.services.alert_ledger import Notice
from aiplat_jupyter.services.alert_replay import Replay
from aiplat_jupyter.services.alert_watch import AlertWatch
from aiplat_jupyter.services.alerts import Alerts
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.store import alert_rules, gpu_history
from aiplat_jupyter.store.database import Database
from tests.services.house import House, Waiting
from tests.services.people import ADA, ADMIN, BOB, EVE
from tests.services.yard import Yard


class Post:
    """An agent with a queue, a house of experiments, and a watch that is told when to look."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.yard = Yard(database, folder)
        self.house = House(database, folder)
        self.agent = self.yard.agent.uid
        database.write_now(lambda tx: alert_rules.seed(tx, PRESETS))
        self.alerts = Waiting(Alerts(database, ADMIN, Replay(database, None)))
        self.heard: list[Notice] = []
        self.is_leading = True
        self.watch = self.another_watch()
        self.now = time.time()

    def another_watch(self) -> AlertWatch:
        """Return the watch of a server that was started anew, or of another one."""
        return AlertWatch(
            self.database,
            Bus(self.database),
            self.yard.agent.id,
            self.agent,
            is_leading=lambda: self.is_leading,
            tell=self.heard.extend,
            keep_days=90.0,
        )

    def sample(self, seconds: float, *devices: GpuDevice, watch: AlertWatch | None = None, **more: Any) -> None:
        """Let time pass, and show a sample."""
        self.now += seconds
        state: MonitorState = more.pop("state", "ok")
        status = GpuStatus(
            state=state,
            agent=self.agent,
            host="box1",
            username="ada",
            at=self.now,
            interval=seconds,
            total=len(devices),
            devices=list(devices),
            **more,
        )
        asyncio.run((watch or self.watch).observe(status))

    def look(self, *experiments: str, watch: AlertWatch | None = None) -> None:
        """Let the watch look at the queue and at experiments."""
        at = watch or self.watch
        at._waiting |= dict.fromkeys(experiments)
        at._are_tasks_due = True
        asyncio.run(at.round())

    def changed_rules(self) -> None:
        """Let the watch hear that rules changed."""
        self.watch._are_rules_old = True

    def rule(self, **more: Any) -> Rule:
        who = more.pop("who", ADMIN)
        made: Rule = self.alerts.create(who, NewRule(**{"name": "mine"} | more))[0]
        self.changed_rules()
        return made

    def only(self, *presets: str) -> None:
        """Switch off all other default rules."""
        for name in PRESETS:
            self.alerts.update(ADMIN, f"preset-{name}", RulePatch(is_enabled=name in presets))
        self.changed_rules()

    def listed(self, **query: Any) -> list[Alert]:
        found: list[Alert] = self.alerts.list(ADMIN, AlertQuery(**query)).items
        return found

    def said(self) -> list[tuple[str, str]]:
        """Return what was told: kind, and the preset or name of the rule."""
        return [(one.kind, one.rule.preset or one.rule.name) for one in self.heard]

    def run(self, name: str = "run") -> str:
        """Begin an experiment."""
        uid: str = self.house.experiments.create(ADA, NewExperiment(project="digits", name=name))[0].uid
        return uid

    def fail(self, task: Task) -> None:
        """Let a task fail now."""
        attempt = self.yard.get(task).attempt
        self.yard.end(task, exit_code=3)
        ended = self.yard.machine.statuses[attempt]
        self.yard.machine.statuses[attempt] = msgspec.structs.replace(ended, ended_at=time.time())
        self.yard.round()

    def log(self, uid: str, first: int, *values: float, metric: str = "loss", ago: float = 0.0) -> None:
        """Log values at steps that rise from `first`, a second apart, the last `ago` seconds ago."""
        steps = list(range(first, first + len(values)))
        wall = [time.time() - ago - (steps[-1] - step) for step in steps]
        points = NewPoints(step=steps, values={metric: list(values)}, wall=wall)
        self.house.metrics.add(ADA, uid, points)


def gpu(number: int = 0, **more: Any) -> GpuDevice:
    given = {"utilization": Reading(50.0), "memory_used": Reading(10.0), "memory_total": Reading(100.0)} | more
    given = {name: Reading(value) if isinstance(value, float) else value for name, value in given.items()}
    return GpuDevice(uuid=f"GPU-{number}", index=number, name="H100", **given)


@pytest.fixture
def post(database: Database, tmp_path: Path) -> Post:
    return Post(database, tmp_path)


@pytest.fixture
def simple(sqlite_url: str, tmp_path: Path) -> Any:
    database = Database.open(sqlite_url)
    yield Post(database, tmp_path)
    database.close()


class TestGpus:
    def test_one_fires_and_recovers(self, post: Post) -> None:
        full, well = gpu(memory_used=97.0), gpu()
        for _ in range(3):
            post.sample(30, full)
        (alert,) = post.listed()
        assert (alert.state, alert.severity, alert.preset, alert.value) == ("firing", "warning", "gpu_memory", 97.0)
        assert alert.target.label == "GPU 0 · box1"
        assert (alert.threshold, alert.for_s, alert.subject) == (95.0, 60.0, "gpu")
        assert post.alerts.rule(ADMIN, "preset-gpu_memory").firing == 1
        post.sample(30, gpu(memory_used=93.0))
        assert post.listed()[0].state == "firing"
        post.sample(30, well)
        (alert,) = post.listed()
        assert (alert.state, alert.value) == ("resolved", 97.0)
        assert post.said() == [("fired", "gpu_memory"), ("resolved", "gpu_memory")]

    def test_a_reminder_is_counted(self, post: Post) -> None:
        post.only()
        limits = {"metric": "memory_share", "condition": "above", "warning": 95.0}
        post.rule(subject="gpu", repeat_s=60.0, **limits)
        for _ in range(5):
            post.sample(30, gpu(memory_used=97.0))
        assert [kind for kind, _ in post.said()] == ["fired", "reminded", "reminded"]
        assert [(one.state, one.count) for one in post.listed()] == [("firing", 3)]

    def test_it_reminds_once_in_its_time_until_it_is_acknowledged(self, post: Post) -> None:
        post.only()
        limits = {"metric": "memory_share", "condition": "above", "warning": 95.0}
        post.rule(subject="gpu", repeat_s=3600.0, **limits)
        full, reminded = gpu(memory_used=97.0), []
        for minute in range(250):
            post.sample(60, full)
            reminded += [minute] * (len(post.heard) - len(reminded))
        assert reminded == [0, 60, 120, 180, 240]
        assert [kind for kind, _ in post.said()] == ["fired", *["reminded"] * 4]
        post.alerts.acknowledge(ADMIN, post.listed()[0].uid)
        for _ in range(130):
            post.sample(60, full)
        assert len(post.heard) == 5
        assert [(one.state, one.count) for one in post.listed()] == [("firing", 5)]
        post.sample(60, gpu())
        assert [kind for kind, _ in post.said()][5:] == ["resolved"]

    def test_what_becomes_worse_waits_for_someone_again(self, simple: Post) -> None:
        simple.only()
        limits = {"metric": "memory_share", "condition": "above", "warning": 80.0, "critical": 95.0}
        simple.rule(subject="gpu", **limits)
        simple.sample(30, gpu(memory_used=85.0))
        simple.alerts.acknowledge(ADMIN, simple.listed()[0].uid)
        simple.sample(30, gpu(memory_used=97.0))
        (alert,) = simple.listed()
        assert (alert.severity, alert.acknowledged_at, alert.acknowledged_by) == ("critical", None, "")
        assert simple.alerts.counts(ADMIN).unacknowledged == {"critical": 1}
        simple.alerts.acknowledge(ADMIN, alert.uid)
        simple.sample(30, gpu(memory_used=85.0))
        (alert,) = simple.listed()
        assert (alert.severity, alert.acknowledged_at is not None) == ("warning", True), "what eases asks nobody"

    def test_a_restart_neither_repeats_nor_forgets(self, post: Post) -> None:
        full = gpu(memory_used=97.0)
        for _ in range(3):
            post.sample(30, full)
        asyncio.run(post.watch._ledger.save(everything=True))
        post.watch = post.another_watch()
        for _ in range(4):
            post.sample(30, full)
        assert post.said() == [("fired", "gpu_memory")]
        post.watch = post.another_watch()
        post.sample(30, gpu())
        assert post.said()[1:] == [("resolved", "gpu_memory")]
        assert [one.state for one in post.listed()] == ["resolved"]

    def test_what_is_about_to_fire_goes_on_after_a_clean_stop(self, post: Post) -> None:
        post.only("gpu_memory")
        post.sample(30, gpu(memory_used=97.0))
        post.sample(30, gpu(memory_used=97.0))
        asyncio.run(post.watch._ledger.save())
        assert post.alerts.rule(ADMIN, "preset-gpu_memory").pending == 1
        post.watch = post.another_watch()
        post.sample(30, gpu(memory_used=97.0))
        assert post.said() == [("fired", "gpu_memory")]

    def test_two_servers_that_both_look_say_it_once(self, post: Post) -> None:
        other = post.another_watch()
        full = gpu(memory_used=97.0)
        for _ in range(4):
            post.sample(30, full)
            post.sample(0, full, watch=other)
        assert post.said() == [("fired", "gpu_memory")]
        post.sample(30, gpu())
        post.sample(0, gpu(), watch=other)
        assert [kind for kind, _ in post.said()] == ["fired", "resolved"]
        for _ in range(4):
            post.sample(30, full, watch=other)
        for _ in range(4):
            post.sample(30, full)
        assert [kind for kind, _ in post.said()] == ["fired", "resolved", "fired"]

    @pytest.mark.parametrize(
        ("preset", "severity", "device", "seconds"),
        [
            ("gpu_lost", "critical", {"state": "lost"}, 0),
            ("gpu_xid", "warning", {"xid": 13}, 0),
            ("gpu_throttled", "warning", {"throttle": ["thermal"]}, 30),
            ("gpu_hot", "warning", {"temperature": 86.0}, 60),
            ("gpu_hot", "critical", {"temperature": 81.0, "temperature_limit": 80.0}, 60),
            ("gpu_idle", "warning", {"utilization": 1.0, "lease": Holder(task="t")}, 600),
            ("gpu_foreign", "warning", {"processes": [GpuProcess(pid=1)], "lease": Holder(task="t")}, 10),
        ],
    )
    def test_each_default_rule(
        self, simple: Post, preset: str, severity: str, device: dict[str, Any], seconds: float
    ) -> None:
        wrong, elapsed = gpu(**device), 0.0
        simple.sample(10, wrong)
        while elapsed < seconds:
            assert simple.listed() == []
            simple.sample(10, wrong)
            elapsed += 10
        assert [(one.preset, one.severity) for one in simple.listed()] == [(preset, severity)]

    def test_memory_errors_since_a_while(self, simple: Post) -> None:
        for count in (3.0, 3.0, 4.0):
            simple.sample(10, gpu(ecc_uncorrected=count))
        assert [(one.preset, one.value) for one in simple.listed()] == [("gpu_ecc", 1.0)]

    def test_an_old_fault_is_over_and_a_new_one_is_news(self, simple: Post) -> None:
        simple.sample(10, gpu(xid=13))
        simple.sample(700, gpu(xid=13))
        assert simple.listed()[0].state == "resolved"
        simple.sample(10, gpu(xid=79))
        assert [(one.state, one.value) for one in simple.listed()] == [("firing", 79.0), ("resolved", 13.0)]

    def test_the_same_fault_again_is_news(self, simple: Post) -> None:
        first = int(simple.now)
        for seconds, reported_at in ((10, first), (700, first), (10, first + 705), (580, first + 705)):
            simple.sample(seconds, gpu(xid=13, xid_at=reported_at))
        assert simple.said() == [("fired", "gpu_xid"), ("resolved", "gpu_xid"), ("fired", "gpu_xid")]
        simple.sample(10, gpu(xid=13, xid_at=first + 705))
        assert simple.said()[3:] == [("resolved", "gpu_xid")]

    def test_a_driver_that_does_not_answer(self, simple: Post) -> None:
        simple.sample(10, gpu())
        simple.sample(10, gpu(), state="driver_stalled")
        (alert,) = simple.listed()
        assert (alert.preset, alert.target.key, alert.target.label) == ("driver_stalled", simple.agent, "box1")

    def test_a_reading_that_is_missing_now_and_then(self, simple: Post) -> None:
        simple.only("gpu_memory")
        for beat in range(30):
            simple.sample(10, gpu(memory_used=Reading(None, "timeout") if beat % 5 == 4 else Reading(97.0)))
        assert simple.said() == [("fired", "gpu_memory")]
        for _ in range(7):
            simple.sample(10, gpu(memory_used=Reading(None, "timeout")))
        assert simple.said() == [("fired", "gpu_memory"), ("resolved", "gpu_memory")]

    def test_a_gpu_that_was_gone_is_watched_again(self, simple: Post) -> None:
        simple.only("gpu_lost")
        for _ in range(2):
            simple.sample(10, gpu(state="lost"))
            simple.sample(10, state="no_gpu")
            asyncio.run(simple.watch._ledger.save())
        assert [kind for kind, _ in simple.said()] == ["fired", "resolved"] * 2

    def test_a_task_answers_for_its_own_time_only(self, simple: Post) -> None:
        simple.only("gpu_idle")
        idle: dict[str, Any] = {"utilization": 1.0, "lease": Holder(task="t")}
        for _ in range(59):
            simple.sample(10, gpu(**idle))
        simple.sample(10, gpu())
        for _ in range(60):
            simple.sample(10, gpu(**idle))
        assert simple.said() == []
        simple.sample(10, gpu(**idle))
        simple.sample(10, gpu())
        assert simple.said() == [("fired", "gpu_idle"), ("resolved", "gpu_idle")]

    @pytest.mark.parametrize("state", ["starting", "failed", "driver_mismatch", "no_driver", "driver_stalled"])
    def test_a_gpu_of_which_nobody_knows_stays_as_it_is(self, simple: Post, state: MonitorState) -> None:
        lost = gpu(state="lost")
        simple.sample(10, lost)
        asyncio.run(simple.watch._ledger.save(everything=True))
        simple.watch = simple.another_watch()
        for _ in range(20):
            simple.sample(10, state=state)
        simple.sample(10, lost)
        assert [kind for kind, preset in simple.said() if preset == "gpu_lost"] == ["fired"]
        simple.sample(10, gpu())
        assert [kind for kind, preset in simple.said() if preset == "gpu_lost"] == ["fired", "resolved"]

    @pytest.mark.parametrize("state", ["starting", "failed"])
    def test_a_gpu_of_which_nobody_knows_is_an_alert_if_no_data_is(self, simple: Post, state: MonitorState) -> None:
        simple.only()
        limits = {"metric": "memory_share", "condition": "above", "warning": 95.0}
        simple.rule(subject="gpu", no_data="alert", **limits)
        simple.sample(10, gpu())
        simple.sample(10, gpu(), state=state)
        assert simple.said() == [("fired", "mine")]

    @pytest.mark.parametrize("state", ["driver_mismatch", "failed", "no_driver"])
    def test_a_driver_that_is_gone_from_a_machine_that_had_gpus(self, simple: Post, state: MonitorState) -> None:
        simple.sample(10, gpu())
        told: list[MonitorState] = [state, state, "starting", state, "starting", "ok"]
        for one in told:
            assert "resolved" not in [kind for kind, _ in simple.said()]
            simple.sample(10, *([gpu()] if one == "ok" else []), state=one)
        assert simple.said() == [("fired", "driver_stalled"), ("resolved", "driver_stalled")]

    def test_a_sampler_that_ends_again_and_again(self, simple: Post) -> None:
        simple.sample(10, gpu())
        for _ in range(10):
            simple.sample(10, state="failed")
            simple.sample(10, state="starting")
        assert simple.said() == [("fired", "driver_stalled")]

    def test_a_sampler_that_is_started_again_at_once_is_no_alert(self, simple: Post) -> None:
        simple.sample(10, gpu())
        for state in ("failed", "starting", "ok"):
            simple.sample(10, gpu(), state=state)
        assert simple.said() == []

    def test_a_driver_that_is_gone_since_the_machine_was_started_again(self, simple: Post) -> None:
        for state in ("no_driver", "failed", "failed"):
            simple.sample(10, state=state)
        assert simple.said() == []
        track = gpu_history.Track(uuid="GPU-0", index=0, name="H100", memory_total=None, power_limit=None)
        values = np.zeros((3, gpu_history.width((track,))), np.float32)
        hour = int(simple.now) // 3600 * 3600 - 7200
        simple.database.write_now(lambda tx: gpu_history.add(tx, simple.yard.agent.id, hour, (track,), values, 3600))
        simple.watch = simple.another_watch()
        simple.sample(10, state="no_driver")
        assert simple.said() == [("fired", "driver_stalled")]
        simple.sample(7 * 86_400, state="no_driver")
        assert simple.said() == [("fired", "driver_stalled"), ("resolved", "driver_stalled")]

    def test_processes_that_cannot_be_told_apart_are_no_alert(self, simple: Post) -> None:
        hidden = [GpuProcess(pid=99, is_foreign=True)]
        for _ in range(3):
            simple.sample(10, gpu(processes=hidden, lease=Holder(task="t")))
            simple.sample(10, gpu(processes=[], processes_reason="no_permission", lease=Holder(task="t")))
        assert simple.listed() == []

    def test_a_gpu_that_is_not_told_of_any_more(self, simple: Post) -> None:
        simple.sample(10, gpu(xid=13))
        simple.sample(10)
        assert simple.listed()[0].state == "resolved"

    def test_the_machine(self, simple: Post) -> None:
        host = Host(
            cpu=1, cores=2, memory_used=1, memory_total=2, disk_used=Reading(96.0), disk_total=Reading(100.0), load=0
        )
        for _ in range(3):
            simple.sample(30, system=host)
        assert [(one.preset, one.subject, one.value) for one in simple.listed()] == [("disk_full", "host", 96.0)]

    def test_a_disk_that_does_not_answer_is_no_full_disk(self, simple: Post) -> None:
        silent = Reading(None, "timeout")
        host = Host(cpu=1, cores=2, memory_used=1, memory_total=2, disk_used=silent, disk_total=silent, load=0)
        for _ in range(3):
            simple.sample(30, system=host)
        assert simple.listed() == []

    def test_a_machine_of_which_nobody_knows_stays_as_it_is(self, simple: Post) -> None:
        disk = {"disk_used": Reading(96.0), "disk_total": Reading(100.0)}
        host = Host(cpu=1, cores=2, memory_used=1, memory_total=2, load=0, **disk)
        for _ in range(3):
            simple.sample(30, system=host)
        for _ in range(10):
            simple.sample(10, state="failed")
        simple.sample(10, system=host)
        assert simple.said() == [("fired", "disk_full")]

    def test_another_agents_sample_is_none_of_ours(self, simple: Post) -> None:
        simple.agent = "other"
        simple.sample(10, gpu(xid=13))
        assert simple.listed() == []

    def test_a_rule_that_is_switched_off_or_narrower(self, simple: Post) -> None:
        spec = simple.alerts.rule(ADMIN, "preset-gpu_xid").spec
        scope = msgspec.structs.replace(spec.scope, gpus=["GPU-1"])
        simple.alerts.update(ADMIN, "preset-gpu_xid", RulePatch(spec=msgspec.structs.replace(spec, scope=scope)))
        simple.sample(10, gpu(0, xid=13), gpu(1, xid=14))
        assert [one.target.gpu for one in simple.listed()] == ["GPU-1"]
        simple.alerts.update(ADMIN, "preset-gpu_xid", RulePatch(is_enabled=False))
        simple.changed_rules()
        assert simple.listed()[0].state == "resolved"
        simple.sample(10, gpu(1, xid=15))
        assert len(simple.listed()) == 1

    def test_a_rule_that_was_changed_meanwhile_says_nothing_old(self, simple: Post) -> None:
        simple.sample(10, gpu())
        spec = simple.alerts.rule(ADMIN, "preset-gpu_xid").spec
        scope = msgspec.structs.replace(spec.scope, gpus=["GPU-9"])
        simple.alerts.update(ADMIN, "preset-gpu_xid", RulePatch(spec=msgspec.structs.replace(spec, scope=scope)))
        simple.sample(10, gpu(xid=13))
        assert simple.listed() == []

    def test_a_silent_rule_is_noted_and_marked(self, simple: Post) -> None:
        simple.alerts.update(ADMIN, "preset-gpu_xid", RulePatch(silenced_until=time.time() + 60))
        simple.sample(10, gpu(xid=13))
        assert simple.listed()[0].is_silenced

    def test_nothing_is_lost_while_the_database_does_not_answer(
        self, simple: Post, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        simple.sample(10, gpu())
        with monkeypatch.context() as patch:
            patch.setattr(Database, "write", None)
            with pytest.raises(TypeError):
                simple.sample(10, gpu(xid=13))
        simple.sample(1, gpu(xid=13))
        assert len(simple.listed()) == 1


class TestExperiments:
    def test_a_loss_that_is_not_finite(self, post: Post) -> None:
        uid = post.run()
        post.look()
        post.log(uid, 0, 1.0, 0.5)
        post.look(uid)
        post.log(uid, 2, math.nan, 0.4, math.inf)
        post.look(uid)
        found = post.listed(experiment=[uid, "another"])
        assert [(one.state, one.step, one.severity, one.text) for one in found] == [
            ("firing", 4, "critical", "inf"),
            ("resolved", 2, "critical", "nan"),
        ]
        assert (found[0].target.label, found[0].metric, found[0].value) == ("run", "loss", None)
        assert post.listed(experiment=["another"]) == []
        post.look(uid)
        post.watch = post.another_watch()
        post.look(uid)
        assert len(post.listed()) == 2

    def test_steps_that_come_again_in_each_epoch(self, post: Post) -> None:
        uid = post.run()
        post.look()
        post.log(uid, 0, *[1.0] * 100)
        post.look(uid)
        post.log(uid, 0, 1.0, math.nan)
        post.look(uid)
        (alert,) = post.listed()
        assert (alert.state, alert.step, alert.text) == ("firing", 1, "nan")
        post.look(uid)
        post.log(uid, 2, 1.0)
        post.look(uid)
        assert [kind for kind, _ in post.said()] == ["fired", "resolved"]
        post.log(uid, 3, math.nan)
        post.log(uid, 100, 1.0)
        post.look(uid)
        assert [kind for kind, _ in post.said()] == ["fired", "resolved"] * 2

    def test_two_servers_say_it_once(self, post: Post) -> None:
        uid, other = post.run(), post.another_watch()
        post.look()
        post.look(watch=other)
        post.log(uid, 0, math.nan)
        post.look(uid)
        post.look(uid, watch=other)
        post.log(uid, 1, 1.0)
        post.look(uid, watch=other)
        post.look(uid)
        assert [kind for kind, _ in post.said()] == ["fired", "resolved"]
        post.log(uid, 2, math.nan)
        post.look(uid)
        post.look(uid, watch=other)
        assert [kind for kind, _ in post.said()] == ["fired", "resolved", "fired"]

    def test_a_loss_that_diverges(self, simple: Post) -> None:
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, *[1.0] * 100)
        simple.look(uid)
        simple.log(uid, 100, *[0.5, 5.0], *[0.6] * 50)
        simple.look(uid)
        assert simple.listed() == []
        simple.log(uid, 200, *[1.6] * 40)
        simple.look(uid)
        simple.log(uid, 240, *[1.7] * 20)
        simple.look(uid)
        (alert,) = simple.listed()
        assert (alert.preset, alert.step) == ("loss_diverges", 250)
        assert alert.value == pytest.approx(3.4)

    def test_points_of_before_the_rule_are_no_news(self, simple: Post) -> None:
        uid = simple.run()
        simple.log(uid, 0, 99.0)
        simple.rule(subject="experiment", metric="loss", condition="above", warning=10.0)
        simple.look(uid)
        assert simple.listed() == []
        simple.log(uid, 1, 99.0)
        simple.look(uid)
        assert [one.step for one in simple.listed()] == [1]

    def test_points_that_come_hours_late_are_no_news(self, simple: Post) -> None:
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, math.nan, ago=8_000)
        simple.look(uid)
        assert simple.listed() == []

    def test_for_some_time_and_the_mean(self, simple: Post) -> None:
        simple.rule(subject="experiment", metric="acc", condition="below", warning=0.5, for_s=30.0)
        simple.rule(
            name="mean",
            subject="experiment",
            metric="acc",
            condition="below",
            warning=0.5,
            aggregate="mean",
            window_s=10.0,
        )
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, *[0.4] * 25, metric="acc", ago=20)
        simple.look(uid)
        assert simple.said() == [("fired", "mean")]
        simple.log(uid, 25, *[0.4] * 20, metric="acc")
        simple.look(uid)
        assert simple.said() == [("fired", "mean"), ("fired", "mine")]

    def test_what_says_nothing_for_long(self, simple: Post) -> None:
        simple.rule(subject="experiment", metric="loss", condition="silent", warning=60.0)
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, 1.0, ago=90)
        simple.look(uid)
        assert simple.said() == [("fired", "mine")]
        simple.log(uid, 1, 1.0)
        simple.look(uid)
        assert simple.said()[1:] == [("resolved", "mine")]

    def test_a_plateau(self, simple: Post) -> None:
        simple.rule(subject="experiment", metric="loss", condition="plateau", for_s=50.0)
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, 1.0, *[1.1] * 40)
        simple.look(uid)
        simple.log(uid, 41, *[1.1] * 20)
        simple.look(uid)
        assert [(one.value, one.step) for one in simple.listed()] == [(60.0, 60)]
        simple.log(uid, 61, 0.9)
        simple.look(uid)
        assert simple.listed()[0].state == "resolved"

    @pytest.mark.parametrize(
        ("spec", "bad", "well"),
        [
            ({"condition": "not_finite"}, math.inf, 1.0),
            ({"condition": "above", "warning": 10.0}, 11.0, 1.0),
            ({"condition": "below", "warning": 0.5}, 0.1, 1.0),
            ({"condition": "diverges", "warning": 3.0}, 3.5, 1.0),
        ],
    )
    def test_every_metric(self, simple: Post, spec: dict[str, Any], bad: float, well: float) -> None:
        simple.only()
        simple.rule(subject="experiment", metric="*", **spec)
        uid = simple.run()
        simple.look()
        for metric in ("a", "b", "c"):
            simple.log(uid, 0, 1.0, 1.0, metric=metric)
        simple.log(uid, 2, bad, metric="b")
        simple.look(uid)
        simple.look(uid)
        assert [one.target.key for one in simple.listed()] == [f"{uid}/b"]
        simple.log(uid, 3, well, metric="b")
        simple.look(uid)
        assert [one.state for one in simple.listed()] == ["resolved"]

    @pytest.mark.parametrize("metric", ["loss", "*"])
    def test_it_reminds_although_nothing_comes(self, simple: Post, metric: str) -> None:
        simple.only()
        simple.rule(subject="experiment", metric=metric, condition="above", warning=10.0, repeat_s=60.0)
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, 99.0, ago=90.0)
        simple.look(uid)
        assert simple.said() == [("fired", "mine")]
        simple.watch._ticked -= 3600
        simple.look()
        assert simple.said() == [("fired", "mine"), ("reminded", "mine")]
        simple.log(uid, 1, 1.0)
        simple.look(uid)
        assert [kind for kind, _ in simple.said()] == ["fired", "reminded", "resolved"]

    def test_what_ends_fires_no_more(self, simple: Post) -> None:
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, math.nan)
        simple.look(uid)
        simple.house.experiments.update(ADA, uid, ExperimentPatch(status="finished"))
        simple.look(uid)
        (alert,) = simple.listed(open=True)
        assert (alert.state, alert.acknowledged_at) == ("resolved", None)
        asyncio.run(simple.watch._ledger.save())
        assert not any(simple.watch._ledger.known(rule) for rule in simple.watch._ledger.rules)

    def test_a_run_that_was_over_before_anyone_looked(self, simple: Post) -> None:
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, 1.0, math.nan)
        simple.house.experiments.update(ADA, uid, ExperimentPatch(status="failed"))
        simple.look(uid)
        assert [kind for kind, _ in simple.said()] == ["fired", "resolved"]

    def test_a_rule_watches_what_its_owner_may_edit(self, simple: Post) -> None:
        theirs = {"subject": "experiment", "metric": "loss", "condition": "above", "warning": 10.0}
        uid = simple.run()
        project = simple.house.experiments.get(ADA, uid).project
        simple.house.projects.set_member(ADA, project, "bob", NewMember(role="viewer"))
        for who in (ADA, BOB, EVE):
            simple.rule(who=who, name=who.username, **theirs)
        simple.look()
        simple.log(uid, 0, 99.0)
        simple.look(uid)
        assert simple.said() == [("fired", "ada")]

    def test_what_is_purged_takes_its_alerts_along(self, simple: Post) -> None:
        uid = simple.run()
        simple.look()
        simple.log(uid, 0, math.nan)
        simple.look(uid)
        simple.house.experiments.bulk(ADA, Bulk(verb="trash", uids=[uid]))
        simple.house.experiments.bulk(ADA, Bulk(verb="purge", uids=[uid]))
        simple.watch._purged["experiments"].add(uid)
        simple.look()
        assert simple.listed() == []


class TestTasks:
    def test_one_that_failed_fires_until_someone_has_seen_it(self, post: Post) -> None:
        task = post.yard.queue()
        post.yard.round()
        post.look()
        post.fail(task)
        post.look()
        post.look()
        (alert,) = post.listed(task=task.uid)
        assert (alert.preset, alert.state, alert.target.label) == ("task_failed", "firing", task.name)
        seen = post.alerts.acknowledge(ADA, alert.uid)
        assert seen.state == "resolved"
        post.look()
        post.watch = post.another_watch()
        post.look()
        assert len(post.listed()) == 1
        assert post.alerts.rule(ADMIN, "preset-task_failed").firing == 0

    def test_it_reminds_of_one_that_failed(self, simple: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        simple.only()
        simple.rule(subject="task", condition="failed", critical=0.0, repeat_s=60.0)
        task = simple.yard.queue()
        simple.yard.round()
        simple.look()
        simple.fail(task)
        began = time.time()
        for minute in range(3):
            monkeypatch.setattr(time, "time", lambda minute=minute: began + 60 * minute)
            simple.look()
        assert [kind for kind, _ in simple.said()] == ["fired", "reminded", "reminded"]
        simple.alerts.acknowledge(ADA, simple.listed()[0].uid)
        monkeypatch.setattr(time, "time", lambda: began + 180)
        simple.look()
        assert [kind for kind, _ in simple.said()] == ["fired", "reminded", "reminded"]

    def test_one_that_is_tried_again_is_over(self, simple: Post) -> None:
        task = simple.yard.queue()
        simple.yard.round()
        simple.look()
        simple.fail(task)
        simple.look()
        simple.yard.tasks.retry(ADA, task.uid)
        simple.look()
        assert [kind for kind, _ in simple.said()] == ["fired", "resolved"]

    def test_one_that_someone_stopped_has_not_failed(self, simple: Post) -> None:
        task = simple.yard.queue()
        simple.yard.round()
        simple.yard.tasks.stop(ADA, task.uid, StopTask())
        simple.yard.round(2)
        simple.look()
        assert simple.listed() == []

    def test_one_that_waits_for_its_turn(self, simple: Post) -> None:
        simple.rule(subject="task", condition="waits", warning=1.0)
        first, second = simple.yard.queue(slots=4), simple.yard.queue(slots=4)
        simple.yard.round()
        time.sleep(1.05)
        simple.look()
        assert [one.target.task for one in simple.listed()] == [second.uid]
        simple.yard.end(first)
        simple.yard.round(2)
        simple.look()
        assert [one.state for one in simple.listed()] == ["resolved"]

    def test_one_that_runs_longer_than_it_did(self, simple: Post, monkeypatch: pytest.MonkeyPatch) -> None:
        simple.rule(subject="task", condition="overdue", warning=2.0)
        former = simple.yard.queue(name="nightly")
        simple.yard.round()
        simple.yard.end(former)
        simple.yard.round()
        task: Task = simple.yard.queue(name="nightly")
        simple.yard.round(2)
        simple.look()
        (alert,) = simple.listed()
        assert alert.target.task == task.uid
        assert alert.value is not None
        assert alert.value > 2


def test_who_does_not_lead_looks_at_nothing(simple: Post) -> None:
    uid = simple.run()
    simple.look()
    simple.is_leading = False
    simple.log(uid, 0, math.nan)
    simple.look(uid)
    assert simple.listed() == []
    simple.is_leading = True
    simple.look()
    assert len(simple.listed()) == 1


async def _watched(post: Post) -> None:
    bus = Bus(post.database)
    watch = AlertWatch(
        post.database,
        bus,
        post.yard.agent.id,
        post.agent,
        is_leading=lambda: True,
        tell=post.heard.extend,
        keep_days=1.0,
    )
    async with bus, watch:
        await asyncio.sleep(1.2)
        metrics: Any = post.house.metrics._service
        experiments: Any = post.house.experiments._service
        uid = (await experiments.create(ADA, NewExperiment(project="digits", name="run")))[0].uid
        await metrics.add(ADA, uid, NewPoints(step=[0], values={"loss": [None]}))
        async with asyncio.timeout(20):
            while not post.heard:
                await asyncio.sleep(0.02)


def test_it_hears_by_itself(simple: Post) -> None:
    asyncio.run(_watched(simple))
    assert simple.said() == [("fired", "loss_not_finite")]
