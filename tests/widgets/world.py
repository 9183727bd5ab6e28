"""A server's world in memory: what panels see of one through its API, with the faults that a network brings."""

import itertools
import math
import queue
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
from msgspec.structs import replace

from aiplat_jupyter.client.api import Resync
from aiplat_jupyter.core.alerts import Alert, AlertQuery, Target
from aiplat_jupyter.core.curves import AbandonedTail, Columns, Curve, CurveAnswer, CurveQuery
from aiplat_jupyter.core.errors import AiplatError, InvalidInput, NotFound, Unavailable
from aiplat_jupyter.core.gpu import GpuHistory, GpuHistoryQuery, GpuQuery, GpuStatus
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery, TaskQuery
from aiplat_jupyter.core.records import Change, ExperimentRow, Page, Project, SeriesSummary
from aiplat_jupyter.core.states import LIVE
from aiplat_jupyter.core.tasks import Agent, Progress, TaskRow
from tests.widgets.machine import Machine

EPOCH = 1_750_000_000.0


class Run:
    """An experiment's row and its points."""

    def __init__(self, uid: str, name: str, project: str, status: str = "running") -> None:
        self.uid, self.name, self.project, self.status, self.cause = uid, name, project, status, ""
        self.points: dict[str, list[tuple[float, float, float]]] = {}
        self.tails: dict[str, list[tuple[float, float, float]]] = {}
        self.stop_requested = False
        self.updated = EPOCH

    def summary(self, metric: str) -> SeriesSummary:
        """Return what is known of one metric."""
        steps, values, walls = (np.array(column) for column in zip(*self.points[metric], strict=True))
        finite = values[np.isfinite(values)]
        return SeriesSummary(
            metric=metric,
            context=_context(metric),
            count=len(values),
            nan=int(np.isnan(values).sum()),
            last=float(values[-1]),
            last_step=int(steps[-1]),
            last_wall=float(walls[-1]),
            min=float(finite.min()) if finite.size else None,
            max=float(finite.max()) if finite.size else None,
        )

    def row(self) -> ExperimentRow:
        """Return the row that lists show."""
        headline = self.summary("loss") if self.points.get("loss") else None
        ended = None if self.status in LIVE else self.updated
        return ExperimentRow(
            uid=self.uid, name=self.name, project=f"p-{self.project}", project_name=self.project, owner="ada",
            status=self.status, lifecycle="active", cause=self.cause, base_model="", task_type="", tags=[],
            created_at=EPOCH, updated_at=self.updated, started_at=EPOCH, ended_at=ended, attempts=1,
            stop_requested=self.stop_requested, headline=headline, loss_value=headline.last if headline else None,
        )  # fmt: skip


def _context(metric: str) -> str:
    return "clock" if metric.startswith("system/") else ""


class World:
    """Experiments, and the streams of those who listen to what changes."""

    def __init__(self) -> None:
        self.runs: dict[str, Run] = {}
        self.tasks: dict[str, TaskRow] = {}
        self.machines: dict[str, Machine] = {}
        self.alerts: dict[str, Alert] = {}
        self.histories: list[GpuHistoryQuery] = []
        self.told: list[str] = []
        self.error: AiplatError | None = None
        self.asked: list[CurveQuery] = []
        self.listeners: list[Stream] = []
        self.opened = 0
        self.lock = threading.Lock()
        self.seq = 0

    def add(self, uid: str, name: str = "", project: str = "digits", status: str = "running") -> Run:
        """Add an experiment."""
        run = self.runs[uid] = Run(uid, name or uid, project, status)
        self.tell(uid, "created")
        return run

    def task(self, uid: str, state: str = "running", done: float | None = None, **more: Any) -> None:
        """Add a task, or change it."""
        progress = Progress(done=done, total=100) if done is not None else None
        ended = EPOCH + 9 if state in ("succeeded", "failed", "cancelled") else None
        started = None if state == "queued" else EPOCH + 1
        self.tasks[uid] = TaskRow(
            uid=uid, name=uid, project="p-digits", project_name="digits", owner="ada", kind="command", executor="local",
            agent="here", machine="box", state=state, lifecycle="active", priority=0, gpus=0, created_at=EPOCH,
            updated_at=EPOCH, started_at=started, ended_at=ended, attempts=1, attempt=f"{uid}-1", progress=progress,
            **more,
        )  # fmt: skip
        self.tell(uid, "status", topics=("tasks", f"task:{uid}"))

    def machine(self, name: str, **state: Any) -> Machine:
        """Add a machine, whose agent is called like it; the first one is the server's own."""
        made = self.machines[name] = Machine(name, is_own=not self.machines, **state)
        return made

    def sample(self, at: float | None = None) -> None:
        """Sample the server's own machine, and tell those who listen to it."""
        own = next(iter(self.machines.values()))
        own.read(at)
        with self.lock:
            for stream in self.listeners:
                if "gpu" in stream.topics:
                    stream.queue.put(own.status())

    def alert(self, uid: str, target: Target, subject: str = "gpu", **more: Any) -> None:
        """Let a rule fire, or change what it said."""
        plain = {"severity": "warning", "state": "firing", "fired_at": EPOCH, "updated_at": EPOCH, "rule": "r"}
        self.alerts[uid] = Alert(**{"uid": uid, "name": "mine", "target": target, "subject": subject, **plain, **more})
        self.tell(uid, "created", topics=("alerts",))

    def log(self, uid: str, metric: str, values: list[float], start: int | None = None) -> None:
        """Log points at consecutive steps."""
        points = self.runs[uid].points.setdefault(metric, [])
        first = len(points) if start is None else start
        points += [(first + i, value, time.time()) for i, value in enumerate(values)]
        self.runs[uid].updated = time.time()
        self.tell(uid, "points")

    def end(self, uid: str, status: str = "finished", cause: str = "") -> None:
        """End an experiment."""
        run = self.runs[uid]
        run.status, run.cause, run.updated = status, cause, time.time()
        self.tell(uid, "status")

    def tell(self, uid: str, kind: str, topics: tuple[str, ...] = ()) -> None:
        """Let listeners know."""
        self.seq += 1
        for topic in topics or ("experiments", f"experiment:{uid}"):
            change = Change(seq=self.seq, topic=topic, kind=kind, uid=uid, at=time.time())
            with self.lock:
                for stream in self.listeners:
                    if topic in stream.topics:
                        stream.queue.put(change)

    def cut(self) -> None:
        """Break every stream off."""
        with self.lock:
            for stream in self.listeners:
                stream.queue.put(None)

    def open(self) -> "FakeApi":
        """Return an API, as `connect` does."""
        if isinstance(self.error, Unavailable):
            raise self.error
        return FakeApi(self)


