import threading
import time
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text

from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.core.errors import (
    Conflict,
    Forbidden,
    Gone,
    InvalidInput,
    NotFound,
    OffsetConflict,
    UnreadableJournal,
)
from aiplat_jupyter.core.frames import Changed, Idle, Rewound, encode
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery
from aiplat_jupyter.core.records import ExperimentPatch, NewExperiment, NewMember
from aiplat_jupyter.store import changes
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import ExperimentRow
from tests.services import frames
from tests.services.frames import AT, ended, opening, point, run, shape, values
from tests.services.house import House
from tests.services.people import ADA, BOB, READER


def send(house: House, uid: str, *parts: bytes, offset: int = 0, who=ADA) -> int:
    """Append parts, one commit each, and return the offset behind them."""
    for part in parts:
        offset = house.journals.append(who, uid, offset, part).offset
    return offset


def test_a_journal_makes_its_project_and_experiment(house: House):
    opened = {"config": {"lr": 1}, "tags": ["t"], "notes": "n", "base_model": "b", "task_type": "k", "kernel": "K"}
    data = run("j", provenance={"git": {"commit": "abc"}}, **opened)
    assert house.journals.append(ADA, "j", 0, data).offset == len(data)
    found = house.experiments.get(ADA, "exp")
    assert (found.name, found.project_name, found.owner, found.status) == ("mlp", "digits", "ada", "running")
    assert (found.config, found.tags, found.notes, found.base_model, found.task_type) == (
        {"lr": 1},
        ["t"],
        "n",
        "b",
        "k",
    )
    assert (found.provenance, found.created_at, found.attempt) == ({"git": {"commit": "abc"}}, AT, "j-a")
    [attempt] = found.lineage
    assert (attempt.number, attempt.kernel, attempt.process) == (1, "K", frames.HERE)
    assert values(house.metrics.history(ADA, "exp")) == {"loss": [(0, 0.0), (1, 1.0), (2, 2.0)]}
    journal = house.journals.get(ADA, "j")
    assert (journal.offset, journal.experiment, journal.attempt, journal.closed) == (len(data), "exp", "j-a", False)


def test_any_split_of_the_bytes_arrives_whole(house: House):
    data = (
        run("j", range(20), ("a", "b"))
        + encode(Changed(summary={"x": 1}))
        + shape("c", number=1)
        + point(30, 5, number=1)
    )
    offset = 0
    while offset < len(data):
        before = offset
        for size in (7, 100, 1000, 20_000):
            offset = house.journals.append(ADA, "j", offset, data[offset : offset + size]).offset
        assert offset > before
    found = values(house.metrics.history(ADA, "exp"))
    assert found == {"a": [(n, float(n)) for n in range(20)], "b": [(n, n + 1.0) for n in range(20)], "c": [(30, 5.0)]}


def test_offsets_are_compared(house: House):
    data = run("j")
    for offset in (1, len(data)):
        with pytest.raises(OffsetConflict) as caught:
            house.journals.append(ADA, "j", offset, data)
        assert caught.value.offset == 0
    send(house, "j", data)
    with pytest.raises(OffsetConflict) as caught:
        house.journals.append(ADA, "j", 0, data)
    assert caught.value.offset == len(data)
    assert len(values(house.metrics.history(ADA, "exp"))["loss"]) == 3


@pytest.mark.parametrize(
    "data",
    [
        b"no frames at all, but enough of them to see that",
        shape("loss") + point(1, 1.0),
        point(1, 1.0),
        opening("another"),
        opening("j", version=99),
        opening("j") + opening("j"),
        encode(Idle(wall=AT)),
        opening("j") + shape("x" * 501),
        opening("j") + shape(""),
        opening("j", from_step=2**63),
    ],
)
def test_bytes_that_are_no_journal(house: House, data: bytes):
    with pytest.raises(UnreadableJournal):
        house.journals.append(ADA, "j", 0, data)
    assert house.experiments.list(ADA, ExperimentQuery()).items == []
    with pytest.raises(NotFound):
        house.journals.get(ADA, "j")


