import time
from pathlib import Path
from typing import Any

import msgspec
import pytest

from aiplat_jupyter.core.errors import Conflict, Forbidden, Gone, InvalidInput, NotFound
from aiplat_jupyter.core.queries import TaskQuery
from aiplat_jupyter.core.records import NewMember
from aiplat_jupyter.core.states import TASK
from aiplat_jupyter.core.tasks import After, NewTask, StopTask, TaskBulk, TaskCheck, TaskPatch, TaskSpec
from aiplat_jupyter.services.specs import MASK, masked
from aiplat_jupyter.store import agents, changes, task_attempts, tasks
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.task_attempts import Ending
from tests.services.house import House
from tests.services.people import ADA, ADMIN, BOB, READER
from tests.services.yard import Yard


@pytest.fixture
def yard(database: Database, tmp_path: Path) -> Yard:
    return Yard(database, tmp_path)


def names(yard: Yard, who=ADA, **query: Any) -> list[str]:
    return [row.name for row in yard.tasks.list(who, TaskQuery(**query)).items]


def test_create_is_idempotent_by_uid(yard: Yard) -> None:
    new = NewTask(project="digits", uid="t1", kind="script", script="a/train.py", priority=3)
    made, is_new = yard.tasks.create(ADA, new)
    assert is_new
    assert (made.name, made.state, made.owner, made.project_name, made.role) == (
        "train.py",
        "queued",
        "ada",
        "digits",
        "owner",
    )
    assert (made.priority, made.attempts, [one.state for one in made.lineage]) == (3, 1, ["queued"])
    assert (made.machine, made.agent, made.reason, made.detail) == ("here", yard.agent.uid, "no_agent", "here")
    assert yard.tasks.create(ADA, new) == (made, False)
    with pytest.raises(Conflict, match="uid"):
        yard.tasks.create(BOB, new)


