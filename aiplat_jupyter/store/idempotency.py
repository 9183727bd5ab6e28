"""Rows of answers to writes, by the caller's key."""

import time
from typing import Final, NamedTuple

from sqlalchemy import Connection, delete, insert, select, update

from aiplat_jupyter.store.tables import IdempotencyRow

_IN_WORK: Final = 0


class Kept(NamedTuple):
    """What a key stands for; `status` is None while the first request is being worked on."""

    request: str
    status: int | None
    body: bytes


def reserve(tx: Connection, username: str, key: str, request: str, *, keep: float, work: float) -> Kept | None:
    """Return what a key stands for, or reserve it and return None.

    Keys are forgotten `keep` seconds after their first use; one whose request was never answered, after `work`.
    """
    now = time.time()
    tx.execute(delete(IdempotencyRow).where(IdempotencyRow.created_at < now - keep))
    row = tx.execute(
        select(
            IdempotencyRow.id,
            IdempotencyRow.request,
            IdempotencyRow.status,
            IdempotencyRow.body,
            IdempotencyRow.created_at,
        ).where(IdempotencyRow.username == username, IdempotencyRow.key == key)
    ).first()
    if row is not None and (row.status != _IN_WORK or row.created_at > now - work):
        return Kept(row.request, row.status or None, row.body)
    release(tx, username, key)
    values = {"username": username, "key": key, "request": request, "created_at": now}
    tx.execute(insert(IdempotencyRow), values | {"status": _IN_WORK, "body": b""})
    return None


def keep_answer(tx: Connection, username: str, key: str, status: int, body: bytes) -> None:
    """Keep the answer to a reserved key's request."""
    ours = IdempotencyRow.username == username, IdempotencyRow.key == key
    tx.execute(update(IdempotencyRow).where(*ours).values(status=status, body=body))


def release(tx: Connection, username: str, key: str) -> None:
    """Forget a key."""
    tx.execute(delete(IdempotencyRow).where(IdempotencyRow.username == username, IdempotencyRow.key == key))
