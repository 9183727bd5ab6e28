"""Journals: bytes that training processes wrote, committed exactly once."""

from aiplat_jupyter.core.records import Committed, Identity, Journal
from aiplat_jupyter.store.database import Database


class Journals:
    """Commits journals, whoever ships them: the process itself, `Adoption` or ``aiplat sync``."""

    def __init__(self, database: Database) -> None:
        raise NotImplementedError

    async def append(self, who: Identity, uid: str, offset: int, data: bytes) -> Committed:
        """Commit the whole frames at the start of `data`, which stand at `offset` of the journal.

        Empty `data` says that the process is alive. Raise `OffsetConflict` with the true offset, `Gone` if the
        experiment was purged, `UnreadableJournal` for bytes that are no frames.
        """
        raise NotImplementedError

    async def get(self, who: Identity, uid: str) -> Journal:
        """Return how far a journal is committed. Raise `NotFound`, or `Gone` if its experiment was purged."""
        raise NotImplementedError