@pytest.mark.parametrize(
    ("fields", "kept"),
    [
        ({"kind": "script", "script": "a/train.py"}, ("/home/a/train.py", "", "")),
        ({"kind": "script", "script": "/b/train.py", "cwd": "c"}, ("/b/train.py", "", "/home/c")),
        ({"kind": "notebook", "notebook": "./n.ipynb"}, ("", "/home/n.ipynb", "")),
        ({}, ("", "", "/home")),
    ],
)
def test_paths_count_from_the_root_of_the_server_that_was_asked(yard: Yard, fields, kept) -> None:
    spec = yard.queue(**fields).spec
    assert (spec.script, spec.notebook, spec.cwd) == kept
    elsewhere = yard.database.write_now(lambda tx: agents.enlist(tx, "there", "ada", 4))
    assert yard.queue(**fields, agent=elsewhere.uid).spec.cwd == fields.get("cwd", ""), "whose root is not known"


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"command": []}, "command"),
        ({"command": ["a", "b"], "shell": True}, "command"),
        ({"command": ["a\0"]}, "command"),
        ({"kind": "script"}, "script"),
        ({"kind": "notebook", "notebook": " "}, "notebook"),
        ({"kind": "notebook-live"}, "kind"),
        ({"gpus": -1}, "gpus"),
        ({"gpus": 65}, "gpus"),
        ({"slots": 0}, "slots"),
        ({"slots": 5}, "slots"),
        ({"timeout_s": 0}, "timeout_s"),
        ({"timeout_s": float("nan")}, "timeout_s"),
        ({"grace_s": -1}, "grace_s"),
        ({"retries": 101}, "retries"),
        ({"retry_wait_s": float("inf")}, "retry_wait_s"),
        ({"priority": 1001}, "priority"),
        ({"env": {"A=B": "c"}}, "env"),
        ({"env": {"A": "\ud800"}}, "env"),
        ({"env": {"KEY": MASK}}, "env"),
        ({"executor": "moon"}, "executor"),
        ({"agent": "nobody"}, "agent"),
        ({"project": " "}, "project"),
        ({"name": "a\nb"}, "name"),
        ({"uid": "../x"}, "uid"),
        ({"after": [After(task="none")]}, "after"),
        ({"uid": "me", "after": [After(task="me")]}, "after"),
        ({"after": [After(task="x"), After(task="x", on="any")]}, "after"),
    ],
)
def test_what_can_never_run_is_refused_by_field(yard: Yard, fields: dict[str, Any], wrong: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        yard.queue(**fields)
    assert list(caught.value.fields) == [wrong]
    assert yard.states() == {}
    if wrong != "uid":
        new = NewTask(**{"project": "p", "kind": "command", "command": ["x"], **fields})
        assert list(yard.tasks.check(ADA, new).fields) == [wrong]


def test_a_check_tells_what_would_run(yard: Yard) -> None:
    found = yard.tasks.check(ADA, NewTask(project="new", kind="command", command=["train", "-v"]))
    assert (found.fields, found.argv, found.cwd) == ({}, ["train", "-v"], "/")
    assert yard.states() == {}


def test_what_this_machine_cannot_start_is_refused_unless_it_may_come(yard: Yard) -> None:
    first = yard.queue(name="first", uid="first")
    yard.service._check = lambda spec: TaskCheck(fields={"script": "a file that exists"})
    with pytest.raises(InvalidInput) as caught:
        yard.queue(name="second")
    assert caught.value.fields == {"script": "a file that exists"}
    assert yard.queue(uid="first") == first  # which is there already
    yard.queue(name="waits", after=[After(task=first.uid)])
    yard.database.write_now(lambda tx: agents.enlist(tx, "there", "ada", 4))
    [there] = [agent for agent in yard.agents.list(ADA) if agent.machine == "there"]
    yard.queue(name="elsewhere", agent=there.uid)
    assert sorted(yard.states()) == ["elsewhere", "first", "waits"]


def test_a_machine_of_another_account_runs_nothing_of_others(yard: Yard, house: House) -> None:
    bobs = yard.database.write_now(lambda tx: agents.enlist(tx, "there", "bob", 4)).uid
    task = yard.queue(BOB, agent=bobs)
    house.projects.set_member(BOB, task.project, "ada", NewMember(role="editor"))
    new = NewTask(project="p", kind="command", command=["x"], agent=bobs)
    for act in (
        lambda: yard.tasks.create(ADA, new),
        lambda: yard.tasks.create(ADA, msgspec.structs.replace(new, after=[After(task=task.uid)])),
        lambda: yard.tasks.check(ADA, new),
        lambda: yard.tasks.clone(ADA, task.uid),
    ):
        with pytest.raises(Forbidden, match="bob"):
            act()
    assert yard.tasks.create(ADMIN, new)[1]
    assert yard.queue(BOB).machine == "here"  # whose server let bob in


@pytest.mark.parametrize(
    ("value", "is_secret"),
    [
        ("https://me:pw@host/x", True),
        ("redis://:pw@host", True),
        ("see a://b and a://me:p:w@host", True),
        ("http://host:80/a@b", False),
        ("ssh://me@host:22", False),
        ("://" + ":" * 100_000, False),
        ("://a:" * 20_000, False),
    ],
)
def test_passwords_in_addresses_are_masked_however_long_the_value_is(value: str, is_secret: bool) -> None:
    spec = TaskSpec(kind="command", env={"A": value})
    begin = time.thread_time()
    assert masked(spec).env == {"A": MASK if is_secret else value}
    assert time.thread_time() - begin < 2


def test_secrets_are_masked_but_cloned(yard: Yard) -> None:
    env = {"WANDB_API_KEY": "k", "hf_token": "t", "DB": "pg://me:pw@host/db", "URL": "http://host:80/a@b", "N": "3"}
    task = yard.queue(env=env, name="first", priority=2)
    assert task.spec.env == env | {"WANDB_API_KEY": MASK, "hf_token": MASK, "DB": MASK}
    assert yard.get(task).spec.env == task.spec.env
    clone = yard.tasks.clone(ADA, task.uid)
    assert (clone.name, clone.priority, clone.attempts) == ("first", 2, 1)
    assert clone.uid != task.uid
    found = yard.database.read_now(lambda tx: tasks.find(tx, ADA, clone.uid))
    assert found
    assert yard.database.read_now(lambda tx: tasks.spec_of(tx, found.id)).env == env
    assert names(yard, q="secret k") == []


def test_viewers_see_and_editors_act(yard: Yard, house: House) -> None:
    task = yard.queue()
    assert names(yard, BOB) == []
    with pytest.raises(NotFound):
        yard.tasks.get(BOB, task.uid)
    house.projects.set_member(ADA, task.project, "bob", NewMember(role="viewer"))
    assert names(yard, BOB) == ["train"]
    assert yard.tasks.get(BOB, task.uid).role == "viewer"
    for act in (
        lambda: yard.tasks.stop(BOB, task.uid, StopTask()),
        lambda: yard.tasks.retry(BOB, task.uid),
        lambda: yard.tasks.clone(BOB, task.uid),
        lambda: yard.tasks.update(BOB, task.uid, TaskPatch(name="x")),
        lambda: yard.tasks.apply(BOB, task.uid, "trash"),
        lambda: yard.queue(READER),
        lambda: yard.tasks.check(READER, NewTask(project="p", kind="command", command=["x"])),
    ):
        with pytest.raises(Forbidden):
            act()
    house.projects.set_member(ADA, task.project, "bob", NewMember(role="editor"))
    assert yard.tasks.stop(BOB, task.uid, StopTask()).state == "cancelled"
    assert yard.why(task) == ("stopped", "bob")
    with pytest.raises(Forbidden):  # what is gone for good is for owners
        yard.tasks.apply(BOB, task.uid, "purge")


def test_lists_filter_sort_and_count(yard: Yard) -> None:
    a = yard.queue(name="a", command=["python", "alpha.py"])
    b = yard.queue(name="b", project="other", priority=5)
    yard.queue(name="c", kind="notebook", notebook="x.ipynb")
    yard.tasks.stop(ADA, a.uid, StopTask())
    assert names(yard) == ["c", "b", "a"]
    assert names(yard, sort="queue") == ["b", "c", "a"]
    assert names(yard, sort="-queue") == ["a", "c", "b"]
    assert names(yard, q="alpha") == ["a"]
    assert names(yard, q="x.ipynb") == ["c"]
    assert names(yard, q="other") == ["b"]
    assert names(yard, state=["queued"], sort="name") == ["b", "c"]
    assert names(yard, kind=["notebook"]) == ["c"]
    assert names(yard, project=[b.project]) == ["b"]
    assert names(yard, agent=["nobody"]) == names(yard, owner=["bob"]) == names(yard, experiment="e") == []
    assert yard.tasks.counts(ADA, TaskQuery()) == {"queued": 2, "cancelled": 1}
    for sort in ("created", "-updated", "started", "-ended", "name", "state", "queue", "-queue"):
        seen, cursor = [], None
        while True:
            page = yard.tasks.list(ADA, TaskQuery(sort=sort, limit=1, cursor=cursor, count=True))
            seen += [row.name for row in page.items]
            assert page.total == 3
            cursor = page.next_cursor
            if cursor is None:
                break
        assert seen == names(yard, sort=sort)
    with pytest.raises(InvalidInput):
        names(yard, sort="colour")


def test_a_place_in_the_queue(yard: Yard) -> None:
    a, b, c = (yard.queue(name=name) for name in "abc")
    yard.tasks.update(ADA, c.uid, TaskPatch(before=a.uid))
    assert names(yard, sort="queue") == ["c", "a", "b"]
    for _ in range(80):  # more often than numbers fit between two places
        yard.tasks.update(ADA, b.uid, TaskPatch(before=a.uid))
        yard.tasks.update(ADA, c.uid, TaskPatch(before=a.uid))
    assert names(yard, sort="queue") == ["b", "c", "a"]
    yard.tasks.update(ADA, a.uid, TaskPatch(priority=1, name="A"))
    assert names(yard, sort="queue") == ["A", "b", "c"]
    yard.tasks.update(ADA, c.uid, TaskPatch(before=a.uid))
    assert yard.get(c).priority == 1
    with pytest.raises(InvalidInput):
        yard.tasks.update(ADA, a.uid, TaskPatch(before=a.uid))
    yard.tasks.stop(ADA, b.uid, StopTask())
    for patch, error in ((TaskPatch(priority=2), Conflict), (TaskPatch(before=a.uid), Conflict)):
        with pytest.raises(error):
            yard.tasks.update(ADA, b.uid, patch)
    with pytest.raises(InvalidInput):
        yard.tasks.update(ADA, a.uid, TaskPatch(before=b.uid))


def test_what_has_ended_stays_as_it_is(yard: Yard) -> None:
    for state in TASK:
        if TASK[state].next:
            continue
        task = yard.queue()
        attempt = yard.database.read_now(lambda tx, task=task: task_attempts.find(tx, task.attempt))
        assert attempt

        def change(tx, attempt=attempt, state=state) -> list[bool]:
            task_attempts.move(tx, attempt.id, "starting")
            task_attempts.end(tx, attempt.id, Ending(state, "", "first"), 1.0)
            moved = [task_attempts.move(tx, attempt.id, other, detail="x") for other in TASK]
            return [*moved, task_attempts.end(tx, attempt.id, Ending("failed", "", "second"), 2.0)]

        assert not any(yard.database.write_now(change))
        assert (yard.get(task).state, yard.get(task).detail, yard.get(task).ended_at) == (state, "first", 1.0)


def test_a_retry_is_a_further_attempt(yard: Yard) -> None:
    task = yard.queue()
    with pytest.raises(Conflict):
        yard.tasks.retry(ADA, task.uid)
    yard.tasks.stop(ADA, task.uid, StopTask())
    with pytest.raises(Conflict):
        yard.tasks.stop(ADA, task.uid, StopTask())
    again = yard.tasks.retry(ADA, task.uid)
    assert (again.state, again.attempts, again.ended_at, again.stop_requested) == ("queued", 2, None, False)
    assert [(one.number, one.state) for one in again.lineage] == [(1, "cancelled"), (2, "queued")]
    assert again.attempt == again.lineage[1].uid != task.attempt
    yard.tasks.stop(ADA, task.uid, StopTask())
    yard.tasks.apply(ADA, task.uid, "trash")
    with pytest.raises(Conflict, match="trash"):
        yard.tasks.retry(ADA, task.uid)


def test_a_broken_dependency_cancels_all_that_follow(yard: Yard) -> None:
    first = yard.queue(name="first")
    yard.queue(name="ok", after=[After(task=first.uid)])
    last = yard.queue(name="last", after=[After(task=yard.tasks.list(ADA, TaskQuery(q="ok")).items[0].uid)])
    any_way = yard.queue(name="any", after=[After(task=first.uid, on="any")])
    failed = yard.queue(name="failed", after=[After(task=first.uid, on="failed")])
    assert [(one.task, one.on, one.state) for one in any_way.after] == [(first.uid, "any", "queued")]
    yard.tasks.stop(ADA, first.uid, StopTask())
    assert yard.states() == {
        "first": "cancelled",
        "ok": "cancelled",
        "last": "cancelled",
        "any": "queued",
        "failed": "queued",
    }
    assert yard.why(last) == ("dependency", "ok")
    late = yard.queue(name="late", after=[After(task=first.uid)])
    assert (late.state, late.reason, late.detail) == ("cancelled", "dependency", "first")
    assert yard.tasks.retry(ADA, late.uid).state == "cancelled"
    assert yard.get(failed).after[0].state == "cancelled"


def test_trash_and_purge(yard: Yard) -> None:
    task = yard.queue()
    for verb in ("trash", "archive", "purge"):
        with pytest.raises(Conflict):
            yard.tasks.apply(ADA, task.uid, verb)
    yard.tasks.stop(ADA, task.uid, StopTask())
    assert yard.tasks.apply(ADA, task.uid, "archive").lifecycle == "archived"
    yard.tasks.apply(ADA, task.uid, "trash")
    assert (names(yard), names(yard, lifecycle="trashed")) == ([], ["train"])
    folder = yard.folders.path(task.uid, 1)
    folder.mkdir(parents=True)
    (folder / "out.log").write_bytes(b"x" * 1_000)
    outside = yard.folder / "kept"
    outside.write_text("mine")
    (folder / "link").symlink_to(outside)
    purged = yard.tasks.apply(ADA, task.uid, "purge")
    assert purged.freed_bytes >= 1_000
    assert not folder.parent.exists()
    assert outside.exists()
    with pytest.raises(Gone):
        yard.tasks.get(ADA, task.uid)
    with pytest.raises(Gone):
        yard.queue(uid=task.uid)


def test_many_at_once(yard: Yard) -> None:
    made = [yard.queue(name=name) for name in "abc"]
    uids = [task.uid for task in made]
    stopped = yard.tasks.bulk(ADA, TaskBulk(verb="stop", uids=[*uids[:2], "none"]))
    assert (stopped.done, list(stopped.failed)) == (uids[:2], ["none"])
    assert yard.tasks.bulk(ADA, TaskBulk(verb="retry", uids=uids)).done == uids[:2]
    yard.tasks.bulk(ADA, TaskBulk(verb="stop", uids=uids))
    assert yard.tasks.bulk(ADA, TaskBulk(verb="trash", uids=uids)).done == uids
    assert yard.tasks.bulk(ADA, TaskBulk(verb="purge", uids=uids)).done == uids
    assert yard.states() == {}


def test_a_project_with_tasks_that_wait_cannot_be_put_away(yard: Yard, house: House) -> None:
    task = yard.queue()
    with pytest.raises(Conflict, match="wait or run: 1"):
        house.projects.apply(ADA, task.project, "trash")
    yard.tasks.stop(ADA, task.uid, StopTask())
    house.projects.apply(ADA, task.project, "trash")
    assert names(yard) == []
    folder = yard.folders.path(task.uid, 1)
    folder.mkdir(parents=True)
    (folder / "out.log").write_bytes(b"x" * 1_000)
    assert house.projects.apply(ADA, task.project, "purge").freed_bytes == 1_000
    assert not folder.parent.exists()
    with pytest.raises(Gone):
        yard.tasks.get(ADA, task.uid)


def test_changes_are_told(yard: Yard) -> None:
    task = yard.queue()
    yard.tasks.update(ADA, task.uid, TaskPatch(name="new"))
    yard.tasks.stop(ADA, task.uid, StopTask())
    told = [
        (one.topic, one.kind)
        for one in yard.database.read_now(lambda tx: changes.since(tx, 0))
        if one.uid == task.uid and one.project == task.project
    ]
    kinds = ["created", "updated", "status"]
    assert told == [(topic, kind) for kind in kinds for topic in ("tasks", f"task:{task.uid}")]


def test_the_queue_of_a_machine_is_paused_by_its_account(yard: Yard) -> None:
    [agent] = yard.agents.list(BOB)
    assert (agent.machine, agent.slots) == ("here", 4)
    assert (agent.is_own, agent.is_alive, agent.is_paused) == (True, False, False)
    with pytest.raises(Forbidden):
        yard.agents.pause(BOB, agent.uid)
    with pytest.raises(Forbidden):
        yard.agents.pause(READER, agent.uid)
    with pytest.raises(NotFound):
        yard.agents.pause(ADA, "none")
    assert yard.agents.pause(ADA, agent.uid).is_paused
    assert not yard.agents.resume(ADMIN, agent.uid).is_paused
