"""The schema as SQLAlchemy mappings, used for typed Core statements: rows go in, records come out, no session.

Row numbers (``id``) join tables and stay inside the store; ``uid`` is what the world sees. Times are Unix seconds.
"""

from typing import Any

from sqlalchemy import JSON, BigInteger, Float, ForeignKey, Index, Integer, LargeBinary, Text, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Id = Integer().with_variant(BigInteger, "postgresql")


def _parent(column: str) -> Mapped[int]:
    return mapped_column(Id, ForeignKey(column, ondelete="CASCADE"))


class Base(DeclarativeBase):
    """Root of the mappings."""

    type_annotation_map = {
        str: Text,
        float: Float(53),
        bytes: LargeBinary,
        dict[str, Any]: JSON,
        list[str]: JSON,
        list[dict[str, Any]]: JSON,
    }

    id: Mapped[int] = mapped_column(Id, primary_key=True)


class UserRow(Base):
    """Someone who was seen or, with local accounts, registered."""

    __tablename__ = "users"

    username: Mapped[str] = mapped_column(unique=True)
    display_name: Mapped[str] = mapped_column(default="")
    email: Mapped[str | None]
    is_active: Mapped[bool] = mapped_column(default=True)
    role: Mapped[str] = mapped_column(default="user")
    hashed_password: Mapped[str | None]
    created_at: Mapped[float]


class TokenRow(Base):
    """An API token; only its digest is kept."""

    __tablename__ = "tokens"

    uid: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[int] = _parent("users.id")
    name: Mapped[str]
    digest: Mapped[str] = mapped_column(unique=True)
    scopes: Mapped[list[str]]
    created_at: Mapped[float]
    expires_at: Mapped[float | None]
    last_used_at: Mapped[float | None]


class IdempotencyRow(Base):
    """The answer to a write, to be given again when the same key comes again."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (UniqueConstraint("username", "key"),)

    username: Mapped[str]
    key: Mapped[str]
    request: Mapped[str]
    """Digest of method, path and body: the same key with another request is refused."""
    status: Mapped[int]
    body: Mapped[bytes]
    created_at: Mapped[float] = mapped_column(index=True)


class TombstoneRow(Base):
    """A uid that was purged, so that nothing late brings it back."""

    __tablename__ = "tombstones"

    uid: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    purged_at: Mapped[float]


class ChangeRow(Base):
    """The durable event sequence; `id` is its number and is never used twice."""

    __tablename__ = "changes"
    __table_args__ = {"sqlite_autoincrement": True}

    topic: Mapped[str]
    kind: Mapped[str]
    uid: Mapped[str]
    project: Mapped[str | None]
    at: Mapped[float]


class ProjectRow(Base):
    """A project."""

    __tablename__ = "projects"
    __table_args__ = (Index("projects_by_name", "name"), Index("projects_by_update", "status", "updated_at"))

    uid: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    description: Mapped[str] = mapped_column(default="")
    status: Mapped[str] = mapped_column(default="active")
    owner: Mapped[str]
    created_at: Mapped[float]
    updated_at: Mapped[float]


class MemberRow(Base):
    """A user's role in a project."""

    __tablename__ = "members"
    __table_args__ = (UniqueConstraint("project_id", "username"), Index("members_by_user", "username"))

    project_id: Mapped[int] = _parent("projects.id")
    username: Mapped[str]
    role: Mapped[str]


class ExperimentRow(Base):
    """An experiment; what lists sort and filter by is in columns of its own."""

    __tablename__ = "experiments"
    __table_args__ = (
        Index("experiments_by_project", "project_id", "lifecycle", "created_at"),
        Index("experiments_by_creation", "lifecycle", "created_at", "id"),
        Index("experiments_by_update", "lifecycle", "updated_at", "id"),
        Index("experiments_by_status", "lifecycle", "status"),
    )

    uid: Mapped[str] = mapped_column(unique=True)
    project_id: Mapped[int] = _parent("projects.id")
    name: Mapped[str]
    owner: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    lifecycle: Mapped[str] = mapped_column(default="active")
    cause: Mapped[str] = mapped_column(default="")
    base_model: Mapped[str] = mapped_column(default="")
    task_type: Mapped[str] = mapped_column(default="")
    notes: Mapped[str] = mapped_column(default="")
    tags: Mapped[list[str]]
    config: Mapped[dict[str, Any]]
    summary: Mapped[dict[str, Any]]
    provenance: Mapped[dict[str, Any]]
    attempt_id: Mapped[int | None] = mapped_column(Id)
    """The current attempt: the end of the drawn line."""
    headline: Mapped[str | None]
    """Name of the metric that lists show."""
    stop_requested: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[float]
    updated_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]
    stamps: Mapped[dict[str, Any] | None]
    """When config, summary, … were set, entry by entry: see `store.stamps`. Null: before this was kept."""