@pytest.mark.parametrize(
    "wrong", [{"experiment": "../e"}, {"attempt": "a b"}, {"parent": "\x00"}, {"kernel": "k" * 300}]
)
def test_identifiers_that_cannot_be(house: House, wrong: dict[str, str]):
    with pytest.raises(InvalidInput):
        house.journals.append(ADA, "j", 0, opening("j", **wrong))


def test_hostile_names_of_metrics_are_kept(house: House):
    names = ["<script>alert(1)</script>", "数字/损失", "a' OR 1=1 --", "nul\x00", "x" * 500, "%s{0}"]
    send(house, "j", run("j", [1], names))
    found = [one.metric for one in house.metrics.summaries(ADA, "exp")]
    assert sorted(found) == sorted(name.replace("\x00", "␀") for name in names)


def test_a_shape_may_be_named_again(house: House):
    offset = send(house, "j", run("j", range(2)) + shape("loss") + point(2, 2.0))
    offset = send(house, "j", shape("accuracy") + point(3, 3.0), offset=offset)
    send(house, "j", point(4, 4.0), offset=offset)
    found = values(house.metrics.history(ADA, "exp"))
    assert found == {"loss": [(0, 0.0), (1, 1.0), (2, 2.0)], "accuracy": [(3, 3.0), (4, 4.0)]}


def test_a_torn_frame_waits_and_a_corrupt_one_is_passed_over_for_the_dead(house: House):
    data = run("j")
    torn = point(3, 3.0)[:-1]
    offset = send(house, "j", data + torn)
    assert offset == len(data)
    assert house.journals.append(ADA, "j", offset, torn).offset == offset
    corrupt = bytearray(point(3, 3.0))
    corrupt[-1] ^= 255
    with pytest.raises(UnreadableJournal, match=f"byte {offset}"):
        house.journals.append(ADA, "j", offset, bytes(corrupt) + point(4, 4.0))
    more = bytes(corrupt) + point(4, 4.0)
    assert house.journals.append(ADA, "j", offset, more, skip_corrupt=True).offset == offset + len(more)
    assert values(house.metrics.history(ADA, "exp"))["loss"][-1] == (4, 4.0)


@pytest.mark.parametrize(
    "odd",
    [
        point(3, 3.0, number=9),
        point(3, 3.0, 4.0),
        shape("x", number=-1),
        shape("x", number=2**31),
        encode(Rewound(attempt="child", from_step=2**63, wall=AT)),
    ],
)
def test_what_stands_before_an_unreadable_frame_is_committed(house: House, odd: bytes):
    data, more = run("j"), odd + point(4, 4.0)
    assert house.journals.append(ADA, "j", 0, data + more).offset == len(data)
    with pytest.raises(UnreadableJournal):
        house.journals.append(ADA, "j", len(data), more, skip_corrupt=True)
    assert values(house.metrics.history(ADA, "exp"))["loss"] == [(0, 0.0), (1, 1.0), (2, 2.0)]


def test_changes_apply_in_order(house: House):
    first = Changed(config={"lr": 2, "old": None}, summary={"best": 1}, name="renamed", notes="new", tags=["b"])
    send(house, "j", run("j", config={"lr": 1, "old": 1}), encode(first) + encode(Changed(summary={"best": 2})))
    found = house.experiments.get(ADA, "exp")
    assert (found.config, found.summary) == ({"lr": 2}, {"best": 2})
    assert (found.name, found.notes, found.tags) == ("renamed", "new", ["b"])
    assert [row.uid for row in house.experiments.list(ADA, ExperimentQuery(q="config.lr=2")).items] == ["exp"]


