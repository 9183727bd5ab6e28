"""Tasks: what may be done to them, and by whom."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from aiplat_jupyter.core.errors import AiplatError, Conflict, Forbidden, InvalidInput
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.ports import Executor, Job
from aiplat_jupyter.core.queries import TaskQuery
from aiplat_jupyter.core.records import BulkResult, Identity, Page, Purged, Verb
from aiplat_jupyter.core.states import TASK_LIVE, TaskState
from aiplat_jupyter.core.tasks import NewTask, StopTask, Task, TaskBulk, TaskCheck, TaskPatch, TaskRow, TaskSpec
from aiplat_jupyter.services import access, endings, limits, specs
from aiplat_jupyter.services.bulk import next_state, purge_each, put_each, refuse_unless_trashed
from aiplat_jupyter.services.projects import to_write
from aiplat_jupyter.services.specs import masked
from aiplat_jupyter.store import agents, changes, dependencies, experiments, task_attempts, tasks, tombstones
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.task_attempts import Ending
from aiplat_jupyter.store.task_folders import TaskFolders

__all__ = ["Tasks", "masked"]


class Tasks:
    """The rules of tasks: editors of their project act, viewers read.

    Parameters
    ----------
    agent : uid of the one that runs tasks which name none: this machine and account. Whoever is let into this server
        may have it run tasks, as they may open a terminal; other agents run tasks for their own account alone.
    gpus : tells how many GPUs it has; None: not known yet.
    paths : tells the fields that name paths, which count from this server's root folder, as absolute ones.
    check : tells what would run, and what is wrong with it on this machine; blocks.
    """

    def __init__(
        self,
        database: Database,
        folders: TaskFolders,
        agent: str,
        executors: Mapping[str, Executor],
        *,
        gpus: Callable[[], int | None],
        paths: Callable[[TaskSpec], Mapping[str, str]],
        check: Callable[[TaskSpec], TaskCheck],
    ) -> None:
        self._database = database
        self._folders = folders
        self._agent = agent
        self._executors = executors
        self._gpus = gpus
        self._paths = paths
        self._check = check

    async def list(self, who: Identity, query: TaskQuery) -> Page[TaskRow]:
        """Return a page. Raise `InvalidInput` for a bad sort or cursor."""
        access.require(who, "read")
        return await self._database.read(lambda tx: tasks.page(tx, who, query))

    async def counts(self, who: Identity, query: TaskQuery) -> dict[TaskState, int]:
        """Return how many of the tasks that match `query` (its page apart) are in each state."""
        access.require(who, "read")
        return await self._database.read(lambda tx: tasks.counts(tx, who, query))

    async def get(self, who: Identity, uid: str) -> Task:
        """Return one task."""
        return await self._database.read(lambda tx: _shown(tx, who, uid))

    async def create(self, who: Identity, new: NewTask, *, schedule: int | None = None) -> tuple[Task, bool]:
        """Queue a task, or answer the one with its uid; the flag tells whether it is new. `schedule` queues it.

        What this machine could not start is refused as well, unless it waits for other tasks, which may make what is
        missing, or a schedule queues it. Raise `InvalidInput` for what can never run, `Forbidden` for somebody else's
        agent, `Gone` for a purged uid.
        """
        access.require(who, "write")
        uid = limits.uid(new.uid) or new_uid()
        if schedule is None and not new.after:
            await self._refuse_what_cannot_start(who, new, uid)

        def change(tx: Connection) -> tuple[Task, bool]:
            tombstones.refuse_buried(tx, uid)
            known = tasks.find(tx, who, uid)
            if known is None:
                self._create(tx, who, new, uid, schedule)
            access.task(tx, who, uid, "editor")
            return _shown(tx, who, uid), known is None

        return await self._database.write(change)

    async def _refuse_what_cannot_start(self, who: Identity, new: NewTask, uid: str) -> None:
        """Look at this machine's files; whatever else is wrong is for the transaction to refuse."""

        def ask(tx: Connection) -> bool:
            is_known = tasks.is_taken(tx, uid) or tombstones.is_buried(tx, uid)
            agent = None if is_known else self._agent_of(tx, who, new)
            return agent is not None and agent.uid == self._agent and not self._faults(new, agent)

        if await self._database.read(ask) and (wrong := (await asyncio.to_thread(self._check, new)).fields):
            raise InvalidInput("The task cannot run like this.", fields=wrong)

    def _create(self, tx: Connection, who: Identity, new: NewTask, uid: str, schedule: int | None) -> None:
        if tasks.is_taken(tx, uid):
            raise Conflict("The uid belongs to a task that you may not see.", hint="Make another uid.")
        agent = self._agent_of(tx, who, new)
        if wrong := self._faults(new, agent):
            raise InvalidInput("The task cannot run like this.", fields=wrong)
        name = limits.name("name", new.name, required=False) or specs.default_name(new)
        project = to_write(tx, who, limits.name("project", new.project))
        new = self.located(new)
        more: dict[str, Any] = {"executor": new.executor, "priority": new.priority, "schedule_id": schedule}
        row = tasks.create(tx, project.id, agent.id, new, uid=uid, name=name, owner=who.username, **more)
        task_attempts.begin(tx, row, new_uid(), 1)
        dependencies.add(tx, row, [(_needed(tx, who, uid, one.task), one.on) for one in new.after])
        tasks.change(tx, row, _first_reason(tx, agent, row, new.slots))
        changes.of_task(tx, "created", uid, project.uid)
        endings.cancel_broken(tx, dependencies.broken(tx, [row]))

    def located(self, new: NewTask) -> NewTask:
        """Return a task that means the same to each server of its agent, wherever their root folders are."""
        if new.agent not in ("", self._agent):
            return new
        return msgspec.structs.replace(new, **self._paths(new))

    def _agent_of(self, tx: Connection, who: Identity, new: NewTask) -> agents.Found:
        found = agents.find(tx, new.agent or self._agent)
        if found is None:
            raise InvalidInput(f"There is no agent {new.agent!r}.", fields={"agent": "one of those that are listed"})
        if not (who.is_admin or found.uid == self._agent or found.username == who.username):
            raise Forbidden(f"{found.machine} runs tasks of {found.username} only.", hint="Leave the agent out.")
        return found

    def _faults(self, new: NewTask, agent: agents.Found) -> dict[str, str]:
        is_own = agent.uid == self._agent
        wrong = specs.faults(new, agent.slots, self._gpus() if is_own else len(agent.gpus))
        if is_own and new.executor not in self._executors:
            wrong["executor"] = f"one of {', '.join(sorted(self._executors))}"
        return wrong

    async def check(self, who: Identity, new: NewTask) -> TaskCheck:
        """Return what is wrong with a new task, and what would run, without queueing it."""
        access.require(who, "write")

        def ask(tx: Connection) -> tuple[dict[str, str], bool]:
            agent = self._agent_of(tx, who, new)
            wrong = self._faults(new, agent)
            for one in new.after:
                _needed(tx, who, new.uid, one.task)
            limits.name("name", new.name, required=False)
            limits.name("project", new.project)
            return wrong, agent.uid == self._agent

        try:
            wrong, is_here = await self._database.read(ask)
        except InvalidInput as error:
            return TaskCheck(fields=error.fields)
        if wrong or not is_here:
            return TaskCheck(fields=wrong)
        return await asyncio.to_thread(self._check, new)

    async def update(self, who: Identity, uid: str, patch: TaskPatch) -> Task:
        """Rename a task, or move it in the queue. Raise `Conflict` if it does not wait any more."""
        values: dict[str, Any] = {}
        if patch.name is not UNSET:
            values["name"] = limits.name("name", patch.name)
        if patch.priority is not UNSET:
            values["priority"] = specs.priority(patch.priority)

        def change(tx: Connection) -> Task:
            found = access.task(tx, who, uid, "editor")
            if "priority" in values or patch.before is not UNSET:
                _refuse_unless_queued(found)
            tasks.change(tx, found.id, values)
            if patch.before is not UNSET:
                tasks.put_before(tx, found, _neighbour(tx, who, found, patch.before))
            changes.of_task(tx, "updated", uid, found.project.uid)
            return _shown(tx, who, uid)

        return await self._database.write(change)

    async def stop(self, who: Identity, uid: str, stop: StopTask) -> Task:
        """Take a task from the queue, or ask it to end; asked again, or with `now`, it is killed.

        Where its agent cannot be reached it is lost then, and killed should the agent come back. Raise `Conflict` if it
        has ended.
        """

        def change(tx: Connection) -> Task:
            _stop(tx, who, uid, now=stop.now)
            return _shown(tx, who, uid)

        return await self._database.write(change)

    async def retry(self, who: Identity, uid: str) -> Task:
        """Queue a task that has ended once more, as its next attempt. Raise `Conflict` for any other."""

        def change(tx: Connection) -> Task:
            _retry(tx, who, uid)
            return _shown(tx, who, uid)

        return await self._database.write(change)

    async def clone(self, who: Identity, uid: str) -> Task:
        """Queue a new task that runs the same, secrets included, and waits for nothing."""

        def ask(tx: Connection) -> NewTask:
            found = access.task(tx, who, uid, "editor")
            _refuse_live_notebook(found)
            spec = tasks.spec_of(tx, found.id)
            more: dict[str, Any] = {"project": found.project.name, "name": found.name, "executor": found.executor}
            agent = agents.get(tx, found.agent_id).uid
            return NewTask(**msgspec.structs.asdict(spec), **more, priority=found.priority, agent=agent)

        made, _ = await self.create(who, await self._database.read(ask))
        return made

    async def apply(self, who: Identity, uid: str, verb: Verb) -> Task | Purged:
        """Archive, trash, restore or purge. Raise `Conflict` where the state forbids it, or the task has not ended."""
        if verb == "purge":
            return await self._purge(who, uid)

        def change(tx: Connection) -> Task:
            _put(tx, who, uid, verb)
            return _shown(tx, who, uid)

        return await self._database.write(change)

    async def bulk(self, who: Identity, bulk: TaskBulk) -> BulkResult:
        """Apply one verb to each of up to 1,000 tasks; one that fails does not hinder the others."""
        verb = bulk.verb
        if verb == "purge":
            return await purge_each(bulk, lambda uid: self._purge(who, uid))
        if verb == "stop":
            return await put_each(self._database, bulk, lambda tx, uid: _stop(tx, who, uid, now=False))
        if verb == "retry":
            return await put_each(self._database, bulk, lambda tx, uid: _retry(tx, who, uid))
        return await put_each(self._database, bulk, lambda tx, uid: _put(tx, who, uid, verb))

    async def _purge(self, who: Identity, uid: str) -> Purged:
        found, attempts = await self._database.write(lambda tx: self._bury(tx, who, uid))
        executor = self._executors.get(found.executor)
        freed = await asyncio.to_thread(_remove_folders, self._folders, executor, uid, attempts)

        def remove(tx: Connection) -> None:
            tasks.remove(tx, found.id)
            changes.of_task(tx, "purged", uid, found.project.uid)

        await self._database.write(remove)
        return Purged(freed_bytes=freed)

    def _bury(self, tx: Connection, who: Identity, uid: str) -> tuple[tasks.Found, Sequence[task_attempts.Found]]:
        found = access.task(tx, who, uid, "owner")
        refuse_unless_trashed("task", found.lifecycle)
        agent = agents.get(tx, found.agent_id)
        if agent.uid != self._agent and agents.is_alive(agent.lease_until):
            raise Conflict(f"The task's files are on {agent.machine}.", hint="Purge it from the server there.")
        tombstones.bury(tx, "task", [uid])
        return found, task_attempts.of_task(tx, found.id)


