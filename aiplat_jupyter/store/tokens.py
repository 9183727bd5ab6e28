"""Rows of API tokens; of a secret only its SHA-256 is kept, which is enough for 32 random bytes."""

import hashlib
import time

from sqlalchemy import Connection, delete, insert, select, update

from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.records import Identity, NewToken, Token
from aiplat_jupyter.store.rows import to_record
from aiplat_jupyter.store.tables import TokenRow, UserRow

_COLUMNS = (
    TokenRow.uid,
    TokenRow.name,
    TokenRow.scopes,
    TokenRow.created_at,
    TokenRow.expires_at,
    TokenRow.last_used_at,
)


def digest(secret: str) -> str:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def insert_token(tx: Connection, user_id: int, new: NewToken, secret: str) -> Token:
    """Add a token."""
    now = time.time()
    expires_at = None if new.expires_in is None else now + new.expires_in
    token = Token(uid=new_uid(), name=new.name, scopes=new.scopes, created_at=now, expires_at=expires_at)
    values = {"user_id": user_id, "digest": digest(secret), "uid": token.uid, "name": new.name, "scopes": new.scopes}
    tx.execute(insert(TokenRow), values | {"created_at": now, "expires_at": expires_at})
    return token


def of_user(tx: Connection, username: str) -> list[Token]:
    """Return a user's tokens, the newest first."""
    rows = tx.execute(
        select(*_COLUMNS).join(UserRow).where(UserRow.username == username).order_by(TokenRow.id.desc()).limit(1000)
    )
    return [to_record(Token, row) for row in rows]


def remove(tx: Connection, username: str, uid: str) -> bool:
    """Remove a user's token; tell whether there was one."""
    owner = select(UserRow.id).where(UserRow.username == username).scalar_subquery()
    return tx.execute(delete(TokenRow).where(TokenRow.uid == uid, TokenRow.user_id == owner)).rowcount > 0


def identify(tx: Connection, secret: str) -> tuple[Token, Identity] | None:
    """Return the valid token of `secret` and whom it stands for."""
    row = tx.execute(
        select(*_COLUMNS, UserRow.username, UserRow.display_name, UserRow.role)
        .join(UserRow)
        .where(TokenRow.digest == digest(secret), UserRow.is_active)
    ).first()
    if row is None or (row.expires_at is not None and row.expires_at <= time.time()):
        return None
    is_admin = row.role == "admin" and "admin" in row.scopes
    who = Identity(
        username=row.username, display_name=row.display_name, is_admin=is_admin, scopes=frozenset(row.scopes)
    )
    return to_record(Token, row), who


def touch(tx: Connection, uid: str) -> None:
    """Note that a token was used."""
    tx.execute(update(TokenRow).where(TokenRow.uid == uid).values(last_used_at=time.time()))
