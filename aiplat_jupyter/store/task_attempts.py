"""Attempts of tasks: each moves through `core.states.TASK` once, and its task repeats what its newest one says."""

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, bindparam, insert, select, update

from aiplat_jupyter.core.states import TASK, TaskReason, TaskState
from aiplat_jupyter.core.tasks import LogFacts, TaskAttempt
from aiplat_jupyter.store import gpu_leases
from aiplat_jupyter.store.rows import to_record
from aiplat_jupyter.store.tables import TaskAttemptRow, TaskRow

_COLUMNS: Final = (
    TaskAttemptRow.id,
    TaskAttemptRow.uid,
    TaskAttemptRow.task_id,
    TaskAttemptRow.number,
    TaskAttemptRow.state,
    TaskAttemptRow.directory,
)
_AT_ONCE: Final = 500
_NO_LOG: Final[dict[str, Any]] = msgspec.to_builtins(LogFacts())
_BEFORE: Final = {state: [one for one, shown in TASK.items() if state in shown.next] for state in TASK}


class Found(NamedTuple):
    """An attempt as the rules need it."""

    id: int
    uid: str
    task_id: int
    number: int
    state: TaskState
    directory: str


class Ending(NamedTuple):
    """How an attempt ended, and why."""

    state: TaskState
    reason: TaskReason = ""
    detail: str = ""
    exit_code: int | None = None
    signal: str | None = None


def find(tx: Connection, uid: str) -> Found | None:
    """Return the attempt with this uid."""
    row = tx.execute(select(*_COLUMNS).where(TaskAttemptRow.uid == uid)).first()
    return None if row is None else Found._make(row)


def of_task(tx: Connection, task_id: int) -> list[Found]:
    """Return the attempts of a task in their order."""
    asked = select(*_COLUMNS).where(TaskAttemptRow.task_id == task_id).order_by(TaskAttemptRow.number)
    return [Found._make(row) for row in tx.execute(asked)]


def begin(tx: Connection, task_id: int, uid: str, number: int, **values: Any) -> int:
    """Add an attempt that waits (or is in the state that `values` give) as the task's newest; return its row."""
    now = time.time()
    row: dict[str, Any] = {"uid": uid, "task_id": task_id, "number": number, "created_at": now, "gpus": []}
    attempt_id = int(
        tx.execute(insert(TaskAttemptRow).returning(TaskAttemptRow.id), row | {"log": _NO_LOG} | values).scalar_one()
    )
    state = values.get("state", "queued")
    fresh = {"attempt_id": attempt_id, "attempts": number, "state": state, "reason": "", "detail": ""}
    fresh |= {"started_at": values.get("started_at"), "ended_at": None, "stop_requested": 0, "stopped_by": ""}
    tx.execute(update(TaskRow).where(TaskRow.id == task_id).values(**fresh, progress=None, updated_at=now))
    return attempt_id


def move(tx: Connection, attempt_id: int, state: TaskState, **values: Any) -> bool:
    """Put an attempt into a state, with further columns; tell whether its present state allows that.

    The task follows if the attempt is its newest. What has ended stays as it is.
    """
    own = TaskAttemptRow.id == attempt_id, TaskAttemptRow.state.in_(_BEFORE[state])
    if not tx.execute(update(TaskAttemptRow).where(*own).values(state=state, **values)).rowcount:
        return False
    shown = {name: values[name] for name in ("reason", "detail", "started_at", "ended_at") if name in values}
    newest = update(TaskRow).where(TaskRow.attempt_id == attempt_id)
    tx.execute(newest.values(state=state, updated_at=time.time(), **shown))
    return True


def explain(tx: Connection, attempt_id: int, reason: TaskReason) -> bool:
    """Say what is to be known of an attempt that runs; tell whether it still does."""
    own = TaskAttemptRow.id == attempt_id, TaskAttemptRow.state.in_(["starting", "running", "stopping"])
    if not tx.execute(update(TaskAttemptRow).where(*own).values(reason=reason)).rowcount:
        return False
    newest = update(TaskRow).where(TaskRow.attempt_id == attempt_id)
    tx.execute(newest.values(reason=reason, updated_at=time.time()))
    return True


def end(tx: Connection, attempt_id: int, ending: Ending, at: float, **facts: Any) -> bool:
    """Say how an attempt ended and free its GPUs; tell whether it had not ended before."""
    if not move(tx, attempt_id, ended_at=at, **ending._asdict(), **facts):
        return False
    gpu_leases.release(tx, attempt_id)
    return True


_NOTE: Final = update(TaskAttemptRow).where(TaskAttemptRow.id == bindparam("attempt")).values(log=bindparam("facts"))


def note_log(tx: Connection, attempt_id: int, facts: LogFacts) -> None:
    """Keep what is known of an attempt's log: as far as it is indexed, also after its end."""
    tx.execute(_NOTE, {"attempt": attempt_id, "facts": msgspec.to_builtins(facts)})


def link(tx: Connection, found: Found, experiment: str) -> None:
    """Note which experiment an attempt logs."""
    tx.execute(update(TaskAttemptRow).where(TaskAttemptRow.id == found.id).values(experiment=experiment))
    newest = update(TaskRow).where(TaskRow.attempt_id == found.id)
    tx.execute(newest.values(experiment=experiment, updated_at=time.time()))


def lineage(tx: Connection, task_id: int) -> list[TaskAttempt]:
    """Return the records of all attempts of a task, in their order."""
    names = (*TaskAttempt.__struct_fields__,)
    columns = [TaskAttemptRow.__table__.c[name] for name in names]
    rows = tx.execute(select(*columns).where(TaskAttemptRow.task_id == task_id).order_by(TaskAttemptRow.number))
    return [to_record(TaskAttempt, row) for row in rows]


def given_up(tx: Connection, uids: Sequence[str]) -> set[str]:
    """Return those of the attempts that were said to be lost because their agent could not be reached."""
    return _among(tx, uids, TaskAttemptRow.reason == "no_agent")


def known(tx: Connection, uids: Sequence[str]) -> set[str]:
    """Return those of the attempts that are known."""
    return _among(tx, uids)


def _among(tx: Connection, uids: Sequence[str], *which: ColumnElement[bool]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(uids), _AT_ONCE):
        some = TaskAttemptRow.uid.in_(uids[start : start + _AT_ONCE])
        found.update(tx.execute(select(TaskAttemptRow.uid).where(some, *which)).scalars())
    return found