def test_what_is_too_large_is_left_out_but_the_points_arrive(house: House):
    too_large = Changed(config={"x": "y" * 1_100_000}, summary={"ok": 1}, name="n" * 1000, tags=["t"])
    data = run("j", name="x" * 1_000_000, config={"x": "y" * 1_100_000}, notes="z" * 200_000)
    send(house, "j", data + encode(too_large) + point(9, 9.0))
    found = house.experiments.get(ADA, "exp")
    assert (found.name, found.config, found.notes, found.summary, found.tags) == ("run-exp", {}, "", {"ok": 1}, ["t"])
    assert found.headline.last == 9.0
    with pytest.raises(InvalidInput):
        send(house, "k", run("k", experiment="exp2", project="x" * 1_000_000))


def status(house: House) -> tuple[str, str]:
    found = house.experiments.get(ADA, "exp")
    return found.status, found.cause


def test_a_status_that_is_not_final_is_reopened_by_points(house: House):
    offset = send(house, "j", run("j"), ended("failed", AT + 5, "ValueError", final=False))
    assert status(house) == ("failed", "ValueError")
    assert house.experiments.get(ADA, "exp").ended_at == AT + 5
    offset = send(house, "j", encode(Idle(wall=AT)), offset=offset)
    assert status(house) == ("failed", "ValueError")
    offset = send(house, "j", point(3, 3.0), offset=offset)
    assert status(house) == ("running", "")
    offset = send(house, "j", ended("finished", AT + 6), offset=offset)
    send(house, "j", point(4, 4.0), offset=offset)
    assert status(house) == ("finished", "")
    assert house.experiments.get(ADA, "exp").headline.last == 4.0


def test_resume_continues_the_line(house: House):
    send(house, "j1", run("j1", range(10)) + ended("interrupted", AT + 1))
    send(
        house, "j2", run("j2", range(5, 8), resume=True, from_step=5, wall=AT - 1000, name="ignored", config={"new": 1})
    )
    found = house.experiments.get(ADA, "exp")
    assert (found.name, found.status, found.attempts, found.attempt, found.config) == (
        "mlp",
        "running",
        2,
        "j2-a",
        {"new": 1},
    )
    assert [(one.number, one.parent, one.from_step) for one in found.lineage] == [(1, None, None), (2, "j1-a", 5)]
    assert (found.headline.count, found.headline.last_step) == (8, 7)
    assert found.started_at == AT


def test_a_resumed_run_may_arrive_before_the_first(house: House):
    config, notes = {"lr": 0.5, "new": 1}, "warmer"
    second = run("j2", range(5, 8), resume=True, parent="j1-a", from_step=5, wall=AT + 100, config=config, notes=notes)
    send(house, "j2", second)
    assert house.experiments.get(ADA, "exp").headline.count == 3
    first = run("j1", range(10), config={"lr": 0.1, "batch": 8}, notes="cold")
    send(house, "j1", first + ended("failed", AT + 50, "boom"))
    found = house.experiments.get(ADA, "exp")
    assert (found.config, found.notes) == ({"lr": 0.5, "new": 1, "batch": 8}, "warmer")
    assert (found.status, found.attempt, found.headline.count) == ("running", "j2-a", 8)
    assert (found.started_at, found.lineage[0].started_at, found.lineage[1].started_at) == (AT, AT, AT + 100)
    assert {one.uid: (one.status, one.parent) for one in found.lineage} == {
        "j1-a": ("failed", None),
        "j2-a": ("running", "j1-a"),
    }


def test_an_earlier_run_that_comes_late_does_not_take_the_line(house: House):
    send(house, "j2", run("j2", range(5), wall=AT + 100))
    send(house, "j1", run("j1", range(50), wall=AT), encode(Rewound(attempt="child", from_step=2, wall=AT + 9)))
    found = house.experiments.get(ADA, "exp")
    assert (found.attempt, found.headline.count) == ("j2-a", 5)
    assert {one.uid: one.parent for one in found.lineage} == {"j2-a": None, "j1-a": None, "child": "j1-a"}


