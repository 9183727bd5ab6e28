"""What a list is asked: filters, order, page."""

from typing import Final

from msgspec import Struct

from aiplat_jupyter.core.states import ExperimentStatus, Lifecycle, TaskState
from aiplat_jupyter.core.tasks import TaskKind

MAX_LIMIT: Final = 200


class ProjectQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which projects. `q` matches name, description; `sort`: ``name``, ``created`` or ``updated``, ``-`` reverses."""

    q: str = ""
    status: Lifecycle = "active"
    sort: str = "-updated"
    limit: int = 50
    cursor: str | None = None
    count: bool = False


class ExperimentQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which experiments.

    Attributes
    ----------
    q : words that must all occur in name, tags or notes, and conditions: ``config.lr<1e-3``, ``config.opt="adam"``,
        ``summary.accuracy>=0.9``, ``metric.loss.min<0.5`` (also ``.max``, ``.last``; ``metric.loss`` is ``.last``),
        ``status:running``, ``tag:baseline``, ``owner:ada``, ``project:digits``, ``created>2026-01-31``. All must hold.
    project, status, tag, owner, lifecycle : exact filters; several values of one are alternatives.
    created_after, created_before : Unix seconds.
    sort : ``created``, ``updated``, ``name``, ``status``, ``config.<key>`` or ``metric.<name>[.min|.max|.last]``;
        ``-`` reverses; rows without the value come last.
    metrics : names of metrics whose summaries each row shall carry.
    """

    q: str = ""
    project: list[str] = []
    status: list[ExperimentStatus] = []
    tag: list[str] = []
    owner: list[str] = []
    lifecycle: Lifecycle = "active"
    created_after: float | None = None
    created_before: float | None = None
    sort: str = "-created"
    metrics: list[str] = []
    limit: int = 50
    cursor: str | None = None
    count: bool = False


class TaskQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which tasks. Several values of one filter are alternatives.

    Attributes
    ----------
    q : words that must all occur in name, command or project.
    schedule, experiment : uid of the schedule that queued them, of the experiment that they log.
    sort : ``created``, ``updated``, ``started``, ``ended``, ``name`` or ``state``, ``-`` reverses; ``queue`` is the
        order in which they will start (running ones first).
    """

    q: str = ""
    project: list[str] = []
    state: list[TaskState] = []
    kind: list[TaskKind] = []
    owner: list[str] = []
    agent: list[str] = []
    schedule: str = ""
    experiment: str = ""
    lifecycle: Lifecycle = "active"
    sort: str = "-created"
    limit: int = 50
    cursor: str | None = None
    count: bool = False


class ScheduleQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which schedules."""

    project: list[str] = []
    limit: int = 50
    cursor: str | None = None
    count: bool = False
