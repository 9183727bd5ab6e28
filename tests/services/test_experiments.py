import asyncio
import threading

import pytest

from aiplat_jupyter.core.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery
from aiplat_jupyter.core.records import Bulk, ExperimentPatch, NewExperiment, NewMember, NewPoints, NewProject
from aiplat_jupyter.services.experiments import Experiments
from aiplat_jupyter.store import changes
from tests.services import frames
from tests.services.house import House
from tests.services.people import ADA, ADMIN, BOB, READER


def uids(house: House, who=ADA, **query) -> list[str]:
    return [row.uid for row in house.experiments.list(who, ExperimentQuery(**query)).items]


def test_create_is_idempotent_by_uid(house: House):
    new = NewExperiment(project="digits", uid="e1", config={"a": {"b": 1}}, tags=["x", "x"], notes="n", base_model="m")
    made, is_new = house.experiments.create(ADA, new)
    assert is_new
    assert (made.name, made.status, made.tags, made.config) == ("run-e1", "pending", ["x"], {"a": {"b": 1}})
    assert (made.owner, made.project_name, made.role, made.attempts, made.lineage) == ("ada", "digits", "owner", 0, [])
    assert house.experiments.create(ADA, new) == (made, False)
    with pytest.raises(Conflict, match="uid"):
        house.experiments.create(BOB, new)
    with pytest.raises(InvalidInput):
        house.experiments.create(ADA, NewExperiment(project="digits", uid="../e"))


def test_the_project_is_found_by_name_or_made(house: House):
    house.projects.create(BOB, NewProject(name="shared", uid="p"))
    house.projects.set_member(BOB, "p", "ada", NewMember(role="viewer"))
    own, _ = house.experiments.create(ADA, NewExperiment(project="shared"))
    assert own.project != "p"
    house.projects.apply(ADA, own.project, "trash")
    house.projects.set_member(BOB, "p", "ada", NewMember(role="editor"))
    assert house.experiments.create(ADA, NewExperiment(project="shared"))[0].project == "p"


def test_update_sets_what_is_given(house: House):
    house.experiments.create(
        ADA, NewExperiment(project="digits", uid="e1", config={"lr": 1, "opt": "adam"}, notes="keep")
    )
    patch = ExperimentPatch(name="n", tags=["b", "a"], config={"lr": 2, "opt": None}, summary={"acc": 0.5})
    changed = house.experiments.update(ADA, "e1", patch)
    assert (changed.name, changed.tags, changed.notes) == ("n", ["b", "a"], "keep")
    assert (changed.config, changed.summary) == ({"lr": 2}, {"acc": 0.5})
    assert uids(house, q="config.lr=2") == ["e1"]
    assert uids(house, q="config.opt=adam") == []
    for bad in (
        ExperimentPatch(name=" "),
        ExperimentPatch(tags=["x"] * 101),
        ExperimentPatch(notes="x" * 100_001),
        ExperimentPatch(config={"x": "y" * 1_000_001}),
    ):
        with pytest.raises(InvalidInput):
            house.experiments.update(ADA, "e1", bad)
    many = ExperimentPatch(summary={"x": "y" * 999_000})
    house.experiments.update(ADA, "e1", many)
    with pytest.raises(InvalidInput, match="too large"):
        house.experiments.update(ADA, "e1", ExperimentPatch(summary={"z": "y" * 999_000}))
    assert set(house.experiments.get(ADA, "e1").summary) == {"acc", "x"}


def test_move_to_another_project(house: House):
    house.experiments.create(ADA, NewExperiment(project="digits", uid="e1"))
    house.projects.create(ADA, NewProject(name="letters", uid="p2"))
    house.projects.create(BOB, NewProject(name="bob's", uid="p3"))
    before, first = house.database.read_now(changes.latest), house.experiments.get(ADA, "e1").project
    assert house.experiments.update(ADA, "e1", ExperimentPatch(project="p2")).project_name == "letters"
    told = house.database.read_now(lambda tx: changes.since(tx, before))
    assert {change.project for change in told if change.topic == "experiments"} == {first, "p2"}
    with pytest.raises(NotFound):
        house.experiments.update(ADA, "e1", ExperimentPatch(project="p3"))
    house.projects.apply(ADA, first, "trash")
    with pytest.raises(Conflict, match="trash"):
        house.experiments.update(ADA, "e1", ExperimentPatch(project=first))
    assert house.experiments.get(ADA, "e1").project == "p2"


