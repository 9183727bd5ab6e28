"""Removing an experiment for good, in steps short enough for other writers to pass between."""

from typing import Final

from sqlalchemy import Connection, delete, func, select

from aiplat_jupyter.store.tables import AttemptRow, JournalRow, SegmentRow, SeriesRow, TailRow

_STEP: Final = 500


def journals(tx: Connection, experiment_id: int) -> list[str]:
    """Return the uids of all journals of an experiment."""
    asked = select(JournalRow.uid).join(AttemptRow).where(AttemptRow.experiment_id == experiment_id)
    return list(tx.execute(asked).scalars())


def remove_some_points(tx: Connection, experiment_id: int) -> int:
    """Remove some hundred blobs of points and return how many bytes they had; 0 when none is left."""
    own = select(AttemptRow.id).where(AttemptRow.experiment_id == experiment_id)
    series = select(SeriesRow.id).where(SeriesRow.attempt_id.in_(own))
    size = func.length(SegmentRow.points) + func.length(SegmentRow.pyramid)
    segments = tx.execute(select(SegmentRow.id, size).where(SegmentRow.series_id.in_(series)).limit(_STEP)).all()
    tails = tx.execute(
        select(TailRow.id, func.length(TailRow.points)).where(TailRow.attempt_id.in_(own)).limit(_STEP)
    ).all()
    tx.execute(delete(SegmentRow).where(SegmentRow.id.in_([row[0] for row in segments])))
    tx.execute(delete(TailRow).where(TailRow.id.in_([row[0] for row in tails])))
    return sum(row[1] for row in [*segments, *tails])
