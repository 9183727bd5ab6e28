"""For whom processes and GPUs work: open journals know processes, attempts of tasks know processes and GPUs."""

from collections.abc import Collection
from typing import NamedTuple

from sqlalchemy import Connection, Select, select

from aiplat_jupyter.store.tables import (
    AgentRow,
    AttemptRow,
    ExperimentRow,
    GpuLeaseRow,
    JournalRow,
    ProjectRow,
    TaskAttemptRow,
    TaskRow,
)


class Logging(NamedTuple):
    """A process that logs an experiment."""

    pid: int
    start: float
    kernel: str | None
    notebook: str | None
    experiment: str
    name: str
    project: str


class Working(NamedTuple):
    """A task's attempt: the process that it is, or the GPU that it holds."""

    pid: int | None
    started_at: float | None
    gpu: str | None
    task: str
    name: str
    project: str
    experiment: str | None


def logging(tx: Connection, machine: str, boot_id: str, pids: Collection[int]) -> list[Logging]:
    """Return those of the machine's processes that log, the newest journal of each last."""
    asked = (
        select(
            JournalRow.pid,
            JournalRow.start_time,
            JournalRow.kernel,
            ExperimentRow.provenance,
            ExperimentRow.uid,
            ExperimentRow.name,
            ProjectRow.uid,
        )
        .join(AttemptRow, AttemptRow.id == JournalRow.attempt_id)
        .join(ExperimentRow, ExperimentRow.id == AttemptRow.experiment_id)
        .join(ProjectRow, ProjectRow.id == ExperimentRow.project_id)
        .where(JournalRow.pid.in_(pids), JournalRow.machine == machine, JournalRow.boot_id == boot_id)
        .where(JournalRow.closed.is_(False))
        .order_by(JournalRow.id)
    )
    return [Logging._make((*row[:3], row[3].get("notebook"), *row[4:])) for row in tx.execute(asked)]


def running(tx: Connection, machine: str) -> list[Working]:
    """Return a machine's attempts that run as processes; notebooks that someone runs by hand are their kernels."""
    asked = (
        select(
            TaskAttemptRow.pid,
            TaskAttemptRow.started_at,
            TaskRow.uid,
            TaskRow.name,
            ProjectRow.uid,
            TaskRow.experiment,
        )
        .join(TaskRow, TaskRow.attempt_id == TaskAttemptRow.id)
        .join(ProjectRow, ProjectRow.id == TaskRow.project_id)
        .where(TaskRow.agent_id.in_(_agents_of(machine)), TaskRow.state.in_(("running", "stopping")))
        .where(TaskRow.kind != "notebook-live")
    )
    return [Working._make((*row[:2], None, *row[2:])) for row in tx.execute(asked)]


def leasing(tx: Connection, machine: str) -> list[Working]:
    """Return a machine's GPUs that tasks hold."""
    asked = (
        select(GpuLeaseRow.gpu, TaskRow.uid, TaskRow.name, ProjectRow.uid, TaskRow.experiment)
        .join(TaskAttemptRow, TaskAttemptRow.id == GpuLeaseRow.attempt_id)
        .join(TaskRow, TaskRow.id == TaskAttemptRow.task_id)
        .join(ProjectRow, ProjectRow.id == TaskRow.project_id)
        .where(GpuLeaseRow.agent_id.in_(_agents_of(machine)))
    )
    return [Working._make((None, None, *row)) for row in tx.execute(asked)]


def _agents_of(machine: str) -> Select[int]:
    """Every account that has tasks there."""
    return select(AgentRow.id).where(AgentRow.machine == machine)
