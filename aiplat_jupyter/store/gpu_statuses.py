"""How each agent's GPUs were last, so that servers of other machines can tell."""

import msgspec
from sqlalchemy import Connection, delete, insert, select

from aiplat_jupyter.core.gpu import GpuStatus
from aiplat_jupyter.store.tables import GpuStatusRow


def note(tx: Connection, agent_id: int, status: GpuStatus) -> None:
    """Keep a status in the place of the last."""
    tx.execute(delete(GpuStatusRow).where(GpuStatusRow.agent_id == agent_id))
    tx.execute(insert(GpuStatusRow), {"agent_id": agent_id, "at": status.at, "status": msgspec.json.encode(status)})


def newest(tx: Connection, agent_id: int) -> GpuStatus | None:
    """Return an agent's last status; one of another version of this package, which cannot be read, is none."""
    found = tx.execute(select(GpuStatusRow.status).where(GpuStatusRow.agent_id == agent_id)).scalar()
    if found is None:
        return None
    try:
        return msgspec.json.decode(found, type=GpuStatus)
    except msgspec.ValidationError:
        return None
