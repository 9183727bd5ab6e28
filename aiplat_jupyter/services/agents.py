"""Agents: who runs tasks, and whether they may start some."""

from collections.abc import Callable, Collection

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import Forbidden, NotFound
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import Agent
from aiplat_jupyter.services import access
from aiplat_jupyter.store import agents, changes
from aiplat_jupyter.store.database import Database


class Agents:
    """The rules of agents: everyone sees them, whose account it is (or who administers) pauses them.

    `own` is the uid of this machine and account's; `unknown` tells the folders of its jobs that no task accounts for.
    """

    def __init__(self, database: Database, own: str, unknown: Callable[[], Collection[str]]) -> None:
        self._database = database
        self._own = own
        self._unknown = unknown

    async def list(self, who: Identity) -> list[Agent]:
        """Return the agents that were heard of last, by machine."""
        access.require(who, "read")
        return await self._database.read(lambda tx: agents.records(tx, self._own, self._unknown()))

    async def pause(self, who: Identity, uid: str) -> Agent:
        """Start no further tasks; what runs goes on."""
        return await self._set_paused(who, uid, is_paused=True)

    async def resume(self, who: Identity, uid: str) -> Agent:
        """Start tasks again."""
        return await self._set_paused(who, uid, is_paused=False)

    async def _set_paused(self, who: Identity, uid: str, *, is_paused: bool) -> Agent:
        access.require(who, "write")

        def change(tx: Connection) -> Agent:
            found = agents.find(tx, uid)
            if found is None:
                raise NotFound(f"There is no agent {uid!r}.")
            if not who.is_admin and who.username != found.username:
                raise Forbidden(f"The queue of {found.machine} belongs to {found.username}.")
            agents.change(tx, found.id, {"is_paused": is_paused})
            changes.of_agent(tx, uid)
            return agents.record(tx, found.id, self._own, self._unknown())

        return await self._database.write(change)
