"""What a rule would have done in the past: replayed on the history of GPUs, the points of experiments, and tasks."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection

from aiplat_jupyter.core.alert_rules import IN_STEPS, LONGEST_GAP, RuleState, Told, step
from aiplat_jupyter.core.alerts import Replayed, RuleReplay, RuleSpec, RuleTest, Severity, Target
from aiplat_jupyter.core.curves import Columns, CurveQuery
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.gpu import GpuHistory, GpuHistoryQuery, GpuMetric, GpuSeries, HostMetric
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.store import agents, alert_targets, metrics
from aiplat_jupyter.store.alert_targets import Experiment, Task
from aiplat_jupyter.store.database import Database

MOST: Final = 20
"""Agents, experiments and metrics of each, or tasks, on which a rule is replayed."""
WIDTH: Final = 2_000
DAY: Final = 86_400.0

History = Callable[[Identity, GpuHistoryQuery], Awaitable[GpuHistory]]


class Kept(NamedTuple):
    """How a sign follows from a metric that the history keeps: its metric, and the sign of a value and its limit."""

    metric: GpuMetric | HostMetric
    of: Callable[[float, float | None], float | None]


def _itself(value: float, _limit: float | None) -> float | None:
    return value


def _share(value: float, limit: float | None) -> float | None:
    return 100.0 * value / limit if limit else None


_GPU: Final[dict[str, Kept]] = {
    "utilization": Kept("utilization", _itself),
    "memory_used": Kept("memory_used", _itself),
    "temperature": Kept("temperature", _itself),
    "power": Kept("power", _itself),
    "memory_share": Kept("memory_used", _share),
    "power_share": Kept("power", _share),
}
_HOST: Final[dict[str, Kept]] = {
    "cpu": Kept("cpu", _itself),
    "host_memory_used": Kept("host_memory_used", _itself),
    "disk_used": Kept("disk_used", _itself),
    "memory_share": Kept("host_memory_used", _share),
    "disk_share": Kept("disk_used", _share),
}


class Track(NamedTuple):
    """The past of one target: moments (or steps) and values."""

    target: Target
    points: list[tuple[float, float | None]]


class Replay:
    """Replays rules. `history` answers that of GPUs and machines."""

    def __init__(self, database: Database, history: History) -> None:
        self._database = database
        self._history = history

    async def replay(self, who: Identity, test: RuleTest) -> RuleReplay:
        """Return what a rule would have done. Raise `InvalidInput` for an end before its start."""
        end = time.time() if test.end is None else test.end
        start = end - DAY if test.start is None else test.start
        if not (math.isfinite(start) and math.isfinite(end) and start < end):
            raise InvalidInput("The time to replay is empty.", fields={"start": "a time before end"})
        match test.spec.subject:
            case "gpu" | "host":
                return await self._on_machines(who, test.spec, start, end)
            case "experiment":
                return await self._on_experiments(who, test.spec, start, end)
            case _:
                return await self._on_tasks(who, test.spec, start, end)

    async def _on_machines(self, who: Identity, spec: RuleSpec, start: float, end: float) -> RuleReplay:
        kept = (_GPU if spec.subject == "gpu" else _HOST).get(spec.metric)
        if kept is None:
            return RuleReplay(times=0, targets=[], note="not_kept")
        tracks, gap = [], LONGEST_GAP
        seen = [] if spec.scope.agents else await self._database.read(lambda tx: agents.seen(tx, start, MOST + 1))
        for agent in spec.scope.agents or seen[:MOST]:
            asked = GpuHistoryQuery(
                agent=agent, gpus=spec.scope.gpus, metrics=[kept.metric], start=start, end=end, width=WIDTH
            )
            found = await self._history(who, asked)
            gap = max(gap, 2.0 * found.resolution)
            tracks += [_of_machine(found, series, kept, spec) for series in found.series]
        return await asyncio.to_thread(_replayed, spec, tracks, gap, is_more=len(seen) > MOST)

    async def _on_experiments(self, who: Identity, spec: RuleSpec, start: float, end: float) -> RuleReplay:
        def ask(tx: Connection) -> tuple[list[Track], bool]:
            found = alert_targets.newest(tx, who, spec.scope, MOST + 1)
            tracks = [track for one in found[:MOST] for track in _of_experiment(tx, one, spec, start, end)]
            return tracks, len(found) > MOST

        tracks, is_more = await self._database.read(ask)
        return await asyncio.to_thread(_replayed, spec, tracks, math.inf, is_more=is_more)

    async def _on_tasks(self, who: Identity, spec: RuleSpec, start: float, end: float) -> RuleReplay:
        def ask(tx: Connection) -> tuple[list[Track], bool]:
            found = alert_targets.past_tasks(tx, who, spec.scope, start, end, 10 * MOST + 1)
            tracks = [_of_task(tx, task, spec, end) for task in found[: 10 * MOST]]
            return [track for track in tracks if track], len(found) > 10 * MOST

        tracks, is_more = await self._database.read(ask)
        done = await asyncio.to_thread(_replayed, spec, tracks, math.inf, is_more=is_more)
        firing = [one for one in done.targets if one.fired]
        return RuleReplay(times=done.times, targets=firing[:MOST], note=done.note)


def _of_machine(history: GpuHistory, series: GpuSeries, kept: Kept, spec: RuleSpec) -> Track:
    values = series.max if spec.condition == "above" and kept.metric != "utilization" else series.mean
    points = [
        (at, None if not math.isfinite(value) else kept.of(value, series.limit))
        for at, value in zip(series.at, values, strict=True)
    ]
    return Track(machine_target(history, series.gpu), points)


def machine_target(history: GpuHistory, gpu: str) -> Target:
    """Return the target that a series of a history is of."""
    if not gpu:
        return Target(key=history.agent, label=history.host, agent=history.agent)
    names = {uuid: name.partition(" · ")[0] for uuid, name in history.names.items()}
    name = names.get(gpu, gpu)
    if list(names.values()).count(name) > 1:  # instances of one GPU
        name = f"{name} ({gpu[-6:]})"
    return Target(key=gpu, label=f"GPU {name} · {history.host}", agent=history.agent, gpu=gpu)


def _of_experiment(tx: Connection, one: Experiment, spec: RuleSpec, start: float, end: float) -> list[Track]:
    names = [spec.metric] if spec.metric not in ("", "*") else [one.loss] if one.loss else []
    if spec.metric == "*":
        names = alert_targets.metrics_of(tx, one.attempt_id, MOST)
    if not names:
        return []
    asked = CurveQuery(experiments=[one.uid], metrics=names, width=WIDTH, abandoned=False)
    if spec.condition not in IN_STEPS:
        asked = replace(asked, x="wall", start=start, end=end)
    curves = [curve for curve in metrics.query(tx, asked).curves if not curve.context and curve.columns.x]
    return [Track(experiment_target(one, curve.metric), _points(spec, curve.columns)) for curve in curves]


def _points(spec: RuleSpec, columns: Columns) -> list[tuple[float, float | None]]:
    odd = [sum(some) for some in zip(*filter(None, (columns.nan, columns.posinf, columns.neginf)), strict=True)]
    points = list(zip(columns.x, columns.last, strict=True))
    if spec.condition == "not_finite" and odd:
        return [(x, math.nan if bad else value) for (x, value), bad in zip(points, odd, strict=True)]
    return _gaps([x for x, _ in points]) if spec.condition == "silent" else [*points]


def _gaps(x: Sequence[float]) -> list[tuple[float, float | None]]:
    """Return for how long nothing had come, just before each point and at it."""
    pairs = ((at, (at - before, 0.0)) for before, at in pairwise(x))
    return [(at, value) for at, values in pairs for value in values]


def experiment_target(one: Experiment, metric: str) -> Target:
    """Return the target that a metric of an experiment is."""
    return Target(key=f"{one.uid}/{metric}", label=one.name, experiment=one.uid, project=one.project)


def task_target(task: Task, key: str = "") -> Target:
    """Return the target that a task is."""
    return Target(
        key=key or task.uid,
        label=task.name,
        agent=task.agent,
        task=task.uid,
        experiment=task.experiment,
        project=task.project,
    )


def _of_task(tx: Connection, task: Task, spec: RuleSpec, end: float) -> Track | None:
    target = task_target(task)
    if spec.condition == "failed":
        is_failed = task.state in alert_targets.FAILED and task.ended_at is not None
        return Track(target, [(task.ended_at or 0.0, 1.0)]) if is_failed else None
    if spec.condition == "waits":
        last = task.started_at or task.ended_at or end
        return Track(target, [(task.created_at, 0.0), *_rising(spec, task.created_at, last, 1.0), (last, 0.0)])
    usual = usual_duration(alert_targets.durations(tx, task, MOST))
    if task.started_at is None or not usual:
        return None
    last = task.ended_at or end
    return Track(target, [*_rising(spec, task.started_at, last, usual), (last, 0.0)])


def _rising(spec: RuleSpec, start: float, last: float, unit: float) -> Iterable[tuple[float, float]]:
    """Yield how far something had come whenever it passed a threshold, and at its end."""
    given = sorted(bound for bound in (spec.warning, spec.critical) if bound is not None)
    for bound in given:
        if start + bound * unit < last:
            yield start + bound * unit, math.nextafter(bound, math.inf)
    yield last, (last - start) / unit


def usual_duration(durations: Sequence[float]) -> float | None:
    """Return how long something usually took: the median; None if it never has."""
    known = sorted(durations)
    return known[len(known) // 2] if known else None


def _replayed(spec: RuleSpec, tracks: Sequence[Track], gap: float, *, is_more: bool = False) -> RuleReplay:
    done = [_of_track(spec, track, gap) for track in tracks]
    targets, times = [one for one, _ in done], sum(number for _, number in done)
    return RuleReplay(times=times, targets=targets, note="some" if is_more else "" if targets else "nothing")


def _of_track(spec: RuleSpec, track: Track, gap: float) -> tuple[Replayed, int]:
    """Return how a target would have fared, and how often the rule would have fired."""
    state, spans, values = RuleState(), _Spans(), []
    for x, value in track.points:
        state, told = step(spec, state, x, value, gap)
        values.append(math.nan if value is None else value)
        if told:
            spans.hear(x, told)
    moments = [point[0] for point in track.points]
    fired = spans.until(moments[-1] if moments else 0.0)
    return Replayed(target=track.target, x=moments, value=values, fired=fired), spans.times


class _Spans:
    """When something fired, and how badly."""

    def __init__(self) -> None:
        self._done: list[tuple[float, float, Severity]] = []
        self._open: tuple[float, Severity] | None = None
        self.times = 0

    def hear(self, x: float, told: Told) -> None:
        if told.kind == "reminded":
            return
        self._close(x)
        self.times += told.kind == "fired"
        self._open = None if told.kind == "resolved" else (x, told.severity)

    def _close(self, x: float) -> None:
        if self._open:
            self._done.append((self._open[0], x, self._open[1]))

    def until(self, x: float) -> list[tuple[float, float, Severity]]:
        self._close(x)
        return self._done
