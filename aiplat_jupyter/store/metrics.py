"""Points of metrics: written by the commit of a journal, asked for by charts, lists and people.

Every function works on the caller's connection, inside the caller's transaction. `append`, `inherit` and `fold` belong
in a write transaction; `query`, `history` and `loss` in a read transaction: what they read is remembered, so it must be
committed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from sqlalchemy import Connection, func, select, update

from aiplat_jupyter.core.frames import CLOCK, is_clock
from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.store import descent, folding, late, series
from aiplat_jupyter.store.columns import Batch
from aiplat_jupyter.store.curves import loss, query
from aiplat_jupyter.store.descent import Leg
from aiplat_jupyter.store.histories import history
from aiplat_jupyter.store.segments import Samples, last_of_each, to_micros, to_seconds
from aiplat_jupyter.store.series import Series, Standing
from aiplat_jupyter.store.stats import Ints
from aiplat_jupyter.store.tables import AttemptRow, SeriesRow
from aiplat_jupyter.store.tails import Group, Tail

_LOWEST: Final = np.iinfo(np.int64).min
__all__ = ["append", "fold", "history", "inherit", "last_step", "loss", "query", "summaries"]


def append(tx: Connection, attempt_id: int, points: Sequence[Batch], context: str = "") -> list[str]:
    """Add the points of one commit to an attempt, and return the names of metrics that it had not seen before.

    `points` are the batches of one `columns.Points` (or one batch, for points that came by REST); `context` is the
    journal's (empty, or ``rank=3``). Creates series, brings their summaries and those of later attempts up to date, and
    folds when there is enough to fold.
    """
    batches = [batch for batch in points if batch.keys and len(batch.step)]
    if not batches:
        return []
    metrics = list(dict.fromkeys(key for batch in batches for key in batch.keys))
    known, made = series.made(tx, attempt_id, metrics, context)
    groups = [_group(batch, known) for batch in batches]
    attempts = descent.family(tx, attempt_id)
    legs = series.legs_of(attempts, attempt_id, context)
    uncounted = _arrive(tx, legs, groups, {one.id: one for one in known.values()})
    folding.add(tx, attempt_id, groups)
    if not is_clock(context):
        _note_first_wall(tx, attempts[attempt_id], groups)
    if uncounted:
        series.recount(tx, attempts, attempt_id, uncounted, context)
    earliest = _LOWEST if is_clock(context) else min(int(group.step.min()) for group in groups)
    for descendant in descent.descendants(attempts, attempt_id, earliest):
        series.recount(tx, attempts, descendant, metrics, context)
    return made


def inherit(tx: Connection, parent_id: int, child_id: int, from_step: int | None) -> None:
    """Start the summaries of a new attempt from its parent's drawn line before `from_step` (None: all of it).

    To be called once, right after the attempt's row was inserted and before it has points.
    """
    parents = [one for one in series.named(tx, [parent_id], None) if one.standing.count]
    for context in sorted({one.context for one in parents}):
        mine = {one.metric: one for one in parents if one.context == context}
        own, _ = series.made(tx, child_id, list(mine), context)
        series.store(tx, {own[metric].id: one.standing for metric, one in mine.items()})
        divided = [metric for metric, one in mine.items() if not (is_clock(context) or _ends_before(one, from_step))]
        if divided:
            series.recount(tx, descent.family(tx, child_id), child_id, divided, context)
    _inherit_gaps(tx, parent_id, child_id)


def fold(tx: Connection, attempt_id: int) -> None:
    """Fold all tails of an attempt into segments: when it ends. Does nothing when there is none."""
    folding.fold(tx, attempt_id)


def last_step(tx: Connection, attempt_id: int) -> int | None:
    """Return the largest step of the drawn line up to and including an attempt, over all its metrics.

    None without points.
    """
    has_steps = SeriesRow.context.not_like(f"{CLOCK}%")
    largest = select(func.max(SeriesRow.last_step)).where(SeriesRow.attempt_id == attempt_id, has_steps)
    found: int | None = tx.execute(largest).scalar_one()
    return found


def summaries(
    tx: Connection, attempt_ids: Iterable[int], metrics: Sequence[str] | None = None
) -> dict[int, list[SeriesSummary]]:
    """Return the summaries of the drawn lines that end in these attempts, by attempt, sorted by metric and context.

    `metrics` names those wanted; None: all.
    """
    found: dict[int, list[SeriesSummary]] = {attempt: [] for attempt in attempt_ids}
    for one in series.named(tx, list(found), metrics):
        if one.standing.count:
            found[one.attempt_id].append(one.summary)
    return found


def _group(batch: Batch, known: Mapping[str, Series]) -> Group:
    numbers = np.array([known[key].id for key in batch.keys], np.int64)
    return Group(numbers, batch.at, batch.step, to_micros(batch.wall), batch.value)


def _arrive(tx: Connection, legs: Sequence[Leg], groups: Sequence[Group], known: Mapping[int, Series]) -> list[str]:
    """Count new points into their series; return the metrics to be counted anew."""
    changed: dict[int, tuple[int, Standing]] = {}
    uncounted = []
    for group in _disjoint(groups):
        steps, standings = _standings(group)
        fresh = dict(zip(group.series.tolist(), standings, strict=True))
        replaced = _replaced(tx, legs, [known[number] for number in fresh], steps)
        for number, standing in fresh.items():
            one = known[number]
            counted = _counted(one.standing, standing, int(steps[0]), replaced.get(number))
            if counted is None:
                uncounted.append(one.metric)
            changed[number] = one.arrivals + len(group.step), counted or one.standing
    series.store_arrived(tx, changed)
    return uncounted


def _replaced(tx: Connection, legs: Sequence[Leg], arriving: Sequence[Series], steps: Ints) -> dict[int, Samples]:
    """Return what stands at these steps of each series in which one of them is late, unless it may be an ancestor's."""
    late_ones = [one.id for one in arriving if not _follows(one.standing, int(steps[0]))]
    if not late_ones or not late.is_alone(legs, int(steps[0])):
        return {}
    return late.standing_at(tx, legs[-1].attempt.id, late_ones, steps)


