"""What was purged, so that nothing late brings it back."""

import time
from collections.abc import Iterable
from typing import Literal

from sqlalchemy import Connection, insert, select

from aiplat_jupyter.core.errors import Gone
from aiplat_jupyter.store.tables import TombstoneRow

Kind = Literal["project", "experiment", "journal", "task", "schedule", "rule"]


def bury(tx: Connection, kind: Kind, uids: Iterable[str]) -> None:
    """Remember that these are purged; those that are buried already stay so."""
    fresh = [uid for uid in uids if not is_buried(tx, uid)]
    if fresh:
        now = time.time()
        tx.execute(insert(TombstoneRow), [{"uid": uid, "kind": kind, "purged_at": now} for uid in fresh])


def refuse_buried(tx: Connection, uid: str) -> None:
    """Raise `Gone` if `uid` was purged."""
    if is_buried(tx, uid):
        raise Gone(f"{uid} was purged for good.")


def is_buried(tx: Connection, uid: str) -> bool:
    """Tell whether `uid` was purged."""
    return tx.execute(select(TombstoneRow.id).where(TombstoneRow.uid == uid)).first() is not None
