"""Tasks as they travel: jobs that run in the background of a machine, their attempts, schedules and agents.

Times are seconds since 1970 (UTC) as floats, durations are seconds.
"""

from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from aiplat_jupyter.core.problems import Problem
from aiplat_jupyter.core.states import Lifecycle, Role, TaskReason, TaskState

TaskKind = Literal["command", "script", "notebook", "notebook-live"]
"""``notebook-live`` is a notebook that someone runs by hand: its console output is a log like any other."""
Condition = Literal["ok", "any", "failed"]
Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
MAX_GPUS: Final = 64


class After(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Another task that must end first: `on` ``ok`` (succeeded), ``any`` (ended) or ``failed`` (did not succeed)."""

    task: str
    on: Condition = "ok"


class TaskSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What runs, and how.

    Attributes
    ----------
    kind : ``command``, ``script`` or ``notebook``, with the field of that name.
    command : program and arguments; with `shell` one string for ``/bin/sh -c``.
    script, args, interpreter : file, its arguments, and what runs it (empty: the server's Python for ``.py``, ``bash``
        for ``.sh``, else the file itself).
    notebook, parameters, kernel : file, values that are set behind the cell tagged ``parameters`` (or before the first
        cell), kernel's name (empty: the notebook's own). A copy with the outputs is kept with the attempt.
    cwd : empty: the folder of script or notebook, else the server's root folder. Paths that are relative count from the
        root folder of the server that is asked, and are kept as absolute ones if it runs the task.
    env : variables on top of the server's own (without Jupyter's secrets).
    gpus : how many; 0 hides all of them from the task.
    slots : how many of the agent's slots (one per core unless set otherwise) it takes.
    timeout_s : from its start; None: no limit.
    grace_s : between asking it to end (SIGTERM) and killing it.
    retries : further attempts after a failure or a time-out, `retry_wait_s` later, then twice that, at most an hour.
    rerun_lost : whether a lost attempt is retried too: only right for tasks that may run twice.
    """

    kind: TaskKind
    command: list[str] = []
    shell: bool = False
    script: str = ""
    args: list[str] = []
    interpreter: str = ""
    notebook: str = ""
    parameters: dict[str, Any] = {}
    kernel: str = ""
    cwd: str = ""
    env: dict[str, str] = {}
    gpus: int = 0
    slots: int = 1
    timeout_s: float | None = None
    grace_s: float = 30.0
    retries: int = 0
    retry_wait_s: float = 10.0
    rerun_lost: bool = False


class NewTask(TaskSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Queues a task in the project of that name (created if missing), or answers the one that has this `uid`.

    `agent` names who runs it (empty: the machine of the server that is asked), `priority` the higher the earlier.
    """

    project: str
    name: str = ""
    uid: str | None = None
    agent: str = ""
    executor: str = "local"
    priority: int = 0
    after: list[After] = []


class OutputQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Of which attempt; empty: the newest."""

    attempt: str = ""


class TaskPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets the fields that are given; `before` puts a queued task before another one, with its priority."""

    name: str | UnsetType = UNSET
    priority: int | UnsetType = UNSET
    before: str | UnsetType = UNSET


class StopTask(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How to stop: with `now`, without waiting for the task to end by itself."""

    now: bool = False


class Progress(Struct, frozen=True, kw_only=True):
    """How far it is: `done` of `total` (None: not known), in the task's own unit; `text` such as ``epoch 3``."""

    done: float
    total: float | None = None
    text: str = ""


class LogFacts(Struct, frozen=True, kw_only=True):
    """What is known of a log without reading it: lines, bytes, and lines of each level."""

    lines: int = 0
    size: int = 0
    levels: dict[Level, int] = {}


class TaskAttempt(Struct, frozen=True, kw_only=True):
    """One go at a task, with a folder and a log of its own. What has ended never changes again."""

    uid: str
    number: int
    """Counted from 1."""
    state: TaskState
    reason: TaskReason = ""
    detail: str = ""
    exit_code: int | None = None
    signal: str | None = None
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    gpus: list[str] = []
    """UUIDs of those it was given."""
    pid: int | None = None
    directory: str = ""
    experiment: str | None = None
    log: LogFacts = msgspec.field(default_factory=LogFacts)


class TaskRow(Struct, frozen=True, kw_only=True):
    """A task as lists show it; state, times and log are those of its newest attempt."""

    uid: str
    name: str
    project: str
    project_name: str
    owner: str
    kind: TaskKind
    executor: str
    agent: str
    machine: str
    state: TaskState
    reason: TaskReason = ""
    detail: str = ""
    """Particulars of the reason: a task's name, an exit code, a time."""
    lifecycle: Lifecycle
    priority: int
    gpus: int
    created_at: float
    updated_at: float
    started_at: float | None
    ended_at: float | None
    attempts: int
    attempt: str
    """Uid of the newest attempt."""
    exit_code: int | None = None
    signal: str | None = None
    progress: Progress | None = None
    experiment: str | None = None
    experiment_name: str | None = None
    schedule: str | None = None
    stop_requested: bool = False
    unreachable: bool = False
    """Its agent has not been heard of for a while: what is shown is the last that was known."""
    log: LogFacts = msgspec.field(default_factory=LogFacts)


class Dependency(Struct, frozen=True, kw_only=True):
    """A task that another one waits for, and how that one is."""

    task: str
    name: str
    on: Condition
    state: TaskState


class Task(TaskRow, frozen=True, kw_only=True):
    """A task with all that its page shows. Values of `spec.env` that look like secrets are masked."""

    spec: TaskSpec
    after: list[Dependency]
    lineage: list[TaskAttempt]
    role: Role


class TaskCheck(Struct, frozen=True, kw_only=True):
    """What would be wrong with a new task: the field → what would be right; and what would run."""

    fields: dict[str, str] = {}
    argv: list[str] = []
    cwd: str = ""


TaskVerb = Literal["stop", "retry", "archive", "restore", "trash", "purge"]


class TaskBulk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One verb for up to 1,000 tasks."""

    verb: TaskVerb
    uids: list[str]


# Where tasks run


class Gpu(Struct, frozen=True, kw_only=True):
    """A GPU of an agent, and the task that holds it."""

    uuid: str
    index: int
    name: str
    memory: int | None
    """Bytes in all; None: the driver does not tell."""
    task: str | None = None


class Agent(Struct, frozen=True, kw_only=True):
    """A machine and account that runs tasks. One server at a time dispatches for it."""

    uid: str
    machine: str
    username: str
    is_own: bool
    """It is the one of the server that answers."""
    is_alive: bool
    is_paused: bool
    slots: int
    slots_taken: int
    gpus: list[Gpu]
    seen_at: float
    unknown: list[str] = []
    """Folders of jobs that run there and of which the database does not know, as after a restored backup; only of the
    answering server's own agent."""


# Schedules


class NewSchedule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Queues a task again and again.

    `cron` has five fields, in the IANA `timezone`. A time that passed while no server ran is run `misfire` ``once``
    (all that were missed together) or ``skip``; a time at which the last task still runs is `overlap` ``skip`` or
    ``queue``.
    """

    name: str
    cron: str
    timezone: str = "UTC"
    misfire: Literal["skip", "once"] = "skip"
    overlap: Literal["skip", "queue"] = "skip"
    is_enabled: bool = True
    task: NewTask
    uid: str | None = None


class SchedulePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets the fields that are given."""

    name: str | UnsetType = UNSET
    cron: str | UnsetType = UNSET
    timezone: str | UnsetType = UNSET
    misfire: Literal["skip", "once"] | UnsetType = UNSET
    overlap: Literal["skip", "queue"] | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET
    task: NewTask | UnsetType = UNSET


class Schedule(Struct, frozen=True, kw_only=True):
    """A schedule, when it runs next and what it queued last."""

    uid: str
    name: str
    project: str
    project_name: str
    owner: str
    agent: str
    cron: str
    timezone: str
    misfire: Literal["skip", "once"]
    overlap: Literal["skip", "queue"]
    is_enabled: bool
    task: TaskSpec
    task_name: str = ""
    """What the tasks that it queues are called; empty: after what runs."""
    priority: int = 0
    """Of the tasks that it queues."""
    created_at: float
    next_at: float | None
    last_at: float | None = None
    last_task: str | None = None
    last_state: TaskState | None = None
    """How the last task is; None also if that was deleted."""
    problem: Problem | None = None
    """Why the last time queued nothing."""
    role: Role
