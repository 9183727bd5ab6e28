"""Schedules: tasks that are queued again and again."""

import logging
import time
from functools import partial
from typing import Any, Final

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from aiplat_jupyter.core.errors import AiplatError, Conflict, InvalidInput, NotFound, Unavailable
from aiplat_jupyter.core.ids import new_uid, uid_of
from aiplat_jupyter.core.problems import to_problem
from aiplat_jupyter.core.queries import ScheduleQuery
from aiplat_jupyter.core.records import Identity, Page
from aiplat_jupyter.core.states import Role
from aiplat_jupyter.core.tasks import NewSchedule, NewTask, Schedule, SchedulePatch, Task
from aiplat_jupyter.services import access, limits
from aiplat_jupyter.services.cron import next_time
from aiplat_jupyter.services.projects import to_write
from aiplat_jupyter.services.tasks import Tasks, masked
from aiplat_jupyter.store import changes, schedules, tombstones
from aiplat_jupyter.store.database import Database

_ON_TIME_SECONDS: Final = 90.0
"""What has been due for longer was missed, because no server ran."""
_AT_ONCE: Final = 100
_UNEXPECTED: Final = AiplatError("The server could not queue the task.", hint="Its log says why.")

_log = logging.getLogger(__name__)


class Schedules:
    """The rules of schedules: editors of the project write, viewers read. `local` is the account of this machine."""

    def __init__(self, database: Database, tasks: Tasks, agent: str, local: Identity) -> None:
        self._database = database
        self._tasks = tasks
        self._agent = agent
        self._local = local

    async def list(self, who: Identity, query: ScheduleQuery) -> Page[Schedule]:
        """Return a page of schedules, by name."""
        access.require(who, "read")
        page = await self._database.read(lambda tx: schedules.page(tx, who, query))
        return msgspec.structs.replace(page, items=[_without_secrets(item) for item in page.items])

    async def get(self, who: Identity, uid: str) -> Schedule:
        """Return one schedule."""
        return await self._database.read(lambda tx: _shown(tx, _found(tx, who, uid, "viewer")))

    async def create(self, who: Identity, new: NewSchedule) -> tuple[Schedule, bool]:
        """Create a schedule, or answer the one with its uid; the flag tells whether it is new.

        Raise `InvalidInput` for a wrong cron, time zone or task.
        """
        access.require(who, "write")
        uid = limits.uid(new.uid) or new_uid()
        values = self._columns(new.name, new.cron, new.timezone, is_enabled=new.is_enabled)
        await self._refuse_wrong(who, new.task)
        agent = new.task.agent or self._agent
        given = {"misfire": new.misfire, "overlap": new.overlap, "task": _kept(self._tasks.located(new.task), agent)}
        first = {"uid": uid, "owner": who.username, "created_at": time.time()}

        def change(tx: Connection) -> tuple[Schedule, bool]:
            tombstones.refuse_buried(tx, uid)
            known = schedules.find(tx, who, uid)
            if known is None:
                if schedules.is_taken(tx, uid):
                    raise Conflict("The uid belongs to a schedule that you may not see.", hint="Make another uid.")
                project = to_write(tx, who, limits.name("task.project", new.task.project))
                schedules.create(tx, project.id, agent, values | given | first)
                changes.of_schedule(tx, "created", uid, project.uid)
            return _shown(tx, _found(tx, who, uid, "viewer")), known is None

        return await self._database.write(change)

    async def update(self, who: Identity, uid: str, patch: SchedulePatch) -> Schedule:
        """Set the fields that are given; the next time is counted from now. The agent stays."""
        before = await self.get(who, uid)
        fields = {name: value for name in patch.__struct_fields__ if (value := getattr(patch, name)) is not UNSET}
        after = msgspec.structs.replace(before, **{name: fields[name] for name in fields if name != "task"})
        values = self._columns(after.name, after.cron, after.timezone, is_enabled=after.is_enabled)
        values |= {"misfire": after.misfire, "overlap": after.overlap, "problem": None}
        if patch.task is not UNSET:
            task = msgspec.structs.replace(patch.task, agent=before.agent)
            await self._refuse_wrong(who, task)
            values["task"] = _kept(self._tasks.located(task), before.agent)

        def change(tx: Connection) -> Schedule:
            found = _found(tx, who, uid, "editor")
            schedules.change(tx, found.id, values)
            changes.of_schedule(tx, "updated", uid, found.project.uid)
            return _shown(tx, found)

        return await self._database.write(change)

    async def remove(self, who: Identity, uid: str) -> None:
        """Remove a schedule; the tasks that it queued stay."""

        def change(tx: Connection) -> None:
            found = _found(tx, who, uid, "editor")
            schedules.remove(tx, found.id)
            tombstones.bury(tx, "schedule", [uid])
            changes.of_schedule(tx, "purged", uid, found.project.uid)

        await self._database.write(change)

    async def run(self, who: Identity, uid: str) -> Task:
        """Queue the task now, besides its times."""

        def ask(tx: Connection) -> tuple[schedules.Found, dict[str, Any]]:
            found = _found(tx, who, uid, "editor")
            return found, schedules.task_of(tx, found)

        found, kept = await self._database.read(ask)
        task, _ = await self._tasks.create(who, _task(kept, found.project.name), schedule=found.id)
        await self._database.write(lambda tx: _note(tx, found.id, uid, found.project.uid, {"last_task": task.uid}))
        return task

    async def queue_due(self) -> None:
        """Queue what is due on this agent, each time once: also if a server dies in the middle."""
        now = time.time()
        for due in await self._database.read(lambda tx: schedules.due(tx, self._agent, now, _AT_ONCE)):
            outcome = await self._outcome(due, now)
            await self._database.write(partial(_note_outcome, due=due, outcome=outcome))

    async def _outcome(self, due: schedules.Due, now: float) -> dict[str, Any]:
        """Return what to note, trouble included: others must have their turn.

        One of which no next time can be told, as its time zone is not known any more, is switched off.
        """
        outcome: dict[str, Any] = {"next_at": None, "is_enabled": False, "last_at": now}
        try:
            outcome |= {"next_at": next_time(due.cron, due.timezone, now), "is_enabled": True}
            if due.next_at <= now:
                outcome |= await self._queue(due, now)
        except Unavailable:
            raise
        except AiplatError as error:
            _log.warning("The schedule %s queued nothing: %s", due.uid, error.detail)
            outcome["problem"] = msgspec.to_builtins(to_problem(error))
        except Exception:
            _log.exception("The schedule %s queued nothing", due.uid)
            outcome["problem"] = msgspec.to_builtins(to_problem(_UNEXPECTED))
        return outcome

    async def _queue(self, due: schedules.Due, now: float) -> dict[str, Any]:
        """Return what to note; the task's uid follows from schedule and time, so a second go finds it there."""
        if due.misfire == "skip" and now - due.next_at > _ON_TIME_SECONDS:
            raise Conflict("The time passed while no server ran.", hint="Set misfire to once to run it later.")
        if due.overlap == "skip" and due.is_last_running:
            raise Conflict("The last task was still running.", hint="Set overlap to queue to run one after the other.")
        who = Identity(username=due.owner, is_admin=self._local.is_admin and due.owner == self._local.username)
        uid = uid_of(due.uid, due.next_at)
        new = msgspec.structs.replace(_task(due.task, due.project), uid=uid)
        await self._tasks.create(who, new, schedule=due.id)
        return {"last_task": uid, "problem": None}

    def _columns(self, name: str, cron: str, timezone: str, *, is_enabled: bool) -> dict[str, Any]:
        cron = " ".join(cron.split())
        following = next_time(cron, timezone, time.time())
        return {
            "name": limits.name("name", name),
            "cron": cron,
            "timezone": timezone,
            "is_enabled": is_enabled,
            "next_at": following if is_enabled else None,
        }

    async def _refuse_wrong(self, who: Identity, task: NewTask) -> None:
        if task.after:
            raise InvalidInput("A scheduled task waits for no other.", fields={"task.after": "none"})
        found = await self._tasks.check(who, task)
        if found.fields:
            fields = {f"task.{field}": right for field, right in found.fields.items()}
            raise InvalidInput("The task cannot run like this.", fields=fields)


