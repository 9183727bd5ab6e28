"""Writes that are repeated with the same `Idempotency-Key` get the first answer again."""

from typing import NamedTuple

from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.store.database import Database


class Answer(NamedTuple):
    """An HTTP answer as it was sent."""

    status: int
    body: bytes


class Replays:
    """Answers kept for a day."""

    def __init__(self, database: Database) -> None:
        raise NotImplementedError

    async def begin(self, who: Identity, key: str, request: str) -> Answer | None:
        """Reserve a key for a request (a digest of method, path and body), or return the answer it already has.

        Raise `Conflict` if the key belongs to another request, or if the first one is still being worked on.
        """
        raise NotImplementedError

    async def end(self, who: Identity, key: str, answer: Answer | None) -> None:
        """Keep the answer of a reserved key; None lets go of the key, for a request that failed and may be repeated."""
        raise NotImplementedError