class AttemptRow(Base):
    """One go at an experiment; `parent_id` and `from_step` make the line of descent."""

    __tablename__ = "attempts"
    __table_args__ = (UniqueConstraint("experiment_id", "number"),)

    uid: Mapped[str] = mapped_column(unique=True)
    experiment_id: Mapped[int] = _parent("experiments.id")
    number: Mapped[int]
    parent_id: Mapped[int | None] = mapped_column(Id, ForeignKey("attempts.id", ondelete="CASCADE"))
    from_step: Mapped[int | None] = mapped_column(BigInteger)
    status: Mapped[str] = mapped_column(default="running")
    cause: Mapped[str] = mapped_column(default="")
    final: Mapped[bool] = mapped_column(default=False)
    """It ended on purpose: later points are kept, but do not make it running again."""
    started_at: Mapped[float]
    ended_at: Mapped[float | None]
    first_wall: Mapped[float | None]
    """Earliest wall time of its points: where relative time starts."""


class JournalRow(Base):
    """A journal and how far it is committed."""

    __tablename__ = "journals"
    __table_args__ = (Index("journals_by_attempt", "attempt_id"), Index("journals_by_process", "pid"))

    uid: Mapped[str] = mapped_column(unique=True)
    attempt_id: Mapped[int] = _parent("attempts.id")
    context: Mapped[str] = mapped_column(default="")
    machine: Mapped[str] = mapped_column(default="")
    boot_id: Mapped[str] = mapped_column(default="")
    pid: Mapped[int] = mapped_column(default=0)
    start_time: Mapped[float] = mapped_column(default=0.0)
    oom_kills: Mapped[int] = mapped_column(default=0)
    kernel: Mapped[str | None]
    committed_offset: Mapped[int] = mapped_column(BigInteger, default=0)
    idle: Mapped[bool] = mapped_column(default=False)
    """The last record said that the notebook cell had ended well."""
    closed: Mapped[bool] = mapped_column(default=False)
    """Nothing more is expected: its process ended and all of it is committed."""
    seen_at: Mapped[float]


class ShapeRow(Base):
    """The keys of a journal's points of one shape."""

    __tablename__ = "shapes"
    __table_args__ = (UniqueConstraint("journal_id", "number"),)

    journal_id: Mapped[int] = _parent("journals.id")
    number: Mapped[int]
    keys: Mapped[bytes]
    """MessagePack list of strings."""


class ConfigValueRow(Base):
    """One entry of a flattened config (``optimizer.lr``), for filters and sorting."""

    __tablename__ = "config_values"
    __table_args__ = (
        UniqueConstraint("experiment_id", "key"),
        Index("config_values_by_number", "key", "number"),
        Index("config_values_by_text", "key", "text"),
    )

    experiment_id: Mapped[int] = _parent("experiments.id")
    key: Mapped[str]
    number: Mapped[float | None]
    text: Mapped[str | None]
    """At most 500 characters of it."""


class SeriesRow(Base):
    """One metric of one attempt.

    `arrivals` counts the attempt's own points. The other statistics are those of the drawn line up to and including
    this attempt: a child attempt's row starts from its parent's points before `from_step`.
    """

    __tablename__ = "series"
    __table_args__ = (
        UniqueConstraint("attempt_id", "metric", "context"),
        Index("series_by_metric", "metric", "attempt_id"),
    )

    attempt_id: Mapped[int] = _parent("attempts.id")
    metric: Mapped[str]
    context: Mapped[str] = mapped_column(default="")
    arrivals: Mapped[int] = mapped_column(BigInteger, default=0)
    count: Mapped[int] = mapped_column(BigInteger, default=0)
    nan: Mapped[int] = mapped_column(BigInteger, default=0)
    infinite: Mapped[int] = mapped_column(BigInteger, default=0)
    last: Mapped[float | None]
    """NaN and ±Inf are stored as null with `last_kind` telling which."""
    last_kind: Mapped[int] = mapped_column(default=0)
    """0 finite (or none), 1 NaN, 2 +Inf, 3 −Inf."""
    last_step: Mapped[int | None] = mapped_column(BigInteger)
    last_wall: Mapped[float | None]
    min: Mapped[float | None]
    min_step: Mapped[int | None] = mapped_column(BigInteger)
    max: Mapped[float | None]
    max_step: Mapped[int | None] = mapped_column(BigInteger)
    gap: Mapped[float | None]
    """Median step gap of the first 4,096 points, frozen: the unit of time-weighted smoothing."""