def test_an_earlier_run_that_comes_late_keeps_quiet_about_the_origin(house: House):
    later = Changed(provenance={"packages": {"torch": "2"}, "git": {"commit": "new"}})
    send(house, "j2", run("j2", wall=AT + 100), encode(later))
    send(house, "j1", run("j1", wall=AT), encode(Changed(provenance={"git": {"commit": "old"}, "host": "a"})))
    found = house.experiments.get(ADA, "exp").provenance
    assert (found["git"], found["packages"], found["host"]) == ({"commit": "new"}, {"torch": "2"}, "a")
    send(house, "j3", run("j3", wall=AT + 200, resume=True), encode(Changed(provenance={"git": {"commit": "newest"}})))
    assert house.experiments.get(ADA, "exp").provenance["git"] == {"commit": "newest"}


def test_rewind_opens_a_child(house: House):
    rewound = encode(Rewound(attempt="child", from_step=2, wall=AT + 9))
    offset = send(house, "j", run("j", range(5)), rewound + point(2, 20.0) + point(3, 30.0))
    found = house.experiments.get(ADA, "exp")
    assert [(one.uid, one.status, one.parent, one.from_step) for one in found.lineage] == [
        ("j-a", "finished", None, None),
        ("child", "running", "j-a", 2),
    ]
    assert (found.status, found.headline.count, found.headline.max) == ("running", 4, 30.0)
    assert house.journals.get(ADA, "j").attempt == "child"
    house.experiments.stop(ADA, "exp")
    assert send(house, "j", encode(Rewound(attempt="grandchild", from_step=1, wall=AT + 10)), offset=offset)
    assert house.experiments.get(ADA, "exp").stop_requested


def test_what_was_rewound_may_arrive_after_what_goes_on_from_it(house: House):
    send(house, "j2", run("j2", range(5, 8), resume=True, parent="child", wall=AT + 100))
    rewound = encode(Rewound(attempt="child", from_step=2, wall=AT + 9)) + point(2, 20.0) + point(3, 30.0)
    send(house, "j1", run("j1", range(5)) + rewound + ended("finished", AT + 50))
    found = house.experiments.get(ADA, "exp")
    assert sorted((one.uid, one.parent, one.from_step, one.status, one.started_at - AT) for one in found.lineage) == [
        ("child", "j1-a", 2, "finished", 9),
        ("j1-a", None, None, "finished", 0),
        ("j2-a", "child", None, "running", 100),
    ]
    assert (found.attempt, found.headline.count, found.headline.min, found.headline.max) == ("j2-a", 7, 0.0, 30.0)
    [curve] = house.metrics.query(ADA, CurveQuery(experiments=["exp"], metrics=["loss"], abandoned=False)).curves
    assert curve.columns.last == [0.0, 1.0, 20.0, 30.0, 5.0, 6.0, 7.0]


def test_a_rewind_to_an_ancestor_makes_no_circle(house: House):
    first = encode(Rewound(attempt="child", from_step=2, wall=AT + 9))
    back = encode(Rewound(attempt="j-a", from_step=1, wall=AT + 10))
    send(house, "j", run("j", range(5)) + first + point(2, 20.0) + back + point(9, 9.0))
    found = house.experiments.get(ADA, "exp")
    assert {one.uid: one.parent for one in found.lineage} == {"j-a": None, "child": "j-a"}


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_ranks_join_the_attempt_in_any_order(house: House, order: tuple[int, ...]):
    for rank in order:
        data = run(f"j{rank}", attempt="shared", rank=rank or None, tags=[f"rank{rank}"])
        send(house, f"j{rank}", data + (ended("failed", AT) if rank else b""))
    found = house.experiments.get(ADA, "exp")
    assert (found.status, found.attempts, found.headline.count) == ("running", 1, 3)
    assert [(one.metric, one.context) for one in house.metrics.summaries(ADA, "exp")] == [
        ("loss", ""),
        ("loss", "rank=1"),
        ("loss", "rank=2"),
    ]
    assert "rank0" in found.tags


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_ranks_rewind_to_one_attempt_in_any_order(house: House, order: tuple[int, ...]):
    rewound = encode(Rewound(attempt="child", from_step=2, wall=AT + 9))
    for rank in order:
        data = run(f"j{rank}", range(4), attempt="shared", rank=rank or None, joins=rank > 0)
        send(house, f"j{rank}", data + rewound + point(2, 20.0) + point(3, 30.0))
    found = house.experiments.get(ADA, "exp")
    assert [(one.uid, one.parent, one.from_step, one.status) for one in found.lineage] == [
        ("shared", None, None, "finished"),
        ("child", "shared", 2, "running"),
    ]
    assert (found.status, found.attempt, found.headline.count, found.headline.max) == ("running", "child", 4, 30.0)
    summaries = {one.context: (one.count, one.max) for one in house.metrics.summaries(ADA, "exp")}
    assert summaries == {"": (4, 30.0), "rank=1": (4, 30.0)}
    [main, other] = house.metrics.query(ADA, CurveQuery(experiments=["exp"], metrics=["loss"], abandoned=False)).curves
    assert main.columns.last == other.columns.last == [0.0, 1.0, 20.0, 30.0]
    send(house, "j0", ended("finished", AT + 50), offset=house.journals.get(ADA, "j0").offset)
    assert house.experiments.get(ADA, "exp").status == "finished"


