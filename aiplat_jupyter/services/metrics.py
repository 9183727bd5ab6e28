"""Points and curves, for those who may see them."""

from collections.abc import Sequence

from aiplat_jupyter.core.curves import CurveAnswer, CurveQuery, History, LossPoint
from aiplat_jupyter.core.records import Committed, Identity, NewPoints, SeriesSummary
from aiplat_jupyter.store.database import Database


class Metrics:
    """Reads need a viewer of the experiment's project, writes an editor."""

    def __init__(self, database: Database) -> None:
        raise NotImplementedError

    async def add(self, who: Identity, uid: str, points: NewPoints) -> Committed:
        """Add columns of points, exactly once if they name a journal; `offset` counts its points (steps, not values).

        Raise `InvalidInput` for columns of different length, `OffsetConflict` with the true offset.
        """
        raise NotImplementedError

    async def query(self, who: Identity, query: CurveQuery) -> CurveAnswer:
        """Answer curves; experiments that `who` may not see are left out, as unknown ones are."""
        raise NotImplementedError

    async def summaries(self, who: Identity, uid: str) -> list[SeriesSummary]:
        """Return the summary of every metric of an experiment, by name."""
        raise NotImplementedError

    async def loss(self, who: Identity, uid: str) -> list[LossPoint]:
        """Return the loss curve along the line of descent."""
        raise NotImplementedError

    async def history(
        self, who: Identity, uid: str, metrics: Sequence[str] = (), limit: int = 10_000, cursor: str | None = None
    ) -> History:
        """Return a page of all points of some metrics (none named: all)."""
        raise NotImplementedError
