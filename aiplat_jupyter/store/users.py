"""Rows of users."""

import time

from sqlalchemy import Connection, insert, select, update

from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.store.tables import UserRow


def upsert(tx: Connection, who: Identity) -> int:
    """Return the row of an account as it is now, made if it is new."""
    role = "admin" if who.is_admin else "user"
    found = tx.execute(
        select(UserRow.id, UserRow.display_name, UserRow.role).where(UserRow.username == who.username)
    ).first()
    if found is None:
        row = {"username": who.username, "display_name": who.display_name, "role": role, "created_at": time.time()}
        return int(tx.execute(insert(UserRow).returning(UserRow.id), row).scalar_one())
    if (found.display_name, found.role) != (who.display_name, role):
        tx.execute(update(UserRow).where(UserRow.id == found.id).values(display_name=who.display_name, role=role))
    return int(found.id)


def find(tx: Connection, username: str) -> int | None:
    """Return the row of an account; None for one that was never seen."""
    return tx.execute(select(UserRow.id).where(UserRow.username == username)).scalar()
