"""Whose account a request uses."""

import pytest
from jupyter_server.auth import IdentityProvider, User
from jupyter_server.auth.identity import LegacyIdentityProvider, PasswordIdentityProvider

from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.server.accounts import bearer_of, identity_of

LOCAL = Identity(username="machine-user", is_admin=True)


class Coloured(PasswordIdentityProvider):
    """A provider that changes nothing about who people are."""

    def identity_model(self, user: User) -> dict[str, str]:
        return {**super().identity_model(user), "color": "red"}


class Named(IdentityProvider):
    """A provider that knows people."""

    def get_user(self, handler: object) -> User:
        return User(username="ada", name="Ada")


@pytest.mark.parametrize("provider", [IdentityProvider, PasswordIdentityProvider, Coloured])
def test_stock_providers_make_names_up_so_everyone_is_the_local_account(provider: type[IdentityProvider]) -> None:
    assert identity_of(User(username="7f3a", name="Anonymous Ersa"), provider(), LOCAL) == LOCAL


@pytest.mark.parametrize("provider", [Named, LegacyIdentityProvider])
def test_providers_that_find_people_themselves_are_believed(provider: type[IdentityProvider]) -> None:
    who = identity_of(User(username="ada", name="Ada"), provider(), LOCAL)
    assert (who.username, who.display_name, who.is_admin) == ("ada", "Ada", False)


@pytest.mark.parametrize(
    ("header", "secret"),
    [
        ("Bearer aip_x", "aip_x"),
        ("bearer  aip_x ", "aip_x"),
        ("token aip_x", "aip_x"),
        ("token 0123", None),
        ("Basic aip_x", None),
        ("aip_x", None),
        ("", None),
    ],
)
def test_tokens_of_ours_are_told_from_jupyters(header: str, secret: str | None) -> None:
    assert bearer_of(header) == secret
