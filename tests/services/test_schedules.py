"""Tasks that are queued again and again."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import Connection, select, update

from aiplat_jupyter.core.errors import AiplatError, Conflict, Forbidden, Gone, InvalidInput, NotFound
from aiplat_jupyter.core.queries import ScheduleQuery, TaskQuery
from aiplat_jupyter.core.records import NewMember
from aiplat_jupyter.core.tasks import NewSchedule, NewTask, Schedule, SchedulePatch, StopTask, TaskCheck
from aiplat_jupyter.executors import command
from aiplat_jupyter.services.projects import Projects
from aiplat_jupyter.services.schedules import Schedules
from aiplat_jupyter.services.tasks import Tasks
from aiplat_jupyter.store import agents
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles
from aiplat_jupyter.store.tables import AgentRow, ScheduleRow
from aiplat_jupyter.store.task_folders import TaskFolders
from tests.services.house import Waiting
from tests.services.people import ADA, ADMIN, EVE, READER

NIGHTLY = NewTask(kind="command", command=["true"], project="p", env={"API_KEY": "s3cret", "A": "1"})


class Place:
    """Schedules of one agent, on an empty database."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.agent = database.write_now(lambda tx: agents.enlist(tx, "box", "ada", 4)).uid
        tasks = Tasks(
            database,
            TaskFolders(folder),
            self.agent,
            {"local": None},
            gpus=lambda: 0,
            paths=lambda spec: command.paths(spec, Path("/home")),
            check=lambda _: TaskCheck(),
        )
        self.tasks = Waiting(tasks)
        self.plain = Schedules(database, tasks, self.agent, ADMIN)
        self.schedules = Waiting(self.plain)

    def make(self, **more: Any) -> Schedule:
        new = NewSchedule(**{"name": "nightly", "cron": "30 2 * * *", "task": NIGHTLY} | more)
        made, _ = self.schedules.create(ADA, new)
        return made

    def ripen(self, uid: str, seconds_ago: float = 1.0) -> None:
        """Let its time have come some seconds ago."""
        self.change(uid, {"next_at": time.time() - seconds_ago})

    def change(self, uid: str, values: dict[str, Any]) -> None:
        """Set columns of its row."""
        self.database.write_now(lambda tx: tx.execute(update(ScheduleRow).where(ScheduleRow.uid == uid).values(values)))

    def row(self, uid: str) -> Any:
        """Return its row, some columns of it."""
        asked = select(ScheduleRow.problem, ScheduleRow.next_at, ScheduleRow.is_enabled).where(ScheduleRow.uid == uid)
        return self.database.read_now(lambda tx: tx.execute(asked).one())

    def queued(self) -> list[str]:
        return [row.uid for row in self.tasks.list(ADA, TaskQuery()).items]


@pytest.fixture
def place(database: Database, tmp_path: Path) -> Place:
    return Place(database, tmp_path)


def test_one_is_made_listed_and_removed(place: Place) -> None:
    made = place.make(name="  nightly ", cron="30  2 * *  *", timezone="Asia/Shanghai")
    assert (made.name, made.cron, made.timezone, made.project_name) == ("nightly", "30 2 * * *", "Asia/Shanghai", "p")
    assert made.next_at is not None
    assert 0 < made.next_at - time.time() <= 86_400
    assert (made.next_at + 8 * 3600) % 86_400 == 2.5 * 3600
    page = place.schedules.list(ADA, ScheduleQuery(count=True))
    assert (page.items, page.total) == ([made], 1)
    place.schedules.remove(ADA, made.uid)
    assert place.schedules.list(ADA, ScheduleQuery()).items == []
    with pytest.raises(Gone):
        place.schedules.get(ADA, made.uid)


def test_paths_count_from_the_root_of_the_server_that_was_asked(place: Place) -> None:
    made = place.make(task=NewTask(kind="script", script="train.py", project="p"))
    assert made.task.script == "/home/train.py"
    patch = SchedulePatch(task=NewTask(kind="notebook", notebook="a/b.ipynb", project="p"))
    assert place.schedules.update(ADA, made.uid, patch).task.notebook == "/home/a/b.ipynb"
    assert place.schedules.run(ADA, made.uid).spec.notebook == "/home/a/b.ipynb"


def test_the_same_uid_makes_it_once(place: Place) -> None:
    new = NewSchedule(name="n", cron="* * * * *", task=NIGHTLY, uid="mine")
    first, is_new = place.schedules.create(ADA, new)
    again, is_newer = place.schedules.create(ADA, new)
    assert (first, is_new, is_newer) == (again, True, False)


