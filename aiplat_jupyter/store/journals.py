"""Journals: whose they are, how far they are committed, and when they were last heard of."""

import time
from collections.abc import Collection
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from aiplat_jupyter.core.frames import Opened, Process, Shape
from aiplat_jupyter.core.records import Journal
from aiplat_jupyter.core.states import ExperimentStatus
from aiplat_jupyter.store.rows import to_record
from aiplat_jupyter.store.tables import AttemptRow, ExperimentRow, JournalRow, ProjectRow, ShapeRow, TombstoneRow


class State(NamedTuple):
    """A journal with what a commit of it needs to know of its attempt, experiment and project."""

    id: int
    uid: str
    offset: int
    context: str
    kernel: str | None
    oom_kills: int
    idle: bool
    closed: bool
    attempt_id: int
    attempt_uid: str
    attempt_status: ExperimentStatus
    attempt_final: bool
    experiment_id: int
    experiment_uid: str
    headline: str | None
    stop_requested: bool
    is_current: bool
    """Its attempt is the experiment's current one."""
    project_id: int
    project_uid: str
    is_buried: bool
    """Its experiment is being purged."""


_STATE: Final = (
    select(
        JournalRow.id,
        JournalRow.uid,
        JournalRow.committed_offset,
        JournalRow.context,
        JournalRow.kernel,
        JournalRow.oom_kills,
        JournalRow.idle,
        JournalRow.closed,
        AttemptRow.id,
        AttemptRow.uid,
        AttemptRow.status,
        AttemptRow.final,
        ExperimentRow.id,
        ExperimentRow.uid,
        ExperimentRow.headline,
        ExperimentRow.stop_requested,
        ExperimentRow.attempt_id == AttemptRow.id,
        ProjectRow.id,
        ProjectRow.uid,
        select(TombstoneRow.id).where(TombstoneRow.uid == JournalRow.uid).exists(),
    )
    .join(AttemptRow, AttemptRow.id == JournalRow.attempt_id)
    .join(ExperimentRow, ExperimentRow.id == AttemptRow.experiment_id)
    .join(ProjectRow, ProjectRow.id == ExperimentRow.project_id)
    .where(JournalRow.uid == bindparam("uid"))
)
_ADVANCE: Final = (
    update(JournalRow)
    .where(JournalRow.uid == bindparam("journal"))
    .values(committed_offset=bindparam("offset"), seen_at=bindparam("now"), idle=bindparam("is_idle"), closed=False)
)


def state(tx: Connection, uid: str) -> State | None:
    """Return what is known of a journal."""
    row = tx.execute(_STATE, {"uid": uid}).first()
    return None if row is None else State._make(row)


def begin(tx: Connection, uid: str, attempt_id: int, opened: Opened | None = None) -> None:
    """Add a journal at offset 0; without `opened` it is one whose points come by REST."""
    row: dict[str, Any] = {"uid": uid, "attempt_id": attempt_id, "seen_at": time.time()}
    if opened is not None:
        row |= msgspec.to_builtins(opened.process) | {"context": opened.context, "kernel": opened.kernel}
    tx.execute(insert(JournalRow), row)


def advance(tx: Connection, uid: str, offset: int, *, idle: bool) -> None:
    """Move the committed offset; the caller has compared it in this transaction."""
    tx.execute(_ADVANCE, {"journal": uid, "offset": offset, "now": time.time(), "is_idle": idle})


def move(tx: Connection, journal_id: int, attempt_id: int) -> None:
    """Let what follows in the journal belong to another attempt."""
    tx.execute(update(JournalRow).where(JournalRow.id == journal_id).values(attempt_id=attempt_id))


def close(tx: Connection, journal_id: int) -> None:
    """Note that nothing more is expected of a journal."""
    tx.execute(update(JournalRow).where(JournalRow.id == journal_id).values(closed=True))


def has_open(tx: Connection, attempt_id: int) -> bool:
    """Tell whether a process may still write to an attempt in its own name (other ranks do not count)."""
    open_ones = JournalRow.attempt_id == attempt_id, JournalRow.context == "", JournalRow.closed.is_(False)
    return tx.execute(select(JournalRow.id).where(*open_ones).limit(1)).first() is not None


