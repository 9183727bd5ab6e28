"""The past of GPUs and their machine as curves: history as it was asked for, and the samples since. Pure."""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from aiplat_jupyter.core.curves import Columns, Curve
from aiplat_jupyter.core.gpu import GpuHistory, GpuMetric, GpuSeries, GpuStatus, HostMetric, Reading, labels
from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.widgets.domains import Range, step_up
from aiplat_jupyter.widgets.drawing import Drawing, drawing
from aiplat_jupyter.widgets.gpurows import GIB
from aiplat_jupyter.widgets.looks import Look
from aiplat_jupyter.widgets.series import Series

Metric = GpuMetric | HostMetric
Key = tuple[str, str]
"""UUID (empty: the machine) and metric."""
GPU: Final[tuple[Metric, Metric]] = ("utilization", "memory_used")
HOST: Final[tuple[Metric, Metric]] = ("cpu", "host_memory_used")
_SIZES: Final = {"memory_used": GIB, "host_memory_used": GIB}
_LEAST: Final = 60.0
"""Seconds that a chart shows at least."""
_STEPS: Final = 60
"""In how many steps a window moves over its own length."""
_ROOM: Final = 0.015
"""Of a range, at both ends, so that lines at 0 and at the limit are drawn whole."""
_TINY: Final = 1e-9


class Sample(Struct, frozen=True):
    """The values of one moment."""

    at: float
    values: dict[Key, float]


def sample(status: GpuStatus) -> Sample:
    """Return what of a status goes into curves; NaN where there is no value."""
    values: dict[Key, float] = {}
    for device in status.devices:
        is_lost = device.state == "lost"
        for metric in GPU:
            values[device.uuid, metric] = math.nan if is_lost else _value(getattr(device, metric))
    if status.system:
        values["", "cpu"] = status.system.cpu
        values["", "host_memory_used"] = float(status.system.memory_used)
    return Sample(status.at, values)


def _value(reading: Reading) -> float:
    return math.nan if reading.value is None else reading.value


def curves(history: GpuHistory, samples: Sequence[Sample], metric: str) -> list[Series]:
    """Return the curves of `metric`: history, then the samples behind its end.

    One without any value is there too, so that a GPU has the same place, and so the same colour, in all charts.
    """
    known = {each.gpu: each for each in history.series if each.metric == metric}
    new = {gpu for each in samples for gpu, name in each.values if name == metric}
    gpus = [*known, *sorted(new - known.keys())]
    reach = history.resolution / 2
    return [Series(_curve(gpu, metric, known.get(gpu), samples, reach)) for gpu in gpus]


def _curve(gpu: str, metric: str, past: GpuSeries | None, samples: Iterable[Sample], reach: float) -> Curve:
    """Return history and the samples behind it; `reach` is what a point tells of on both sides of itself."""
    size = _SIZES.get(metric, 1.0)
    at = list(past.at) if past else []
    mean, low, high = ([*getattr(past, name)] if past else [] for name in ("mean", "min", "max"))
    since = at[-1] + reach if at else -math.inf
    for each in samples:
        if each.at > since and (gpu, metric) in each.values:
            value = each.values[gpu, metric]
            for column, entry in ((at, each.at), (mean, value), (low, value), (high, value)):
                column.append(entry)
    return _line(gpu, metric, np.array(at), *(_scaled(column, size) for column in (mean, low, high)))


def _scaled(column: Sequence[float | None], size: float) -> Any:
    return np.array([math.nan if value is None else value for value in column], float) / size


def _line(gpu: str, metric: str, at: Any, mean: Any, low: Any, high: Any) -> Curve:
    known = np.flatnonzero(np.isfinite(mean))
    columns = Columns(
        x=at.tolist(), first_x=at.tolist(), mean=mean.tolist(), min=low.tolist(), max=high.tolist(),
        last=mean.tolist(), count=np.where(high - low > _TINY, 2, 1).tolist(),
    )  # fmt: skip
    last = float(mean[known[-1]]) if known.size and known[-1] == len(mean) - 1 else None
    summary = SeriesSummary(metric=metric, count=int(known.size), last=last)
    extent = (float(at[0]), float(at[-1])) if len(at) else None
    return Curve(
        experiment=gpu, metric=metric, columns=columns, shown=0, total=0, raw=True, summary=summary, x_extent=extent
    )


# Ranges


def first(charts: Iterable[Sequence[Series]]) -> float | None:
    """Return when the oldest curve begins."""
    return min((each.extent[0] for series in charts for each in series if each.extent), default=None)


def window(begin: float | None, now: float, seconds: float) -> Range:
    """Return the part of the past to show, `seconds` at most: it moves, and where it begins later grows, in steps."""
    grown = step_up(max(_LEAST, now - begin)) if begin is not None else seconds
    if begin is not None and grown < seconds:
        return begin, begin + grown
    step = seconds / _STEPS
    end = math.ceil(now / step) * step
    return end - seconds, end


def limit(history: GpuHistory, status: GpuStatus, metric: str) -> float:
    """Return the largest value that `metric` can have, in units of the chart."""
    if metric in ("utilization", "cpu"):
        return 100.0
    limits = [each.limit or 0.0 for each in history.series if each.metric == metric]
    limits += [float(status.system.memory_total)] if metric == "host_memory_used" and status.system else []
    if metric == "memory_used":
        limits += [device.memory_total.value or 0.0 for device in status.devices]
    return max(limits, default=0.0) / _SIZES[metric]


def drawn(series: Sequence[Series], names: Mapping[str, str], look: Look, x: Range, most: float) -> Drawing:
    """Return how the curves of one chart look: in `x`, and from 0 to `most`, or to a round value where that is 0."""
    called = [names.get(each.experiment, each.experiment) for each in series]
    made = drawing(series, called, look, growing=False)
    top = most or step_up(max([1.0, *map(_highest, series)]))
    known = [place for place, each in enumerate(series) if each.summary.count]
    return replace(
        made,
        entries=[made.entries[place] for place in known],
        links=[made.links[place] for place in known],
        x=look.interval or x,
        y=look.y_interval or (-_ROOM * top, (1 + _ROOM) * top),
        badge=made.badge | {"total": 0, "nan": 0},
    )


def _highest(series: Series) -> float:
    return float(series.buckets.max[np.isfinite(series.buckets.max)].max(initial=0.0))


def short_names(history: GpuHistory, status: GpuStatus) -> dict[str, str]:
    """Return what to call each GPU: `GPU 0` if that tells them apart."""
    found = {uuid: name.partition(" · ")[0] for uuid, name in history.names.items()}
    found = {uuid: f"GPU {name}" if name.isdecimal() else name for uuid, name in found.items()}
    found |= labels(status.devices)
    repeated = {name for name in found.values() if list(found.values()).count(name) > 1}
    full = {uuid: f"{name} ({uuid[-6:]})" if name in repeated else name for uuid, name in found.items()}
    return full | {"": status.host}