def _remove_folders(
    folders: TaskFolders, executor: Executor | None, uid: str, attempts: Sequence[task_attempts.Found]
) -> int:
    for attempt in attempts:
        if executor and attempt.directory:
            executor.forget(Job(key=attempt.uid, directory=attempt.directory))
    return folders.remove(uid, [attempt.directory for attempt in attempts])


def _needed(tx: Connection, who: Identity, uid: str | None, needed: str) -> int:
    """Return the row of a task that another one, `uid`, shall wait for."""
    if needed == uid:
        raise InvalidInput("A task cannot wait for itself.", fields={"after": "other tasks"})
    try:
        return access.task(tx, who, needed, "viewer").id
    except AiplatError as error:
        raise InvalidInput(error.detail, fields={"after": "tasks that exist"}) from error


def _first_reason(tx: Connection, agent: agents.Found, row: int, slots: int) -> dict[str, Any]:
    """Return why a task waits, as far as that is clear before the dispatcher has looked."""
    if name := dependencies.awaited(tx, [row]).get(row):
        return {"reason": "after", "detail": name}
    taken = agents.slots_taken(tx, agent.id)
    if taken + slots > agent.slots:
        return {"reason": "slots", "detail": f"{taken}/{agent.slots}"}
    return {}


def _neighbour(tx: Connection, who: Identity, found: tasks.Found, uid: str) -> tasks.Found:
    other = access.task(tx, who, uid, "viewer")
    if other.state != "queued" or other.agent_id != found.agent_id or other.id == found.id:
        raise InvalidInput(
            "The task can only be put before one that waits for the same machine.",
            fields={"before": "another queued task of the same agent"},
        )
    return other


