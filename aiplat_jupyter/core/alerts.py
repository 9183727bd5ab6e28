"""Alerts as they travel: rules, what they watch, and what they said.

Times are seconds since 1970 (UTC) as floats, durations are seconds.
"""

from typing import Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from aiplat_jupyter.core.curves import Value
from aiplat_jupyter.core.states import Severity as Severity

Subject = Literal["gpu", "host", "experiment", "task"]
"""What a rule watches, each one of them by itself."""
Condition = Literal["above", "below", "not_finite", "silent", "diverges", "plateau", "failed", "waits", "overdue"]
"""``above`` and ``below`` a threshold, of all subjects. Of a metric of an experiment: ``not_finite`` (NaN or ±Inf),
``silent`` (no new point for the threshold in seconds), ``diverges`` (value > threshold × the best so far, over `for_s`
steps), ``plateau`` (no better value in `for_s` steps). Of a task: ``failed`` (or timed out, or lost), ``waits`` (longer
than the threshold in seconds), ``overdue`` (runs threshold × as long as its own former attempts and clones did)."""
GpuSign = Literal[
    "memory_share",
    "temperature_margin",
    "power_share",
    "lost",
    "stalled",
    "xid",
    "ecc_uncorrected",
    "throttled",
    "leased_idle",
    "foreign_process",
]
"""Signs derived from a sample, beside its metrics. Shares are in percent; ``temperature_margin`` is °C below the
temperature at which the GPU slows down; ``lost``, ``stalled`` (the driver does not answer, fits no more, or is gone
where there were GPUs), ``throttled`` (by heat or power supply) and
``foreign_process`` (one that no task or kernel of ours accounts for, on a leased GPU) are 0 or 1; ``leased_idle`` is
100 − utilization. What a task holds is looked at by the last two only while it does."""
HostSign = Literal["memory_share", "disk_share"]
Aggregate = Literal["last", "mean", "min", "max", "delta"]
NoData = Literal["ignore", "keep", "alert"]
AlertState = Literal["pending", "firing", "resolved"]
ActionKind = Literal["webhook", "channel", "stop_task", "interrupt_kernel"]
MAX_RULES: Final = 500


