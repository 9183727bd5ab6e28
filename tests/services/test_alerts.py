"""Rules and alerts: who may do what, and what becomes of what."""

import math
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from aiplat_jupyter.core.alert_presets import PRESETS
from aiplat_jupyter.core.alert_rules import RuleState
from aiplat_jupyter.core.alerts import (
    Action,
    Alert,
    AlertBulk,
    AlertQuery,
    NewRule,
    Rule,
    RulePatch,
    RuleTest,
    Scope,
    Target,
)
from aiplat_jupyter.core.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound
from aiplat_jupyter.core.frames import Changed, Raised, encode
from aiplat_jupyter.core.gpu import GpuHistory, GpuHistoryQuery, GpuSeries
from aiplat_jupyter.core.records import Identity, NewExperiment, NewMember, NewPoints, NewProject
from aiplat_jupyter.services import alert_replay
from aiplat_jupyter.services.alert_replay import Replay
from aiplat_jupyter.services.alerts import Alerts
from aiplat_jupyter.store import agents, alert_rules, alerts, projects
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import AlertEventRow
from tests.services.frames import opening
from tests.services.house import House, Waiting
from tests.services.people import ADA, ADMIN, BOB, EVE, READER

LOCAL = Identity(username="local")
LOSS: dict[str, Any] = {"subject": "experiment", "metric": "loss", "condition": "above", "warning": 10.0}


class Office:
    """Alerts on an empty database with a project of Ada's, which Bob sees."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.house = House(database, folder)
        self.database = database
        self.history: dict[str, GpuHistory] = {}
        self.alerts = Waiting(Alerts(database, LOCAL, Replay(database, self._answer)))
        database.write_now(lambda tx: alert_rules.seed(tx, PRESETS))
        self.project = self.house.projects.create(ADA, NewProject(name="digits"))[0].uid
        self.house.projects.set_member(ADA, self.project, "bob", NewMember(role="viewer"))

    async def _answer(self, who: Identity, query: GpuHistoryQuery) -> GpuHistory:
        return self.history[query.agent]

    def machine(self, name: str, gpu: str) -> str:
        """Let there be an agent whose GPU's memory was full for a while; return its uid."""
        agent = self.database.write_now(lambda tx: agents.enlist(tx, name, "ada", 1)).uid
        at = [float(x) for x in range(0, 300, 10)]
        used = [50.0 if 100 <= x < 200 else 10.0 for x in at]
        series = GpuSeries(gpu=gpu, metric="memory_used", limit=50.0, at=at, mean=used, min=used, max=used)
        names = {gpu: "0 · H100"}
        self.history[agent] = GpuHistory(
            agent=agent, host=name, start=0, end=300, resolution=10, names=names, series=[series]
        )
        return agent

    def make(self, who: Identity = ADA, **more: Any) -> Rule:
        made: Rule = self.alerts.create(who, NewRule(**{"name": "mine", **LOSS} | more))[0]
        return made

    def say(self, project: str | None = None, **more: Any) -> str:
        """Let something be said, of the project or of a machine; return its uid."""

        def change(tx: Any) -> str:
            found = None if project is None else _project_id(tx, project)
            target = Target(key="k", label="GPU 0", gpu="GPU-0", task="t", project=self.project)
            values = {
                "occurrence": str(time.time_ns()),
                "rule": "r",
                "name": "n",
                "subject": "gpu",
                "severity": "warning",
            }
            return alerts.say(tx, values | more, target, found)

        return self.database.write_now(change)

    def listed(self, who: Identity = ADA, **query: Any) -> list[Alert]:
        found: list[Alert] = self.alerts.list(who, AlertQuery(**query)).items
        return found


def _frame(raised: Raised) -> bytes:
    return encode(Changed(alert=raised))


def _project_id(tx: Any, uid: str) -> int:
    found = projects.find(tx, ADMIN, uid)
    assert found is not None
    return found.id


@pytest.fixture
def office(database: Database, tmp_path: Path) -> Office:
    return Office(database, tmp_path)


