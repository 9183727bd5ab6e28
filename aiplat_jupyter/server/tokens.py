"""Verbs on API tokens."""

from aiplat_jupyter.core.records import Identity, MintedToken, NewToken, Token
from aiplat_jupyter.server.call import Services


async def mint_token(at: Services, who: Identity, body: NewToken) -> MintedToken:
    """Mint a token for scripts; its secret is answered this one time."""
    return await at.tokens.mint(who, body)


async def list_tokens(at: Services, who: Identity) -> list[Token]:
    """List your tokens, without their secrets."""
    return await at.tokens.list(who)


async def revoke_token(at: Services, who: Identity, uid: str) -> None:
    """Revoke a token: it is refused from now on."""
    await at.tokens.revoke(who, uid)
