"""The states of experiments and tasks: one table each, read by server, panels and pages alike."""

from typing import Final, Literal

import msgspec

ExperimentStatus = Literal["pending", "running", "finished", "failed", "interrupted", "stopped", "lost"]
TaskState = Literal[
    "queued", "starting", "running", "stopping", "succeeded", "failed", "cancelled", "timed_out", "lost"
]
TaskReason = Literal[
    "",
    "paused",
    "after",
    "gpus",
    "gpus_busy",
    "slots",
    "backoff",
    "no_agent",
    "exit",
    "signal",
    "memory",
    "timeout",
    "stopped",
    "dependency",
    "not_started",
    "unattended",
    "unsupervised",
    "rebooted",
]
Lifecycle = Literal["active", "archived", "trashed"]
Role = Literal["owner", "editor", "viewer"]
Scope = Literal["read", "write", "admin"]
Severity = Literal["info", "warning", "critical"]
"""Of an alert."""


class State(msgspec.Struct, frozen=True):
    """How one state is shown, and which states may follow it."""

    icon: str
    en: str
    zh: str
    next: frozenset[str]


_ENDS: Final = frozenset({"finished", "failed", "interrupted", "stopped", "lost"})
_REOPENED: Final = frozenset({"running"}) | _ENDS

EXPERIMENT: Final[dict[str, State]] = {
    "pending": State("◌", "pending", "等待中", frozenset({"running"}) | _ENDS),
    "running": State("●", "running", "运行中", _ENDS),
    "finished": State("✓", "finished", "已完成", _REOPENED),
    "failed": State("✕", "failed", "失败", _REOPENED),
    "interrupted": State("⏸", "interrupted", "已中断", _REOPENED),
    "stopped": State("◼", "stopped", "已停止", _REOPENED),
    "lost": State("?", "lost", "失联", _REOPENED),
}
LIVE: Final = frozenset({"pending", "running"})
LIFECYCLE: Final[dict[str, dict[str, str]]] = {
    "active": {"archive": "archived", "trash": "trashed"},
    "archived": {"restore": "active", "trash": "trashed"},
    "trashed": {"restore": "active"},
}

_TASK_ENDS: Final = frozenset({"succeeded", "failed", "cancelled", "timed_out", "lost"})

TASK: Final[dict[TaskState, State]] = {
    "queued": State("◌", "queued", "排队中", frozenset({"starting", "cancelled"})),
    "starting": State("◌", "starting", "启动中", frozenset({"running", "stopping"}) | _TASK_ENDS),
    "running": State("●", "running", "运行中", frozenset({"stopping"}) | _TASK_ENDS),
    "stopping": State("◼", "stopping", "正在停止", _TASK_ENDS),
    "succeeded": State("✓", "succeeded", "已完成", frozenset()),
    "failed": State("✕", "failed", "失败", frozenset()),
    "cancelled": State("◼", "cancelled", "已取消", frozenset()),
    "timed_out": State("⏱", "timed out", "超时", frozenset()),
    "lost": State("?", "lost", "失联", frozenset()),
}
"""The states of one attempt of a task. A task is in the state of its newest attempt; a retry opens the next."""
TASK_LIVE: Final = frozenset(TASK) - _TASK_ENDS


class Reason(msgspec.Struct, frozen=True):
    """Why a task waits, what is wrong as it runs, or how it ended: a sentence with a place for the particulars."""

    en: str
    zh: str


REASONS: Final[dict[str, Reason]] = {
    "": Reason("", ""),
    "paused": Reason("the queue is paused", "队列已暂停"),
    "after": Reason("after {detail}", "等待 {detail}"),
    "gpus": Reason("waits for GPUs (free/needed: {detail})", "等待 GPU（空闲/所需：{detail}）"),
    "gpus_busy": Reason("GPUs are used by others (free/needed: {detail})", "GPU 被其他进程占用（空闲/所需：{detail}）"),
    "slots": Reason("waits for a free slot (taken: {detail})", "等待空闲槽位（已占用：{detail}）"),
    "backoff": Reason("next try {detail}", "下次重试：{detail}"),
    "no_agent": Reason("{detail} is not running a server", "{detail} 上没有运行服务器"),
    "exit": Reason("exit code {detail}", "退出码 {detail}"),
    "signal": Reason("killed by {detail}", "被 {detail} 终止"),
    "memory": Reason("out of memory", "内存不足"),
    "timeout": Reason("longer than {detail}", "超过时限 {detail}"),
    "stopped": Reason("stopped by {detail}", "由 {detail} 停止"),
    "dependency": Reason("{detail} did not end as required", "{detail} 未按要求结束"),
    "not_started": Reason("could not be started: {detail}", "无法启动：{detail}"),
    "unattended": Reason("unsupervised: its exit code will not be known", "无人监管，将无法得知退出码"),
    "unsupervised": Reason("ended unseen, exit code unknown", "结束时无人监管，退出码未知"),
    "rebooted": Reason("the machine was restarted", "机器已重启"),
}
