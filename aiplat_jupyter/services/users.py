"""Users: everyone who was seen."""

from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.store import users
from aiplat_jupyter.store.database import Database


class Users:
    """The accounts that projects, experiments and tokens name."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[str, Identity] = {}

    async def seen(self, who: Identity) -> None:
        """Remember an account that the identity provider named; costs nothing after the first time."""
        if self._known.get(who.username) != who:
            await self._database.write(lambda tx: users.upsert(tx, who))
            self._known[who.username] = who