class TailRow(Base):
    """The points of one commit of one attempt, all series together, until they are folded into segments."""

    __tablename__ = "tails"
    __table_args__ = (Index("tails_by_attempt", "attempt_id", "id"), {"sqlite_autoincrement": True})

    attempt_id: Mapped[int] = _parent("attempts.id")
    step_min: Mapped[int] = mapped_column(BigInteger)
    step_max: Mapped[int] = mapped_column(BigInteger)
    points: Mapped[bytes]


class SegmentRow(Base):
    """Up to 16,384 points of one series, sorted by (step, arrival), with what a reader needs to pass them by."""

    __tablename__ = "segments"
    __table_args__ = (
        Index("segments_by_series", "series_id", "step_min"),
        Index("segments_still_open", "series_id", sqlite_where=text("open"), postgresql_where=text("open")),
        {"sqlite_autoincrement": True},
    )

    series_id: Mapped[int] = _parent("series.id")
    arrival: Mapped[int] = mapped_column(BigInteger)
    """Number of the first of its points in the order of arrival; with `id` it tells which of two
    equal steps came last."""
    count: Mapped[int]
    """Points that are drawn: the last arrival of each step."""
    superseded: Mapped[int] = mapped_column(default=0)
    """Further points, each with a step that came again later."""
    open: Mapped[bool] = mapped_column(default=False)
    """The next fold may still merge it with what follows."""
    step_min: Mapped[int] = mapped_column(BigInteger)
    step_max: Mapped[int] = mapped_column(BigInteger)
    pyramid: Mapped[bytes]
    """Statistics of each block of 64 drawn points."""
    points: Mapped[bytes]
    """Steps, walls and values, packed; the first byte is the format's version."""


class AgentRow(Base):
    """A machine and account that runs tasks; the server that holds its lease dispatches them."""

    __tablename__ = "agents"
    __table_args__ = (UniqueConstraint("machine", "username"),)

    uid: Mapped[str] = mapped_column(unique=True)
    machine: Mapped[str]
    username: Mapped[str]
    is_paused: Mapped[bool] = mapped_column(default=False)
    slots: Mapped[int] = mapped_column(default=1)
    gpus: Mapped[list[dict[str, Any]]]
    dispatcher: Mapped[str | None]
    """Who holds the lease: a word that one start of one server made up."""
    lease_until: Mapped[float] = mapped_column(default=0.0)
    seen_at: Mapped[float]


class ScheduleRow(Base):
    """What queues a task again and again."""

    __tablename__ = "schedules"
    __table_args__ = (Index("schedules_by_time", "agent_id", "is_enabled", "next_at"),)

    uid: Mapped[str] = mapped_column(unique=True)
    project_id: Mapped[int] = _parent("projects.id")
    agent_id: Mapped[int] = _parent("agents.id")
    name: Mapped[str]
    owner: Mapped[str]
    cron: Mapped[str]
    timezone: Mapped[str]
    misfire: Mapped[str]
    overlap: Mapped[str]
    is_enabled: Mapped[bool] = mapped_column(default=True)
    task: Mapped[dict[str, Any]]
    """A `NewTask` without project."""
    created_at: Mapped[float]
    next_at: Mapped[float | None]
    last_at: Mapped[float | None]
    last_task: Mapped[str | None]
    problem: Mapped[dict[str, Any] | None]


