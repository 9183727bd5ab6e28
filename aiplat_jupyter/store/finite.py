"""The last finite value of a line whose last value is not: what a list shows of a loss that has become NaN."""

from sqlalchemy import Connection

from aiplat_jupyter.store import descent, series
from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.descent import Sources


def last_finite(tx: Connection, attempt_id: int, metric: str) -> float | None:
    """Return the last finite value of a metric's drawn line that ends in an attempt; None without one.

    Read from the statistics of blocks, so it takes no longer where everything since has been NaN.
    """
    legs = descent.drawn(descent.family(tx, attempt_id), attempt_id)
    ids = [leg.attempt.id for leg in legs]
    numbers = {one.attempt_id: one.id for one in series.named(tx, ids, [metric]) if not one.context}
    # A caller may be inside a write transaction, so nothing that is read here is remembered.
    line = Sources(Archive.writing(tx), ids, numbers.values()).line(legs, numbers)
    if line is None or not line.whole.finite[0]:
        return None
    return float(line.whole.last[0])
