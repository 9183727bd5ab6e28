"""Rows of the task list as its browser half takes them: plain dicts, with their words in both languages."""

from typing import Any

from aiplat_jupyter.core.states import REASONS, TASK, TASK_LIVE
from aiplat_jupyter.core.tasks import TaskRow
from aiplat_jupyter.widgets.rows import Row


def task_row(row: TaskRow) -> Row:
    """Return the row of a task."""
    is_live = row.state in TASK_LIVE
    return {
        "kind": "task",
        "key": f"t:{row.uid}",
        "uid": row.uid,
        "name": row.name,
        "project": row.project_name,
        "icon": TASK[row.state].icon,
        "status": row.state,
        "word": {"en": TASK[row.state].en, "zh": TASK[row.state].zh},
        "why": _why(row),
        "share": _share(row) if is_live else None,
        "start": row.started_at,
        "end": row.ended_at,
        "at": row.created_at,
        "act": _act(row),
    }


def _why(row: TaskRow) -> dict[str, str]:
    reason, detail = REASONS[row.reason], row.detail
    return {"en": reason.en.format(detail=detail), "zh": reason.zh.format(detail=detail)}


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
