"""Lines of descent: which attempts give which steps to what is drawn, and which steps of theirs were left behind."""

from collections.abc import Collection, Mapping
from typing import Final, NamedTuple

from sqlalchemy import Connection, bindparam, select

from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.lines import Line, Stretch, line
from aiplat_jupyter.store.segments import Samples
from aiplat_jupyter.store.tables import Base
from aiplat_jupyter.store.tails import Tail


class Ancestor(NamedTuple):
    """An attempt among the others of its experiment."""

    id: int
    uid: str
    number: int
    parent_id: int | None
    from_step: int | None
    first_wall: float | None


Family = Mapping[int, Ancestor]
"""All attempts of one experiment by the number of their row."""


class Leg(NamedTuple):
    """The steps of an attempt with `low` ≤ step < `high` (None: no bound)."""

    attempt: Ancestor
    low: int | None
    high: int | None


_ATTEMPTS: Final = Base.metadata.tables["attempts"]
_EXPERIMENT: Final = select(_ATTEMPTS.c.experiment_id).where(_ATTEMPTS.c.id == bindparam("attempt"))
_FAMILY: Final = select(*(_ATTEMPTS.c[name] for name in Ancestor._fields)).where(
    _ATTEMPTS.c.experiment_id == _EXPERIMENT.scalar_subquery()
)


def family(tx: Connection, attempt_id: int) -> Family:
    """Return the attempts of the experiment that `attempt_id` belongs to."""
    return {row.id: Ancestor._make(row) for row in tx.execute(_FAMILY, {"attempt": attempt_id})}


def drawn(attempts: Family, end: int) -> list[Leg]:
    """Return what is drawn of each attempt from the first to `end`."""
    legs: list[Leg] = []
    high: int | None = None
    at: int | None = end
    while at is not None:
        attempt = attempts[at]
        legs.insert(0, Leg(attempt, None, high))
        high = _lower(high, attempt.from_step)
        at = attempt.parent_id
    return legs


def whole(attempts: Family, end: int) -> list[Leg]:
    """Return all of each attempt from the first to `end`."""
    return [Leg(leg.attempt, None, None) for leg in drawn(attempts, end)]


def abandoned(attempts: Family, end: int) -> list[Leg]:
    """Return what is not drawn on the line to `end`: the steps from which another attempt went on."""
    cuts = {leg.attempt.id: leg.high for leg in drawn(attempts, end)}
    left = [Leg(attempt, cuts.get(attempt.id), None) for attempt in attempts.values()]
    return [leg for leg in left if leg.attempt.id not in cuts or leg.low is not None]


def descendants(attempts: Family, ancestor: int, step: int) -> list[int]:
    """Return the attempts whose line holds `step` of `ancestor`, apart from itself, parents first."""
    found = [ancestor]
    for number in found:
        children = (one for one in attempts.values() if one.parent_id == number)
        found += [one.id for one in children if one.from_step is None or step < one.from_step]
    return found[1:]


def _lower(one: int | None, other: int | None) -> int | None:
    bounds = [bound for bound in (one, other) if bound is not None]
    return min(bounds, default=None)


class Sources:
    """The points of some series, read together; `attempts` are those whose series they are."""

    def __init__(self, archive: Archive, attempts: Collection[int], series: Collection[int]) -> None:
        self.archive = archive
        self._indexes = archive.indexes(series)
        self._tails = archive.tails(attempts)

    def line(self, legs: Collection[Leg], series: Mapping[int, int]) -> Line | None:
        """Return the line along `legs`, given the number of the series in each attempt that has it."""
        return line(
            self.archive, [self._stretch(leg, series[leg.attempt.id]) for leg in legs if leg.attempt.id in series]
        )

    def _stretch(self, leg: Leg, series: int) -> Stretch:
        index, tail = self._indexes.get(series), self._tails.get(leg.attempt.id)
        key = (series, 0, 0) if index is None else (series, len(index.id), int(index.id.max()))
        samples = Samples.none() if tail is None else tail.samples(series)
        return Stretch((*key, *(tail or Tail()).rows), index, samples, leg.low, leg.high)

    def since(self, attempt: int, series: int, tail_row: int, segment: int) -> int | None:
        """Return the lowest step that may have come since these were the newest rows; None if none did."""
        index, tail = self._indexes.get(series), self._tails.get(attempt)
        steps = [] if tail is None else tail.since(series, tail_row).step.tolist()
        if index is not None:
            steps += index.step_min[index.id > segment].tolist()
        return min(steps, default=None)