def sampled(journal: str = "s", at: float = AT, **opened: Any) -> bytes:
    """Return the journal of what reads a machine beside the run of journal ``j``."""
    points = b"".join(point(int(1000 * wall), 50.0, wall=wall) for wall in (at, at + 10))
    given = {"attempt": "j-a", "joins": True, "clock": True} | opened
    return opening(journal, **given) + shape("system/cpu") + points


def test_what_is_read_by_the_clock_says_nothing_of_the_run(house: House):
    data = run("j")
    send(house, "j", data)
    send(house, "j", ended("failed", final=False), offset=len(data))
    send(house, "s", sampled())
    found = house.experiments.get(ADA, "exp")
    assert (found.status, found.headline.metric) == ("failed", "loss")
    loss, cpu = house.metrics.summaries(ADA, "exp")
    assert (loss.metric, loss.context, loss.last_step) == ("loss", "", 2)
    assert (cpu.metric, cpu.context, cpu.last_step, cpu.count) == ("system/cpu", "clock", None, 2)
    assert values(house.metrics.history(ADA, "exp")).keys() == {"loss"}
    [row] = house.experiments.list(ADA, ExperimentQuery(metrics=["loss", "system/cpu"])).items
    assert [one.metric for one in row.metrics] == ["loss"]


def test_what_is_read_by_the_clock_may_arrive_first(house: House):
    send(house, "s", sampled())
    assert house.experiments.get(ADA, "exp").headline is None
    send(house, "j", run("j"))
    found = house.experiments.get(ADA, "exp")
    assert (found.headline.metric, len(found.lineage)) == ("loss", 1)


def test_machines_of_one_run_are_told_apart(house: House):
    send(house, "j", run("j"))
    for journal, rank in (("s", None), ("s8", 8)):
        send(house, journal, sampled(journal, rank=rank))
    contexts = [one.context for one in house.metrics.summaries(ADA, "exp") if one.metric == "system/cpu"]
    assert contexts == ["clock", "clock,rank=8"]


def test_an_experiment_made_by_rest_is_filled(house: House):
    house.experiments.create(ADA, NewExperiment(project="letters", uid="exp", name="mine", tags=["a"], config={"x": 1}))
    send(house, "j", run("j", tags=["b", "a"], config={"lr": 1}, notes="n"))
    found = house.experiments.get(ADA, "exp")
    assert (found.project_name, found.name, found.tags, found.config) == (
        "letters",
        "mine",
        ["a", "b"],
        {"x": 1, "lr": 1},
    )
    assert (found.status, found.attempts, found.notes) == ("running", 1, "n")


def test_an_attempt_belongs_to_one_experiment(house: House):
    send(house, "j1", run("j1"))
    with pytest.raises(Conflict):
        send(house, "j2", run("j2", experiment="other", attempt="j1-a"))
    assert house.experiments.list(ADA, ExperimentQuery(q="project:digits", count=True)).total == 1


