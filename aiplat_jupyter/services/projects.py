"""Projects: what may be done to them, and by whom."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import NamedTuple

from msgspec import UNSET
from sqlalchemy import Connection

from aiplat_jupyter.core.errors import Conflict, NotFound
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.queries import ProjectQuery
from aiplat_jupyter.core.records import (
    Bulk,
    BulkResult,
    Identity,
    Member,
    NewMember,
    NewProject,
    Page,
    Project,
    ProjectPatch,
    Purged,
    Verb,
)
from aiplat_jupyter.services import access, limits
from aiplat_jupyter.services.bulk import next_state, purge_each, put_each, refuse_unless_trashed
from aiplat_jupyter.services.purging import bury_experiment, remove_experiment
from aiplat_jupyter.store import changes, experiments, projects, tasks, tombstones
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles
from aiplat_jupyter.store.task_folders import TaskFolders


class Projects:
    """The rules of projects.

    Viewers read, editors write into them, owners change, archive, trash and purge them and choose members; an
    administrator is an owner everywhere. What one may not see is `NotFound`.
    """

    def __init__(self, database: Database, files: JournalFiles, folders: TaskFolders) -> None:
        self._database = database
        self._files = files
        self._folders = folders

    async def create(self, who: Identity, new: NewProject) -> tuple[Project, bool]:
        """Create a project, or answer the one with its uid; the flag tells whether it is new.

        Raise `Conflict` when the caller has another project of that name, `Gone` for the uid of a purged one.
        """
        access.require(who, "write")
        uid, name = limits.uid(new.uid) or new_uid(), limits.name("name", new.name)
        description = limits.text("description", new.description)

        def change(tx: Connection) -> tuple[Project, bool]:
            tombstones.refuse_buried(tx, uid)
            if known := projects.find(tx, who, uid):
                return projects.record(tx, who, known.id), False
            if projects.is_taken(tx, uid):
                raise Conflict("The uid belongs to a project that you may not see.", hint="Make another uid.")
            _refuse_taken(tx, who.username, name)
            row = projects.create(tx, uid, name, description, who.username)
            changes.of_project(tx, "created", uid)
            return projects.record(tx, who, row), True

        return await self._database.write(change)

    async def get(self, who: Identity, uid: str) -> Project:
        """Return one project."""
        return await self._database.read(lambda tx: projects.record(tx, who, access.project(tx, who, uid, "viewer").id))

    async def update(self, who: Identity, uid: str, patch: ProjectPatch) -> Project:
        """Rename or describe a project."""
        values: dict[str, str] = {}
        if patch.name is not UNSET:
            values["name"] = limits.name("name", patch.name)
        if patch.description is not UNSET:
            values["description"] = limits.text("description", patch.description)

        def change(tx: Connection) -> Project:
            found = access.project(tx, who, uid, "owner")
            if "name" in values and found.status != "trashed":
                _refuse_taken(tx, found.owner, values["name"], found.id)
            return _changed(tx, who, found, values)

        return await self._database.write(change)

    async def apply(self, who: Identity, uid: str, verb: Verb) -> Project | Purged:
        """Archive, trash, restore or purge. Raise `Conflict` where the state forbids it; purge wants trash first."""
        if verb != "purge":
            return await self._database.write(lambda tx: _put(tx, who, uid, verb))
        freed = await self._purge(who, uid)
        await self._database.reclaim()
        return freed

    async def bulk(self, who: Identity, bulk: Bulk) -> BulkResult:
        """Apply one verb to each of up to 1,000 projects; one that fails does not hinder the others."""
        if bulk.verb != "purge":
            return await put_each(self._database, bulk, lambda tx, uid: _put(tx, who, uid, bulk.verb))
        result = await purge_each(bulk, lambda uid: self._purge(who, uid))
        await self._database.reclaim()
        return result

    async def _purge(self, who: Identity, uid: str) -> Purged:
        contents = await self._database.write(lambda tx: _bury(tx, who, uid))
        freed = 0
        for row, experiment in contents.experiments:
            bury = partial(bury_experiment, row=row, uid=experiment, project=uid)
            freed += await remove_experiment(self._database, self._files, await self._database.write(bury))
        for task, directories in contents.tasks:
            freed += await asyncio.to_thread(self._folders.remove, task, directories)

        def remove(tx: Connection) -> None:
            projects.remove(tx, contents.project)
            changes.of_project(tx, "purged", uid)

        await self._database.write(remove)
        return Purged(freed_bytes=freed)

    async def members(self, who: Identity, uid: str) -> list[Member]:
        """Return who belongs to a project."""
        return await self._database.read(lambda tx: projects.members(tx, access.project(tx, who, uid, "viewer").id))

    async def set_member(self, who: Identity, uid: str, username: str, new: NewMember) -> Member:
        """Give someone a role. Raise `Conflict` if no owner would be left."""
        username = limits.name("username", username)

        def change(tx: Connection) -> Member:
            found = access.project(tx, who, uid, "owner")
            projects.set_member(tx, found.id, username, new.role)
            _refuse_ownerless(tx, found)
            changes.of_project(tx, "updated", uid)
            return Member(username=username, role=new.role)

        return await self._database.write(change)

    async def remove_member(self, who: Identity, uid: str, username: str) -> None:
        """Take someone's role away. Raise `Conflict` if no owner would be left."""

        def change(tx: Connection) -> None:
            found = access.project(tx, who, uid, "owner")
            if not projects.remove_member(tx, found.id, username):
                raise NotFound(f"{username!r} is not a member of this project.")
            _refuse_ownerless(tx, found)
            changes.of_project(tx, "updated", uid)

        await self._database.write(change)

    async def list(self, who: Identity, query: ProjectQuery) -> Page[Project]:
        """Return a page of the projects that `who` may see. Raise `InvalidInput` for a bad sort or cursor."""
        access.require(who, "read")
        return await self._database.read(lambda tx: projects.page(tx, who, query))