def test_status_by_rest(house: House):
    house.experiments.create(ADA, NewExperiment(project="digits", uid="e1"))
    house.metrics.add(ADA, "e1", NewPoints(step=[1], values={"loss": [1.0]}))
    assert house.experiments.get(ADA, "e1").status == "running"
    ended = house.experiments.update(ADA, "e1", ExperimentPatch(status="failed"))
    assert (ended.status, ended.lineage[0].status, ended.attempts) == ("failed", "failed", 1)
    assert ended.ended_at is not None
    house.metrics.add(ADA, "e1", NewPoints(step=[2], values={"loss": [2.0]}))
    late = house.experiments.get(ADA, "e1")
    assert (late.status, late.headline.count) == ("failed", 2)
    house.experiments.create(ADA, NewExperiment(project="digits", uid="e2"))
    assert house.experiments.update(ADA, "e2", ExperimentPatch(status="finished")).status == "finished"


def test_stop_is_asked_while_it_lives(house: House):
    data = frames.run("j", experiment="e1")
    assert not house.journals.append(ADA, "j", 0, data).stop
    assert house.experiments.stop(ADA, "e1").stop_requested
    assert house.journals.append(ADA, "j", len(data), b"").stop
    house.experiments.update(ADA, "e1", ExperimentPatch(status="stopped"))
    assert not house.experiments.get(ADA, "e1").stop_requested
    with pytest.raises(Conflict, match="stopped"):
        house.experiments.stop(ADA, "e1")


def test_lifecycle_and_purge(house: House):
    house.journals.append(ADA, "j", 0, frames.run("j", range(9000), experiment="e1"))
    (house.files.directory / "j.journal").write_bytes(b"x" * 1000)
    with pytest.raises(Conflict, match="trash"):
        house.experiments.apply(ADA, "e1", "purge")
    assert house.experiments.apply(ADA, "e1", "archive").lifecycle == "archived"
    assert house.experiments.apply(ADA, "e1", "trash").lifecycle == "trashed"
    assert (uids(house), uids(house, lifecycle="trashed")) == ([], ["e1"])
    assert house.experiments.apply(ADA, "e1", "restore").lifecycle == "active"
    house.experiments.apply(ADA, "e1", "trash")
    assert house.experiments.apply(ADA, "e1", "purge").freed_bytes > 10_000
    assert list(house.files.directory.iterdir()) == []
    for ask in (
        lambda: house.experiments.get(ADA, "e1"),
        lambda: house.experiments.create(ADA, NewExperiment(project="x", uid="e1")),
    ):
        with pytest.raises(Gone):
            ask()
    assert house.experiments.create(ADA, NewExperiment(project="digits", name="mlp", uid="e2"))[1]


def test_what_is_restored_while_its_purge_waits_stays(house: House):
    house.experiments.create(ADA, NewExperiment(project="digits", uid="e1"))
    house.experiments.apply(ADA, "e1", "trash")
    experiments, go_on = Experiments(house.database, house.files), threading.Event()

    async def scene() -> list[object]:
        busy = asyncio.create_task(house.database.write(lambda tx: go_on.wait(20)))
        verbs: list[asyncio.Task] = []
        for verb in ("restore", "purge"):
            await asyncio.sleep(0.2)
            verbs.append(asyncio.create_task(experiments.apply(ADA, "e1", verb)))
        await asyncio.sleep(0.5)
        go_on.set()
        await busy
        return await asyncio.gather(*verbs, return_exceptions=True)

    restored, purged = asyncio.run(scene())
    assert restored.lifecycle == "active"
    assert isinstance(purged, Conflict)
    assert uids(house) == ["e1"]


