"""Verbs on points and curves."""

import msgspec

from aiplat_jupyter.core.curves import CurveAnswer, CurveQuery, History, LossPoint
from aiplat_jupyter.core.frames import Committed
from aiplat_jupyter.core.records import Identity, NewPoints, SeriesSummary
from aiplat_jupyter.server.call import Services


class HistoryQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which points: `metrics` by name (none named: all that have steps), at most `limit` of them, from `cursor` on."""

    metrics: list[str] = []
    limit: int = 50_000
    cursor: str | None = None


async def add_points(at: Services, who: Identity, uid: str, body: NewPoints) -> Committed:
    """Store points that are written by hand, as columns."""
    return await at.metrics.add(who, uid, body)


async def get_loss(at: Services, who: Identity, uid: str) -> list[LossPoint]:
    """Answer the loss with the epoch of each step."""
    return await at.metrics.loss(who, uid)


async def list_metrics(at: Services, who: Identity, uid: str) -> list[SeriesSummary]:
    """Summarise each metric of an experiment."""
    return await at.metrics.summaries(who, uid)


async def get_history(at: Services, who: Identity, uid: str, query: HistoryQuery) -> History:
    """Answer all points, a page at a time."""
    return await at.metrics.history(who, uid, query.metrics, query.limit, query.cursor)


async def query_curves(at: Services, who: Identity, query: CurveQuery) -> CurveAnswer:
    """Answer curves with at most one bucket per pixel column, over all points."""
    return await at.metrics.query(who, query)