class TestRules:
    def test_everyone_begins_with_the_default_ones(self, office: Office) -> None:
        found = office.alerts.rules(EVE)
        assert {rule.preset for rule in found} == set(PRESETS)
        assert not any(rule.may_edit for rule in found)
        assert all(rule.may_edit for rule in office.alerts.rules(LOCAL))
        office.database.write_now(lambda tx: alert_rules.seed(tx, PRESETS))
        assert len(office.alerts.rules(EVE)) == len(PRESETS)

    def test_a_default_rule_is_changed_reset_and_never_removed(self, office: Office) -> None:
        uid = "preset-gpu_memory"
        first = office.alerts.rule(ADMIN, uid)
        spec = msgspec.structs.replace(first.spec, warning=50.0, clear_warning=40.0)
        changed = office.alerts.update(LOCAL, uid, RulePatch(spec=spec, is_enabled=False, name="full"))
        assert (changed.spec.warning, changed.is_enabled, changed.name) == (50.0, False, "full")
        again = office.alerts.reset(ADMIN, uid)
        assert (again.spec, again.is_enabled, again.name) == (first.spec, True, first.name)
        with pytest.raises(Conflict):
            office.alerts.remove(ADMIN, uid)
        for act in (office.alerts.reset, office.alerts.remove):
            with pytest.raises(Forbidden):
                act(ADA, uid)
        with pytest.raises(InvalidInput):
            office.alerts.update(ADMIN, uid, RulePatch(spec=msgspec.convert(LOSS, type(spec))))

    def test_one_is_made_once_changed_and_removed(self, office: Office) -> None:
        new = NewRule(name=" mine ", uid="u", **LOSS)
        made, is_new = office.alerts.create(ADA, new)
        assert (made.name, made.owner, made.may_edit, is_new) == ("mine", "ada", True, True)
        assert office.alerts.create(ADA, new) == (made, False)
        later = office.alerts.update(ADA, "u", RulePatch(silenced_until=time.time() + 60))
        assert later.silenced_until > time.time()
        office.alerts.remove(ADA, "u")
        with pytest.raises(Gone):
            office.alerts.rule(ADA, "u")
        with pytest.raises(Gone):
            office.alerts.create(ADA, new)

    def test_only_its_owner_changes_it_within_projects_that_they_may_edit(self, office: Office) -> None:
        made = office.make(scope=Scope(projects=[office.project]))
        assert not office.alerts.rule(BOB, made.uid).may_edit
        with pytest.raises(Forbidden):
            office.alerts.update(BOB, made.uid, RulePatch(name="n"))
        for act in (office.alerts.rule, office.alerts.remove):
            with pytest.raises(NotFound):
                act(EVE, made.uid)
        assert made.uid not in {rule.uid for rule in office.alerts.rules(EVE)}
        with pytest.raises(Forbidden):
            office.make(BOB, scope=Scope(projects=[office.project]))
        with pytest.raises(NotFound):
            office.make(EVE, scope=Scope(projects=[office.project]))
        with pytest.raises(Forbidden):
            office.make(READER)

    def test_machines_are_for_administrators(self, office: Office) -> None:
        gpu = {"subject": "gpu", "metric": "temperature"}
        with pytest.raises(Forbidden):
            office.make(ADA, **gpu)
        assert office.make(LOCAL, **gpu).owner == "local"
        assert "mine" in {rule.name for rule in office.alerts.rules(EVE)}

    def test_addresses_are_masked_and_kept(self, office: Office) -> None:
        hook = Action(kind="webhook", url="https://hooks.example.org:8443/services/T0/s3cret?key=1")
        made = office.make(actions=[hook])
        (shown,) = made.spec.actions
        assert shown.url.startswith("https://hooks.example.org:8443/***")
        assert "s3cret" not in shown.url
        office.alerts.update(ADA, made.uid, RulePatch(spec=msgspec.structs.replace(made.spec, warning=5.0)))
        known = office.database.read_now(lambda tx: alert_rules.find(tx, made.uid))
        assert known is not None
        assert (known.spec.actions, known.spec.warning) == ([hook], 5.0)
        with pytest.raises(InvalidInput, match="masked"):
            office.make(actions=[shown])

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"warning": None}, "warning"),
            ({"warning": math.nan}, "warning"),
            ({"critical": 5.0}, "critical"),
            ({"clear_warning": 11.0}, "clear_warning"),
            ({"clear_critical": 1.0}, "clear_critical"),
            ({"condition": "below", "critical": 20.0}, "critical"),
            ({"condition": "failed"}, "condition"),
            ({"condition": "silent", "warning": 0.0}, "warning"),
            ({"condition": "diverges", "warning": 1.0}, "warning"),
            ({"condition": "plateau", "for_s": 0.0}, "for_s"),
            ({"for_s": -1.0}, "for_s"),
            ({"subject": "task", "metric": "", "condition": "failed", "for_s": 60.0}, "for_s"),
            ({"repeat_s": 5.0}, "repeat_s"),
            ({"aggregate": "mean"}, "window_s"),
            ({"aggregate": "mean", "window_s": 60.0, "metric": "*"}, "aggregate"),
            ({"metric": "x" * 501}, "metric"),
            ({"scope": Scope(gpus=["GPU-0"])}, "scope.gpus"),
            ({"scope": Scope(projects=["p"] * 101)}, "scope.projects"),
            ({"subject": "task", "condition": "waits"}, "metric"),
            ({"actions": [Action(kind="webhook", url="ftp://x/y")]}, "actions.0.url"),
            ({"actions": [Action(kind="webhook", url="http://[")]}, "actions.0.url"),
            ({"actions": [Action(kind="webhook", url="http://example.org:99999/x")]}, "actions.0.url"),
            ({"actions": [Action(kind="channel", url="https://example.org:abc/x")]}, "actions.0.url"),
            ({"actions": [Action(kind="stop_task", url="x")]}, "actions.0.url"),
            ({"actions": [Action(kind="stop_task")] * 11}, "actions"),
            ({"subject": "gpu", "metric": "speed"}, "metric"),
            ({"subject": "host", "metric": "cpu", "actions": [Action(kind="stop_task")]}, "actions.0.kind"),
        ],
    )
    def test_what_cannot_work_is_refused(self, office: Office, change: dict[str, Any], field: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            office.make(ADMIN, **change)
        assert f"spec.{field}" in caught.value.fields

    def test_there_are_not_endlessly_many(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("aiplat_jupyter.services.alerts.MAX_RULES", len(PRESETS))
        with pytest.raises(Conflict):
            office.make()

    def test_a_rule_that_watches_something_else_begins_anew(self, office: Office) -> None:
        made = office.make()
        uid = office.say(office.project, rule=made.uid)
        firing = alert_rules.Standing(RuleState(level=1), 1, uid)

        def keep(tx: Any) -> None:
            found = alert_rules.find(tx, made.uid)
            assert found is not None
            alert_rules.keep(tx, found.id, "k", firing)

        office.database.write_now(keep)
        assert office.alerts.rule(ADA, made.uid).firing == 1
        office.alerts.update(ADA, made.uid, RulePatch(spec=msgspec.structs.replace(made.spec, warning=20.0)))
        assert office.alerts.get(ADA, uid).state == "firing"
        office.alerts.update(ADA, made.uid, RulePatch(is_enabled=False))
        assert office.alerts.rule(ADA, made.uid).firing == 0
        over = office.alerts.get(ADA, uid)
        assert (over.state, over.acknowledged_at) == ("resolved", None)


class TestEvents:
    def test_they_are_listed_by_who_may_see_them(self, office: Office) -> None:
        theirs, machines = office.say(office.project), office.say(None)
        assert [one.uid for one in office.listed(BOB)] == [machines, theirs]
        (seen,) = office.listed(EVE)
        assert seen.uid == machines
        assert (seen.target.label, seen.target.gpu, seen.target.task, seen.target.project) == (
            "GPU 0",
            "GPU-0",
            None,
            None,
        )
        assert office.alerts.get(BOB, machines).target.task == "t"
        with pytest.raises(NotFound):
            office.alerts.get(EVE, theirs)
        assert office.alerts.counts(EVE).firing == {"warning": 1}
        assert office.alerts.counts(BOB).unacknowledged == {"warning": 2}

    def test_what_is_of_no_project_is_seen_by_its_account(self, office: Office) -> None:
        agent = office.database.write_now(lambda tx: agents.enlist(tx, "box1", "ada", 1)).uid
        target = Target(key="k", label="GPU 0", agent=agent, gpu="GPU-0", kernel="k1", notebook="secret.ipynb")
        values = {"occurrence": "o", "rule": "r", "name": "n", "subject": "gpu", "severity": "warning"}
        uid = office.database.write_now(lambda tx: alerts.say(tx, values, target, None))
        for who, kernel, notebook in ((ADA, "k1", "secret.ipynb"), (ADMIN, "k1", "secret.ipynb"), (EVE, None, None)):
            shown = [*office.listed(who), office.alerts.get(who, uid)]
            assert [(one.target.kernel, one.target.notebook) for one in shown] == [(kernel, notebook)] * 2
            assert [one.target.gpu for one in shown] == ["GPU-0"] * 2

    def test_pages_and_filters(self, office: Office) -> None:
        severities = ["info", "critical", "info"]
        uids = [office.say(None, severity=one, fired_at=1_000.0 + n) for n, one in enumerate(severities)]
        page = office.alerts.list(ADA, AlertQuery(limit=2, count=True))
        rest = office.alerts.list(ADA, AlertQuery(limit=2, cursor=page.next_cursor))
        assert [one.uid for one in page.items + rest.items] == uids[::-1]
        assert (page.total, rest.next_cursor) == (3, None)
        assert [one.uid for one in office.listed(severity=["critical"])] == [uids[1]]
        assert [one.uid for one in office.listed(after=1_001.0)] == [uids[2]]
        assert office.listed(rule="other") == office.listed(subject=["task"]) == office.listed(open=False) == []
        assert len(office.listed(gpu="GPU-0", state=["firing"], open=True)) == 3

    def test_what_is_acknowledged_is_open_while_it_fires(self, office: Office) -> None:
        uid = office.say(office.project, condition="above")
        with pytest.raises(Forbidden):
            office.alerts.acknowledge(BOB, uid)
        seen = office.alerts.acknowledge(ADA, uid)
        assert (seen.acknowledged_by, seen.state) == ("ada", "firing")
        assert office.alerts.acknowledge(ADMIN, uid).acknowledged_by == "ada"
        assert [one.uid for one in office.listed(open=True)] == [uid]
        assert office.alerts.counts(ADA).unacknowledged == {}
        office.database.write_now(lambda tx: alerts.resolve(tx, alerts.of_uids([uid]), 5.0))
        assert office.listed(open=True) == []
        assert [one.uid for one in office.listed(open=False)] == [uid]

    def test_many_are_acknowledged(self, office: Office) -> None:
        uids = [office.say(office.project), office.say(None), office.say(None)]
        some = office.alerts.acknowledge_many(ADA, AlertBulk(uids=[*uids[:2], "none"]))
        assert (some.done, list(some.failed)) == (uids[:2], ["none"])
        everything = office.alerts.acknowledge_many(ADA, AlertBulk(all=True))
        assert set(everything.done) == set(uids)
        assert office.alerts.counts(ADA).unacknowledged == {}

    def test_they_go_with_their_project_and_their_time(self, office: Office) -> None:
        old, over = office.say(None), office.say(None)
        office.database.write_now(lambda tx: alerts.resolve(tx, alerts.of_uids([over]), 5.0))
        office.database.write_now(lambda tx: tx.execute(update(AlertEventRow).values(updated_at=1.0)))
        office.database.write_now(lambda tx: alerts.remove_old(tx, 2.0))
        assert [one.uid for one in office.listed()] == [old]
        office.say(office.project)
        office.house.projects.apply(ADA, office.project, "trash")
        assert [one.uid for one in office.listed()] == [old]


class TestFromCode:
    def test_it_is_kept_once_and_fires_until_someone_has_seen_it(self, office: Office) -> None:
        raised = Raised(uid="a1", title="<b>look</b>", text="twice", level="critical", wall=time.time(), step=7)
        for number, count in enumerate((1, 3, 2)):
            data = opening(f"j{number}", "x1") + _frame(msgspec.structs.replace(raised, count=count))
            office.house.journals.append(ADA, f"j{number}", 0, data)
        (alert,) = office.listed()
        assert (alert.title, alert.text, alert.severity, alert.count) == ("<b>look</b>", "twice", "critical", 3)
        assert (alert.rule, alert.state, alert.step, alert.target.experiment) == (None, "firing", 7, "x1")
        assert office.alerts.acknowledge(ADA, "a1").state == "resolved"
        assert office.listed(EVE) == []

    def test_what_another_experiment_raised_is_left_alone(self, office: Office) -> None:
        for number, count in enumerate((1, 9)):
            raised = Raised(uid="a1", title="t", wall=1.0, count=count)
            data = opening(f"j{number}", f"x{number}") + _frame(raised)
            office.house.journals.append(ADA, f"j{number}", 0, data)
        (alert,) = office.listed()
        assert (alert.target.experiment, alert.count) == ("x0", 1)


class TestReplay:
    def test_on_gpus(self, office: Office) -> None:
        office.machine("box", "GPU-0")
        found = office.alerts.test(ADA, RuleTest(spec=PRESETS["gpu_memory"].spec, start=0.0, end=300.0))
        (one,) = found.targets
        assert (found.times, one.fired) == (1, [(160.0, 200.0, "warning")])
        assert one.value[12] == 100.0
        assert one.target.label == "GPU 0 · box"

    def test_on_every_machine_that_a_rule_watches(self, office: Office) -> None:
        office.machine("box", "GPU-0")
        other = office.machine("den", "GPU-1")
        spec = PRESETS["gpu_memory"].spec
        found = office.alerts.test(ADA, RuleTest(spec=spec, start=0.0, end=300.0))
        assert (found.times, {one.target.gpu for one in found.targets}) == (2, {"GPU-0", "GPU-1"})
        narrow = msgspec.structs.replace(spec, scope=Scope(agents=[other]))
        found = office.alerts.test(ADA, RuleTest(spec=narrow, start=0.0, end=300.0))
        assert [one.target.gpu for one in found.targets] == ["GPU-1"]
        past = time.time() + 3600
        found = office.alerts.test(ADA, RuleTest(spec=spec, start=past, end=past + 300))
        assert (found.targets, found.note) == ([], "nothing")

    def test_more_machines_than_it_is_replayed_on(self, office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(alert_replay, "MOST", 1)
        for number in range(2):
            office.machine(f"box{number}", f"GPU-{number}")
        found = office.alerts.test(ADA, RuleTest(spec=PRESETS["gpu_memory"].spec, start=0.0, end=300.0))
        assert (len(found.targets), found.note) == (1, "some")

    def test_a_sign_that_is_not_kept(self, office: Office) -> None:
        office.machine("box", "GPU-0")
        for preset in ("gpu_idle", "gpu_hot"):
            assert office.alerts.test(ADA, RuleTest(spec=PRESETS[preset].spec)).note == "not_kept"

    def test_on_experiments(self, office: Office) -> None:
        assert office.alerts.test(ADA, RuleTest(spec=PRESETS["loss_diverges"].spec)).note == "nothing"
        made = office.house.experiments.create(ADA, NewExperiment(project="digits", name="run"))[0]
        values = [1.0] * 50 + [9.0] * 100 + [1.0] * 10 + [None]
        points = NewPoints(step=list(range(161)), values={"loss": values})
        office.house.metrics.add(ADA, made.uid, points)
        found = office.alerts.test(ADA, RuleTest(spec=PRESETS["loss_diverges"].spec))
        assert (found.times, found.targets[0].fired) == (1, [(100.0, 150.0, "warning")])
        assert found.targets[0].target.label == "run"
        nan = office.alerts.test(ADA, RuleTest(spec=PRESETS["loss_not_finite"].spec))
        assert nan.times == 1
        assert office.alerts.test(EVE, RuleTest(spec=PRESETS["loss_not_finite"].spec)).targets == []

    def test_an_end_before_its_start(self, office: Office) -> None:
        with pytest.raises(InvalidInput):
            office.alerts.test(ADA, RuleTest(spec=PRESETS["gpu_memory"].spec, start=5.0, end=5.0))
