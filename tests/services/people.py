"""Who asks, in the tests."""

from aiplat_jupyter.core.records import Identity

ADA = Identity(username="ada")
BOB = Identity(username="bob")
EVE = Identity(username="eve")
ADMIN = Identity(username="root", is_admin=True)
READER = Identity(username="ada", scopes=frozenset({"read"}))
