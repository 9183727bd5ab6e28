"""When each value of an experiment was set, and by which attempt: what comes late does not replace what is newer.

An attempt that goes on from another is newer, whatever clocks say; else the later time is. A time that is still to come
was told by a clock that was set back since, and counts for nothing.
"""

import time
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, select, update

from aiplat_jupyter.store import descent
from aiplat_jupyter.store.tables import AttemptRow, ExperimentRow

FIELDS: Final = "fields"
"""Column of the stamps of name, notes and tags, which are no entries of a mapping."""
MAPPINGS: Final = ("config", "summary", "provenance")
MOST_REMOVED: Final = 1000
"""Removed entries of a mapping that are remembered, so that nothing late brings them back: the newest ones."""


class Stamp(NamedTuple):
    """When a value was set (Unix seconds), and the row of the attempt that did; None: by a person."""

    at: float
    attempt: int | None


class Stamps:
    """The stamps of the values of one experiment (its row); `own` is that of what is about to be set."""

    def __init__(self, tx: Connection, experiment_id: int, at: float, attempt_id: int | None) -> None:
        self._tx = tx
        self.experiment = experiment_id
        self._now = time.time()
        self._lines: dict[int, set[int]] = {}
        self.own = Stamp(min(at, self._now), attempt_id)

    def fresh(self, column: str, entries: dict[str, Any]) -> dict[str, Any]:
        """Return those of the entries that nothing newer has set."""
        known = self._known.get(column, {})
        return {key: value for key, value in entries.items() if key not in known or not self._outlasts(known[key])}

    def put(self, column: str, keys: Iterable[str], present: Collection[str] | None = None) -> None:
        """Note that these were set now; `present` are the keys that a mapping has since."""
        stamps = self._known.get(column, {}) | dict.fromkeys(keys, self.own)
        self._known[column] = stamps if present is None else _without_old_removals(stamps, present)

    def write(self) -> None:
        """Keep what was noted."""
        own_row = update(ExperimentRow).where(ExperimentRow.id == self.experiment)
        self._tx.execute(own_row.values(stamps=self._known))

    def put_all(self) -> None:
        """Note that all there is was set now."""
        self._known = {column: dict.fromkeys(keys, self.own) for column, keys in self._present().items()}

    @cached_property
    def _known(self) -> dict[str, dict[str, Stamp]]:
        stamps, attempt = self._read(ExperimentRow.stamps, ExperimentRow.attempt_id)
        if stamps is not None:
            return {column: {key: Stamp(*stamp) for key, stamp in of.items()} for column, of in stamps.items()}
        if attempt is None:
            return {}
        began = self._tx.execute(select(AttemptRow.started_at).where(AttemptRow.id == attempt)).scalar_one()
        return {column: dict.fromkeys(keys, Stamp(began, attempt)) for column, keys in self._present().items()}

    def _present(self) -> dict[str, Collection[str]]:
        mappings = self._read(ExperimentRow.config, ExperimentRow.summary, ExperimentRow.provenance)
        return {FIELDS: ("name", "notes", "tags"), **dict(zip(MAPPINGS, mappings, strict=True))}

    def _read(self, *columns: Any) -> Sequence[Any]:
        return self._tx.execute(select(*columns).where(ExperimentRow.id == self.experiment)).one()

    def _outlasts(self, known: Stamp) -> bool:
        """Tell whether what is known is newer."""
        ours, theirs = self.own.attempt, known.attempt
        if ours is not None and theirs is not None and ours != theirs:
            if theirs in self._line(ours):
                return False
            if ours in self._line(theirs):
                return True
        return self.own.at < known.at <= self._now

    def _line(self, attempt: int) -> set[int]:
        if attempt not in self._lines:
            self._lines[attempt] = {leg.attempt.id for leg in descent.drawn(descent.family(self._tx, attempt), attempt)}
        return self._lines[attempt]


def _without_old_removals(stamps: dict[str, Stamp], present: Collection[str]) -> dict[str, Stamp]:
    removed = sorted((key for key in stamps if key not in present), key=lambda key: stamps[key].at)
    forgotten = set(removed[:-MOST_REMOVED])
    return {key: stamp for key, stamp in stamps.items() if key not in forgotten}