def test_nobody_writes_into_projects_of_others(house: House):
    data = run("j")
    send(house, "j", data)
    for write in (
        lambda: house.journals.append(BOB, "j", len(data), b""),
        lambda: house.journals.append(BOB, "j", 0, data),
        lambda: house.journals.get(BOB, "j"),
    ):
        with pytest.raises(NotFound):
            write()
    with pytest.raises(Conflict):
        send(house, "k", run("k"), who=BOB)
    with pytest.raises(Forbidden):
        house.journals.append(READER, "j", len(data), b"")
    [project] = house.projects.list(ADA, ProjectQuery()).items
    house.projects.set_member(ADA, project.uid, "bob", NewMember(role="viewer"))
    with pytest.raises(Forbidden):
        house.journals.append(BOB, "j", len(data), b"")
    house.projects.set_member(ADA, project.uid, "bob", NewMember(role="editor"))
    assert send(house, "k", run("k"), who=BOB)


@pytest.mark.parametrize("uid", ["", "../j", "x" * 65, "a b"])
def test_uids_of_journals(house: House, uid: str):
    with pytest.raises(InvalidInput):
        house.journals.append(ADA, uid, 0, run("j"))


def test_a_sign_of_life_moves_nothing(house: House):
    assert house.journals.append(ADA, "j", 0, b"").offset == 0
    offset = send(house, "j", run("j"))
    seen = house.journals.get(ADA, "j").seen_at
    assert house.journals.append(ADA, "j", offset, b"").offset == offset
    assert house.journals.get(ADA, "j").seen_at > seen


def test_a_journal_that_comes_after_the_purge(house: House):
    data = run("j")
    send(house, "j", data)
    house.experiments.apply(ADA, "exp", "trash")
    assert send(house, "j", point(9, 9.0), offset=len(data))
    house.experiments.apply(ADA, "exp", "purge")
    for write in (
        lambda: send(house, "j", point(10, 9.0), offset=len(data)),
        lambda: send(house, "j", data),
        lambda: send(house, "late", run("late")),
        lambda: house.journals.get(ADA, "j"),
    ):
        with pytest.raises(Gone):
            write()


def test_times_that_cannot_be(house: House):
    send(house, "j", run("j", wall=float("nan")) + ended("failed", float("inf")))
    found = house.experiments.get(ADA, "exp")
    assert found.created_at > AT
    assert found.ended_at is not None
    assert found.ended_at >= found.created_at


def test_points_at_times_that_cannot_be_are_kept(house: House):
    walls = (float("nan"), float("inf"), 1e300, -1e300, AT)
    send(house, "j", opening("j") + shape("loss") + b"".join(point(i, 1.0, wall=at) for i, at in enumerate(walls)))
    assert values(house.metrics.history(ADA, "exp"))["loss"] == [(step, 1.0) for step in range(5)]
    for x in ("step", "relative", "wall"):
        [curve] = house.metrics.query(ADA, CurveQuery(experiments=["exp"], metrics=["loss"], x=x)).curves
        assert sum(curve.columns.count) == 5


def test_the_clock_set_back(house: House, monkeypatch: pytest.MonkeyPatch):
    now = time.time()
    offset = send(house, "j1", run("j1", wall=now))
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    offset = send(house, "j1", point(3, 3.0, wall=now - 3600) + ended("failed", now - 3600), offset=offset)
    send(house, "j2", run("j2", [4, 5], resume=True, wall=now - 3599))
    found = house.experiments.get(ADA, "exp")
    assert (found.attempt, found.status, found.unreachable) == ("j2-a", "running", False)
    assert values(house.metrics.history(ADA, "exp"))["loss"] == [(step, float(step)) for step in range(6)]
    told = house.database.read_now(lambda tx: changes.since(tx, 0))
    assert [change.seq for change in told] == sorted({change.seq for change in told})
    assert told[-1].at < told[0].at


