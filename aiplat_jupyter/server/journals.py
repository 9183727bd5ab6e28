"""Verbs on journals: what the client's shipper talks to."""

from typing import Annotated

import msgspec

from aiplat_jupyter.core.frames import Committed
from aiplat_jupyter.core.records import Identity, Journal
from aiplat_jupyter.server.call import Services


class FramesQuery(msgspec.Struct, frozen=True, kw_only=True):
    """`offset`: of the body's first byte in the journal."""

    offset: Annotated[int, msgspec.Meta(ge=0)]


async def get_journal(at: Services, who: Identity, uid: str) -> Journal:
    """Answer how far a journal is committed."""
    return await at.journals.get(who, uid)


async def append_frames(at: Services, who: Identity, uid: str, query: FramesQuery, body: bytes) -> Committed:
    """Commit the bytes of a journal from an offset on (format: `core/frames.py`)."""
    return await at.journals.append(who, uid, query.offset, body)