def _refuse_unless_queued(found: tasks.Found) -> None:
    if found.state != "queued":
        raise Conflict(f"The task is {found.state}; only one that is queued has a place in the queue.")


def _refuse_live_notebook(found: tasks.Found) -> None:
    if found.kind == "notebook-live":
        raise Conflict("A notebook that was run by hand cannot be run again.", hint="Queue it as a notebook.")


def _stop(tx: Connection, who: Identity, uid: str, *, now: bool) -> None:
    found = access.task(tx, who, uid, "editor")
    if found.state not in TASK_LIVE:
        raise Conflict(f"The task is {found.state} already.")
    if found.state == "queued":
        endings.end(tx, found.id, found.attempt_id, Ending("cancelled", "stopped", who.username))
        return
    level = 2 if now or found.stop_requested else 1
    tasks.change(tx, found.id, {"stop_requested": level, "stopped_by": who.username})
    changes.of_task(tx, "status", uid, found.project.uid)
    if found.kind == "notebook-live" and found.experiment:
        _stop_experiment(tx, who, found.experiment)
    agent = agents.get(tx, found.agent_id)
    if level > 1 and agents.is_unreachable(agent.seen_at):
        endings.end(tx, found.id, found.attempt_id, Ending("lost", "no_agent", agent.machine))


