"""Rows of the task list as its browser half takes them: plain dicts, with their words in both languages."""

from datetime import datetime
from typing import Any, Final

from aiplat_jupyter.core.states import REASONS, TASK, TASK_LIVE, Reason, State
from aiplat_jupyter.core.tasks import TaskRow
from aiplat_jupyter.widgets.rows import Row

_UNREACHABLE: Final = State("?", "unreachable", "无法连接", frozenset())
_UNHEARD: Final = Reason("{detail} has not been heard of", "{detail} 失去联系")


def task_row(row: TaskRow) -> Row:
    """Return the row of a task."""
    is_live = row.state in TASK_LIVE
    is_lost = row.unreachable and is_live
    state = _UNREACHABLE if is_lost else TASK[row.state]
    return {
        "kind": "task",
        "key": f"t:{row.uid}",
        "uid": row.uid,
        "name": row.name,
        "project": row.project_name,
        "icon": state.icon,
        "status": "lost" if is_lost else row.state,
        "word": {"en": state.en, "zh": state.zh},
        "reason": row.reason,
        "why": _worded(_UNHEARD, row.machine) if is_lost else _why(row),
        "due": _due(row),
        "share": _share(row) if is_live else None,
        "start": row.started_at,
        "end": row.ended_at,
        "at": row.created_at,
        "act": _act(row),
    }


def _why(row: TaskRow) -> dict[str, str]:
    """Return why it waits or how it ended; a time (`_due`) is put in by the browser, which knows the reader's clock."""
    return _worded(REASONS[row.reason], row.detail if _due(row) is None else "{due}")


def _worded(reason: Reason, detail: str) -> dict[str, str]:
    return {"en": reason.en.format(detail=detail), "zh": reason.zh.format(detail=detail)}


def _due(row: TaskRow) -> float | None:
    """Return when the next try is due; None if it waits for something else."""
    if row.reason != "backoff":
        return None
    try:
        return datetime.fromisoformat(row.detail).timestamp()
    except ValueError:
        return None


def _share(row: TaskRow) -> float | None:
    """Return how much is done, from 0 to 1; None where that is not known."""
    progress = row.progress
    if progress is None or not progress.total or progress.total < 0:
        return None
    return min(1.0, max(0.0, progress.done / progress.total))


def _act(row: TaskRow) -> dict[str, Any] | None:
    """Return what its button does, and what is written on it."""
    if row.state in TASK_LIVE:
        words = {"queued": "cancel", "stopping": "kill"}
        return {"verb": "stop", "word": words.get(row.state, "stop")}
    return {"verb": "retry", "word": "retry"} if row.kind != "notebook-live" else None
