"""Points and curves, for those who may see them."""

import asyncio
import time
from collections.abc import Sequence
from typing import Final

import numpy as np
from msgspec.structs import replace
from sqlalchemy import Connection

from aiplat_jupyter.core.curves import CurveAnswer, CurveQuery, History, LossPoint
from aiplat_jupyter.core.errors import Conflict, InvalidInput, OffsetConflict
from aiplat_jupyter.core.frames import MAX_KEY, Committed
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.records import Identity, NewPoints, SeriesSummary
from aiplat_jupyter.services import access, limits
from aiplat_jupyter.store import attempts, changes, experiments, journals, metrics, tombstones
from aiplat_jupyter.store.columns import Batch
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.stats import Floats

MAX_EXPERIMENTS: Final = 200
MAX_METRICS: Final = 50
MAX_VALUES: Final = 1_000_000


class Metrics:
    """Reads need a viewer of the experiment's project, writes an editor."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, who: Identity, uid: str, points: NewPoints) -> Committed:
        """Add columns of points, exactly once if they name a journal; `offset` counts its points (steps, not values).

        Raise `InvalidInput` for columns of different length, or times that cannot be, `OffsetConflict` with the true
        offset.
        """
        access.require(who, "write")
        limits.uid(points.journal, "journal")
        batch = await asyncio.to_thread(_columns, points)
        return await self._database.write(lambda tx: _add(tx, who, uid, points, batch))

    async def query(self, who: Identity, query: CurveQuery) -> CurveAnswer:
        """Answer curves; experiments that `who` may not see are left out, as unknown ones are."""
        access.require(who, "read")
        if len(query.experiments) > MAX_EXPERIMENTS or len(query.metrics) > MAX_METRICS:
            most = {"experiments": f"at most {MAX_EXPERIMENTS}", "metrics": f"at most {MAX_METRICS}"}
            raise InvalidInput("That is too much for one answer.", fields=most)

        def ask(tx: Connection) -> CurveAnswer:
            visible = experiments.visible_uids(tx, who, query.experiments)
            return metrics.query(tx, replace(query, experiments=[uid for uid in query.experiments if uid in visible]))

        return await self._database.read(ask)

    async def summaries(self, who: Identity, uid: str) -> list[SeriesSummary]:
        """Return the summary of every metric of an experiment, by name."""

        def ask(tx: Connection) -> list[SeriesSummary]:
            attempt = access.experiment(tx, who, uid, "viewer").attempt_id
            return metrics.summaries(tx, [attempt])[attempt] if attempt else []

        return await self._database.read(ask)

    async def loss(self, who: Identity, uid: str) -> list[LossPoint]:
        """Return the loss curve along the line of descent."""

        def ask(tx: Connection) -> list[LossPoint]:
            headline = access.experiment(tx, who, uid, "viewer").headline
            is_loss = headline is not None and experiments.likeness_to_loss(headline) < experiments.UNLIKE_LOSS
            return metrics.loss(tx, uid, headline if headline and is_loss else "loss")

        return await self._database.read(ask)

    async def history(
        self, who: Identity, uid: str, names: Sequence[str] = (), limit: int = 10_000, cursor: str | None = None
    ) -> History:
        """Return a page of all points of some metrics (none named: all that have steps)."""

        def ask(tx: Connection) -> History:
            access.experiment(tx, who, uid, "viewer")
            return metrics.history(tx, uid, names, limit, cursor)

        return await self._database.read(ask)


def _columns(points: NewPoints) -> Batch:
    """Return the points as columns, with null as NaN."""
    count = len(points.step)
    if len(points.values) * count > MAX_VALUES:
        raise InvalidInput("That is too much at once.", fields={"values": f"at most {MAX_VALUES:,} numbers"})
    wall = [time.time()] * count if points.wall is None else points.wall
    lengths = {"wall": len(wall)} | {f"values.{name}": len(column) for name, column in points.values.items()}
    if odd := {field: f"{count} entries, as step has" for field, length in lengths.items() if length != count}:
        raise InvalidInput("The columns differ in length.", fields=odd)
    for name in points.values:
        if not 0 < len(name) <= MAX_KEY or "\x00" in name:
            raise InvalidInput(
                "A metric's name cannot be used.", fields={"values": f"names of 1 to {MAX_KEY} characters"}
            )
    try:
        step = np.array(points.step, np.int64)
    except OverflowError:
        raise InvalidInput("A step is out of range.", fields={"step": "integers of 64 bits"}) from None
    values = np.array(list(points.values.values()), np.float64).reshape(len(points.values), count).T
    return Batch(tuple(points.values), step, _times(wall), values, np.arange(count))


def _times(wall: Sequence[float]) -> Floats:
    times = np.array(wall, np.float64)
    if not ((times >= 0) & (times < limits.LATEST)).all():
        raise InvalidInput("A time is out of range.", fields={"wall": "seconds since 1970, at least 0 and below 1e11"})
    return times


def _add(tx: Connection, who: Identity, uid: str, points: NewPoints, batch: Batch) -> Committed:
    found = access.experiment(tx, who, uid, "editor")
    tombstones.refuse_buried(tx, uid)
    attempt = _attempt(tx, found, points)
    if not attempt.final and attempt.status != "running":
        attempts.reopen(tx, attempt.id)
        changes.of_experiment(tx, "status", uid, found.project.uid)
    fresh = metrics.append(tx, attempt.id, [batch]) if points.step and points.values else []
    experiments.note_points(tx, found.id, experiments.headline(found.headline, fresh))
    changes.of_experiment(tx, "points", uid, found.project.uid)
    return Committed(offset=points.offset + len(points.step), stop=found.stop_requested)


def _attempt(tx: Connection, found: experiments.Found, points: NewPoints) -> attempts.Found:
    """Return the attempt that the points belong to, with their journal's offset moved."""
    known = journals.state(tx, points.journal) if points.journal else None
    if known is not None and known.experiment_id != found.id:
        raise Conflict("The journal belongs to another experiment.", hint="Make a new uid for each writer.")
    if points.journal and points.offset != (known.offset if known else 0):
        raise OffsetConflict(known.offset if known else 0)
    attempt = known.attempt_id if known else found.attempt_id or _begin(tx, found)
    if points.journal:
        if known is None:
            journals.begin(tx, points.journal, attempt)
        journals.advance(tx, points.journal, points.offset + len(points.step), idle=False)
    return attempts.get(tx, attempt)


def _begin(tx: Connection, found: experiments.Found) -> int:
    now = time.time()
    attempt = attempts.begin(tx, found.id, new_uid(), now)
    attempts.make_current(tx, found.id, attempt, now)
    changes.of_experiment(tx, "status", found.uid, found.project.uid)
    return attempt
