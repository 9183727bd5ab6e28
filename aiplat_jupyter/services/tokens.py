"""API tokens: minted once, kept as a digest."""

from aiplat_jupyter.core.records import Identity, MintedToken, NewToken, Token
from aiplat_jupyter.store.database import Database


class Tokens:
    """Everybody's own tokens, which can never do more than who minted them."""

    def __init__(self, database: Database) -> None:
        raise NotImplementedError

    async def mint(self, who: Identity, new: NewToken) -> MintedToken:
        """Return a new token with its secret. Raise `Forbidden` for a scope that the caller has not."""
        raise NotImplementedError

    async def list(self, who: Identity) -> list[Token]:
        """Return the caller's tokens, the newest first."""
        raise NotImplementedError

    async def revoke(self, who: Identity, uid: str) -> None:
        """Make a token worthless at once."""
        raise NotImplementedError

    async def identify(self, secret: str) -> Identity | None:
        """Return whom a secret stands for; None if it is unknown, revoked or expired."""
        raise NotImplementedError
