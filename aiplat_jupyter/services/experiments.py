"""Experiments: what may be done to them, and by whom."""

import time
from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection

from aiplat_jupyter.core.errors import Conflict
from aiplat_jupyter.core.frames import Opened
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.core.records import (
    Bulk,
    BulkResult,
    Experiment,
    ExperimentPatch,
    ExperimentRow,
    Identity,
    NewExperiment,
    Page,
    Purged,
    Verb,
)
from aiplat_jupyter.core.states import LIVE, ExperimentStatus
from aiplat_jupyter.services import access, limits, links
from aiplat_jupyter.services.bulk import next_state, purge_each, put_each, refuse_unless_trashed
from aiplat_jupyter.services.projects import to_write
from aiplat_jupyter.services.purging import Buried, bury_experiment, remove_experiment
from aiplat_jupyter.store import attempts, changes, experiments, listings, projects, tombstones
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles
from aiplat_jupyter.store.stamps import FIELDS, Stamps


class Experiments:
    """The rules of experiments: editors of their project write, viewers read."""

    def __init__(self, database: Database, files: JournalFiles) -> None:
        self._database = database
        self._files = files

    async def counts(self, who: Identity, query: ExperimentQuery) -> dict[str, int]:
        """Return how many of the experiments that match `query` (its page apart) have each status."""
        access.require(who, "read")
        return await self._database.read(lambda tx: listings.counts(tx, who, query))

    async def create(self, who: Identity, new: NewExperiment) -> tuple[Experiment, bool]:
        """Create an experiment, or answer the one with its uid; the flag tells whether it is new.

        The project of that name is created if the caller may write into none. Raise `Gone` for a purged uid.
        """
        access.require(who, "write")
        uid, values = limits.uid(new.uid) or new_uid(), first_values(new)
        project = limits.name("project", new.project)

        def change(tx: Connection) -> tuple[Experiment, bool]:
            tombstones.refuse_buried(tx, uid)
            known = experiments.find(tx, who, uid)
            if known is None:
                create_in(tx, who, project, uid, time.time(), values)
            return experiments.record(tx, access.experiment(tx, who, uid, "editor")), known is None

        return await self._database.write(change)

    async def get(self, who: Identity, uid: str) -> Experiment:
        """Return one experiment."""
        return await self._database.read(lambda tx: _shown(tx, who, uid))

    async def update(self, who: Identity, uid: str, patch: ExperimentPatch) -> Experiment:
        """Set the fields that are given."""
        values, merges = _columns(patch), _merges(patch)

        def change(tx: Connection) -> Experiment:
            found = access.experiment(tx, who, uid, "editor")
            if patch.project is not UNSET:
                values["project_id"] = _destination(tx, who, patch.project).id
                changes.of_experiment(tx, "updated", uid, found.project.uid)  # for those who see it leave
            experiments.change(tx, found.id, values)
            stamps = Stamps(tx, found.id, time.time(), None)
            stamps.put(FIELDS, values)
            for column, entries in merges.items():
                merged = experiments.merge(tx, found.id, column, entries)
                stamps.put(column, entries, limits.mapping(column, merged))
            stamps.write()
            if patch.status is not UNSET:
                _end(tx, found, patch.status)
            return _told(tx, who, uid, "updated" if patch.status is UNSET else "status")

        return await self._database.write(change)

    async def apply(self, who: Identity, uid: str, verb: Verb) -> Experiment | Purged:
        """Archive, trash, restore or purge. Raise `Conflict` where the state forbids it; purge wants trash first."""
        if verb != "purge":
            return await self._database.write(lambda tx: _shown(tx, who, _put(tx, who, uid, verb)))
        freed = await self._purge(who, uid)
        await self._database.reclaim()
        return freed

    async def bulk(self, who: Identity, bulk: Bulk) -> BulkResult:
        """Apply one verb to each of up to 1,000 experiments; one that fails does not hinder the others."""
        if bulk.verb != "purge":
            return await put_each(self._database, bulk, lambda tx, uid: _put(tx, who, uid, bulk.verb))
        result = await purge_each(bulk, lambda uid: self._purge(who, uid))
        await self._database.reclaim()
        return result

    async def _purge(self, who: Identity, uid: str) -> Purged:
        def bury(tx: Connection) -> Buried:
            found = access.experiment(tx, who, uid, "owner")
            refuse_unless_trashed("experiment", found.lifecycle)
            return bury_experiment(tx, found.id, uid, found.project.uid)

        buried = await self._database.write(bury)
        return Purged(freed_bytes=await remove_experiment(self._database, self._files, buried))

    async def stop(self, who: Identity, uid: str) -> Experiment:
        """Ask a live experiment to stop: its process sees `should_stop`. Raise `Conflict` if it has ended."""

        def change(tx: Connection) -> Experiment:
            found = access.experiment(tx, who, uid, "editor")
            if found.status not in LIVE:
                raise Conflict(f"The experiment is {found.status} already.")
            experiments.change(tx, found.id, {"stop_requested": True})
            return _told(tx, who, uid, "status")

        return await self._database.write(change)

    async def list(self, who: Identity, query: ExperimentQuery) -> Page[ExperimentRow]:
        """Return a page. Raise `InvalidInput` for a bad `q` (naming the column), sort or cursor."""
        access.require(who, "read")
        return await self._database.read(lambda tx: listings.page(tx, who, query))