def test_two_servers_and_many_shippers_commit_each_byte_once(url: str, house: House, tmp_path):
    """Each thread sends what it believes is next, and goes on from where it is told."""
    data = run("j", range(400))
    other = Database.open(url)
    houses = [house, House(other, tmp_path), house, House(other, tmp_path)]
    problems: list[BaseException] = []

    def ship(house: House, size: int) -> None:
        offset = 0
        while offset < len(data):
            try:
                offset = house.journals.append(ADA, "j", offset, data[offset : offset + size]).offset
            except OffsetConflict as conflict:
                offset = conflict.offset
            except BaseException as error:
                problems.append(error)
                raise

    threads = [threading.Thread(target=ship, args=(one, 900 + 100 * index)) for index, one in enumerate(houses)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    other.close()
    assert problems == []
    assert values(house.metrics.history(ADA, "exp"))["loss"] == [(step, float(step)) for step in range(400)]


def test_unreachable_and_lost(house: House):
    send(house, "j", run("j"))
    [row] = house.experiments.list(ADA, ExperimentQuery()).items
    assert not row.unreachable
    silent = text("UPDATE journals SET seen_at = seen_at - :ago")
    house.database.write_now(lambda tx: tx.execute(silent, {"ago": 61}) and None)
    assert house.experiments.get(ADA, "exp").unreachable
    house.journals.lose()
    assert status(house)[0] == "running"
    house.database.write_now(lambda tx: tx.execute(silent, {"ago": 86_400}) and None)
    house.journals.lose()
    assert status(house) == ("lost", "not heard of for a day")
    send(house, "j", point(7, 7.0), offset=len(run("j")))
    assert status(house) == ("running", "")


def test_a_patch_of_status_ends_a_journals_attempt_for_good(house: House):
    offset = send(house, "j", run("j"))
    house.experiments.update(ADA, "exp", ExperimentPatch(status="stopped"))
    send(house, "j", point(7, 7.0), offset=offset)
    assert status(house) == ("stopped", "")


def test_what_was_set_later_stays_when_an_earlier_journal_comes_late(house: House):
    offset = send(house, "j1", run("j1", config={"lr": 1, "seed": 7}))
    changed = Changed(config={"lr": 3}, summary={"best": 3, "gone": None}, name="new", notes="new", tags=["new"])
    second = run("j2", wall=AT + 100, parent="j1-a", config={"lr": 2})
    send(house, "j2", second, encode(msgspec.structs.replace(changed, wall=AT + 110)))
    late = Changed(
        config={"lr": 0, "seed": 8},
        summary={"best": 0, "gone": 1, "own": 1},
        provenance={"host": "a"},
        name="old",
        notes="old",
        tags=["old"],
        wall=AT + 50,
    )
    send(house, "j1", encode(late), offset=offset)
    found = house.experiments.get(ADA, "exp")
    assert (found.config, found.summary) == ({"lr": 3, "seed": 8}, {"best": 3, "own": 1})
    assert (found.name, found.notes, found.tags, found.provenance) == ("new", "new", ["new"], {"host": "a"})


@pytest.mark.parametrize("wall", [AT + 200, AT - 1000, None])
def test_who_goes_on_from_an_attempt_is_newer_whatever_the_clock_says(house: House, wall: float | None):
    offset = send(house, "j1", run("j1"), encode(Changed(summary={"best": 1}, wall=AT + 150)))
    send(house, "j2", run("j2", resume=True, wall=AT - 900), encode(Changed(summary={"best": 2}, wall=wall)))
    send(house, "j1", encode(Changed(summary={"best": 1, "old": 1}, wall=AT + 190)), offset=offset)
    assert house.experiments.get(ADA, "exp").summary == {"best": 2, "old": 1}


def test_processes_of_one_attempt_override_each_other_by_the_clock(house: House):
    for process, at in ((0, AT), (1, AT + 20), (2, AT + 10), (3, AT + 30)):
        joins = {"attempt": "shared", "joins": process > 0}
        changed = encode(Changed(config={"best": process, f"of{process}": at}, wall=at))
        send(house, f"j{process}", run(f"j{process}", wall=at, **joins), changed)
        expected = process if process != 2 else 1
        assert house.experiments.get(ADA, "exp").config["best"] == expected
    assert house.experiments.get(ADA, "exp").config.keys() == {"best", "of0", "of1", "of2", "of3"}


def test_journals_of_before_times_were_kept_change_in_the_order_of_arrival(house: House):
    offset = send(house, "j", run("j"), encode(Changed(summary={"best": 1}, name="one")))
    offset = send(house, "j", encode(Changed(summary={"best": 2}, name="two")), offset=offset)
    house.experiments.update(ADA, "exp", ExperimentPatch(summary={"best": 3}))
    send(house, "j", encode(Changed(summary={"best": 4})), offset=offset)
    found = house.experiments.get(ADA, "exp")
    assert (found.summary, found.name) == ({"best": 4}, "two")


def test_what_a_person_set_stays_until_something_newer_is_set(house: House):
    offset = send(house, "j", run("j"), encode(Changed(summary={"best": 1}, wall=AT + 1)))
    patch = ExperimentPatch(name="mine", notes="mine", tags=["mine"], summary={"best": 9}, config={"lr": 9})
    house.experiments.update(ADA, "exp", patch)
    late = Changed(name="theirs", notes="theirs", tags=[], summary={"best": 2}, config={"lr": 2}, wall=AT + 2)
    offset = send(house, "j", encode(late), offset=offset)
    found = house.experiments.get(ADA, "exp")
    assert (found.name, found.notes, found.tags) == ("mine", "mine", ["mine"])
    assert (found.summary, found.config) == ({"best": 9}, {"lr": 9})
    send(house, "j", encode(Changed(summary={"best": 3}, wall=time.time())), offset=offset)
    assert house.experiments.get(ADA, "exp").summary == {"best": 3}


def test_values_set_before_the_clock_was_set_back_can_be_changed(house: House, monkeypatch: pytest.MonkeyPatch):
    now = time.time()
    offset = send(house, "j", run("j", wall=now), encode(Changed(summary={"best": 1}, wall=now)))
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    patched = house.experiments.update(ADA, "exp", ExperimentPatch(summary={"best": 2}))
    assert patched.summary == {"best": 2}
    offset = send(house, "j", encode(Changed(summary={"best": 3}, wall=now)), offset=offset)
    assert house.experiments.get(ADA, "exp").summary == {"best": 3}
    joined = run("j2", attempt="j-a", joins=True, wall=now - 3600)
    send(house, "j2", joined, encode(Changed(summary={"best": 4}, wall=now - 3600)))
    assert house.experiments.get(ADA, "exp").summary == {"best": 4}


def test_values_of_an_older_database_count_as_those_of_the_current_attempt(house: House):
    offset = send(house, "j1", run("j1"), encode(Changed(summary={"old": 1}, wall=AT + 1)))
    send(house, "j2", run("j2", resume=True, wall=AT + 100), encode(Changed(summary={"best": 2}, wall=AT + 101)))
    house.database.write_now(lambda tx: tx.execute(text("UPDATE experiments SET stamps = NULL")) and None)
    late = Changed(summary={"best": 1, "old": 2, "fresh": 1}, name="old", wall=AT + 50)
    send(house, "j1", encode(late), offset=offset)
    found = house.experiments.get(ADA, "exp")
    assert (found.summary, found.name) == ({"best": 2, "old": 1, "fresh": 1}, "mlp")


def test_removals_are_remembered_but_not_without_end(house: House):
    def stamps() -> dict[str, dict[str, list[float]]]:
        return house.database.read_now(lambda tx: tx.execute(select(ExperimentRow.stamps)).scalar_one())

    offset = send(house, "j", run("j", config={"keep": 1}))
    for first in range(0, 1500, 500):
        removed = dict.fromkeys(map(str, range(first, first + 500)))
        offset = send(house, "j", encode(Changed(config=removed, wall=AT + 1 + first)), offset=offset)
    kept = stamps()["config"]
    assert len(kept) == 1001
    assert {"keep", "500", "1499"} <= kept.keys()
    assert "499" not in kept
