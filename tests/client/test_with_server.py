"""The client's whole way, with a real server in a process of its own."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from aiplat_jupyter.client import api, history, journals, session
from aiplat_jupyter.client.answers import to_error
from aiplat_jupyter.client.api import Api, Resync, connect
from aiplat_jupyter.client.experiment import Experiment
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.client.sync import journals_in, sync
from aiplat_jupyter.core import errors
from aiplat_jupyter.core.curves import CurveQuery, LossPoint
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery
from aiplat_jupyter.core.records import Change, ExperimentPatch
from tests.lab import Lab


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("server"), "jupyter_server") as lab:
        lab.api("server")
        yield lab


@pytest.fixture
def server(lab: Lab, data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Api:
    """Return the API of a server that cannot see this process's journals."""
    [file] = (lab.data_dir / "servers").glob("*.json")
    monkeypatch.setenv("AIPLAT_SERVER_FILE", str(file))
    return connect()


def trained(name: str = "e", steps: int = 100) -> Experiment:
    exp = init("p", name, {"lr": 1e-3}, tags=["t"])
    for step in range(steps):
        exp.log({"loss": 1 / (step + 1), "val": {"accuracy": step / steps}}, step)
    assert exp.flush()
    return exp


def test_what_is_logged_is_there(server: Api) -> None:
    exp = trained()
    exp.summary["accuracy"] = 0.97
    exp.finish()
    there = server.experiment(exp.uid)
    assert (there.name, there.project_name, there.status, there.tags) == ("e", "p", "finished", ["t"])
    assert (there.config, there.summary) == ({"lr": 1e-3}, {"accuracy": 0.97})
    assert there.loss_value == 0.01
    summaries = {summary.metric: summary for summary in server.summaries(exp.uid)}
    assert (summaries["loss"].count, summaries["loss"].min) == (100, 0.01)
    [process] = [attempt.process for attempt in there.lineage]
    assert process is not None
    assert process.pid == os.getpid()


def test_provenance_arrives(server: Api) -> None:
    exp = trained()
    deadline = time.monotonic() + 20
    while "packages" not in (found := server.experiment(exp.uid).provenance):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert found["python"]
    assert found["git"]["commit"]


def test_history_is_every_point(server: Api) -> None:
    exp = init("p", "long")
    values = np.random.default_rng(1).normal(size=120_000)
    values[7] = np.nan
    for value in values:
        exp.log({"loss": value, "other": 1.0})
    table = exp.history("loss")
    assert list(table.columns) == ["metric", "context", "attempt", "step", "time", "value"]
    assert table["step"].tolist() == list(range(120_000))
    np.testing.assert_array_equal(table["value"], values)
    assert len(exp.history()) == 240_000
    assert (table["time"].iloc[-1].timestamp() - time.time()) < 60


def test_steps_of_any_kind_arrive_as_they_were_logged(server: Api) -> None:
    exp = init("p", "odd")
    logged = [5, 3, 5, -7, 0, 2**53, 2**53 + 1, -(2**53) - 1, 2**63 - 1, -(2**63), 3]
    for number, step in enumerate(logged):
        exp.log({"loss": float(number), "epoch": step / 4}, step)
    table = exp.history("loss").sort_values("value")
    assert table["step"].tolist() == logged
    drawn = {step: float(number) for number, step in enumerate(logged)}
    told = server.get(f"experiments/{exp.uid}/loss", list[LossPoint])
    assert [(point.step, point.loss) for point in told] == sorted(drawn.items())
    assert [point.epoch for point in told] == [point.step / 4 for point in told]
    [curve] = server.curves(CurveQuery(experiments=[exp.uid], metrics=["loss"])).curves
    assert sum(curve.columns.count) == curve.total == len(drawn)
    assert (curve.columns.x[0], curve.columns.x[-1]) == (-(2.0**63), 2.0**63)
    summary = server.experiment(exp.uid).headline
    assert summary is not None
    assert (summary.last_step, summary.last) == (2**63 - 1, 8.0)
    exp.finish()


