"""The states of an experiment: one table, read by server, panels and pages alike."""

from typing import Final, Literal

import msgspec

ExperimentStatus = Literal["pending", "running", "finished", "failed", "interrupted", "stopped", "lost"]
Lifecycle = Literal["active", "archived", "trashed"]
Role = Literal["owner", "editor", "viewer"]
Scope = Literal["read", "write", "admin"]


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