def _stop_experiment(tx: Connection, who: Identity, uid: str) -> None:
    found = experiments.find(tx, who, uid)
    if found is not None:
        experiments.change(tx, found.id, {"stop_requested": True})
        changes.of_experiment(tx, "status", uid, found.project.uid)


def _retry(tx: Connection, who: Identity, uid: str) -> None:
    found = access.task(tx, who, uid, "editor")
    _refuse_live_notebook(found)
    if found.state in TASK_LIVE:
        raise Conflict(f"The task is {found.state}; only one that has ended can be retried.")
    if found.lifecycle == "trashed" or found.project.status == "trashed":
        raise Conflict("The task is in the trash.", hint="Restore it first.")
    endings.begin_next(tx, found.id, found.attempts)
    changes.of_task(tx, "status", uid, found.project.uid)
    endings.cancel_broken(tx, dependencies.broken(tx, [found.id]))


def _put(tx: Connection, who: Identity, uid: str, verb: Verb) -> None:
    found = access.task(tx, who, uid, "editor")
    tombstones.refuse_buried(tx, uid)
    state = next_state("task", found.lifecycle, verb)
    if found.state in TASK_LIVE and state != "active":
        raise Conflict(f"The task is {found.state}.", hint="Stop it first.")
    tasks.change(tx, found.id, {"lifecycle": state})
    changes.of_task(tx, "updated", uid, found.project.uid)


def _shown(tx: Connection, who: Identity, uid: str) -> Task:
    record = tasks.record(tx, access.task(tx, who, uid, "viewer"))
    return msgspec.structs.replace(record, spec=masked(record.spec))
