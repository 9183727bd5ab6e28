"""Attempts: the goes at an experiment, and their line of descent."""

from typing import Final, NamedTuple

from sqlalchemy import Connection, func, insert, select, update
from sqlalchemy.orm import aliased

from aiplat_jupyter.core.frames import Process
from aiplat_jupyter.core.records import Attempt
from aiplat_jupyter.core.states import ExperimentStatus
from aiplat_jupyter.store import descent, metrics, series
from aiplat_jupyter.store.rows import to_record
from aiplat_jupyter.store.tables import AttemptRow, ExperimentRow, JournalRow

_LOWEST: Final = -(2**63)


class Found(NamedTuple):
    """An attempt as the rules need it."""

    id: int
    uid: str
    experiment_id: int
    status: ExperimentStatus
    final: bool
    started_at: float


_COLUMNS = (
    AttemptRow.id,
    AttemptRow.uid,
    AttemptRow.experiment_id,
    AttemptRow.status,
    AttemptRow.final,
    AttemptRow.started_at,
)


def find(tx: Connection, uid: str) -> Found | None:
    """Return the attempt with this uid."""
    row = tx.execute(select(*_COLUMNS).where(AttemptRow.uid == uid)).first()
    return None if row is None else Found(*row)  # type: ignore[arg-type]  # the column holds nothing but statuses


def get(tx: Connection, attempt_id: int) -> Found:
    """Return an attempt by its row."""
    return Found(*tx.execute(select(*_COLUMNS).where(AttemptRow.id == attempt_id)).one())  # type: ignore[arg-type]  # as above


def begin(
    tx: Connection, experiment_id: int, uid: str, at: float, parent_id: int | None = None, from_step: int | None = None
) -> int:
    """Add a running attempt, whose summaries start from its parent's line before `from_step`; return its row."""
    of_experiment = AttemptRow.experiment_id == experiment_id
    number = tx.execute(select(func.coalesce(func.max(AttemptRow.number), 0) + 1).where(of_experiment)).scalar_one()
    row = {"uid": uid, "experiment_id": experiment_id, "number": number, "started_at": at}
    row |= {"parent_id": parent_id, "from_step": from_step}
    attempt_id = int(tx.execute(insert(AttemptRow).returning(AttemptRow.id), row).scalar_one())
    if parent_id is not None:
        metrics.inherit(tx, parent_id, attempt_id, from_step)
    return attempt_id


def make_current(tx: Connection, experiment_id: int, attempt_id: int, at: float) -> None:
    """Let the drawn line end in this attempt, which runs."""
    values = {"attempt_id": attempt_id, "status": "running", "cause": "", "ended_at": None}
    started = func.coalesce(ExperimentRow.started_at, at)
    tx.execute(update(ExperimentRow).where(ExperimentRow.id == experiment_id).values(**values, started_at=started))


def end(
    tx: Connection, attempt_id: int, status: ExperimentStatus, cause: str, at: float, *, final: bool = True
) -> None:
    """Say what became of an attempt, and of its experiment if the attempt is its current one. Fold the points."""
    values = {"status": status, "cause": cause, "ended_at": at}
    tx.execute(update(AttemptRow).where(AttemptRow.id == attempt_id).values(**values, final=final))
    current = update(ExperimentRow).where(ExperimentRow.attempt_id == attempt_id)
    tx.execute(current.values(**values, stop_requested=False))
    metrics.fold(tx, attempt_id)


def reopen(tx: Connection, attempt_id: int) -> None:
    """Let an attempt run again."""
    values = {"status": "running", "cause": "", "ended_at": None}
    tx.execute(update(AttemptRow).where(AttemptRow.id == attempt_id).values(**values))
    tx.execute(update(ExperimentRow).where(ExperimentRow.attempt_id == attempt_id).values(**values))


def graft(tx: Connection, attempt_id: int, parent_id: int, from_step: int) -> None:
    """Let an attempt of which only what follows it was known go on from its parent; nothing if it has another one."""
    attempts = descent.family(tx, attempt_id)
    line = {leg.attempt.id for leg in descent.drawn(attempts, parent_id)}
    own = attempts[attempt_id]
    if own.parent_id not in (None, parent_id) or own.from_step is not None or attempt_id in line:
        return
    values = {"parent_id": parent_id, "from_step": from_step}
    tx.execute(update(AttemptRow).where(AttemptRow.id == attempt_id).values(values))
    _recount(tx, attempt_id)


def _recount(tx: Connection, attempt_id: int) -> None:
    """Write the summaries of an attempt, and of all that goes on from it, anew."""
    attempts = descent.family(tx, attempt_id)
    known = series.named(tx, attempts, None)
    for end in (attempt_id, *descent.descendants(attempts, attempt_id, _LOWEST)):
        for context in {one.context for one in known}:
            names = dict.fromkeys(one.metric for one in known if one.context == context)
            series.recount(tx, attempts, end, list(names), context)


def date_back(tx: Connection, attempt_id: int, at: float) -> None:
    """Note that an attempt began at `at`, if that is earlier than was known: its own journal may come late."""
    own = update(AttemptRow).where(AttemptRow.id == attempt_id, AttemptRow.started_at > at)
    tx.execute(own.values(started_at=at))
    experiment = select(AttemptRow.experiment_id).where(AttemptRow.id == attempt_id).scalar_subquery()
    tx.execute(
        update(ExperimentRow).where(ExperimentRow.id == experiment, ExperimentRow.started_at > at).values(started_at=at)
    )


def lineage(tx: Connection, experiment_id: int) -> list[Attempt]:
    """Return all attempts of an experiment in their order."""
    parent = aliased(AttemptRow)
    first = (
        select(func.min(JournalRow.id))
        .where(JournalRow.attempt_id == AttemptRow.id)
        .correlate(AttemptRow)
        .scalar_subquery()
    )
    columns = (
        *_COLUMNS,
        AttemptRow.number,
        AttemptRow.from_step,
        AttemptRow.cause,
        AttemptRow.ended_at,
        parent.uid.label("parent"),
        JournalRow.machine,
        JournalRow.boot_id,
        JournalRow.pid,
        JournalRow.start_time,
        JournalRow.oom_kills,
        JournalRow.kernel,
    )
    rows = tx.execute(
        select(*columns)
        .outerjoin(parent, parent.id == AttemptRow.parent_id)
        .outerjoin(JournalRow, JournalRow.id == first)
        .where(AttemptRow.experiment_id == experiment_id)
        .order_by(AttemptRow.number)
    )
    return [to_record(Attempt, row, process=to_record(Process, row) if row.machine else None) for row in rows]