def to_write(tx: Connection, who: Identity, name: str) -> projects.Found:
    """Return the project of that name that `who` writes into; it is created if there is none."""
    found = projects.find_writable(tx, who, name)
    if found is None:
        uid = new_uid()
        projects.create(tx, uid, name, "", who.username)
        changes.of_project(tx, "created", uid)
        found = access.project(tx, who, uid, "editor")
    return found


def _refuse_taken(tx: Connection, owner: str, name: str, but: int | None = None) -> None:
    if projects.is_name_taken(tx, owner, name, but):
        raise Conflict(
            f"{owner} has a project named {name!r} already.", hint="Choose another name, or rename the other project."
        )


def _refuse_ownerless(tx: Connection, found: projects.Found) -> None:
    if not any(member.role == "owner" for member in projects.members(tx, found.id)):
        raise Conflict("A project needs an owner.", hint="Make someone else its owner first.")


def _changed(tx: Connection, who: Identity, found: projects.Found, values: Mapping[str, str]) -> Project:
    projects.change(tx, found.id, dict(values))
    changes.of_project(tx, "updated", found.uid)
    return projects.record(tx, who, found.id)


def _put(tx: Connection, who: Identity, uid: str, verb: Verb) -> Project:
    found = access.project(tx, who, uid, "owner")
    tombstones.refuse_buried(tx, uid)
    state = next_state("project", found.status, verb)
    if state == "trashed":
        _refuse_busy(tx, found.id)
    if found.status == "trashed" != state:
        _refuse_taken(tx, found.owner, found.name, found.id)
    return _changed(tx, who, found, {"status": state})


def _refuse_busy(tx: Connection, project_id: int) -> None:
    if live := tasks.count_live(tx, project_id):
        raise Conflict(f"Tasks of the project wait or run: {live}.", hint="Stop them first.")


class _Contents(NamedTuple):
    project: int
    experiments: list[tuple[int, str]]
    tasks: list[tuple[str, list[str]]]


def _bury(tx: Connection, who: Identity, uid: str) -> _Contents:
    found = access.project(tx, who, uid, "owner")
    refuse_unless_trashed("project", found.status)
    _refuse_busy(tx, found.id)
    inside = tasks.of_project(tx, found.id)
    tombstones.bury(tx, "project", [uid])
    tombstones.bury(tx, "task", [task for task, _ in inside])
    return _Contents(found.id, experiments.of_project(tx, found.id), inside)
