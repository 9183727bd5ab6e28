"""The past of GPUs and machines: the last minutes from memory, the rest from rows, as many points as can be drawn."""

import threading
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from aiplat_jupyter.core.gpu import GpuDevice, GpuHistoryQuery, GpuMetric, GpuSeries, GpuStatus, Host, HostMetric
from aiplat_jupyter.store import gpu_history
from aiplat_jupyter.store.gpu_history import GPU, HOST, LEVELS, Layout, Rows, Track

RING_SECONDS: Final = 900.0
GAP: Final = 2.5
"""Points that are further apart than so many times their distance have a gap between them."""
APART: Final = 2
"""Rows are read that give at least one point for so many that are asked for: shorter ones are many times as many."""
_DECIMALS: Final = {"utilization": 1, "temperature": 1, "power": 1, "cpu": 1}
_FULL: Final = 100.0
Column = tuple[str, GpuMetric | HostMetric]
"""UUID (empty: of the machine) and metric."""


class Recorded(NamedTuple):
    """What is to be kept of ten seconds."""

    at: int
    layout: Layout
    values: gpu_history.Floats


class Ring:
    """The samples of the last quarter of an hour, and those of the ten seconds that are not over. For any thread."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float, Layout, gpu_history.Floats]] = deque()
        self._slot: list[tuple[int, Layout, gpu_history.Floats]] = []
        self._lock = threading.Lock()

    def add(self, status: GpuStatus) -> list[Recorded]:
        """Take a sample in; return what is complete by it."""
        layout = tuple(_track(device) for device in status.devices)
        row = np.array(_values(status.system, status.devices), np.float32)
        with self._lock:
            while self._samples and not 0.0 <= status.at - self._samples[0][0] <= RING_SECONDS:
                self._samples.popleft()
            self._samples.append((status.at, status.interval, layout, row))
        return self._fill(int(status.at) // LEVELS[0] * LEVELS[0], layout, row)

    def _fill(self, at: int, layout: Layout, row: gpu_history.Floats) -> list[Recorded]:
        full: list[Recorded] = []
        if self._slot and self._slot[0][0] != at:
            layouts = dict.fromkeys(one for _, one, _ in self._slot)
            full = [_recorded(self._slot, one) for one in layouts]
            self._slot.clear()
        self._slot.append((at, layout, row))
        return full

    def since(self, start: float, end: float) -> list[Rows]:
        """Return the samples of a span of time as rows."""
        with self._lock:
            found = [one for one in self._samples if start <= one[0] < end]
        layouts = dict.fromkeys(one[2] for one in found)
        return [_sampled(layout, [one for one in found if one[2] == layout]) for layout in layouts]

    @property
    def first(self) -> float:
        """When the first sample was taken; infinite if there is none."""
        with self._lock:
            return self._samples[0][0] if self._samples else np.inf


def _track(device: GpuDevice) -> Track:
    return Track(
        uuid=device.uuid,
        index=device.index,
        name=device.name,
        memory_total=device.memory_total.value,
        power_limit=device.power_limit.value,
    )


def _values(host: Host | None, devices: Iterable[GpuDevice]) -> list[float]:
    machine = [host.cpu, host.memory_used, host.disk_used.value] if host else [None] * len(HOST)
    gpus = [getattr(device, metric).value for device in devices for metric in GPU]
    return [np.nan if value is None else value for value in machine + gpus]


def _recorded(slot: Sequence[tuple[int, Layout, gpu_history.Floats]], layout: Layout) -> Recorded:
    values = np.stack([row for _, one, row in slot if one == layout])
    return Recorded(slot[0][0], layout, gpu_history.reduced(np.repeat(values[:, None], 3, axis=1)))


def _sampled(layout: Layout, samples: Sequence[tuple[float, float, Layout, gpu_history.Floats]]) -> Rows:
    values = np.repeat(np.stack([row for *_, row in samples])[:, None], 3, axis=1)
    at, seconds = np.array([(one[0], one[1]) for one in samples]).T
    return Rows(layout, at - seconds / 2, seconds, values)


class Points(NamedTuple):
    """What is drawn: the columns, when, and (mean, min, max) of each; and the distance of points in seconds."""

    columns: list[Column]
    layout: Layout
    at: NDArray[np.float64]
    values: NDArray[np.float64]
    """Of the shape (points, 3, columns)."""
    resolution: float


def read(tx: Connection, agent_id: int, start: float, end: float, width: int, ring: Ring | None) -> list[Rows]:
    """Return the rows of a span of time: of the longest that are short enough, and what those lack from others."""
    if ring is not None and ring.first <= start:
        return ring.since(start, end)
    level = max((seconds for seconds in LEVELS if APART * (end - start) / seconds >= width), default=LEVELS[0])
    found = gpu_history.between(tx, agent_id, level, start - level, end)
    found += _older(tx, agent_id, level, start, min((float(rows.at[0]) for rows in found), default=end))
    reached = max((float(rows.at[-1] + rows.seconds[-1]) for rows in found), default=start)
    return found + _newer(tx, agent_id, level, reached, end, ring)


def _older(tx: Connection, agent_id: int, level: int, start: float, begin: float) -> list[Rows]:
    """Return longer rows of the time before `begin`, where the shorter ones are gone; none that goes beyond."""
    found: list[Rows] = []
    for seconds in (one for one in LEVELS if one > level):
        if begin > start + level:
            found += gpu_history.between(tx, agent_id, seconds, start - seconds, begin - seconds + 1)
            begin = min([begin, *(float(rows.at[0]) for rows in found)])
    return found


def _newer(tx: Connection, agent_id: int, level: int, reached: float, end: float, ring: Ring | None) -> list[Rows]:
    """Return shorter rows, and samples, of the time for which there is no longer row yet."""
    found: list[Rows] = []
    for seconds in reversed([one for one in LEVELS if one < level]):
        found += gpu_history.between(tx, agent_id, seconds, reached, end)
        reached = max([reached, *(float(rows.at[-1] + rows.seconds[-1]) for rows in found)])
    return found + (ring.since(reached, end) if ring else [])


def points(rows: Sequence[Rows], query: GpuHistoryQuery, start: float, end: float) -> Points:
    """Return at most `query.width` points of rows, of the columns that are asked for."""
    layout = tuple({track.uuid: track for one in _by_age(rows) for track in one.layout}.values())
    columns = [column for column in _columns(layout) if _is_wanted(column, query)]
    if not rows or not columns:
        return Points(columns, layout, np.empty(0), np.empty((0, 3, len(columns))), (end - start) / query.width)
    at, seconds, values = _joined(rows, columns)
    resolution = max((end - start) / query.width, float(seconds.min()))
    middles = np.clip(at + seconds / 2, start, np.nextafter(end, start))
    slots = ((middles - start) / resolution).astype(np.int64)
    firsts = np.flatnonzero(np.diff(slots, prepend=-1))
    reach = np.maximum(np.maximum.reduceat(seconds, firsts), resolution)
    found = _drawn(middles, seconds, values, firsts)
    return Points(columns, layout, *_with_gaps(*found, reach), resolution)


def _by_age(rows: Iterable[Rows]) -> list[Rows]:
    return sorted(rows, key=lambda one: float(one.at[-1]))


def _columns(layout: Layout) -> list[Column]:
    machine: list[Column] = [("", metric) for metric in HOST]
    return machine + [(track.uuid, metric) for track in layout for metric in GPU]


def _is_wanted(column: Column, query: GpuHistoryQuery) -> bool:
    uuid, metric = column
    return (not query.metrics or metric in query.metrics) and (not uuid or not query.gpus or uuid in query.gpus)


def _joined(
    rows: Sequence[Rows], columns: Sequence[Column]
) -> tuple[NDArray[np.float64], NDArray[np.float64], gpu_history.Floats]:
    """Put rows of several layouts below each other, in the order of time."""
    parts = [_arranged(one, columns) for one in rows]
    at, seconds = np.concatenate([one.at for one in rows]), np.concatenate([one.seconds for one in rows])
    order = np.argsort(at + seconds / 2, kind="stable")
    return at[order], seconds[order], np.concatenate(parts)[order]


def _arranged(rows: Rows, columns: Sequence[Column]) -> gpu_history.Floats:
    own = {column: place for place, column in enumerate(_columns(rows.layout))}
    if list(own) == list(columns):
        return rows.values
    arranged = np.full((len(rows.at), 3, len(columns)), np.nan, np.float32)
    known = [(place, own[column]) for place, column in enumerate(columns) if column in own]
    if known:
        there, here = np.array(known).T
        arranged[:, :, there] = rows.values[:, :, here]
    return arranged


def _drawn(
    at: NDArray[np.float64], seconds: NDArray[np.float64], values: gpu_history.Floats, firsts: NDArray[np.intp]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Reduce the rows of each point: means count for as long as their rows are."""
    weights = np.where(np.isnan(values[:, 0]), 0.0, seconds[:, None])
    total = np.add.reduceat(weights, firsts)
    with np.errstate(invalid="ignore"):
        mean = np.add.reduceat(np.where(weights > 0, values[:, 0], 0.0) * weights, firsts) / np.where(
            total, total, np.nan
        )
    least, most = np.fmin.reduceat(values[:, 1], firsts), np.fmax.reduceat(values[:, 2], firsts)
    when = np.add.reduceat(at * seconds, firsts) / np.add.reduceat(seconds, firsts)
    return when, np.stack([mean, least, most], axis=1)


