"""Users: everyone who was seen."""

from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.store.database import Database


class Users:
    """The accounts that projects, experiments and tokens name."""

    def __init__(self, database: Database) -> None:
        raise NotImplementedError

    async def seen(self, who: Identity) -> None:
        """Remember an account that the identity provider named; costs nothing after the first time."""
        raise NotImplementedError