def add_shape(tx: Connection, journal_id: int, shape: Shape) -> None:
    """Keep the keys of a journal's points of one shape, in place of those that it had."""
    tx.execute(delete(ShapeRow).where(ShapeRow.journal_id == journal_id, ShapeRow.number == shape.number))
    row = {"journal_id": journal_id, "number": shape.number, "keys": msgspec.msgpack.encode(shape.keys)}
    tx.execute(insert(ShapeRow), row)


def shapes(tx: Connection, journal_id: int) -> dict[int, list[str]]:
    """Return the keys of a journal's shapes by their number."""
    rows = tx.execute(select(ShapeRow.number, ShapeRow.keys).where(ShapeRow.journal_id == journal_id))
    return {number: msgspec.msgpack.decode(keys) for number, keys in rows}


def record(tx: Connection, uid: str) -> Journal | None:
    """Return a journal as the world sees it."""
    columns: tuple[Any, ...] = (
        JournalRow.uid,
        JournalRow.machine,
        JournalRow.boot_id,
        JournalRow.pid,
        JournalRow.start_time,
        JournalRow.oom_kills,
        JournalRow.kernel,
        JournalRow.committed_offset.label("offset"),
        JournalRow.seen_at,
        JournalRow.closed,
        AttemptRow.uid.label("attempt"),
        ExperimentRow.uid.label("experiment"),
    )
    joined = (
        select(*columns)
        .join(AttemptRow, AttemptRow.id == JournalRow.attempt_id)
        .join(ExperimentRow, ExperimentRow.id == AttemptRow.experiment_id)
    )
    row = tx.execute(joined.where(JournalRow.uid == uid)).first()
    if row is None:
        return None
    return to_record(Journal, row, process=to_record(Process, row) if row.machine else None)


class Progress(NamedTuple):
    """How far a journal is."""

    offset: int
    closed: bool
    seen_at: float
    kernel: str | None


def progress(tx: Connection, uids: Collection[str]) -> dict[str, Progress]:
    """Return how far those of the journals are that are known."""
    columns = JournalRow.uid, JournalRow.committed_offset, JournalRow.closed, JournalRow.seen_at, JournalRow.kernel
    return {row[0]: Progress(*row[1:]) for row in tx.execute(select(*columns).where(JournalRow.uid.in_(uids)))}


def touch(tx: Connection, uids: Collection[str]) -> None:
    """Note that the processes of these journals live."""
    tx.execute(update(JournalRow).where(JournalRow.uid.in_(uids)).values(seen_at=time.time()))


def unheard(tx: Connection, attempt_ids: Collection[int], since: float) -> set[int]:
    """Return those of the attempts whose journals have all been silent since then."""
    heard = (
        select(JournalRow.attempt_id)
        .where(JournalRow.attempt_id.in_(attempt_ids), JournalRow.machine != "")
        .group_by(JournalRow.attempt_id)
        .having(func.max(JournalRow.seen_at) < since)
    )
    return set(tx.execute(heard).scalars())


def silent_attempts(tx: Connection, since: float, limit: int = 100) -> list[tuple[int, str, str]]:
    """Return row, experiment and project (uids) of running attempts whose journals have all been silent since then."""
    silent = (
        select(AttemptRow.id, ExperimentRow.uid, ProjectRow.uid)
        .join(JournalRow, JournalRow.attempt_id == AttemptRow.id)
        .join(ExperimentRow, ExperimentRow.id == AttemptRow.experiment_id)
        .join(ProjectRow, ProjectRow.id == ExperimentRow.project_id)
        .where(AttemptRow.status == "running", ExperimentRow.status == "running")
        .group_by(AttemptRow.id, ExperimentRow.uid, ProjectRow.uid)
        .having(func.max(JournalRow.seen_at) < since)
    )
    return [(row[0], row[1], row[2]) for row in tx.execute(silent.limit(limit))]