def _with_gaps(
    at: NDArray[np.float64], values: NDArray[np.float64], reach: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Put a point without values into each gap."""
    near = GAP * np.maximum(np.maximum(reach[:-1], reach[1:]), LEVELS[0])
    gaps = np.flatnonzero(np.diff(at) > near)
    between = (at[gaps] + at[gaps + 1]) / 2
    return np.insert(at, gaps + 1, between), np.insert(values, gaps + 1, np.nan, axis=0)


def series(found: Points, totals: dict[HostMetric, float]) -> list[GpuSeries]:
    """Return the points as columns of lists; a metric that nobody could read is left out."""
    at = [round(one, 3) for one in found.at.tolist()]
    limits = _limits(found.layout) | {("", metric): value for metric, value in totals.items()}
    known = np.count_nonzero(np.isfinite(found.values[:, 0]), axis=0)
    return [
        GpuSeries(gpu=gpu, metric=metric, limit=limits.get((gpu, metric)), at=at, **_lists(found, place))
        for place, (gpu, metric) in enumerate(found.columns)
        if known[place]
    ]


def _lists(found: Points, place: int) -> dict[str, list[float]]:
    rounded = np.round(found.values[:, :, place], _DECIMALS.get(found.columns[place][1], 0))
    return {name: rounded[:, row].tolist() for row, name in enumerate(("mean", "min", "max"))}


def _limits(layout: Collection[Track]) -> dict[Column, float | None]:
    limits: dict[Column, float | None] = {("", "cpu"): _FULL}
    for track in layout:
        limits[track.uuid, "utilization"] = _FULL
        limits[track.uuid, "memory_used"] = track.memory_total
        limits[track.uuid, "power"] = track.power_limit
    return limits
