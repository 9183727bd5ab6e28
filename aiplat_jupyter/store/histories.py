"""Histories: all points that were ever logged of some metrics, a page at a time."""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from sqlalchemy import Connection, select

from aiplat_jupyter.core.curves import History
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import CLOCK
from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.segments import Samples, to_seconds, unpack
from aiplat_jupyter.store.tables import AttemptRow, ExperimentRow, SeriesRow
from aiplat_jupyter.store.tails import Tail

MAX_LIMIT: Final = 100_000
_TAIL: Final = 2**63


class Place(msgspec.Struct, frozen=True, array_like=True):
    """Behind which point to go on: `given` points of `step` of a series were answered, and all of lower steps."""

    metric: str
    context: str
    attempt: int
    step: int
    given: int


class _Entry(NamedTuple):
    """A segment, or (with `_TAIL` as arrival and number) what is not yet in one."""

    low: int
    high: int
    arrival: int
    number: int


def history(tx: Connection, experiment: str, metrics: Sequence[str], limit: int, cursor: str | None = None) -> History:
    """Return a page of all points of some metrics of the experiment with this uid; none named: of all that have steps.

    Superseded points and abandoned tails are among them, in the order metric, context, attempt, step, arrival. At most
    `limit` (≤ 100,000) points a page; the last page may be empty. Raise `InvalidInput` for a bad limit or cursor.
    """
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput("The page's size is out of range.", fields={"limit": f"from 1 to {MAX_LIMIT}"})
    place = None if cursor is None else _decoded(cursor)
    parts: list[tuple[Any, Samples]] = []
    room = limit
    for row, here in _from(_rows(tx, experiment, metrics), place):
        for samples in _clusters(Archive.reading(tx), row, here):
            start = 0 if here is None else int(np.searchsorted(samples.step, here.step)) + here.given
            here = None
            page = samples.take(slice(start, start + room))
            parts.append((row, page))
            room -= len(page.step)
            if not room:
                return _page(parts, _encoded(row, samples, start + len(page.step)))
    return _page(parts, None)


def behind(
    tx: Connection, experiment: str, attempt: int, wanted: Mapping[str, int | None], limit: int
) -> dict[str, Samples]:
    """Return up to `limit` points of each of these metrics of one attempt (by its number), by rising step.

    `wanted` tells behind which step of each (None: all). The last of equal steps counts.
    """
    archive = Archive.reading(tx)
    all_rows = _rows(tx, experiment, list(wanted)) if wanted else []
    rows = [row for row in all_rows if (row.context, row.number) == ("", attempt)]
    tails = archive.tails({row.attempt_id for row in rows})
    indexes = archive.indexes([row.id for row in rows])
    found = {}
    for row in rows:
        step, index = wanted[row.metric], indexes.get(row.id)
        if index is None or (step is not None and int(index.step_max.max()) <= step):
            parts = [tails.get(row.attempt_id, Tail()).samples(row.id).in_order()]
        else:
            place = None if step is None else Place(row.metric, "", attempt, step + 1, 0)
            parts = _first(_clusters(archive, row, place), step, limit)
        found[row.metric] = _cut(parts, step, limit).drawn()
    return found


def _first(clusters: Iterator[Samples], step: int | None, limit: int) -> list[Samples]:
    """Return as many clusters as it takes for `limit` points behind a step."""
    parts: list[Samples] = []
    room = limit
    for samples in clusters:
        parts.append(samples)
        room -= len(samples.step) if step is None else int((samples.step > step).sum())
        if room <= 0:
            break
    return parts


def _cut(parts: Sequence[Samples], step: int | None, limit: int) -> Samples:
    joined = Samples.joined(parts) if parts else Samples.none()
    start = 0 if step is None else int(np.searchsorted(joined.step, step, "right"))
    return joined.take(slice(start, start + limit))


