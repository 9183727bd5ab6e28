"""The queue of an agent: what waits, what may start, what runs."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, or_, select, update

from aiplat_jupyter.core.states import TaskReason, TaskState
from aiplat_jupyter.core.tasks import TaskSpec
from aiplat_jupyter.store import agents, changes, dependencies, gpu_leases, task_attempts, tasks
from aiplat_jupyter.store.tables import ProjectRow, TaskAttemptRow, TaskRow

FRONT: Final = 200
"""How many waiting tasks are told why they wait."""
FURTHEST: Final = 3_600.0
"""A retry that is due later than this was put off by a clock that was set back: it is due."""


class Waiting(NamedTuple):
    """A task that waits for its turn."""

    id: int
    attempt_id: int
    uid: str
    name: str
    executor: str
    gpus: int
    slots: int
    attempts: int
    not_before: float
    reason: TaskReason
    detail: str


class Running(NamedTuple):
    """An attempt that has started and not ended, as far as is known."""

    id: int
    uid: str
    task_id: int
    state: TaskState
    directory: str
    pid: int | None
    started_at: float | None
    executor: str
    progress: dict[str, Any] | None
    stop_requested: int
    stopped_by: str
    reason: str


class Starting(NamedTuple):
    """All that is known of an attempt that is to be started."""

    attempt: str
    task_id: int
    attempt_id: int
    directory: str
    gpus: list[str]
    task: str
    name: str
    executor: str
    project: str
    spec: TaskSpec


_WAITING: Final[tuple[Any, ...]] = (
    TaskRow.id,
    TaskRow.attempt_id,
    TaskRow.uid,
    TaskRow.name,
    TaskRow.executor,
    TaskRow.gpus,
    TaskRow.slots,
    TaskRow.attempts,
    TaskRow.not_before,
    TaskRow.reason,
    TaskRow.detail,
)
_RUNNING: Final = (
    TaskAttemptRow.id,
    TaskAttemptRow.uid,
    TaskRow.id.label("task_id"),
    TaskAttemptRow.state,
    TaskAttemptRow.directory,
    TaskAttemptRow.pid,
    TaskAttemptRow.started_at,
    TaskRow.executor,
    TaskRow.progress,
    TaskRow.stop_requested,
    TaskRow.stopped_by,
    TaskAttemptRow.reason,
)
_STARTING: Final = (
    TaskAttemptRow.uid.label("attempt"),
    TaskRow.id.label("task_id"),
    TaskAttemptRow.id.label("attempt_id"),
    TaskAttemptRow.directory,
    TaskAttemptRow.gpus,
    TaskRow.uid.label("task"),
    TaskRow.name,
    TaskRow.executor,
    ProjectRow.name.label("project"),
    TaskRow.spec,
)
_TELL: Final = (
    update(TaskRow)
    .where(TaskRow.id == bindparam("task"), TaskRow.state == "queued")
    .values(reason=bindparam("why"), detail=bindparam("more"))
)


def is_due(waiting: Waiting, now: float) -> bool:
    """Tell whether a retry has waited for long enough."""
    return not now < waiting.not_before <= now + FURTHEST


_QUEUED: Final[Select[Any]] = (
    select(*_WAITING)
    .where(TaskRow.agent_id == bindparam("agent"), TaskRow.state == "queued")
    .order_by(TaskRow.priority.desc(), TaskRow.place.desc(), TaskRow.id.desc())
)
_FRONT: Final = _QUEUED.limit(FRONT)


def front(tx: Connection, agent_id: int) -> list[Waiting]:
    """Return the first of the queue, in order."""
    return [Waiting._make(row) for row in tx.execute(_FRONT, {"agent": agent_id}).all()]


def ready(
    tx: Connection, agent_id: int, now: float, *, slots: int, gpus: int, queues: Collection[str]
) -> list[Waiting]:
    """Return the first tasks of the queue that nothing but their turn keeps from starting: no more than can start now.

    `slots` and `gpus` are how many are free; `queues` are the executors that let jobs wait by themselves.
    """
    due = or_(TaskRow.not_before <= now, TaskRow.not_before > now + FURTHEST)
    fits: ColumnElement[bool] = and_(TaskRow.slots <= slots, TaskRow.gpus <= gpus)
    asked = _QUEUED.where(due, or_(fits, TaskRow.executor.in_(queues)), ~dependencies.waits())
    return [Waiting._make(row) for row in tx.execute(asked.limit(slots), {"agent": agent_id}).all()]


def running(tx: Connection, agent_id: int) -> list[Running]:
    """Return the attempts that the agent's executors have been handed and that have not ended."""
    asked = select(*_RUNNING).join_from(TaskRow, TaskAttemptRow, TaskAttemptRow.id == TaskRow.attempt_id)
    mine = TaskRow.agent_id == agent_id, TaskRow.state.in_(agents.TAKING), TaskRow.kind != "notebook-live"
    return [Running._make(row) for row in tx.execute(asked.where(*mine))]


def starting(tx: Connection, attempt_ids: Sequence[int]) -> list[Starting]:
    """Return those of the attempts that are `starting`, in this order."""
    asked = (
        select(*_STARTING)
        .join_from(TaskRow, TaskAttemptRow, TaskAttemptRow.id == TaskRow.attempt_id)
        .join(ProjectRow, ProjectRow.id == TaskRow.project_id)
        .where(TaskAttemptRow.id.in_(attempt_ids), TaskAttemptRow.state == "starting")
    )
    found = {row.attempt_id: [*row[:-1], msgspec.convert(row.spec, TaskSpec)] for row in tx.execute(asked)}
    return [Starting._make(found[attempt_id]) for attempt_id in attempt_ids if attempt_id in found]


def start(tx: Connection, agent_id: int, waiting: Waiting, directory: str, gpus: Sequence[str]) -> None:
    """Let a task start: from now on it takes its slots and GPUs."""
    moved = {"directory": directory, "gpus": list(gpus), "reason": "", "detail": ""}
    if task_attempts.move(tx, waiting.attempt_id, "starting", **moved):
        gpu_leases.take(tx, agent_id, waiting.attempt_id, gpus)
        changes.of_tasks(tx, "status", tasks.names(tx, [waiting.id]))


def tell(tx: Connection, reasons: Mapping[Waiting, tuple[TaskReason, str]]) -> None:
    """Say of waiting tasks why they wait."""
    if reasons:
        rows = [{"task": one.id, "why": why, "more": more} for one, (why, more) in reasons.items()]
        tx.execute(_TELL, rows)
        changes.of_tasks(tx, "updated", tasks.names(tx, [one.id for one in reasons]))
