"""The nouns as they travel: frozen, checked at the edge by msgspec, the same in store, REST and client.

Times are seconds since 1970 (UTC) as floats. ``uid`` is the public name of a thing; row numbers never leave the store.
"""

from typing import Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Struct, UnsetType

from aiplat_jupyter.core.frames import Process
from aiplat_jupyter.core.problems import Problem
from aiplat_jupyter.core.states import ExperimentStatus, Lifecycle, Role, Scope

T = TypeVar("T")


class Page(Struct, Generic[T], frozen=True, kw_only=True, omit_defaults=True):
    """One page of a list. `next_cursor` is missing on the last page, `total` unless it was asked for."""

    items: list[T]
    next_cursor: str | None = None
    total: int | None = None


# Who


class Identity(Struct, frozen=True, kw_only=True):
    """Who asks, and what the credential allows."""

    username: str
    display_name: str = ""
    is_admin: bool = False
    scopes: frozenset[Scope] = frozenset({"read", "write", "admin"})


class Token(Struct, frozen=True, kw_only=True):
    """An API token without its secret."""

    uid: str
    name: str
    scopes: list[Scope]
    created_at: float
    expires_at: float | None = None
    last_used_at: float | None = None


class NewToken(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to mint: `expires_in` in seconds, None for a token that lasts until it is revoked."""

    name: str
    scopes: list[Scope] = msgspec.field(default_factory=lambda: ["read", "write"])
    expires_in: float | None = None


class MintedToken(Struct, frozen=True, kw_only=True):
    """A new token and, this one time, its secret ``aip_…``."""

    token: Token
    secret: str


class ServerInfo(Struct, frozen=True, kw_only=True):
    """First contact: which server part answers, and as whom."""

    version: str
    api: int
    """Number of the API; a page of another number warns and asks to reload or upgrade."""
    user: Identity
    machine: str
    database: Literal["sqlite", "postgresql"]
    data_dir: str


# Projects


class Project(Struct, frozen=True, kw_only=True):
    """A project and what a list shows of it."""

    uid: str
    name: str
    description: str
    status: Lifecycle
    owner: str
    role: Role
    """The caller's own role."""
    created_at: float
    updated_at: float
    experiments: dict[ExperimentStatus, int] = {}
    """How many active experiments of each status it has."""


class NewProject(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Creates a project, or answers the one that has this `uid` already."""

    name: str
    description: str = ""
    uid: str | None = None


class ProjectPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets the fields that are given."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET


class Member(Struct, frozen=True, kw_only=True):
    """A user's role in a project."""

    username: str
    role: Role


class NewMember(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The role to give."""

    role: Role


# Experiments


class SeriesSummary(Struct, frozen=True, kw_only=True):
    """What is known of one metric along the drawn line (all finite values; `last` may be NaN, written null).

    `count` counts all points of the line, `nan` those that are NaN, `infinite` those that are ±Inf.
    """

    metric: str
    context: str = ""
    """Empty, or ``rank=3`` for another rank of a distributed run."""
    count: int
    nan: int = 0
    infinite: int = 0
    last: float | None = None
    last_step: int | None = None
    last_wall: float | None = None
    min: float | None = None
    min_step: int | None = None
    max: float | None = None
    max_step: int | None = None


class Attempt(Struct, frozen=True, kw_only=True):
    """One go at an experiment: a resume or a rewind opens the next."""

    uid: str
    number: int
    """Counted from 1."""
    parent: str | None
    from_step: int | None
    status: ExperimentStatus
    cause: str
    started_at: float
    ended_at: float | None
    process: Process | None = None
    kernel: str | None = None


class ExperimentRow(Struct, frozen=True, kw_only=True):
    """An experiment as lists show it."""

    uid: str
    name: str
    project: str
    """The project's uid."""
    project_name: str
    owner: str
    status: ExperimentStatus
    lifecycle: Lifecycle
    cause: str
    base_model: str
    task_type: str
    tags: list[str]
    created_at: float
    updated_at: float
    started_at: float | None
    ended_at: float | None
    attempts: int
    stop_requested: bool = False
    unreachable: bool = False
    """Running on another machine that has not been heard of for a minute."""
    headline: SeriesSummary | None = None
    """The metric to show in a list: ``loss`` if there is one, else the most loss-like, else the first logged."""
    loss_value: float | None = None
    """Last finite loss; None without one."""
    metrics: list[SeriesSummary] = []
    """Only those that the query named in ``metrics``."""


class Experiment(ExperimentRow, frozen=True, kw_only=True):
    """An experiment with all that its page shows besides curves."""

    notes: str
    config: dict[str, Any]
    summary: dict[str, Any]
    provenance: dict[str, Any]
    lineage: list[Attempt]
    attempt: str | None
    """The current attempt's uid."""
    role: Role


class NewExperiment(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Creates an experiment in the project of that name (created too if missing), or answers the one of this `uid`."""

    project: str
    name: str = ""
    uid: str | None = None
    config: dict[str, Any] = {}
    tags: list[str] = []
    notes: str = ""
    base_model: str = ""
    task_type: str = ""


class ExperimentPatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets the fields that are given; `summary` and `config` are merged key by key, a null removes the key."""

    name: str | UnsetType = UNSET
    notes: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    project: str | UnsetType = UNSET
    """Uid of the project to move to."""
    base_model: str | UnsetType = UNSET
    task_type: str | UnsetType = UNSET
    summary: dict[str, Any] | UnsetType = UNSET
    config: dict[str, Any] | UnsetType = UNSET
    status: Literal["finished", "failed", "stopped"] | UnsetType = UNSET
    """Ends the current attempt, for experiments that are written by REST alone."""


Verb = Literal["archive", "restore", "trash", "purge"]


class Bulk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One verb for up to 1,000 things."""

    verb: Verb
    uids: list[str]


class BulkResult(Struct, frozen=True, kw_only=True):
    """Which were done, and why the others were not."""

    done: list[str]
    failed: dict[str, Problem] = {}
    freed_bytes: int = 0


class Purged(Struct, frozen=True, kw_only=True):
    """How much a purge freed."""

    freed_bytes: int


# Writing points


class NewPoints(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Columns of points: ``values[metric][i]`` was logged at ``step[i]``, ``wall[i]``; null is NaN.

    With `journal` (any uid of the writer's) and `offset` (how many points of it were sent before), sending the same
    again is answered with 409 and the true offset instead of being stored twice.
    """

    step: list[int]
    values: dict[str, list[float | None]]
    wall: list[float] | None = None
    """Seconds since 1970; None: now."""
    journal: str | None = None
    offset: int = 0


class Journal(Struct, frozen=True, kw_only=True):
    """A journal as the store knows it."""

    uid: str
    experiment: str
    attempt: str
    process: Process | None
    kernel: str | None
    offset: int
    seen_at: float
    closed: bool


# Events


class Change(Struct, frozen=True, kw_only=True):
    """One entry of the durable sequence: that something changed, never what it is now.

    Topics: ``projects``, ``experiments``, ``tasks``, ``schedules``, ``agents`` (rows of lists), ``experiment:<uid>``
    (points, status, all of one) and ``task:<uid>``. The ``points`` of a task are its progress. ``log:<uid>`` says that
    a task's log grew, to those who name that topic; it is not kept, so its `seq` is 0. ``alerts`` and ``rules`` are of
    alerts and their rules. ``gpu`` says that the agent `uid` was sampled; in a stream such an event is called ``gpu``
    and carries the `GpuStatus` itself, as everyone who watches would ask for it at once.
    """

    seq: int
    topic: str
    kind: Literal["created", "updated", "points", "status", "purged", "grew", "sampled"]
    uid: str
    project: str | None = None
    """Uid of the project that decides who may see it."""
    at: float


def to_builtins(record: Struct) -> dict[str, Any]:
    """Return `record` as plain dicts and lists."""
    plain: dict[str, Any] = msgspec.to_builtins(record)
    return plain