def test_ten_thousand_metrics_are_listed_and_found(server: Api) -> None:
    exp = init("p", "wide")
    names = [f"layer.{number:05}/grad" for number in range(10_000)]
    for step in range(2):
        exp.log({name: float(number + step) for number, name in enumerate(names)}, step)
    exp.log({f"once.{step}": 1.0 for step in range(3)}, 2)
    assert exp.flush(40)
    exp.finish()
    found = {one.metric: one for one in server.summaries(exp.uid)}
    assert list(found) == sorted([*names, "once.0", "once.1", "once.2"])
    assert all((found[name].count, found[name].last) == (2, number + 1.0) for number, name in enumerate(names))
    [curve] = server.curves(CurveQuery(experiments=[exp.uid], metrics=[names[-1]])).curves
    assert curve.columns.last == [9_999.0, 10_000.0]
    [row] = server.list_experiments(ExperimentQuery(q=f'metric."{names[77]}".max=78')).items
    assert row.uid == exp.uid


def test_names_of_a_megabyte_cost_themselves_and_nothing_else(server: Api) -> None:
    huge = "n" * 1_000_000
    exp = init("p", "named", {"text": huge})
    for field in ("name", "notes"):
        with pytest.raises(errors.InvalidInput):
            setattr(exp, field, huge)
    with pytest.raises(errors.InvalidInput):
        exp.config[huge] = 1
    exp.summary["text"] = huge
    exp.summary["best"] = 1
    exp.log({huge: 1.0, "loss": 0.5}, 0)
    assert exp.flush(20)
    exp.finish()
    there = server.experiment(exp.uid)
    assert (there.name, there.notes, there.summary, there.status) == ("named", "", {"best": 1}, "finished")
    assert [one.metric for one in server.summaries(exp.uid)] == ["loss"]