def test_secrets_are_not_shown_but_kept(place: Place) -> None:
    made = place.make()
    assert made.task.env == {"API_KEY": "••••••", "A": "1"}
    task = place.schedules.run(ADA, made.uid)
    kept = place.database.read_now(lambda tx: tx.execute(select(ScheduleRow.task)).scalar_one())
    assert kept["env"]["API_KEY"] == "s3cret"
    assert task.schedule == made.uid


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"cron": "whenever"}, "cron"),
        ({"timezone": "Mars"}, "timezone"),
        ({"name": ""}, "name"),
        ({"task": msgspec.structs.replace(NIGHTLY, command=[])}, "task.command"),
        ({"task": msgspec.structs.replace(NIGHTLY, gpus=3)}, "task.gpus"),
        ({"task": msgspec.structs.replace(NIGHTLY, project="")}, "task.project"),
    ],
)
def test_what_is_wrong_is_named(place: Place, change: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        place.make(**change)
    assert field in caught.value.fields
    assert place.schedules.list(ADA, ScheduleQuery()).items == []


def test_what_is_due_is_queued_once(place: Place) -> None:
    made = place.make()
    place.schedules.queue_due()
    assert place.queued() == []
    place.ripen(made.uid)
    place.schedules.queue_due()
    place.schedules.queue_due()
    known = place.schedules.get(ADA, made.uid)
    assert place.queued() == [known.last_task]
    assert known.next_at > time.time()
    assert place.tasks.get(ADA, known.last_task).owner == "ada"


def test_what_it_queues_and_how_the_last_one_is_are_told(place: Place) -> None:
    made = place.make(task=msgspec.structs.replace(NIGHTLY, name="train", priority=7))
    assert (made.task_name, made.priority, made.last_state) == ("train", 7, None)
    task = place.schedules.run(ADA, made.uid)
    assert (task.name, task.priority) == ("train", 7)
    assert place.schedules.get(ADA, made.uid).last_state == "queued"
    place.tasks.stop(ADA, task.uid, StopTask())
    [listed] = place.schedules.list(ADA, ScheduleQuery()).items
    assert (listed.last_task, listed.last_state) == (task.uid, "cancelled")


def test_a_server_that_died_between_queueing_and_noting_queues_nothing_twice(place: Place) -> None:
    made = place.make()
    place.ripen(made.uid)
    at = place.schedules.get(ADA, made.uid).next_at
    place.schedules.queue_due()
    back = {"next_at": at, "last_task": None}
    place.database.write_now(lambda tx: tx.execute(update(ScheduleRow).values(back)))
    place.schedules.queue_due()
    assert len(place.queued()) == 1


def test_a_time_that_was_missed(place: Place) -> None:
    skips, catches_up = place.make(), place.make(misfire="once", name="later")
    for one in (skips, catches_up):
        place.ripen(one.uid, seconds_ago=86_400 * 3)
    place.schedules.queue_due()
    assert place.queued() == [place.schedules.get(ADA, catches_up.uid).last_task]
    problem = place.schedules.get(ADA, skips.uid).problem
    assert problem is not None
    assert "no server ran" in problem.detail


def test_a_time_at_which_the_last_task_still_runs(place: Place) -> None:
    skips, queues = place.make(), place.make(overlap="queue", name="patient")
    for _ in range(2):
        for one in (skips, queues):
            place.ripen(one.uid)
        place.schedules.queue_due()
    assert len(place.queued()) == 3
    assert place.schedules.get(ADA, queues.uid).problem is None
    assert "still running" in place.schedules.get(ADA, skips.uid).problem.detail
    place.tasks.stop(ADA, place.schedules.get(ADA, skips.uid).last_task, StopTask())
    place.ripen(skips.uid)
    place.schedules.queue_due()
    assert len(place.queued()) == 4
    assert place.schedules.get(ADA, skips.uid).problem is None


def test_a_clock_that_was_ahead_silences_none(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    made = place.make(cron="0 * * * *", misfire="once")
    real = time.time
    with monkeypatch.context() as ahead:
        ahead.setattr(time, "time", lambda: real() + 86_400)
        place.schedules.queue_due()
    assert len(place.queued()) == 1
    assert place.schedules.get(ADA, made.uid).next_at > real() + 3_600
    place.schedules.queue_due()
    again = place.schedules.get(ADA, made.uid)
    assert again.next_at <= real() + 3_600
    assert again.last_at <= real()
    assert len(place.queued()) == 1


@pytest.mark.parametrize("broken", [{"timezone": "Mars"}, {"cron": "whenever"}, {"task": {"kind": 7}}])
def test_one_that_is_broken_holds_no_other_up(place: Place, broken: dict[str, Any]) -> None:
    bad, good = place.make(), place.make(name="good")
    for one, seconds_ago in ((bad, 2.0), (good, 1.0)):
        place.ripen(one.uid, seconds_ago)
    place.change(bad.uid, broken)
    place.schedules.queue_due()
    assert place.queued() == [place.schedules.get(ADA, good.uid).last_task]
    found = place.row(bad.uid)
    assert found.problem["detail"]
    assert (found.next_at is not None) == found.is_enabled == ("task" in broken)


def test_a_change_while_it_is_queued_stays(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    made = place.make()
    place.ripen(made.uid)
    real = Tasks.create

    async def create(self: Tasks, *args: Any, **more: Any) -> Any:
        found = await real(self, *args, **more)
        await place.plain.update(ADA, made.uid, SchedulePatch(is_enabled=False))
        return found

    monkeypatch.setattr(Tasks, "create", create)
    place.schedules.queue_due()
    known = place.schedules.get(ADA, made.uid)
    assert (known.is_enabled, known.next_at) == (False, None)
    assert place.queued() == [known.last_task]


def test_one_that_is_switched_off_rests(place: Place) -> None:
    made = place.make()
    off = place.schedules.update(ADA, made.uid, SchedulePatch(is_enabled=False))
    assert (off.is_enabled, off.next_at) == (False, None)
    place.schedules.queue_due()
    assert place.queued() == []
    on = place.schedules.update(ADA, made.uid, SchedulePatch(is_enabled=True, cron="0 0 1 1 *", name="yearly"))
    assert on.next_at > time.time()
    assert (on.name, on.task) == ("yearly", made.task)


def test_an_owner_who_may_no_longer_write_queues_nothing(place: Place) -> None:
    made = place.make()
    place.ripen(made.uid)

    def disown(tx: Connection) -> None:
        tx.execute(update(ScheduleRow).values(owner="nobody"))
        tx.execute(update(AgentRow).values(slots=0))

    place.database.write_now(disown)
    place.schedules.queue_due()
    assert place.schedules.get(ADA, made.uid).problem is not None


def test_who_may_do_what(place: Place) -> None:
    made = place.make()
    for ask in (place.schedules.get, place.schedules.run, place.schedules.remove):
        with pytest.raises(NotFound):
            ask(EVE, made.uid)
    assert place.schedules.list(EVE, ScheduleQuery()).items == []
    with pytest.raises(Forbidden):
        place.schedules.run(READER, made.uid)
    with pytest.raises(Conflict):
        place.schedules.create(EVE, NewSchedule(name="n", cron="* * * * *", task=NIGHTLY, uid=made.uid))


def test_nobody_has_another_accounts_machine_run_something_else(place: Place) -> None:
    theirs = place.database.write_now(lambda tx: agents.enlist(tx, "box", "eve", 4)).uid
    made, _ = place.schedules.create(EVE, NewSchedule(name="n", cron="0 1 * * *", task=_on(theirs, ["true"])))
    project = place.tasks.create(EVE, _on(theirs, ["true"]))[0].project
    Waiting(Projects(place.database, JournalFiles(Path()), TaskFolders(Path()))).set_member(
        EVE, project, "ada", NewMember(role="editor")
    )
    for task in (_on(theirs, ["evil"]), _on("", ["evil"]), _on(place.agent, ["evil"])):
        with pytest.raises(Forbidden, match="eve"):
            place.schedules.update(ADA, made.uid, SchedulePatch(task=task))
    with pytest.raises(Forbidden, match="eve"):
        place.schedules.run(ADA, made.uid)
    assert place.schedules.update(ADA, made.uid, SchedulePatch(is_enabled=False)).task.command == ["true"]
    assert place.schedules.update(EVE, made.uid, SchedulePatch(task=_on("", ["false"]))).agent == theirs
    assert place.schedules.run(EVE, made.uid).agent == theirs


def _on(agent: str, command: list[str]) -> NewTask:
    return NewTask(kind="command", command=command, project="eves", agent=agent)


def test_pages_follow_each_other(place: Place) -> None:
    names = [place.make(name=name).name for name in ("b", "A", "c")]
    first = place.schedules.list(ADA, ScheduleQuery(limit=2))
    second = place.schedules.list(ADA, ScheduleQuery(limit=2, cursor=first.next_cursor))
    assert [one.name for one in first.items + second.items] == sorted(names, key=str.lower)
    assert second.next_cursor is None


def test_a_broken_database_leaves_it_due(place: Place) -> None:
    made = place.make()
    place.ripen(made.uid)
    place.database.close()
    with pytest.raises(AiplatError):
        asyncio.run(place.plain.queue_due())
