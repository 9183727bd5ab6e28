"""Which attempt of a task holds which GPU."""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from aiplat_jupyter.store.tables import GpuLeaseRow, TaskAttemptRow, TaskRow


def holders(tx: Connection, agent_id: int) -> dict[str, str]:
    """Return the agent's GPUs that are held, with the uid of the task that each is held by."""
    held = (
        select(GpuLeaseRow.gpu, TaskRow.uid)
        .join(TaskAttemptRow, TaskAttemptRow.id == GpuLeaseRow.attempt_id)
        .join(TaskRow, TaskRow.id == TaskAttemptRow.task_id)
        .where(GpuLeaseRow.agent_id == agent_id)
    )
    return {row[0]: row[1] for row in tx.execute(held)}


def take(tx: Connection, agent_id: int, attempt_id: int, gpus: Sequence[str]) -> None:
    """Let an attempt hold GPUs that are free; the schema refuses one that is not."""
    rows = [{"agent_id": agent_id, "gpu": gpu, "attempt_id": attempt_id, "since": time.time()} for gpu in gpus]
    if rows:
        tx.execute(insert(GpuLeaseRow), rows)


def release(tx: Connection, attempt_id: int) -> None:
    """Free what an attempt holds."""
    tx.execute(delete(GpuLeaseRow).where(GpuLeaseRow.attempt_id == attempt_id))