class TaskRow(Base):
    """A task; state, reason and times repeat those of its newest attempt, for lists."""

    __tablename__ = "tasks"
    __table_args__ = (
        Index("tasks_by_project", "project_id", "lifecycle", "created_at"),
        Index("tasks_by_creation", "lifecycle", "created_at", "id"),
        Index("tasks_by_update", "lifecycle", "updated_at", "id"),
        Index("tasks_by_state", "agent_id", "state", "priority", "place"),
        Index("tasks_by_experiment", "experiment"),
        Index("tasks_by_schedule", "schedule_id", "created_at"),
    )

    uid: Mapped[str] = mapped_column(unique=True)
    project_id: Mapped[int] = _parent("projects.id")
    agent_id: Mapped[int] = _parent("agents.id")
    schedule_id: Mapped[int | None] = mapped_column(Id, ForeignKey("schedules.id", ondelete="SET NULL"))
    name: Mapped[str]
    owner: Mapped[str]
    kind: Mapped[str]
    spec: Mapped[dict[str, Any]]
    executor: Mapped[str]
    lifecycle: Mapped[str] = mapped_column(default="active")
    priority: Mapped[int] = mapped_column(default=0)
    place: Mapped[float]
    """Order among equal priorities, the higher the earlier: minus the time of creation, unless someone moved it. So one
    index, read backwards, is the queue."""
    gpus: Mapped[int] = mapped_column(default=0)
    slots: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(default="queued")
    reason: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")
    attempt_id: Mapped[int | None] = mapped_column(Id)
    """The newest attempt."""
    attempts: Mapped[int] = mapped_column(default=1)
    stop_requested: Mapped[int] = mapped_column(default=0)
    """0 no, 1 end it, 2 now."""
    stopped_by: Mapped[str] = mapped_column(default="")
    not_before: Mapped[float] = mapped_column(default=0.0)
    """When a retry may start."""
    progress: Mapped[dict[str, Any] | None]
    experiment: Mapped[str | None]
    created_at: Mapped[float]
    updated_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]


class TaskAttemptRow(Base):
    """One go at a task; what has ended never changes."""

    __tablename__ = "task_attempts"
    __table_args__ = (UniqueConstraint("task_id", "number"), Index("task_attempts_by_state", "state"))

    uid: Mapped[str] = mapped_column(unique=True)
    task_id: Mapped[int] = _parent("tasks.id")
    number: Mapped[int]
    state: Mapped[str] = mapped_column(default="queued")
    reason: Mapped[str] = mapped_column(default="")
    detail: Mapped[str] = mapped_column(default="")
    exit_code: Mapped[int | None]
    signal: Mapped[str | None]
    pid: Mapped[int | None]
    directory: Mapped[str] = mapped_column(default="")
    """Absolute, on the agent's machine."""
    gpus: Mapped[list[str]]
    experiment: Mapped[str | None]
    log: Mapped[dict[str, Any]]
    """Lines, size and lines of each level, as far as they are indexed."""
    created_at: Mapped[float]
    started_at: Mapped[float | None]
    ended_at: Mapped[float | None]


class TaskDependencyRow(Base):
    """`task_id` starts only when `needs_id` has ended, in the way `condition` says."""

    __tablename__ = "task_dependencies"
    __table_args__ = (UniqueConstraint("task_id", "needs_id"), Index("task_dependencies_by_need", "needs_id"))

    task_id: Mapped[int] = _parent("tasks.id")
    needs_id: Mapped[int] = _parent("tasks.id")
    condition: Mapped[str]


class GpuLeaseRow(Base):
    """Which attempt holds a GPU."""

    __tablename__ = "gpu_leases"
    __table_args__ = (UniqueConstraint("agent_id", "gpu"),)

    agent_id: Mapped[int] = _parent("agents.id")
    gpu: Mapped[str]
    """Its UUID."""
    attempt_id: Mapped[int] = _parent("task_attempts.id")
    since: Mapped[float]


class AlertRuleRow(Base):
    """A rule of alerts, a default one or someone's own."""

    __tablename__ = "alert_rules"

    uid: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    preset: Mapped[str] = mapped_column(default="")
    owner: Mapped[str] = mapped_column(default="")
    is_everywhere: Mapped[bool] = mapped_column(default=False)
    """It watches all projects: a default rule, or one of an administrator; else those that its owner may edit."""
    is_enabled: Mapped[bool] = mapped_column(default=True)
    silenced_until: Mapped[float] = mapped_column(default=0.0)
    spec: Mapped[dict[str, Any]]
    projects: Mapped[list[str]]
    """Uids of the projects that its scope lies in, as of when it was saved."""
    version: Mapped[int] = mapped_column(default=1)
    """Raised when what it knew of its targets no longer holds."""
    since: Mapped[float]
    """When this version began to watch."""
    created_at: Mapped[float]
    updated_at: Mapped[float]


