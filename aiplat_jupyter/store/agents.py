"""Agents: the machines and accounts that run tasks, and which server dispatches for each."""

import time
from collections.abc import Collection
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, insert, select, update

from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.tasks import Agent
from aiplat_jupyter.store import gpu_leases
from aiplat_jupyter.store.rows import AnyRow, to_record
from aiplat_jupyter.store.tables import AgentRow, TaskRow

LEASE_SECONDS: Final = 20.0
UNREACHABLE_SECONDS: Final = 60.0
"""When an agent of which nothing was heard for so long counts as gone."""
MOST: Final = 200
"""How many agents are listed: where each container is a machine, there are more each day."""
TAKING: Final = ("starting", "running", "stopping")
"""States in which a task takes slots."""
_COLUMNS: Final = (
    AgentRow.id,
    AgentRow.uid,
    AgentRow.machine,
    AgentRow.username,
    AgentRow.is_paused,
    AgentRow.slots,
    AgentRow.gpus,
    AgentRow.dispatcher,
    AgentRow.lease_until,
    AgentRow.seen_at,
)
_GET: Final = select(*_COLUMNS).where(AgentRow.id == bindparam("agent"))
_TAKEN: Final[Select[int]] = select(func.coalesce(func.sum(TaskRow.slots), 0)).where(
    TaskRow.agent_id == bindparam("agent"), TaskRow.state.in_(TAKING)
)


class Found(NamedTuple):
    """An agent as the rules need it."""

    id: int
    uid: str
    machine: str
    username: str
    is_paused: bool
    slots: int
    gpus: list[dict[str, Any]]
    dispatcher: str | None
    lease_until: float
    seen_at: float


def find(tx: Connection, uid: str) -> Found | None:
    """Return the agent with this uid."""
    row = tx.execute(select(*_COLUMNS).where(AgentRow.uid == uid)).first()
    return None if row is None else Found._make(row)


def get(tx: Connection, agent_id: int) -> Found:
    """Return an agent by its row."""
    return Found._make(tx.execute(_GET, {"agent": agent_id}).one())


def of_account(tx: Connection, username: str, uids: Collection[str]) -> set[str]:
    """Return those of the agents that are of an account."""
    own = AgentRow.uid.in_(uids), AgentRow.username == username
    return set(tx.execute(select(AgentRow.uid).where(*own)).scalars())


def seen(tx: Connection, since: float, limit: int) -> list[str]:
    """Return the uids of up to `limit` agents that ran a server since some time, the last seen first."""
    ask = select(AgentRow.uid).where(AgentRow.seen_at >= since).order_by(AgentRow.seen_at.desc(), AgentRow.id)
    return list(tx.execute(ask.limit(limit)).scalars())


def enlist(tx: Connection, machine: str, username: str, slots: int) -> Found:
    """Add the agent of this machine and account, or set its slots; return it."""
    now = time.time()
    same = AgentRow.machine == machine, AgentRow.username == username
    known = tx.execute(update(AgentRow).where(*same).values(slots=slots, seen_at=now).returning(AgentRow.id)).scalar()
    if known is None:
        row = {"uid": new_uid(), "machine": machine, "username": username, "slots": slots, "gpus": [], "seen_at": now}
        known = int(tx.execute(insert(AgentRow).returning(AgentRow.id), row).scalar_one())
    return get(tx, known)


def change(tx: Connection, agent_id: int, values: dict[str, Any]) -> None:
    """Set columns of an agent."""
    tx.execute(update(AgentRow).where(AgentRow.id == agent_id).values(**values))


def take_lease(tx: Connection, agent_id: int, word: str, dead: str | None = None) -> bool:
    """Take or renew the lease in the name of `word`; tell whether it is ours.

    One that another holds is taken when it has expired, ends further ahead than any lease can (the clock was set
    back), or its holder is known to be `dead`.
    """
    found, now = get(tx, agent_id), time.time()
    is_held = found.lease_until > now and found.lease_until <= now + LEASE_SECONDS
    if found.dispatcher not in (None, word, dead) and is_held:
        return False
    change(tx, agent_id, {"dispatcher": word, "lease_until": now + LEASE_SECONDS, "seen_at": now})
    return True


def holds_lease(tx: Connection, agent_id: int, word: str) -> bool:
    """Tell whether nobody has taken the lease since `word` did."""
    return tx.execute(select(AgentRow.dispatcher).where(AgentRow.id == agent_id)).scalar() == word


def give_lease_back(tx: Connection, agent_id: int, word: str) -> None:
    """Let another server dispatch at once."""
    own = AgentRow.id == agent_id, AgentRow.dispatcher == word
    tx.execute(update(AgentRow).where(*own).values(dispatcher=None, lease_until=0.0))


def is_alive(lease_until: float) -> bool:
    """Tell whether a server dispatches under a lease."""
    return lease_until > time.time()


def is_unreachable(seen_at: float) -> bool:
    """Tell whether an agent was heard of so long ago that what runs there cannot be told."""
    return seen_at < time.time() - UNREACHABLE_SECONDS


def slots_taken(tx: Connection, agent_id: int) -> int:
    """Return how many slots its tasks take now."""
    return tx.execute(_TAKEN, {"agent": agent_id}).scalar_one()


def record(tx: Connection, agent_id: int, own: str, unknown: Collection[str] = ()) -> Agent:
    """Return an agent as the world sees it; `own` is the uid of the answering server's, which knows its `unknown`."""
    return _record(tx, tx.execute(select(*_COLUMNS).where(AgentRow.id == agent_id)).one(), own, unknown)


def records(tx: Connection, own: str, unknown: Collection[str] = ()) -> list[Agent]:
    """Return the agents that were heard of last, by machine."""
    rows = tx.execute(select(*_COLUMNS).order_by(AgentRow.seen_at.desc()).limit(MOST)).all()
    by_machine = sorted(rows, key=lambda row: (row.machine, row.username))
    return [_record(tx, row, own, unknown) for row in by_machine]


def _record(tx: Connection, row: AnyRow, own: str, unknown: Collection[str]) -> Agent:
    holders = gpu_leases.holders(tx, row.id)
    is_own = row.uid == own
    return to_record(
        Agent,
        row,
        is_own=is_own,
        is_alive=is_alive(row.lease_until),
        slots_taken=slots_taken(tx, row.id),
        gpus=[{**gpu, "task": holders.get(gpu["uuid"])} for gpu in row.gpus],
        unknown=sorted(unknown) if is_own else [],
    )
