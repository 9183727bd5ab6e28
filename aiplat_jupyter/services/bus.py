"""What changed, for everyone who watches: fed by the durable sequence in the database, so every server's commits are in it."""

from collections.abc import AsyncIterator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import NamedTuple, Self

from aiplat_jupyter.core.records import Change, Identity
from aiplat_jupyter.store.database import Database


class Resync(NamedTuple):
    """Too much was missed: forget what you know, ask again, and go on from `seq`."""

    seq: int


class Bus:
    """Follows the sequence and hands each change to those who may see it. An async context manager: started and stopped."""

    seq: int
    """Number of the newest change that the bus has seen: what a stream that starts now goes on from."""

    def __init__(self, database: Database) -> None:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        raise NotImplementedError

    async def __aexit__(self, *exc: object) -> None:
        raise NotImplementedError

    def publish(self) -> None:
        """Look for new changes now; `Database` calls it after each of its commits, from any thread."""
        raise NotImplementedError

    def subscribe(
        self, who: Identity, topics: Iterable[str] = (), after: int | None = None
    ) -> AbstractAsyncContextManager[AsyncIterator[Change | Resync]]:
        """Iterate over changes of some topics (none named: all) behind number `after` (None: from now on).

        Ends when the bus stops. Changes of one topic, kind and uid that nobody has taken yet are told once, with the
        latest number. Numbers rise.
        """
        raise NotImplementedError
