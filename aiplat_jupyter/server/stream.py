"""The stream of changes: server-sent events, and a long poll for proxies that hold streams back."""

from msgspec import Struct

from aiplat_jupyter.core.records import Change, Identity
from aiplat_jupyter.server.call import Services


class ChangesQuery(Struct, frozen=True, kw_only=True):
    """Which changes.

    Attributes
    ----------
    topics : ``projects``, ``experiments``, ``experiment:<uid>``; none named: all.
    after : the last number seen; the stream goes on behind it. None: from now on. The header ``Last-Event-ID`` does the
        same.
    wait : seconds to wait for a change and then answer `Changes` once, instead of a stream.
    """

    topics: list[str] = []
    after: int | None = None
    wait: float | None = None


class Changes(Struct, frozen=True, kw_only=True):
    """What a long poll answers: go on with ``after=next``."""

    items: list[Change]
    next: int | None
    """None: nothing has happened yet; ask again without `after`."""
    resync: bool = False
    """Too much was missed: ask for everything again, then go on."""


async def wait_for_changes(at: Services, who: Identity, query: ChangesQuery) -> Changes:
    """Follow changes as server-sent events; with `wait`, answer the next ones as JSON."""
    raise NotImplementedError
