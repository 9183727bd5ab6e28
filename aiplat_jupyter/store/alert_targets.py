"""What rules of alerts watch, read in as few and small questions as they need: experiments, metrics, tasks."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, func, or_, select

from aiplat_jupyter.core.alerts import Condition, RuleSpec, Scope
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.states import TASK_LIVE
from aiplat_jupyter.store import histories, projects, series
from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.experiments import UNLIKE_LOSS, likeness_to_loss
from aiplat_jupyter.store.segments import Samples
from aiplat_jupyter.store.series import Series, Standing
from aiplat_jupyter.store.tables import (
    AgentRow,
    AttemptRow,
    ExperimentRow,
    JournalRow,
    ProjectRow,
    SeriesRow,
    TaskAttemptRow,
    TaskRow,
)
from aiplat_jupyter.store.tails import Tail

FAILED: Final = ("failed", "timed_out", "lost")
"""States in which a task has not done what it should, though nobody stopped it."""
AT_ONCE: Final = 200
"""How many experiments are looked at in one question."""
MOST_TASKS: Final = 2_000
MOST_RUNNING: Final = 1_000


class Experiment(NamedTuple):
    """An experiment as rules see it."""

    id: int
    uid: str
    name: str
    project_id: int
    project: str
    status: str
    lifecycle: str
    headline: str | None
    attempt_id: int
    attempt: str
    number: int
    """Of the attempt."""
    started_at: float
    """The attempt."""

    @property
    def loss(self) -> str | None:
        """Name of the loss that lists show, if there is one."""
        is_loss = self.headline is not None and likeness_to_loss(self.headline) < UNLIKE_LOSS
        return self.headline if is_loss else None


_EXPERIMENT: Final[tuple[Any, ...]] = (
    ExperimentRow.id,
    ExperimentRow.uid,
    ExperimentRow.name,
    ExperimentRow.project_id,
    ProjectRow.uid,
    ExperimentRow.status,
    ExperimentRow.lifecycle,
    ExperimentRow.headline,
    AttemptRow.id,
    AttemptRow.uid,
    AttemptRow.number,
    AttemptRow.started_at,
)


def _experiments() -> Select[Any]:
    ask: Select[Any] = select(*_EXPERIMENT).select_from(ExperimentRow)
    ask = ask.join(AttemptRow, AttemptRow.id == ExperimentRow.attempt_id)
    return ask.join(ProjectRow, ProjectRow.id == ExperimentRow.project_id)


def experiments(tx: Connection, uids: Collection[str]) -> list[Experiment]:
    """Return those of the experiments that have an attempt."""
    return [Experiment._make(row) for row in tx.execute(_experiments().where(ExperimentRow.uid.in_(uids)))]


def running(tx: Connection, limit: int) -> list[str]:
    """Return the uids of experiments that run, the newest first."""
    ask = select(ExperimentRow.uid).where(ExperimentRow.lifecycle == "active", ExperimentRow.status == "running")
    return list(tx.execute(ask.order_by(ExperimentRow.created_at.desc()).limit(limit)).scalars())


def newest(tx: Connection, who: Identity, scope: Scope, limit: int) -> list[Experiment]:
    """Return the newest experiments that a scope names and `who` may see."""
    ask = _experiments().where(projects.visible(who), ExperimentRow.lifecycle != "trashed")
    if scope.projects:
        ask = ask.where(ProjectRow.uid.in_(scope.projects))
    if scope.experiments:
        ask = ask.where(ExperimentRow.uid.in_(scope.experiments))
    rows = tx.execute(ask.order_by(ExperimentRow.created_at.desc()).limit(limit))
    return [Experiment._make(row) for row in rows]


class Whereabouts(NamedTuple):
    """What an experiment runs in."""

    kernel: str | None
    notebook: str | None
    task: str | None


def whereabouts(tx: Connection, experiment: str) -> Whereabouts:
    """Return kernel, notebook and task of the experiment with this uid, as far as there are some."""
    notebook = ExperimentRow.provenance["notebook"].as_string()
    kernel = select(JournalRow.kernel).where(JournalRow.attempt_id == ExperimentRow.attempt_id)
    kernel = kernel.where(JournalRow.context == "").order_by(JournalRow.id.desc()).limit(1)
    ask = select(kernel.scalar_subquery(), notebook).where(ExperimentRow.uid == experiment)
    row = tx.execute(ask).first()
    live = TaskRow.experiment == experiment, TaskRow.state.in_(TASK_LIVE)
    task = tx.execute(select(TaskRow.uid).where(*live).order_by(TaskRow.id.desc()).limit(1)).scalar()
    return Whereabouts(row[0] if row else None, row[1] if row else None, task)


def metrics_of(tx: Connection, attempt_id: int, limit: int) -> list[str]:
    """Return up to `limit` names of metrics of an attempt."""
    own = SeriesRow.attempt_id == attempt_id, SeriesRow.context == "", SeriesRow.count > 0
    return list(tx.execute(select(SeriesRow.metric).where(*own).order_by(SeriesRow.metric).limit(limit)).scalars())


def lines(tx: Connection, attempt_id: int, metrics: Collection[str]) -> dict[str, Series]:
    """Return some metrics of an attempt, by name, with their summaries."""
    found = series.named(tx, [attempt_id], metrics)
    return {one.metric: one for one in found if not one.context and one.standing.count}


def standings(tx: Connection, attempt_id: int, metrics: Collection[str]) -> dict[str, Standing]:
    """Return the summaries of some metrics of an attempt, by name."""
    return {name: one.standing for name, one in lines(tx, attempt_id, metrics).items()}


def arrived(tx: Connection, experiment: Experiment, wanted: Mapping[str, int | None], limit: int) -> dict[str, Samples]:
    """Return up to `limit` points of each of these metrics of the current attempt behind a step (None: all)."""
    return histories.behind(tx, experiment.uid, experiment.number, wanted, limit)


def latest(tx: Connection, line: Series, number: int) -> Samples:
    """Return the `number` points of a metric that came last, in the order of arrival, as far as they came just now."""
    tail = Archive.reading(tx).tails([line.attempt_id]).get(line.attempt_id, Tail())
    samples = tail.samples(line.id)
    return samples.take(slice(max(len(samples.step) - number, 0), None))


class Suspect(NamedTuple):
    """A metric whose newest value may be a reason for an alert."""

    metric: str
    standing: Standing


def suspects(tx: Connection, attempt_id: int, spec: RuleSpec, now: float, limit: int) -> list[Suspect]:
    """Return metrics of an attempt whose newest value meets a rule on every metric, or has not cleared it.

    The database picks them out: of 10,000 metrics none is read in Python that is well.
    """
    own = SeriesRow.attempt_id == attempt_id, SeriesRow.context == "", SeriesRow.count > 0
    ask = select(SeriesRow.metric).where(*own, _suspicious(spec, now)).order_by(SeriesRow.metric).limit(limit)
    names = list(tx.execute(ask).scalars())
    found = standings(tx, attempt_id, names) if names else {}
    return [Suspect(name, found[name]) for name in names]


def _suspicious(spec: RuleSpec, now: float) -> ColumnElement[bool]:
    by_condition: dict[Condition, ColumnElement[bool]] = {
        "not_finite": SeriesRow.last_kind > 0,
        "plateau": SeriesRow.last_step - _best_step(spec) >= spec.for_s,
    }
    if spec.condition in by_condition:
        return by_condition[spec.condition]
    given = [spec.warning, spec.critical, spec.clear_warning, spec.clear_critical]
    bounds = [bound for bound in given if bound is not None]
    if spec.condition == "below":
        highest = max(bounds)
        return SeriesRow.last < highest + 0.05 * abs(highest)
    lowest = min(bounds) - 0.05 * abs(min(bounds))
    if spec.condition == "silent":
        return SeriesRow.last_wall < now - lowest
    if spec.condition == "diverges":
        best = SeriesRow.max if spec.aggregate == "max" else SeriesRow.min
        worse = best - SeriesRow.last if spec.aggregate == "max" else SeriesRow.last - best
        return worse > (lowest - 1.0) * func.abs(best)
    return SeriesRow.last > lowest


def _best_step(spec: RuleSpec) -> Any:
    return SeriesRow.max_step if spec.aggregate == "max" else SeriesRow.min_step


class Task(NamedTuple):
    """A task as rules see it."""

    uid: str
    name: str
    kind: str
    project_id: int
    project: str
    agent: str
    state: str
    reason: str
    experiment: str | None
    attempt: str
    created_at: float
    """Of the attempt."""
    started_at: float | None
    ended_at: float | None


_TASK: Final[tuple[Any, ...]] = (
    TaskRow.uid,
    TaskRow.name,
    TaskRow.kind,
    TaskRow.project_id,
    ProjectRow.uid,
    AgentRow.uid,
    TaskRow.state,
    TaskRow.reason,
    TaskRow.experiment,
    TaskAttemptRow.uid,
    TaskAttemptRow.created_at,
    TaskAttemptRow.started_at,
    TaskAttemptRow.ended_at,
)


def _tasks() -> Select[Any]:
    ask: Select[Any] = select(*_TASK).select_from(TaskRow)
    ask = ask.join(TaskAttemptRow, TaskAttemptRow.id == TaskRow.attempt_id)
    ask = ask.join(ProjectRow, ProjectRow.id == TaskRow.project_id).join(AgentRow, AgentRow.id == TaskRow.agent_id)
    return ask.where(TaskRow.kind != "notebook-live")


def live_tasks(tx: Connection, agent_id: int) -> list[Task]:
    """Return the tasks of an agent that wait or run."""
    own = TaskRow.agent_id == agent_id, TaskRow.state.in_(TASK_LIVE)
    return [Task._make(row) for row in tx.execute(_tasks().where(*own).limit(MOST_TASKS))]


def failed_tasks(tx: Connection, agent_id: int, since: float) -> list[Task]:
    """Return the tasks of an agent that have failed since some time, the newest first."""
    own = TaskRow.agent_id == agent_id, TaskRow.state.in_(FAILED)
    recent = TaskRow.lifecycle == "active", TaskRow.updated_at >= since, TaskRow.ended_at >= since
    rows = tx.execute(_tasks().where(*own, *recent).order_by(TaskRow.ended_at.desc()).limit(MOST_TASKS))
    return [Task._make(row) for row in rows]


def tasks(tx: Connection, uids: Collection[str]) -> list[Task]:
    """Return these tasks."""
    return [Task._make(row) for row in tx.execute(_tasks().where(TaskRow.uid.in_(uids)))]


def past_tasks(tx: Connection, who: Identity, scope: Scope, start: float, end: float, limit: int) -> list[Task]:
    """Return the newest tasks that a scope names, that `who` may see, and that were there between two times."""
    there = TaskAttemptRow.created_at <= end, or_(TaskRow.ended_at.is_(None), TaskRow.ended_at >= start)
    ask = _tasks().where(projects.visible(who), TaskRow.lifecycle != "trashed", *there)
    narrowed = ((AgentRow.uid, scope.agents), (ProjectRow.uid, scope.projects), (TaskRow.uid, scope.tasks))
    for column, uids in narrowed:
        if uids:
            ask = ask.where(column.in_(uids))
    return [Task._make(row) for row in tx.execute(ask.order_by(TaskRow.created_at.desc()).limit(limit))]


def durations(tx: Connection, task: Task, limit: int) -> Sequence[float]:
    """Return how long attempts of tasks of the same project and name took that succeeded, the newest first."""
    same = and_(TaskRow.project_id == task.project_id, TaskRow.name == task.name, TaskRow.kind == task.kind)
    ask = (
        select(TaskAttemptRow.ended_at - TaskAttemptRow.started_at)
        .join(TaskRow, TaskRow.id == TaskAttemptRow.task_id)
        .where(same, TaskAttemptRow.state == "succeeded", TaskAttemptRow.started_at.is_not(None))
        .order_by(TaskRow.created_at.desc())
        .limit(limit)
    )
    return [took for took in tx.execute(ask).scalars() if took is not None]