def first_values(new: NewExperiment | Opened) -> dict[str, Any]:
    """Return the columns of a new experiment. Raise `InvalidInput` for what is too long or no text."""
    return {
        "name": limits.name("name", new.name, required=False),
        "config": limits.mapping("config", new.config),
        "tags": limits.tags(new.tags),
        "notes": limits.text("notes", new.notes),
        "base_model": limits.name("base_model", new.base_model, required=False),
        "task_type": limits.name("task_type", new.task_type, required=False),
    }


def create_in(tx: Connection, who: Identity, project: str, uid: str, at: float, values: dict[str, Any]) -> None:
    """Add an experiment to the project of that name, which is created if `who` may write into none."""
    if experiments.is_taken(tx, uid):
        raise Conflict("The uid belongs to an experiment that you may not see.", hint="Make another uid.")
    place = to_write(tx, who, project)
    experiments.create(tx, uid, place.id, who.username, at, {**values, "name": values["name"] or f"run-{uid[-6:]}"})
    changes.of_experiment(tx, "created", uid, place.uid)


def _columns(patch: ExperimentPatch) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if patch.name is not UNSET:
        values["name"] = limits.name("name", patch.name)
    if patch.notes is not UNSET:
        values["notes"] = limits.text("notes", patch.notes)
    if patch.tags is not UNSET:
        values["tags"] = limits.tags(patch.tags)
    if patch.base_model is not UNSET:
        values["base_model"] = limits.name("base_model", patch.base_model, required=False)
    if patch.task_type is not UNSET:
        values["task_type"] = limits.name("task_type", patch.task_type, required=False)
    return values


def _merges(patch: ExperimentPatch) -> dict[str, dict[str, Any]]:
    given = {"config": patch.config, "summary": patch.summary}
    return {column: limits.mapping(column, entries) for column, entries in given.items() if entries is not UNSET}


def _destination(tx: Connection, who: Identity, uid: str) -> projects.Found:
    found = access.project(tx, who, uid, "editor")
    if found.status == "trashed":
        raise Conflict(f"The project {found.name!r} is in the trash.", hint="Restore it first, or name another one.")
    return found


def _end(tx: Connection, found: experiments.Found, status: ExperimentStatus) -> None:
    now = time.time()
    attempt = found.attempt_id or attempts.begin(tx, found.id, new_uid(), now)
    if found.attempt_id is None:
        attempts.make_current(tx, found.id, attempt, now)
    attempts.end(tx, attempt, status, "", now)
    links.end(tx, found.uid, status, "", now)


def _put(tx: Connection, who: Identity, uid: str, verb: Verb) -> str:
    found = access.experiment(tx, who, uid, "editor")
    tombstones.refuse_buried(tx, uid)
    experiments.change(tx, found.id, {"lifecycle": next_state("experiment", found.lifecycle, verb)})
    changes.of_experiment(tx, "updated", uid, found.project.uid)
    return uid


def _told(tx: Connection, who: Identity, uid: str, kind: changes.Kind) -> Experiment:
    """Record that an experiment changed, and return it as it is now."""
    changes.of_experiment(tx, kind, uid, access.experiment(tx, who, uid, "viewer").project.uid)
    return _shown(tx, who, uid)


def _shown(tx: Connection, who: Identity, uid: str) -> Experiment:
    return experiments.record(tx, access.experiment(tx, who, uid, "viewer"))