def _counted(one: Standing, fresh: Standing, first: int, replaced: Samples | None) -> Standing | None:
    if _follows(one, first):
        return series.joined(one, fresh)
    return None if replaced is None else late.amended(one, fresh, replaced)


def _follows(one: Standing, step: int) -> bool:
    return one.last_step is None or step > one.last_step


def _disjoint(groups: Sequence[Group]) -> list[Group]:
    """Return the points as groups that have no series in common."""
    times = Counter(number for group in groups for number in group.series.tolist())
    shared = np.array([number for number, count in times.items() if count > 1], np.int64)
    if not len(shared):
        return list(groups)
    own = [(group, ~np.isin(group.series, shared)) for group in groups]
    disjoint = [group._replace(series=group.series[k], value=group.value[:, k]) for group, k in own if k.any()]
    tail = Tail().extended([(1, list(groups))])
    return disjoint + [_alone(number, tail.samples(number)) for number in shared.tolist()]


def _alone(number: int, samples: Samples) -> Group:
    step, wall, value = samples
    return Group(np.array([number]), np.arange(len(step)), step, wall, value[:, None])


def _standings(group: Group) -> tuple[Ints, list[Standing]]:
    """Return the rising steps of the group, and the statistics of each series; the last of equal steps counts."""
    order = np.argsort(group.step, kind="stable")
    rows = order[last_of_each(group.step[order])]
    steps = group.step[rows]
    return steps, series.standings(steps, group.wall[rows], group.value[rows])


def _note_first_wall(tx: Connection, attempt: descent.Ancestor, groups: Sequence[Group]) -> None:
    earliest = float(to_seconds(np.array([min(group.wall.min() for group in groups)]))[0])
    if attempt.first_wall is None or earliest < attempt.first_wall:
        tx.execute(update(AttemptRow).where(AttemptRow.id == attempt.id).values(first_wall=earliest))


def _ends_before(one: Series, step: int | None) -> bool:
    return step is None or one.standing.last_step is None or one.standing.last_step < step


def _inherit_gaps(tx: Connection, parent_id: int, child_id: int) -> None:
    """Give the child's series the step gaps of the parent's."""
    parents = {(one.metric, one.context): one.gap for one in series.named(tx, [parent_id], None)}
    for own in series.named(tx, [child_id], None):
        gap = parents.get((own.metric, own.context))
        if gap is not None:
            tx.execute(update(SeriesRow).where(SeriesRow.id == own.id).values(gap=gap))