def test_history_without_a_server_is_the_same(server: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    exp = trained()
    exp.rewind(50)
    exp.log({"loss": 9.0, "new": 1.0})
    there = exp.history()
    monkeypatch.setattr(history, "connect", lambda: (_ for _ in ()).throw(errors.Unavailable("gone")))
    here = exp.history()
    columns = ["metric", "step", "attempt", "value"]
    assert here[columns].values.tolist() == there[columns].values.tolist()


def test_resume_goes_on_behind_the_last_step(server: Api) -> None:
    first = trained()
    first.finish()
    second = init(resume=first.uid)
    second.log({"loss": 0.001})
    second.finish()
    there = server.experiment(first.uid)
    assert (there.name, there.project_name, there.attempts) == ("e", "p", 2)
    assert first.history("loss")["step"].tolist() == list(range(101))
    third = init(resume=first.uid, from_step=20)
    third.log({"loss": 5.0})
    third.finish()
    [curve] = server.curves(CurveQuery(experiments=[first.uid], metrics=["loss"])).curves
    assert (curve.total, curve.columns.x[-1], curve.columns.last[-1]) == (21, 20.0, 5.0)


def test_of_journals_here_only_what_the_server_has_not_got_is_read(
    data_dir: Path, server: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = trained()
    first.finish()
    journal = next((data_dir / "journals").glob("*.journal"))
    size = journal.stat().st_size
    read: list[int] = []
    last_step = journals.last_step
    monkeypatch.setattr(journals, "last_step", lambda path, begin: read.append(begin) or last_step(path, begin))
    assert init(resume=first.uid)._recording.step == 99
    assert read == [size]


def test_resume_without_a_server_reads_the_journals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.1)
    first = init("digits", "mlp")
    first.log({"x": 1.0}, 41)
    first.finish()
    second = init(resume=first.uid)
    second.log({"x": 2.0})
    assert second.history("x")["step"].tolist() == [41, 42]


def test_what_is_resumed_without_a_server_may_arrive_first(
    data_dir: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.1)
    first = init("digits", "mlp", {"lr": 0.1})
    first.log({"x": 1.0}, 41)
    first.rewind(30)
    first.log({"x": 1.5})
    first.config["lr"] = 0.15
    first.summary.update(best=1, first=1)
    first.finish()
    second = init(resume=first.uid, config={"lr": 0.2})
    second.log({"x": 2.0})
    second.summary["best"] = 2
    second.notes = "warmer"
    second.finish()
    session.current().shipper._shipments.clear()
    [file] = (lab.data_dir / "servers").glob("*.json")
    monkeypatch.setenv("AIPLAT_SERVER_FILE", str(file))
    server = connect()
    for path in reversed(list(journals_in([data_dir / "journals"]))):
        assert sync(path, server, lambda *_: None).state == "sent"
    there = server.experiment(first.uid)
    assert (there.project_name, there.name, there.config, there.attempts) == ("digits", "mlp", {"lr": 0.2}, 3)
    assert (there.summary, there.notes) == ({"best": 2, "first": 1}, "warmer")
    parents = {one.uid: one.parent for one in there.lineage}
    assert parents[second.attempt] == first.attempt
    [curve] = server.curves(CurveQuery(experiments=[first.uid], metrics=["x"])).curves
    assert (curve.columns.x, curve.columns.last) == ([30.0, 42.0], [1.5, 2.0])


def test_resume_of_what_nobody_knows(server: Api) -> None:
    with pytest.raises(errors.NotFound):
        init(resume="nosuchthing")


def test_resume_of_what_was_purged(server: Api) -> None:
    exp = trained()
    exp.finish()
    for verb in ("trash", "purge"):
        server.post(f"experiments/{exp.uid}/{verb}", dict)
    with pytest.raises(errors.Gone):
        init(resume=exp.uid)


def test_a_purged_experiment_stops_its_process(server: Api, caplog: pytest.LogCaptureFixture) -> None:
    exp = trained("purged")
    for verb in ("trash", "purge"):
        server.post(f"experiments/{exp.uid}/{verb}", dict)
    exp.log({"loss": 1.0})
    deadline = time.monotonic() + 10
    while not exp.should_stop:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "purged" in caplog.text
    with pytest.raises(errors.AiplatError):
        server.experiment(exp.uid)


def test_stop_is_heard(server: Api) -> None:
    exp = trained()
    assert not exp.should_stop
    server.stop(exp.uid)
    exp.log({"loss": 1.0})
    exp.flush()
    assert exp.should_stop
    exp.finish()
    assert server.experiment(exp.uid).status == "stopped"


def test_rewind_opens_an_attempt(server: Api) -> None:
    exp = trained()
    first = exp.attempt
    exp.rewind(60)
    exp.log({"loss": 2.0})
    exp.finish()
    there = server.experiment(exp.uid)
    assert [attempt.parent for attempt in there.lineage] == [None, first]
    assert there.lineage[1].from_step == 60
    [curve] = server.curves(CurveQuery(experiments=[exp.uid], metrics=["loss"])).curves
    assert curve.columns.x[-1] == 60.0


def test_a_forked_child_adds_points_and_takes_nothing_back(server: Api) -> None:
    exp = trained()
    exp.config["lr"] = 0.5
    exp.flush()
    if (pid := os.fork()) == 0:
        try:
            exp.log({"loss": 3.0}, 500)
            exp.flush()
            exp.finish()
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    there = server.experiment(exp.uid)
    assert (there.status, there.attempts, there.config) == ("running", 1, {"lr": 0.5})
    assert exp.history("loss")["step"].tolist() == [*range(100), 500]


def test_tables_of_experiments(server: Api) -> None:
    exp = trained("wanted")
    table = history.experiments("wanted config.lr<1e-2", metrics=["loss"])
    assert table.index.tolist() == [exp.uid]
    row = table.iloc[0]
    assert (row["name"], row["project_name"], row["loss"]) == ("wanted", "p", 0.01)
    assert abs(row["created_at"].timestamp() - time.time()) < 600
    assert history.experiments("config.lr>1e9").empty
    with pytest.raises(errors.InvalidInput):
        history.experiments("config.lr<")


def test_pages_are_walked(server: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        init("many", f"many{number}").finish()
    monkeypatch.setattr(history, "MAX_LIMIT", 2)
    assert len(history.experiments("project:many")) == 5
    assert len(history.experiments("project:many", limit=3)) == 3


def test_lists_and_changes_of_fields(server: Api) -> None:
    exp = trained()
    assert "p" in [project.name for project in server.list_projects(ProjectQuery(q="p")).items]
    page = server.list_experiments(ExperimentQuery(status=["running", "finished"], limit=1, count=True))
    assert page.total
    assert len(page.items) == 1
    assert server.update(exp.uid, ExperimentPatch(notes="seen")).notes == "seen"
    assert server.info().user.username


def test_changes_are_heard_and_resumed(server: Api) -> None:
    exp = trained()
    changes = server.changes([f"experiment:{exp.uid}"])
    heard: list[Change | Resync] = []
    began = threading.Event()

    def listen() -> None:
        began.set()
        heard.extend(changes)

    thread = threading.Thread(target=listen)
    thread.start()
    began.wait()
    deadline = time.monotonic() + 20
    while not heard:
        assert time.monotonic() < deadline
        exp.log({"loss": 1.0})
        time.sleep(0.1)
    changes.close()
    thread.join(5)
    assert not thread.is_alive()
    first = heard[0]
    assert isinstance(first, Change)
    assert first.topic == f"experiment:{exp.uid}"
    again = iter(server.changes([f"experiment:{exp.uid}"], after=first.seq - 1))
    assert next(again) == first


def test_a_wrong_token_and_a_closed_port_are_errors_of_ours(server: Api, lab: Lab) -> None:
    with pytest.raises(errors.Unauthenticated):
        Api(api.Server(lab.url, "aip_wrong")).info()
    with pytest.raises(errors.Unavailable, match="does not answer"):
        Api(api.Server("http://127.0.0.1:1/", "")).info()
    with pytest.raises(errors.NotFound):
        server.experiment("../../etc")


def test_threads_share_an_api(server: Api) -> None:
    exp = trained()
    results: list[str] = []
    threads = [threading.Thread(target=lambda: results.append(server.experiment(exp.uid).uid)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [exp.uid] * 8


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (
            409,
            b'{"type":"","title":"","status":409,"code":"offset_conflict","detail":"","offset":7}',
            errors.OffsetConflict,
        ),
        (409, b'{"type":"","title":"","status":409,"code":"conflict","detail":"taken"}', errors.Conflict),
        (503, b'{"type":"","title":"","status":503,"code":"schema_too_new","detail":""}', errors.SchemaTooNew),
        (413, b"<html>nginx</html>", errors.TooLarge),
        (502, b"bad gateway", errors.Unavailable),
        (401, b"", errors.Unauthenticated),
    ],
)
def test_answers_become_errors(status: int, body: bytes, kind: type[errors.AiplatError]) -> None:
    assert type(to_error(status, body)) is kind


def test_the_panel_is_what_an_experiment_shows(server: Api) -> None:
    exp = trained()
    assert "Experiment('e'" in repr(exp)
    assert exp.url == f"{server.server.web}/lab?aiplat-experiment={exp.uid}"


def test_an_alert_is_there_once(lab: Lab, server: Api) -> None:
    exp = init("p", "alerting")
    exp.log({"loss": 1.0})
    for _ in range(3):
        exp.alert("look <b>here</b>", "at this", "critical")
    exp.finish()
    [alert] = lab.api(f"alerts/events?experiment={exp.uid}")["items"]
    assert (alert["title"], alert["text"], alert["severity"], alert["count"]) == (
        "look <b>here</b>",
        "at this",
        "critical",
        3,
    )
    assert (alert["state"], alert["target"]["label"], alert["step"]) == ("firing", "alerting", 0)
    seen = lab.api(f"alerts/events/{alert['uid']}/acknowledge", "POST")
    assert seen["state"] == "resolved"


def test_a_loss_that_becomes_nan_is_an_alert_by_default(lab: Lab, server: Api) -> None:
    exp = init("p", "exploding")
    exp.log({"loss": 1.0})
    exp.log({"loss": float("nan")})
    assert exp.flush()
    deadline = time.monotonic() + 20
    while not (found := lab.api(f"alerts/events?experiment={exp.uid}")["items"]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert (found[0]["preset"], found[0]["state"], found[0]["step"]) == ("loss_not_finite", "firing", 1)
    exp.finish()
