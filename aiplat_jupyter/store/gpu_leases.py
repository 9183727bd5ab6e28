"""Which attempt of a task holds which GPU."""

import time
from collections.abc import Sequence

from sqlalchemy import Connection, delete, insert, select

from aiplat_jupyter.store.tables import AgentRow, GpuLeaseRow, TaskAttemptRow, TaskRow


def holders(tx: Connection, agent_id: int) -> dict[str, str]:
    """Return the agent's GPUs that are held, with the uid of the task that each is held by."""
    held = (
        select(GpuLeaseRow.gpu, TaskRow.uid)
        .join(TaskAttemptRow, TaskAttemptRow.id == GpuLeaseRow.attempt_id)
        .join(TaskRow, TaskRow.id == TaskAttemptRow.task_id)
        .where(GpuLeaseRow.agent_id == agent_id)
    )
    return {row[0]: row[1] for row in tx.execute(held)}


def held_on(tx: Connection, machine: str, heard_since: float) -> set[str]:
    """Return the GPUs of a machine that tasks of any account hold.

    An account whose server was not heard of since then holds none: what still runs there shows by the memory it uses.
    """
    there = AgentRow.machine == machine, AgentRow.seen_at >= heard_since
    held = select(GpuLeaseRow.gpu).join(AgentRow, AgentRow.id == GpuLeaseRow.agent_id).where(*there)
    return set(tx.execute(held).scalars())


def take(tx: Connection, agent_id: int, attempt_id: int, gpus: Sequence[str]) -> None:
    """Let an attempt hold GPUs that are free; the schema refuses one that is not."""
    rows = [{"agent_id": agent_id, "gpu": gpu, "attempt_id": attempt_id, "since": time.time()} for gpu in gpus]
    if rows:
        tx.execute(insert(GpuLeaseRow), rows)


def release(tx: Connection, attempt_id: int) -> None:
    """Free what an attempt holds."""
    tx.execute(delete(GpuLeaseRow).where(GpuLeaseRow.attempt_id == attempt_id))