def test_roles_and_scopes(house: House):
    house.experiments.create(ADA, NewExperiment(project="digits", uid="e1"))
    [project] = house.projects.list(ADA, ProjectQuery()).items
    with pytest.raises(NotFound):
        house.experiments.get(BOB, "e1")
    house.projects.set_member(ADA, project.uid, "bob", NewMember(role="viewer"))
    assert house.experiments.get(BOB, "e1").role == "viewer"
    for write in (
        lambda: house.experiments.update(BOB, "e1", ExperimentPatch(name="x")),
        lambda: house.experiments.apply(BOB, "e1", "trash"),
        lambda: house.experiments.stop(BOB, "e1"),
        lambda: house.metrics.add(BOB, "e1", NewPoints(step=[1], values={"loss": [1.0]})),
        lambda: house.experiments.update(READER, "e1", ExperimentPatch(name="x")),
        lambda: house.experiments.create(READER, NewExperiment(project="digits")),
        lambda: house.experiments.apply(READER, "e1", "trash"),
    ):
        with pytest.raises(Forbidden):
            write()
    house.projects.set_member(ADA, project.uid, "bob", NewMember(role="editor"))
    house.experiments.apply(BOB, "e1", "trash")
    with pytest.raises(Forbidden, match="owner"):
        house.experiments.apply(BOB, "e1", "purge")
    assert house.experiments.get(ADMIN, "e1").role == "owner"


def test_bulk(house: House):
    for number in range(3):
        house.experiments.create(ADA, NewExperiment(project="digits", uid=f"e{number}"))
    assert house.experiments.bulk(ADA, Bulk(verb="trash", uids=["e0", "e1", "no"])).failed["no"].status == 404
    purged = house.experiments.bulk(ADA, Bulk(verb="purge", uids=["e0", "e1", "e2"]))
    assert (purged.done, purged.failed["e2"].code) == (["e0", "e1"], "conflict")


@pytest.fixture
def zoo(house: House) -> House:
    """Experiments a–f, created in this order, each with its own loss, config and tags."""
    for number, letter in enumerate("abcdef"):
        config = {
            "lr": 10.0**-number,
            "opt": "adam" if number % 2 else "sgd",
            "n": {"layers": number},
            "big": number > 3,
        }
        opened = {
            "config": config,
            "tags": [f"t{number}", 'q"uote'],
            "name": f"Run {letter}",
            "wall": frames.AT + number,
        }
        opened |= {"project": "digits" if number < 4 else "letters", "notes": f"note {letter}"}
        data = frames.run(letter, [number, number + 1], ("loss", "a.min"), experiment=letter, **opened)
        house.journals.append(ADA if number < 5 else BOB, letter, 0, data)
    house.experiments.update(ADA, "b", ExperimentPatch(status="failed", summary={"acc": 0.9, "note": "good"}))
    return house


SEARCHES = [
    ("", "abcdef"),
    ("run A", "a"),
    ('"run a"', "a"),
    ("config.lr<1e-3", "ef"),
    ("config.lr>=0.1", "ab"),
    ("config.lr=1", "a"),
    ("config.n.layers!=0 config.n.layers<=2", "bc"),
    ("config.opt=adam", "bdf"),
    ('config.opt:"sgd" project:digits', "ac"),
    ("config.opt!=adam", "ace"),
    ("config.big=true", "ef"),
    ("config.none=1", ""),
    ("metric.loss.min<2", "ab"),
    ("metric.loss>=5", "ef"),
    ("metric.loss.max<=1", "a"),
    ('metric."a.min".last=2', "a"),
    ("metric.a.min.min>5", "f"),
    ("summary.acc>=0.9", "b"),
    ("summary.note=good", "b"),
    ("summary.note>1", ""),
    ("status:failed", "b"),
    ("status!=failed tag:t1", ""),
    ("tag:t2", "c"),
    ("tag:T2", ""),
    (r'tag:"q\"uote" owner:bob', "f"),
    ("tag:quote", ""),
    ("owner:ada config.lr<0.01", "de"),
    ("created>2026-01-01 created<2027-01-01", "abcdef"),
    ("created>2030-01-01T00:00:00+08:00", ""),
    (f"created>={frames.AT + 4:.0f}", "ef"),
    ('"note e"', "e"),
    ("100%", ""),
]


def test_search(zoo: House):
    for q, found in SEARCHES:
        assert "".join(sorted(uids(zoo, ADMIN, q=q))) == found, q