def _rows(tx: Connection, experiment: str, metrics: Sequence[str]) -> list[Any]:
    """Return the series that are asked for, each with its attempt's number and uid, in the order of the answer."""
    columns = (
        SeriesRow.id,
        SeriesRow.metric,
        SeriesRow.context,
        SeriesRow.attempt_id,
        AttemptRow.number,
        AttemptRow.uid,
    )
    ask = select(*columns).join(AttemptRow, AttemptRow.id == SeriesRow.attempt_id)
    ask = ask.join(ExperimentRow, ExperimentRow.id == AttemptRow.experiment_id).where(ExperimentRow.uid == experiment)
    named = SeriesRow.metric.in_(metrics) if metrics else SeriesRow.context.not_like(f"{CLOCK}%")
    return sorted(tx.execute(ask.where(named)), key=_key)


def _key(row: Any) -> tuple[str, str, int]:
    return row.metric, row.context, row.number


def _from(rows: Sequence[Any], place: Place | None) -> Iterator[tuple[Any, Place | None]]:
    """Yield the rows from `place` on, the one that it is in together with it."""
    at = None if place is None else (place.metric, place.context, place.attempt)
    for row in rows:
        if at is None or _key(row) >= at:
            yield row, place if _key(row) == at else None


def _clusters(archive: Archive, row: Any, place: Place | None) -> Iterator[Samples]:
    """Yield the points of a series in rising (step, arrival), those in segments that overlap together.

    Begin with the cluster that holds `place`, or what follows it.
    """
    tail = archive.tails([row.attempt_id]).get(row.attempt_id, Tail()).samples(row.id).in_order()
    cluster: list[_Entry] = []
    reach = 0
    for entry in _entries(archive, row.id, tail):
        if cluster and entry.low > reach:
            if place is None or reach >= place.step:
                yield _points(archive, cluster, tail)
            cluster = []
        reach = max(reach, entry.high) if cluster else entry.high
        cluster.append(entry)
    if cluster and (place is None or reach >= place.step):
        yield _points(archive, cluster, tail)


def _entries(archive: Archive, series: int, tail: Samples) -> list[_Entry]:
    """Return the segments and the tail of a series by rising first step."""
    entries = []
    index = archive.indexes([series]).get(series)
    if index is not None:
        columns = (index.step_min, index.step_max, index.arrival, index.id)
        entries = [_Entry(*entry) for entry in zip(*(column.tolist() for column in columns), strict=True)]
    if len(tail.step):
        entries.append(_Entry(int(tail.step[0]), int(tail.step[-1]), _TAIL, _TAIL))
    return sorted(entries)


def _points(archive: Archive, cluster: Sequence[_Entry], tail: Samples) -> Samples:
    key = ("history", tuple(entry.number for entry in cluster))
    known: Samples | None = archive.memory.get(key)
    if known is None:
        entries = sorted(cluster, key=lambda entry: (entry.arrival, entry.number))
        parts = [tail if e.number == _TAIL else unpack(archive.passing(e.number)) for e in entries]
        known = Samples.joined(parts).in_order()
        if _TAIL not in key[1] and len(cluster) > 1:
            archive.memory.put(key, known, sum(column.nbytes for column in known))
    return known


def _page(parts: Sequence[tuple[Any, Samples]], cursor: str | None) -> History:
    joined = Samples.joined([samples for _, samples in parts]) if parts else Samples.none()
    names = [(row.metric, row.context, row.uid) for row, samples in parts for _ in range(len(samples.step))]
    metric, context, attempt = map(list, zip(*names, strict=True)) if names else ([], [], [])
    return History(
        metric=metric,
        context=context,
        attempt=attempt,
        step=joined.step.tolist(),
        wall=to_seconds(joined.wall).tolist(),
        value=joined.value.tolist(),
        next_cursor=cursor,
    )


def _encoded(row: Any, samples: Samples, end: int) -> str:
    step = samples.step[end - 1]
    given = end - int(np.searchsorted(samples.step, step))
    place = Place(row.metric, row.context, row.number, int(step), given)
    return base64.urlsafe_b64encode(msgspec.msgpack.encode(place)).decode().rstrip("=")


def _decoded(cursor: str) -> Place:
    try:
        return msgspec.msgpack.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=Place)
    except (ValueError, msgspec.MsgspecError):
        raise InvalidInput("The cursor cannot be read.", fields={"cursor": "`next_cursor` of a page before"}) from None