class Scope(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of its subjects a rule watches; what is empty does not narrow.

    Attributes
    ----------
    agents, gpus : uids and UUIDs.
    projects, experiments, tasks : uids.
    """

    agents: list[str] = []
    gpus: list[str] = []
    projects: list[str] = []
    experiments: list[str] = []
    tasks: list[str] = []


class Action(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do when an alert fires, besides showing it.

    `url` : of a ``webhook`` (http or https), or of a ``channel`` in Apprise's form; masked where it is shown, with
    ``***`` and some digits in the place of what is secret. A rule that is changed may give it back like that, and keeps
    what it had.
    ``stop_task`` and ``interrupt_kernel`` act on what the subject works for; only the rule's owner may choose them.
    """

    kind: ActionKind
    url: str = ""


class RuleSpec(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a rule watches, and when it speaks.

    Attributes
    ----------
    metric : of a GPU or host: a `core.gpu` metric or a sign; of an experiment: a metric's name, empty for the loss that
        lists show, ``*`` for the newest value of every one; of a task: empty.
    aggregate, window_s : over which values the threshold is held against, 0: the newest alone. With ``max``,
        ``diverges`` and ``plateau`` take higher values for better ones.
    warning, critical : thresholds; one may be missing. ``not_finite``, ``failed`` and ``plateau`` need none: if only
        ``critical`` is given, whatever it is, they are that, else a warning.
    clear_warning, clear_critical : where it is over again; None: 5 % of the threshold on the good side.
    for_s : how long (for ``diverges`` and ``plateau``: how many steps) before it fires.
    keep_firing_s : how long it must be good before it is over.
    repeat_s : how often to remind while it fires; 0: never.
    no_data : what no value means: nothing is wrong (once there was none for a minute, or so many steps), it stays as it
        is, or that is worth an alert.
    """

    subject: Subject
    metric: str = ""
    condition: Condition
    scope: Scope = msgspec.field(default_factory=Scope)
    aggregate: Aggregate = "last"
    window_s: float = 0.0
    warning: float | None = None
    critical: float | None = None
    clear_warning: float | None = None
    clear_critical: float | None = None
    for_s: float = 0.0
    keep_firing_s: float = 0.0
    repeat_s: float = 0.0
    no_data: NoData = "ignore"
    actions: list[Action] = []


class NewRule(RuleSpec, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Adds a rule, or answers the one that has this `uid` already."""

    name: str
    is_enabled: bool = True
    uid: str | None = None


class RulePatch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sets the fields that are given. `silenced_until` : no notifications until then; 0: speak again."""

    name: str | UnsetType = UNSET
    is_enabled: bool | UnsetType = UNSET
    silenced_until: float | UnsetType = UNSET
    spec: RuleSpec | UnsetType = UNSET


class Rule(Struct, frozen=True, kw_only=True):
    """A rule and how it is doing.

    Attributes
    ----------
    preset : name of the default rule that it is (its `name` then is that one's English title); empty: someone's own.
    may_edit : whether the caller may change it.
    firing, pending : how many of its subjects fire, or are about to.
    """

    uid: str
    name: str
    preset: str = ""
    owner: str
    is_enabled: bool
    silenced_until: float = 0.0
    spec: RuleSpec
    created_at: float
    updated_at: float
    may_edit: bool
    firing: int = 0
    pending: int = 0


class Target(Struct, frozen=True, kw_only=True):
    """The one thing that an alert is about, and what it works for.

    Attributes
    ----------
    key : tells targets of one rule apart: a UUID, a uid, ``uid/metric``.
    label : for people, short and without words of a language: ``GPU 0 · box1``, ``GPU 0 · MIG 2 · box1``, the name of a
        machine, an experiment or a task.
    """

    key: str
    label: str
    agent: str | None = None
    gpu: str | None = None
    experiment: str | None = None
    task: str | None = None
    project: str | None = None
    kernel: str | None = None
    notebook: str | None = None


class Delivery(Struct, frozen=True, kw_only=True):
    """What became of an action: `problem` is empty when it was done."""

    kind: ActionKind
    at: float
    tries: int
    problem: str = ""


class Alert(Struct, frozen=True, kw_only=True):
    """One time that a rule fired, or that code raised an alert (`rule` is None then).

    Attributes
    ----------
    subject : what the rule watches; ``experiment`` of an alert from code.
    state : an alert from code, and that a task failed, cannot get well by itself: it fires until someone acknowledges.
    title, text : of an alert from code; else empty: who shows it puts rule, condition and value into words. What is
        ``not_finite`` has as its text what it was, ``nan``, ``inf`` or ``-inf``, as JSON has no numbers for them.
    metric : what the rule watches; of an experiment the name of the metric that it is about.
    value, threshold : when it fired or was at its worst; of the condition's own unit.
    for_s : how long (or how many steps) it had been so when it fired, by the rule as it was then.
    acknowledged_at : when someone said that they have seen it; no longer once it has become worse than what they saw.
    count : how often it was said: by code that raised the same again, by a rule that reminds.
    """

    uid: str
    rule: str | None
    name: str
    preset: str = ""
    severity: Severity
    state: Literal["firing", "resolved"]
    subject: Subject
    target: Target
    title: str = ""
    text: str = ""
    metric: str = ""
    condition: Condition | None = None
    value: Value | None = None
    threshold: float | None = None
    for_s: float = 0.0
    step: int | None = None
    count: int = 1
    fired_at: float
    updated_at: float
    resolved_at: float | None = None
    acknowledged_at: float | None = None
    acknowledged_by: str = ""
    is_silenced: bool = False
    deliveries: list[Delivery] = []


class AlertQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which alerts, the newest first. Several values of one filter are alternatives.

    `open` : true: only those that fire, or that nobody has acknowledged; false: only the others, which are history.
    `experiment` : uids.
    """

    open: bool | None = None
    state: list[Literal["firing", "resolved"]] = []
    severity: list[Severity] = []
    subject: list[Subject] = []
    rule: str = ""
    experiment: list[str] = []
    task: str = ""
    gpu: str = ""
    after: float | None = None
    limit: int = 50
    cursor: str | None = None
    count: bool = False


class AlertCounts(Struct, frozen=True, kw_only=True):
    """How many alerts are open, by severity: those that fire, and those that nobody has acknowledged."""

    firing: dict[Severity, int] = {}
    unacknowledged: dict[Severity, int] = {}


class AlertBulk(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Acknowledge alerts by uid; `all`: every open one that the caller may see."""

    uids: list[str] = []
    all: bool = False


class RuleTest(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Replays a rule, which need not exist, on the past from `start` to `end` (None: a day ago, now).

    A rule on experiments is replayed on the newest that its scope names, at most 20.
    """

    spec: RuleSpec
    start: float | None = None
    end: float | None = None


class Replayed(Struct, frozen=True, kw_only=True):
    """How one target would have fared: its values over time (or steps), and when the rule would have fired.

    `x` is seconds since 1970, for ``diverges`` and ``plateau`` steps. A span is (start, end, severity).
    """

    target: Target
    x: list[float]
    value: list[Value]
    fired: list[tuple[float, float, Severity]]


class RuleReplay(Struct, frozen=True, kw_only=True):
    """What a rule would have done, `times` in all.

    `note` : why there is little to replay on. ``not_kept``: the history does not hold this sign; ``nothing``: nothing
    that the rule watches was there; ``some``: there is more than is replayed.
    """

    times: int
    targets: list[Replayed]
    note: Literal["", "not_kept", "nothing", "some"] = ""
