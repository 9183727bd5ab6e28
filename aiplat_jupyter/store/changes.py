"""The durable sequence of what changed: written in the transaction that changes it, read by every server's bus."""

import itertools
import time
from collections.abc import Iterable, Sequence
from typing import Final, Literal

from sqlalchemy import Connection, delete, func, insert, select, text

from aiplat_jupyter.core.records import Change
from aiplat_jupyter.store.commits import CHANNEL
from aiplat_jupyter.store.rows import to_record
from aiplat_jupyter.store.tables import ChangeRow

KEPT: Final = 20_000
_PRUNE_EVERY: Final = 500
_INSERT: Final = insert(ChangeRow)
_written = itertools.count(1)

Kind = Literal["created", "updated", "points", "status", "purged"]


def of_project(tx: Connection, kind: Kind, uid: str) -> None:
    """Record that a project changed."""
    _record(tx, ["projects"], kind, uid, uid)


def of_experiment(tx: Connection, kind: Kind, uid: str, project: str) -> None:
    """Record that an experiment of `project` (a uid) changed: for lists, and for who looks at it."""
    _record(tx, ["experiments", f"experiment:{uid}"], kind, uid, project)


def of_task(tx: Connection, kind: Kind, uid: str, project: str) -> None:
    """Record that a task of `project` (a uid) changed: for lists, and for who looks at it."""
    of_tasks(tx, kind, [(uid, project)])


def of_tasks(tx: Connection, kind: Kind, named: Iterable[tuple[str, str]]) -> None:
    """Record that tasks, each with its project (uids), changed."""
    _record_all(tx, [(topic, kind, uid, project) for uid, project in named for topic in ("tasks", f"task:{uid}")])


def of_agent(tx: Connection, uid: str) -> None:
    """Record that an agent changed, which everybody may see."""
    _record(tx, ["agents"], "updated", uid, None)


def of_schedule(tx: Connection, kind: Kind, uid: str, project: str) -> None:
    """Record that a schedule of `project` (a uid) changed."""
    _record(tx, ["schedules"], kind, uid, project)


def of_rule(tx: Connection, kind: Kind, uid: str) -> None:
    """Record that a rule of alerts changed."""
    _record(tx, ["rules"], kind, uid, None)


def of_alerts(tx: Connection, kind: Kind, named: Iterable[tuple[str, str | None]]) -> None:
    """Record that alerts, each with the project (uids) that decides who may see it, if one does, changed."""
    _record_all(tx, [("alerts", kind, uid, project) for uid, project in named])


def _record(tx: Connection, topics: list[str], kind: Kind, uid: str, project: str | None) -> None:
    _record_all(tx, [(topic, kind, uid, project) for topic in topics])


def _record_all(tx: Connection, rows: Sequence[tuple[str, Kind, str, str | None]]) -> None:
    names, at = ("topic", "kind", "uid", "project"), time.time()
    if not rows:
        return
    tx.execute(_INSERT, [{**dict(zip(names, row, strict=True)), "at": at} for row in rows])
    if tx.dialect.name == "postgresql":
        tx.execute(text(f"NOTIFY {CHANNEL}"))
    if next(_written) % _PRUNE_EVERY == 0:
        tx.execute(delete(ChangeRow).where(ChangeRow.id <= latest(tx) - KEPT))


def latest(tx: Connection) -> int:
    """Return the newest number; 0 when nothing has ever changed."""
    return tx.execute(select(func.max(ChangeRow.id))).scalar() or 0


def oldest(tx: Connection) -> int:
    """Return the oldest number that is kept; 0 when there is none."""
    return tx.execute(select(func.min(ChangeRow.id))).scalar() or 0


def since(tx: Connection, seq: int, limit: int = 2_000) -> list[Change]:
    """Return up to `limit` changes behind number `seq`, in order."""
    columns = ChangeRow.id.label("seq"), ChangeRow.topic, ChangeRow.kind, ChangeRow.uid, ChangeRow.project, ChangeRow.at
    rows = tx.execute(select(*columns).where(ChangeRow.id > seq).order_by(ChangeRow.id).limit(limit))
    return [to_record(Change, row) for row in rows]