def _kept(task: NewTask, agent: str) -> dict[str, Any]:
    """Return what the row keeps; the project is a column, the uid is made for each time."""
    plain: dict[str, Any] = msgspec.to_builtins(msgspec.structs.replace(task, uid=None, project="", agent=agent))
    return plain


def _task(kept: dict[str, Any], project: str) -> NewTask:
    return msgspec.convert({**kept, "project": project}, NewTask)


def _found(tx: Connection, who: Identity, uid: str, need: Role) -> schedules.Found:
    found = schedules.find(tx, who, uid)
    if found is None:
        tombstones.refuse_buried(tx, uid)
        raise NotFound(f"There is no schedule {uid!r}.")
    access.check(who, found.project.role, need)
    return found


def _shown(tx: Connection, found: schedules.Found) -> Schedule:
    return _without_secrets(schedules.record(tx, found))


def _without_secrets(schedule: Schedule) -> Schedule:
    return msgspec.structs.replace(schedule, task=masked(schedule.task))


def _note(tx: Connection, schedule_id: int, uid: str, project: str, values: dict[str, Any]) -> None:
    schedules.change(tx, schedule_id, values)
    changes.of_schedule(tx, "updated", uid, project)


def _note_outcome(tx: Connection, due: schedules.Due, outcome: dict[str, Any]) -> None:
    """Note what came of a time; one that was changed meanwhile keeps its new times and has no problem."""
    if not schedules.is_due_at(tx, due):
        outcome = {name: outcome[name] for name in ("last_at", "last_task") if name in outcome}
    _note(tx, due.id, due.uid, due.project_uid, outcome)
