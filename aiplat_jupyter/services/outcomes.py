"""What an executor tells of a job → what becomes of the attempt."""

import time

import msgspec
from sqlalchemy import Connection

from aiplat_jupyter.core.ports import JobStatus
from aiplat_jupyter.services import endings
from aiplat_jupyter.store import task_attempts, tasks
from aiplat_jupyter.store.queue import Running
from aiplat_jupyter.store.task_attempts import Ending


def is_missing(job: Running, status: JobStatus) -> bool:
    """Tell whether a job that shall start was never handed over, as when the server died in between."""
    return status.state == "unknown" and job.state == "starting" and not job.stop_requested


def is_news(job: Running, status: JobStatus) -> bool:
    """Tell whether the database does not know yet what the executor tells."""
    if status.state in ("running", "stopping"):
        is_moved = job.state not in (status.state, "stopping")
        return is_moved or _is_progress_news(job, status) or _is_left_alone(job, status)
    return status.state != "starting" and not is_missing(job, status)


def _is_left_alone(job: Running, status: JobStatus) -> bool:
    """Tell whether what watches over the job has gone since."""
    return not status.is_supervised and job.reason != "unattended"


def _is_progress_news(job: Running, status: JobStatus) -> bool:
    known = job.progress or {}
    if status.progress is None or known.get("by") == "journal":
        return False
    return {**msgspec.to_builtins(status.progress), "by": "executor"} != known


def note(tx: Connection, job: Running, status: JobStatus) -> None:
    """Write what the executor tells."""
    facts = {"pid": status.pid, "started_at": status.started_at}
    if status.progress and tasks.note_progress(tx, job.task_id, status.progress, "executor"):
        endings.tell(tx, [job.task_id], "points")
    if status.state in ("running", "stopping"):
        is_moved = task_attempts.move(tx, job.id, status.state, **facts)
        is_explained = _is_left_alone(job, status) and task_attempts.explain(tx, job.id, "unattended")
        if is_moved or is_explained:
            endings.tell(tx, [job.task_id])
    elif ending := ended(job, status):
        known = {name: value for name, value in facts.items() if value is not None}
        endings.end(tx, job.task_id, job.id, ending, status.ended_at or time.time(), **known)


def ended(job: Running, status: JobStatus) -> Ending | None:
    """Return how an attempt ended; None: it has not."""
    ending = _ending(job, status)
    return ending and ending._replace(exit_code=status.exit_code, signal=status.signal)


def _ending(job: Running, status: JobStatus) -> Ending | None:
    match status:
        case JobStatus(state="starting" | "running" | "stopping"):
            return None
        case JobStatus(state="unknown") if job.stop_requested and job.pid is None:
            return Ending("cancelled", "stopped", job.stopped_by)
        case JobStatus(state="unknown" | "lost"):
            return Ending("lost", status.reason or "unsupervised", status.detail)
        case JobStatus(reason="stopped"):
            return Ending("cancelled", "stopped", job.stopped_by or status.detail)
        case JobStatus(reason="timeout"):
            return Ending("timed_out", "timeout", status.detail)
        case JobStatus(reason="", exit_code=0):
            return Ending("succeeded")
    return Ending("failed", status.reason or "exit", status.detail)