def test_filters_are_alternatives_within_and_conditions_between(zoo: House):
    [digits] = zoo.projects.list(ADA, ProjectQuery(q="digits")).items
    assert uids(zoo, ADMIN, project=[digits.uid], sort="created") == ["a", "b", "c", "d"]
    assert uids(zoo, ADMIN, status=["failed", "lost"]) == ["b"]
    assert uids(zoo, ADMIN, tag=["t0", "t5"], sort="created") == ["a", "f"]
    assert uids(zoo, ADMIN, owner=["bob"]) == ["f"]
    assert uids(zoo, ADMIN, tag=["t0", "t5"], owner=["bob"]) == ["f"]
    assert uids(zoo, ADMIN, created_after=frames.AT + 2, created_before=frames.AT + 4) == ["d", "c"]
    assert uids(zoo, BOB) == ["f"]


SORTS = [
    ("created", "abcdef"),
    ("-created", "fedcba"),
    ("name", "abcdef"),
    ("config.lr", "fedcba"),
    ("-config.opt", "ecafdb"),
    ("metric.loss.min", "abcdef"),
    ("-metric.loss.min", "fedcba"),
    ("status", "bacdef"),
    ("-config.none", "fedcba"),
    ("metric.none", "abcdef"),
]


def test_every_sort_pages_without_gap_or_repeat(zoo: House):
    for sort, order in SORTS:
        assert "".join(paged(zoo, sort)) == order, sort


def paged(house: House, sort: str, limit: int = 2) -> list[str]:
    found, cursor = [], None
    for _ in range(20):
        page = house.experiments.list(ADMIN, ExperimentQuery(sort=sort, limit=limit, cursor=cursor))
        found += [row.uid for row in page.items]
        cursor = page.next_cursor
        if cursor is None:
            return found
    raise AssertionError("the pages do not end")


def test_rows_without_the_sort_value_come_last_either_way(zoo: House):
    zoo.experiments.create(ADA, NewExperiment(project="digits", uid="z", config={"lr": "text"}))
    for sort in ("config.lr", "-config.lr", "metric.loss", "-metric.loss"):
        assert paged(zoo, sort, limit=6)[6:] == ["z"], sort


def test_numbers_come_before_texts_before_nothing_on_any_page(zoo: House):
    for uid, config in (("x", {}), ("y", {"lr": "b"}), ("z", {"lr": "a"})):
        zoo.experiments.create(ADA, NewExperiment(project="digits", uid=uid, config=config))
    for limit in range(1, 10):
        assert "".join(paged(zoo, "config.lr", limit)) == "fedcbazyx"
        assert "".join(paged(zoo, "-config.lr", limit)) == "abcdefyzx"


def test_a_list_may_be_filtered_by_one_metric_and_sorted_by_another(zoo: House):
    found = uids(zoo, ADMIN, q="metric.loss.min>=0 config.lr>0", sort="metric.loss.min")
    assert found == list("abcdef")


def test_rows_carry_what_lists_show(zoo: House):
    [row] = zoo.experiments.list(ADA, ExperimentQuery(q="tag:t2", metrics=["a.min", "none"])).items
    assert (row.headline.metric, row.headline.last, row.loss_value, row.headline.count) == ("loss", 3.0, 3.0, 2)
    assert [(summary.metric, summary.min) for summary in row.metrics] == [("a.min", 3.0)]
    assert (row.attempts, row.status, row.started_at, row.created_at) == (1, "running", frames.AT + 2, frames.AT + 2)


def test_counts(zoo: House):
    assert zoo.experiments.counts(ADMIN, ExperimentQuery()) == {"running": 5, "failed": 1}
    assert zoo.experiments.counts(ADMIN, ExperimentQuery(q="config.opt=adam")) == {"running": 2, "failed": 1}
    assert zoo.experiments.list(ADMIN, ExperimentQuery(q="config.opt=adam", limit=1, count=True)).total == 3


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        (["acc", "train/loss", "loss"], "loss"),
        (["acc", "val/loss", "train_loss"], "train_loss"),
        (["my_loss_x", "val/loss"], "val/loss"),
        (["acc", "f1"], "acc"),
    ],
)
def test_the_most_loss_like_metric_is_shown(house: House, names: list[str], shown: str):
    for number, name in enumerate(names):
        house.experiments.create(ADA, NewExperiment(project="digits", uid="e"))
        house.metrics.add(ADA, "e", NewPoints(step=[number], values={name: [0.5]}))
    assert house.experiments.get(ADA, "e").headline.metric == shown
