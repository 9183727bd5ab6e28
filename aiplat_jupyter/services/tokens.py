"""API tokens: minted once, kept as a digest."""

import secrets
import time
from typing import Final

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import Forbidden, InvalidInput, NotFound
from aiplat_jupyter.core.records import Identity, MintedToken, NewToken, Token
from aiplat_jupyter.services import access, limits
from aiplat_jupyter.store import tokens, users
from aiplat_jupyter.store.database import Database

PREFIX: Final = "aip_"
_TOUCH_SECONDS: Final = 60.0


class Tokens:
    """Everybody's own tokens, which can never do more than who minted them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def mint(self, who: Identity, new: NewToken) -> MintedToken:
        """Return a new token with its secret. Raise `Forbidden` for a scope that the caller has not."""
        access.require(who, "write")
        limits.name("name", new.name)
        if excess := set(new.scopes) - who.scopes:
            raise Forbidden(f"You cannot give away the scope {min(excess)!r}, which you do not have.")
        if new.expires_in is not None and not 0 < new.expires_in < 1e10:
            raise InvalidInput("The token would never be valid.", fields={"expires_in": "seconds, more than 0"})
        secret = PREFIX + secrets.token_urlsafe(32)

        def change(tx: Connection) -> Token:
            return tokens.insert_token(tx, users.find(tx, who.username) or users.upsert(tx, who), new, secret)

        return MintedToken(token=await self._database.write(change), secret=secret)

    async def revoke(self, who: Identity, uid: str) -> None:
        """Make a token worthless at once."""
        access.require(who, "write")
        if not await self._database.write(lambda tx: tokens.remove(tx, who.username, uid)):
            raise NotFound(f"There is no token {uid!r}.")

    async def identify(self, secret: str) -> Identity | None:
        """Return whom a secret stands for; None if it is unknown, revoked or expired."""
        if not secret.startswith(PREFIX):
            return None
        found = await self._database.read(lambda tx: tokens.identify(tx, secret))
        if found is None:
            return None
        token, who = found
        if time.time() - (token.last_used_at or 0.0) > _TOUCH_SECONDS:
            self._database.submit(lambda tx: tokens.touch(tx, token.uid))
        return who

    async def list(self, who: Identity) -> list[Token]:
        """Return the caller's tokens, the newest first."""
        access.require(who, "read")
        return await self._database.read(lambda tx: tokens.of_user(tx, who.username))
