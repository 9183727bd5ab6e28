"""How tasks end, inside one transaction: who waited for them is told, and who must be tried again is."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Connection

from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.tasks import TaskSpec
from aiplat_jupyter.store import changes, dependencies, task_attempts, tasks
from aiplat_jupyter.store.task_attempts import Ending

MAX_WAIT: Final = 3_600.0


def end(tx: Connection, task_id: int, attempt_id: int, ending: Ending, at: float | None = None, **facts: Any) -> bool:
    """End a task's newest attempt; False if it had ended before.

    The task goes on to its next attempt if it shall; else what can never start now is cancelled. `facts` are further
    columns of the attempt.
    """
    if not task_attempts.end(tx, attempt_id, ending, time.time() if at is None else at, **facts):
        return False
    spec = tasks.spec_of(tx, task_id)
    past = tasks.past(tx, task_id)
    if is_retried(spec, ending, past.attempts, past.stop_requested):
        retry_later(tx, task_id, spec, past.attempts)
    tell(tx, [task_id])
    cancel_broken(tx, dependencies.broken_by(tx, [task_id]))
    return True


def cancel_broken(tx: Connection, broken: Sequence[tuple[int, str]]) -> None:
    """Cancel queued tasks because of how another one ended, and all that wait for those in turn."""
    while broken:
        for task_id, name in broken:
            [newest] = task_attempts.of_task(tx, task_id)[-1:]
            task_attempts.end(tx, newest.id, Ending("cancelled", "dependency", name), time.time())
        rows = [task_id for task_id, _ in broken]
        tell(tx, rows)
        broken = dependencies.broken_by(tx, rows)


def tell(tx: Connection, task_ids: Sequence[int], kind: changes.Kind = "status") -> None:
    """Record that tasks changed."""
    changes.of_tasks(tx, kind, tasks.names(tx, task_ids))


def is_retried(spec: TaskSpec, ending: Ending, attempts: int, stop_requested: int) -> bool:
    """Tell whether a task goes on to another attempt by itself."""
    if stop_requested or attempts > spec.retries or ending.reason == "not_started":
        return False
    return ending.state in ("failed", "timed_out") or (ending.state == "lost" and spec.rerun_lost)


def retry_later(tx: Connection, task_id: int, spec: TaskSpec, attempts: int) -> None:
    """Open the next attempt, which waits: twice as long each time."""
    due = time.time() + min(spec.retry_wait_s * 2.0 ** (attempts - 1), MAX_WAIT)
    begin_next(tx, task_id, attempts)
    tasks.change(tx, task_id, {"not_before": due, "reason": "backoff", "detail": moment(due)})


def begin_next(tx: Connection, task_id: int, attempts: int) -> None:
    """Open the next attempt of a task that has had so many."""
    task_attempts.begin(tx, task_id, new_uid(), attempts + 1)
    tasks.change(tx, task_id, {"not_before": 0.0})


def moment(at: float) -> str:
    """Return a time as reasons give it: UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