class AlertStateRow(Base):
    """What a rule knows of one target."""

    __tablename__ = "alert_states"
    __table_args__ = (UniqueConstraint("rule_id", "key"), Index("alert_states_by_update", "updated_at"))

    rule_id: Mapped[int] = _parent("alert_rules.id")
    key: Mapped[str]
    number: Mapped[int] = mapped_column(default=0)
    """How often it has fired: who fires it again must have known the last time."""
    level: Mapped[int] = mapped_column(default=0)
    is_pending: Mapped[bool] = mapped_column(default=False)
    agent: Mapped[str | None]
    """Uid of the agent whose server looks at it; None: any may."""
    event: Mapped[str | None]
    """Uid of what it said and has not taken back."""
    attempt: Mapped[str | None]
    """Of an experiment: the attempt that was read, up to `step`."""
    step: Mapped[int | None] = mapped_column(BigInteger)
    state: Mapped[dict[str, Any]]
    updated_at: Mapped[float]


class AlertEventRow(Base):
    """One time that a rule fired, or that code raised an alert. It outlives its rule."""

    __tablename__ = "alert_events"
    __table_args__ = (
        Index("alert_events_by_time", "fired_at", "id"),
        Index("alert_events_open", "is_open", "fired_at"),
        Index("alert_events_by_rule", "rule", "fired_at"),
        Index("alert_events_by_experiment", "experiment", "fired_at"),
        Index("alert_events_by_task", "task", "fired_at"),
        Index("alert_events_by_gpu", "gpu", "fired_at"),
        Index("alert_events_by_project", "project_id"),
    )

    uid: Mapped[str] = mapped_column(unique=True)
    occurrence: Mapped[str] = mapped_column(unique=True)
    """Rule, target and how often it has fired: nothing is said twice."""
    project_id: Mapped[int | None] = mapped_column(Id, ForeignKey("projects.id", ondelete="CASCADE"))
    """Of whom it tells, if that is an experiment or a task: who may see it."""
    rule: Mapped[str | None]
    name: Mapped[str]
    preset: Mapped[str] = mapped_column(default="")
    subject: Mapped[str]
    severity: Mapped[str]
    state: Mapped[str]
    is_open: Mapped[bool]
    target: Mapped[dict[str, Any]]
    gpu: Mapped[str | None]
    experiment: Mapped[str | None]
    task: Mapped[str | None]
    title: Mapped[str] = mapped_column(default="")
    text: Mapped[str] = mapped_column(default="")
    metric: Mapped[str] = mapped_column(default="")
    condition: Mapped[str | None]
    value: Mapped[float | None]
    threshold: Mapped[float | None]
    for_s: Mapped[float] = mapped_column(default=0.0)
    step: Mapped[int | None] = mapped_column(BigInteger)
    count: Mapped[int] = mapped_column(default=1)
    fired_at: Mapped[float]
    updated_at: Mapped[float]
    resolved_at: Mapped[float | None]
    acknowledged_at: Mapped[float | None]
    acknowledged_by: Mapped[str] = mapped_column(default="")
    is_silenced: Mapped[bool] = mapped_column(default=False)
    deliveries: Mapped[list[dict[str, Any]]]


class GpuLayoutRow(Base):
    """What the columns of an agent's GPU history are, in their order; another one when a GPU comes, goes or changes."""

    __tablename__ = "gpu_layouts"
    __table_args__ = (UniqueConstraint("agent_id", "digest"),)

    agent_id: Mapped[int] = _parent("agents.id")
    digest: Mapped[str]
    gpus: Mapped[list[dict[str, Any]]]
    """`store.gpu_history.Column` of each."""


class GpuHistoryRow(Base):
    """What an agent's GPUs and machine did in some seconds, all of them together."""

    __tablename__ = "gpu_history"
    __table_args__ = (UniqueConstraint("agent_id", "seconds", "at", "layout_id"),)

    agent_id: Mapped[int] = _parent("agents.id")
    seconds: Mapped[int]
    """How long: one of `store.gpu_history.LEVELS`."""
    at: Mapped[int] = mapped_column(BigInteger)
    """When that began: a multiple of `seconds`."""
    layout_id: Mapped[int] = _parent("gpu_layouts.id")
    values: Mapped[bytes]
    """Mean, min and max of each column as 32-bit floats; NaN where nothing was read."""


class GpuStatusRow(Base):
    """How an agent's GPUs and machine were last, for servers of other machines."""

    __tablename__ = "gpu_statuses"

    agent_id: Mapped[int] = mapped_column(Id, ForeignKey("agents.id", ondelete="CASCADE"), unique=True)
    at: Mapped[float]
    status: Mapped[bytes]
    """`core.gpu.GpuStatus` in JSON."""
