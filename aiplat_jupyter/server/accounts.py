"""Whose account a request uses.

Jupyter's stock identity providers make up a random user per browser, so their users cannot be keyed on: everyone
who gets past them is the one local account. A provider that names people is believed.
"""

from typing import Final

from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.identity import PasswordIdentityProvider

from aiplat_jupyter.core.records import Identity

_STOCK: Final = (IdentityProvider, PasswordIdentityProvider)
_NAMING: Final = (
    "get_user",
    "_get_user",
    "get_user_token",
    "get_user_cookie",
    "process_login_form",
    "generate_anonymous_user",
    "user_from_cookie",
)


def names_people(provider: IdentityProvider) -> bool:
    """Tell whether the provider's users are people: it does something else than the stock ones to find them."""
    kind = type(provider)
    return any(getattr(kind, name, None) not in {getattr(stock, name, None) for stock in _STOCK} for name in _NAMING)


def identity_of(user: User, provider: IdentityProvider, local: Identity) -> Identity:
    """Return the account that `user`, whom `provider` let in, has with us."""
    if not names_people(provider):
        return local
    return Identity(username=user.username, display_name=user.display_name or user.name or user.username)


def bearer_of(authorization: str) -> str | None:
    """Return the aiplat token in an ``Authorization`` header, if it has one."""
    scheme, _, secret = authorization.strip().partition(" ")
    secret = secret.strip()
    is_ours = scheme.lower() in {"bearer", "token"} and secret.startswith("aip_")
    return secret if is_ours else None