class Stream:
    """What `Api.changes` returns."""

    def __init__(self, world: World, topics: tuple[str, ...], after: int | None) -> None:
        self.topics, self.after = topics, after
        self.queue: queue.Queue[Change | GpuStatus | Resync | str | None] = queue.Queue()
        self._world = world

    def __iter__(self) -> Iterator[Change | GpuStatus | Resync]:
        with self._world.lock:
            self._world.listeners.append(self)
            self._world.opened += 1
        try:
            while (change := self.queue.get()) != "closed":
                if change is None:
                    raise Unavailable("The event stream broke off.")
                assert not isinstance(change, str)
                if not isinstance(change, GpuStatus):
                    self.after = change.after if isinstance(change, Resync) else change.seq
                yield change
        finally:
            with self._world.lock:
                self._world.listeners.remove(self)

    def close(self) -> None:
        """End the iteration."""
        self.queue.put("closed")


class FakeApi:
    """The methods of `Api` that panels use."""

    def __init__(self, world: World) -> None:
        self._world = world

    def _check(self) -> None:
        if self._world.error is not None:
            raise self._world.error

    def changes(self, topics: tuple[str, ...], after: int | None = None) -> Stream:
        self._check()
        return Stream(self._world, tuple(topics), after)

    def stop(self, uid: str) -> ExperimentRow:
        self._world.runs[uid].stop_requested = True
        self._world.tell(uid, "updated")
        return self.experiment(uid)

    def experiment(self, uid: str) -> ExperimentRow:
        self._check()
        if uid not in self._world.runs:
            raise NotFound(f"There is no experiment {uid}.")
        return self._world.runs[uid].row()

    def list_projects(self, query: ProjectQuery) -> Page[Project]:
        self._check()
        names = sorted({run.project for run in self._world.runs.values()})
        return _page([self._project(name) for name in names], query.limit, query.cursor)

    def _project(self, name: str) -> Project:
        statuses = [run.status for run in self._world.runs.values() if run.project == name]
        counts = {status: statuses.count(status) for status in statuses}
        return Project(
            uid=f"p-{name}", name=name, description="", status="active", owner="ada", role="owner",
            created_at=EPOCH, updated_at=EPOCH, experiments=counts,
        )  # fmt: skip

    def list_experiments(self, query: ExperimentQuery) -> Page[ExperimentRow]:
        self._check()
        if "<<" in query.q:
            raise InvalidInput("The condition << is not understood.", fields={"q": "a condition such as config.lr<1"})
        rows = [run.row() for run in self._world.runs.values()]
        found = [row for row in rows if query.q in row.name and (not query.project or row.project in query.project)]
        return _page(found, query.limit, query.cursor)

    def list_tasks(self, query: TaskQuery) -> Page[TaskRow]:
        self._check()
        wanted = [row for row in self._world.tasks.values() if row.state in query.state and query.q in row.name]
        shown = [row for row in wanted if not query.project or row.project in query.project]
        return _page(shown, query.limit, query.cursor)

    def list_alerts(self, query: AlertQuery) -> Page[Alert]:
        self._check()
        found = [
            alert for alert in self._world.alerts.values()
            if (not query.open or alert.state == "firing" or alert.acknowledged_at is None)
            and (not query.subject or alert.subject in query.subject)
            and (not query.experiment or alert.target.experiment in query.experiment)
            and query.task in ("", alert.target.task)
        ]  # fmt: skip
        return _page(found, query.limit, query.cursor)

    def acknowledge(self, uid: str) -> None:
        self._check()
        self._world.alerts[uid] = replace(self._world.alerts[uid], acknowledged_at=time.time())
        self._world.tell(uid, "updated", topics=("alerts",))

    def agents(self) -> list[Agent]:
        self._check()
        return [machine.agent() for machine in self._world.machines.values()]

    def gpu_status(self, query: GpuQuery) -> GpuStatus:
        self._check()
        return self._machine(query.agent).status()

    def gpu_history(self, query: GpuHistoryQuery) -> GpuHistory:
        self._check()
        self._world.histories.append(query)
        return self._machine(query.agent).history(query)

    def _machine(self, agent: str) -> Machine:
        return self._world.machines[agent] if agent else next(iter(self._world.machines.values()))

    def post(self, path: str, _type: type, _body: object = None) -> None:
        self._check()
        self._world.told.append(path)
        _, uid, verb = path.split("/")
        self._world.task(uid, "cancelled" if verb == "stop" else "queued")

    def summaries(self, uid: str) -> list[SeriesSummary]:
        self._check()
        run = self._world.runs[uid]
        return [run.summary(metric) for metric in run.points]

    def curves(self, query: CurveQuery) -> CurveAnswer:
        self._check()
        self._world.asked.append(query)
        known = int(query.cursor) if query.cursor else None
        runs = [self._world.runs[uid] for uid in query.experiments if uid in self._world.runs]
        pairs = [(run, metric) for run in runs for metric in query.metrics if metric in run.points]
        total = sum(len(run.points[metric]) for run, metric in pairs)
        return CurveAnswer(curves=[_curve(run, metric, query, known) for run, metric in pairs], cursor=str(total))


