"""One commit of a journal: its items, in order, inside one transaction."""

import logging
import time
from collections.abc import Callable
from typing import Any, TypeVar

from sqlalchemy import Connection

from aiplat_jupyter.core import frames
from aiplat_jupyter.core.errors import Conflict, InvalidInput, UnreadableJournal
from aiplat_jupyter.core.frames import Changed, Idle, Opened, Progressed, Record, Rewound, Shape, Status
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.services import access, limits, links, raised
from aiplat_jupyter.services.experiments import create_in
from aiplat_jupyter.store import attempts, changes, experiments, journals, metrics, tombstones
from aiplat_jupyter.store.columns import Points
from aiplat_jupyter.store.stamps import FIELDS, MAPPINGS, Stamps

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Commit:
    """Applies items of the journal `uid`. `state` is None until its `Opened` came, now or in an earlier commit.

    `notebooks` tells where to look for the console output of notebooks; None: nowhere.
    """

    def __init__(
        self,
        tx: Connection,
        who: Identity,
        uid: str,
        state: journals.State | None,
        notebooks: links.Notebooks | None = None,
    ) -> None:
        self._tx = tx
        self._notebooks = notebooks
        self._who = who
        self._uid = uid
        self._known = state
        self._kinds: dict[changes.Kind, None] = {}
        self._idle = state is not None and state.idle

    @property
    def state(self) -> journals.State:
        """The journal as it is now. Raise `UnreadableJournal` if it does not begin as journals do."""
        if self._known is None:
            raise UnreadableJournal("The journal does not begin with the record that opens one.")
        return self._known

    def apply(self, item: Record | Points) -> None:
        """Apply one item."""
        match item:
            case Points():
                self._points(item)
            case Opened():
                self._open(item)
            case Shape():
                self._shape(item)
            case Changed():
                self._change(item)
            case Rewound():
                self._rewind(item)
            case Status():
                self._status(item)
            case Progressed() if not self.state.context:
                links.progress(self._tx, self.state.experiment_uid, item)
        self._idle = isinstance(item, Idle)

    def finish(self, offset: int) -> None:
        """Move the journal's offset and tell what changed."""
        journals.advance(self._tx, self._uid, offset, idle=self._idle)
        if self._kinds.keys() <= {"points"}:
            experiments.note_points(self._tx, self.state.experiment_id, self.state.headline)
        else:
            experiments.change(self._tx, self.state.experiment_id, {"headline": self.state.headline})
        for kind in self._kinds:
            changes.of_experiment(self._tx, kind, self.state.experiment_uid, self.state.project_uid)

    def _shape(self, shape: Shape) -> None:
        if any(not 0 < len(key) <= frames.MAX_KEY for key in shape.keys):
            raise UnreadableJournal("The journal names a metric that cannot be kept.")
        journals.add_shape(self._tx, self.state.id, shape)

    def _points(self, points: Points) -> None:
        state = self.state
        if not state.context and state.attempt_status != "running" and not state.attempt_final:
            attempts.reopen(self._tx, state.attempt_id)
            self._known = state = state._replace(attempt_status="running")
            self._kinds["status"] = None
        batches = [batch._replace(keys=tuple(map(_metric, batch.keys))) for batch in points.batches]
        fresh = metrics.append(self._tx, state.attempt_id, batches, state.context)
        if fresh and not state.context:
            self._known = state._replace(headline=experiments.headline(state.headline, fresh))
        self._kinds["points"] = None

    def _status(self, status: Status) -> None:
        state = self.state
        if state.context:
            return  # what became of the run is for rank 0 to say
        at = limits.moment(status.wall)
        attempts.end(self._tx, state.attempt_id, status.status, limits.flat(status.cause), at, final=status.final)
        if status.final:
            links.end(self._tx, state.experiment_uid, status.status, status.cause, at)
        self._known = state._replace(attempt_status=status.status, attempt_final=status.final)
        self._kinds["status"] = None

    def _rewind(self, rewound: Rewound) -> None:
        state, at = self.state, limits.moment(rewound.wall)
        limits.uid(rewound.attempt)
        known = attempts.find(self._tx, rewound.attempt)
        if known is not None and known.experiment_id != state.experiment_id:
            raise Conflict("The attempt belongs to another experiment.")
        if known is None:
            child = attempts.begin(
                self._tx, state.experiment_id, rewound.attempt, at, state.attempt_id, rewound.from_step
            )
        else:  # what goes on from it, or another rank, came before
            child = known.id
            attempts.graft(self._tx, child, state.attempt_id, rewound.from_step)
            attempts.date_back(self._tx, child, at)
        if not state.context:  # what became of the run is for rank 0 to say
            if state.is_current:
                attempts.make_current(self._tx, state.experiment_id, child, at)
            attempts.end(self._tx, state.attempt_id, "finished", f"rewound to step {rewound.from_step}", at)
        elif known is None:
            attempts.end(self._tx, child, "lost", "its journal has not arrived", at, final=False)
        journals.move(self._tx, state.id, child)
        self._reload()
        self._known = self.state._replace(headline=state.headline)
        self._kinds["status"] = None

    def _change(self, changed: Changed) -> None:
        if changed.alert is not None:
            raised.keep(self._tx, self.state, changed.alert)
            return
        stamps = Stamps(self._tx, self.state.experiment_id, self._set_at(changed), self.state.attempt_id)
        for column in MAPPINGS:
            self._merge(stamps, column, getattr(changed, column))
        values = {
            "name": self._within(limits.name, "name", changed.name),
            "notes": self._within(limits.text, "notes", changed.notes),
            "tags": self._within(lambda _, tags: limits.tags(tags), "tags", changed.tags),
        }
        self._set(stamps, {key: value for key, value in values.items() if value is not None})
        stamps.write()
        self._kinds["updated"] = None

    def _set_at(self, changed: Changed) -> float:
        if changed.wall is not None:
            return limits.moment(changed.wall)
        return time.time() if self.state.is_current else attempts.get(self._tx, self.state.attempt_id).started_at

    def _merge(self, stamps: Stamps, column: str, entries: dict[str, Any]) -> None:
        entries = stamps.fresh(column, entries)
        if not entries:
            return
        known = experiments.column_of(self._tx, stamps.experiment, column)
        if self._within(limits.mapping, column, known | entries) is not None:
            stamps.put(column, entries, experiments.merge(self._tx, stamps.experiment, column, entries))

    def _set(self, stamps: Stamps, values: dict[str, Any]) -> None:
        values = stamps.fresh(FIELDS, values)
        experiments.change(self._tx, stamps.experiment, values)
        stamps.put(FIELDS, values)

    def _within(self, check: Callable[[str, T], T], field: str, value: T | None) -> T | None:
        """Return `value` if it is within the limits, else None: one entry too large must not hold up a run's points."""
        try:
            return None if value is None else check(field, value)
        except InvalidInput as error:
            _log.warning("Journal %s: %s It is left out.", self._uid, error)
            return None

    def _open(self, opened: Opened) -> None:
        if self._known is not None or opened.journal != self._uid or opened.version > frames.VERSION:
            raise UnreadableJournal("The journal's first record is not its own, or of a newer version.")
        _check_identifiers(opened)
        tombstones.refuse_buried(self._tx, opened.experiment)
        known = experiments.find(self._tx, self._who, opened.experiment)
        found = known or self._create(opened)
        access.check(self._who, found.project.role, "editor")
        attempt = self._attempt(found, opened)
        stamps = Stamps(self._tx, found.id, limits.moment(opened.wall), attempt)
        if known is None:
            stamps.put_all()
        elif opened.rank is None and not opened.joins:
            self._fill(found, opened, stamps)
        stamps.write()
        journals.begin(self._tx, self._uid, attempt, opened)
        links.follow(self._tx, self._who, opened, found, self._notebooks)
        self._reload()
        self._kinds["status"] = None

    def _reload(self) -> None:
        self._known = journals.state(self._tx, self._uid)

    def _create(self, opened: Opened) -> experiments.Found:
        values = {
            "name": self._within(lambda field, name: limits.name(field, name, required=False), "name", opened.name)
            or "",
            "config": self._within(limits.mapping, "config", opened.config) or {},
            "provenance": self._within(limits.mapping, "provenance", opened.provenance) or {},
            "tags": self._within(lambda _, tags: limits.tags(tags), "tags", opened.tags) or [],
            "notes": self._within(limits.text, "notes", opened.notes) or "",
            "base_model": self._within(limits.text, "base_model", opened.base_model[: limits.NAME]) or "",
            "task_type": self._within(limits.text, "task_type", opened.task_type[: limits.NAME]) or "",
        }
        project = limits.name("project", opened.project)
        create_in(self._tx, self._who, project, opened.experiment, limits.moment(opened.wall), values)
        return access.experiment(self._tx, self._who, opened.experiment, "editor")

    def _fill(self, found: experiments.Found, opened: Opened, stamps: Stamps) -> None:
        """Add what a further process knows of an experiment that exists; its name and project stay."""
        for column in ("config", "provenance"):
            self._merge(stamps, column, getattr(opened, column))
        if opened.notes and (notes := self._within(limits.text, "notes", opened.notes)):
            self._set(stamps, {"notes": notes})
        if opened.tags and (tags := self._within(lambda _, tags: limits.tags(tags), "tags", opened.tags)):
            known: list[str] = experiments.column_of(self._tx, found.id, "tags")
            experiments.change(self._tx, found.id, {"tags": list(dict.fromkeys([*known, *tags]))})
            stamps.put(FIELDS, stamps.fresh(FIELDS, {"tags": tags}))
        self._kinds["updated"] = None

    def _is_late(self, found: experiments.Found, opened: Opened) -> bool:
        """Tell whether this is an earlier run, whose journal comes after that of the present one."""
        current = attempts.get(self._tx, found.attempt_id) if found.attempt_id else None
        return current is not None and not opened.resume and limits.moment(opened.wall) < current.started_at

    def _attempt(self, found: experiments.Found, opened: Opened) -> int:
        """Return the attempt that the journal writes to: begun now, or by another rank or an earlier resume."""
        known = attempts.find(self._tx, opened.attempt)
        if known is None:
            return self._begin(found, opened)
        if known.experiment_id != found.id:
            raise Conflict("The attempt belongs to another experiment.")
        attempts.date_back(self._tx, known.id, limits.moment(opened.wall))
        if not opened.context and not known.final and known.status != "running":
            attempts.reopen(self._tx, known.id)
        return known.id

    def _begin(self, found: experiments.Found, opened: Opened) -> int:
        at = limits.moment(opened.wall)
        is_late = self._is_late(found, opened)
        current = attempts.get(self._tx, found.attempt_id) if found.attempt_id and not is_late else None
        parent = self._parent(found, opened, at) if opened.parent else current
        attempt = attempts.begin(
            self._tx, found.id, opened.attempt, at, parent.id if parent else None, opened.from_step
        )
        if not is_late:
            attempts.make_current(self._tx, found.id, attempt, at)
            experiments.change(self._tx, found.id, {"stop_requested": False})
        return attempt

    def _parent(self, found: experiments.Found, opened: Opened, at: float) -> attempts.Found | None:
        """Return the attempt to go on from, set up to be filled if its own journal has not come yet."""
        assert opened.parent is not None
        parent = attempts.find(self._tx, opened.parent)
        if parent is None:
            row = attempts.begin(self._tx, found.id, opened.parent, at)
            attempts.end(self._tx, row, "lost", "its journal has not arrived", at, final=False)
            return attempts.get(self._tx, row)
        return parent if parent.experiment_id == found.id else None


def _check_identifiers(opened: Opened) -> None:
    for uid in (opened.experiment, opened.attempt, opened.parent):
        limits.uid(uid)
    for text in (opened.process.machine, opened.process.boot_id, opened.kernel or ""):
        limits.text("process", text, limits.NAME)


def _metric(key: str) -> str:
    """Return the name of a metric with the sign for NUL in its place, which PostgreSQL cannot keep."""
    return key.replace("\x00", "␀")
