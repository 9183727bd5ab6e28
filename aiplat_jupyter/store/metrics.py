"""Points of metrics: written by the commit of a journal, asked for by charts, lists and people.

Every function works on the caller's connection, inside the caller's transaction. `append`, `inherit` and `fold` belong in a
write transaction; `query`, `history` and `loss` in a read transaction: what they read is cached, so it must be committed.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection

from aiplat_jupyter.core.curves import CurveAnswer, CurveQuery, History, LossPoint
from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.store.columns import Batch


def append(tx: Connection, attempt_id: int, points: Sequence[Batch], context: str = "") -> list[str]:
    """Add the points of one commit to an attempt, and return the names of metrics that it had not seen before.

    `points` are the batches of one `columns.Points` (or one batch, for points that came by REST); `context` is the
    journal's (empty, or ``rank=3``). Creates series, brings their summaries and those of later attempts up to date, and
    folds when there is enough to fold.
    """
    raise NotImplementedError


def inherit(tx: Connection, parent_id: int, child_id: int, from_step: int | None) -> None:
    """Start the summaries of a new attempt from its parent's drawn line before `from_step` (None: all of it).

    To be called once, right after the attempt's row was inserted and before it has points.
    """
    raise NotImplementedError


def fold(tx: Connection, attempt_id: int) -> None:
    """Fold all tails of an attempt into segments: when it ends. Does nothing when there is none."""
    raise NotImplementedError


def last_step(tx: Connection, attempt_id: int) -> int | None:
    """Return the largest step of the drawn line up to and including an attempt, over all its metrics; None without points."""
    raise NotImplementedError


def query(tx: Connection, query: CurveQuery) -> CurveAnswer:
    """Answer curves of the experiments named in `query`, which the caller must be allowed to see.

    Unknown experiments and pairs without points are left out. Raise `InvalidInput` for a bound, width, weight or cursor
    that makes no sense.
    """
    raise NotImplementedError


def summaries(
    tx: Connection, attempt_ids: Iterable[int], metrics: Sequence[str] | None = None
) -> dict[int, list[SeriesSummary]]:
    """Return the summaries of the drawn lines that end in these attempts, by attempt, sorted by metric and context.

    `metrics` names those wanted; None: all.
    """
    raise NotImplementedError


def history(tx: Connection, experiment: str, metrics: Sequence[str], limit: int, cursor: str | None = None) -> History:
    """Return a page of all points of some metrics (none named: all) of the experiment with this uid.

    Superseded points and abandoned tails are among them, in the order attempt, metric, context, step, arrival. At most
    `limit` (≤ 100,000) points a page. Raise `InvalidInput` for a bad limit or cursor.
    """
    raise NotImplementedError


def loss(tx: Connection, experiment: str, metric: str = "loss", width: int = 10_000) -> list[LossPoint]:
    """Return the drawn line of `metric` as the plan wants it: each point, or where there are more than `width`, the last
    of each of `width` equal intervals of step."""
    raise NotImplementedError