def _page(items: list, limit: int, cursor: str | None) -> Page:
    start = int(cursor or 0)
    rest = items[start : start + limit]
    more = str(start + limit) if start + limit < len(items) else None
    return Page(items=rest, next_cursor=more, total=len(items))


def _curve(run: Run, metric: str, query: CurveQuery, known: int | None) -> Curve:
    points = np.array(run.points[metric], float)
    x = {"step": points[:, 0], "wall": points[:, 2], "relative": points[:, 2] - points[0, 2]}.get(query.x, points[:, 0])
    low, high = query.start if query.start is not None else x.min(), query.end if query.end is not None else x.max()
    inside = (x >= low) & (x <= high)
    if query.x.startswith("metric:") and query.x.removeprefix("metric:") not in run.points:
        inside[:] = False
    delta = known is not None and inside.sum() <= query.width
    columns = _columns(x[inside], points[inside, 1], query)
    tails = run.tails.get(metric, [])
    return Curve(
        experiment=run.uid,
        metric=metric,
        context=_context(metric),
        columns=columns,
        shown=len(columns.x),
        total=int(inside.sum()),
        raw=len(columns.x) == inside.sum(),
        summary=run.summary(metric),
        x_extent=(float(x.min()), float(x.max())) if inside.any() else None,
        from_x=float(low) if delta else None,
        abandoned=[AbandonedTail(attempt="a1", columns=_columns(*np.array(tails).T[:2], query))] if tails else [],
    )


def _columns(x: np.ndarray, y: np.ndarray, query: CurveQuery) -> Columns:
    if len(x) <= query.width:
        edges = np.arange(len(x) + 1)
    else:
        edges = np.unique(np.searchsorted(x, np.linspace(x[0], x[-1], query.width + 1)[:-1]))
        edges = np.append(edges, len(x))
    parts = [y[a:b] for a, b in itertools.pairwise(edges)]
    finite = [part[np.isfinite(part)] for part in parts]
    smoothed = _ema(y, query.weight)
    return Columns(
        x=[float(x[b - 1]) for b in edges[1:]],
        first_x=[float(x[a]) for a in edges[:-1]],
        mean=[float(part.mean()) if part.size else math.nan for part in finite],
        min=[float(part.min()) if part.size else math.nan for part in finite],
        max=[float(part.max()) if part.size else math.nan for part in finite],
        last=[float(part[-1]) if part.size else math.nan for part in finite],
        count=[len(part) for part in parts],
        nan=[int(np.isnan(part).sum()) for part in parts],
        smooth=[float(smoothed[b - 1]) for b in edges[1:]] if query.smoothing != "none" else [],
    )


def _ema(values: np.ndarray, weight: float) -> np.ndarray:
    smoothed, state, debias = np.empty(len(values)), 0.0, 0.0
    for i, value in enumerate(values):
        if np.isfinite(value):
            state, debias = state * weight + (1 - weight) * value, debias * weight + (1 - weight)
        smoothed[i] = state / debias if debias else np.nan
    return smoothed
