"""Writes that are repeated with the same `Idempotency-Key` get the first answer again."""

from typing import Final, NamedTuple

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import Conflict
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.services import limits
from aiplat_jupyter.store import idempotency
from aiplat_jupyter.store.database import Database

_KEEP_SECONDS: Final = 86_400.0
_WORK_SECONDS: Final = 60.0


class Answer(NamedTuple):
    """An HTTP answer as it was sent."""

    status: int
    body: bytes


class Replays:
    """Answers kept for a day."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def begin(self, who: Identity, key: str, request: str) -> Answer | None:
        """Reserve a key for a request (a digest of method, path and body), or return the answer it already has.

        Raise `Conflict` if the key belongs to another request, or if the first one is still being worked on.
        """
        limits.name("Idempotency-Key", key)

        def change(tx: Connection) -> idempotency.Kept | None:
            return idempotency.reserve(tx, who.username, key, request, keep=_KEEP_SECONDS, work=_WORK_SECONDS)

        kept = await self._database.write(change)
        if kept is None:
            return None
        if kept.request != request:
            raise Conflict("The Idempotency-Key was used for another request.", hint="Make a new key for each request.")
        if kept.status is None:
            raise Conflict("The same request is still being worked on.", hint="Try again in a moment.")
        return Answer(kept.status, kept.body)

    async def end(self, who: Identity, key: str, answer: Answer | None) -> None:
        """Keep the answer of a reserved key; None lets go of the key, for a request that failed and may be repeated."""

        def change(tx: Connection) -> None:
            if answer is None:
                idempotency.release(tx, who.username, key)
            else:
                idempotency.keep_answer(tx, who.username, key, answer.status, answer.body)

        await self._database.write(change)
