"""Experiments to log to, and a slow, plain account of what their curves must be."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from sqlalchemy import Connection, insert, select, update

from aiplat_jupyter.core.curves import Columns
from aiplat_jupyter.store import metrics
from aiplat_jupyter.store.columns import Batch
from aiplat_jupyter.store.tables import AttemptRow, ExperimentRow, ProjectRow

Point = tuple[int, float, float]
"""Step, wall time, value."""


def experiment(tx: Connection, uid: str = "e") -> int:
    """Create an experiment; return the number of its first attempt."""
    times = {"created_at": 0.0, "updated_at": 0.0}
    project = insert(ProjectRow).values(uid=f"p-{uid}", name="p", owner="ada", **times)
    columns = {"name": uid, "owner": "ada", "tags": [], "config": {}, "summary": {}, "provenance": {}, **times}
    key = tx.execute(project).inserted_primary_key[0]
    number = tx.execute(insert(ExperimentRow).values(uid=uid, project_id=key, **columns)).inserted_primary_key[0]
    return _attempt(tx, number, f"{uid}-1", 1, None, None)


def child(tx: Connection, parent: int, from_step: int | None) -> int:
    """Open an attempt that goes on from `parent`."""
    row = tx.execute(select(AttemptRow.experiment_id).where(AttemptRow.id == parent)).one()
    count = len(tx.execute(select(AttemptRow.id).where(AttemptRow.experiment_id == row.experiment_id)).all())
    number = _attempt(tx, row.experiment_id, f"{row.experiment_id}-{count + 1}", count + 1, parent, from_step)
    metrics.inherit(tx, parent, number, from_step)
    return number


def _attempt(tx: Connection, experiment: int, uid: str, number: int, parent: int | None, from_step: int | None) -> int:
    columns = {"uid": uid, "experiment_id": experiment, "number": number, "started_at": 0.0}
    row = tx.execute(insert(AttemptRow).values(parent_id=parent, from_step=from_step, **columns))
    attempt = row.inserted_primary_key[0]
    tx.execute(update(ExperimentRow).where(ExperimentRow.id == experiment).values(attempt_id=attempt))
    return int(attempt)


def batch(keys: Sequence[str], step: Sequence[int], values: object, wall: object = None, at: object = None) -> Batch:
    """Return points as a commit has them."""
    steps = np.array(step, np.int64)
    value = np.array(values, np.float64).reshape(len(steps), len(keys))
    walls = 1.7e9 + np.arange(len(steps)) if wall is None else np.array(wall, np.float64)
    return Batch(tuple(keys), steps, walls, value, np.arange(len(steps)) if at is None else np.array(at))


@dataclass
class Attempt:
    """What one attempt logged of each (metric, context), in the order of arrival."""

    number: int
    parent: int | None = None
    from_step: int | None = None
    points: dict[tuple[str, str], list[Point]] = field(default_factory=dict)


@dataclass
class Account:
    """What curves must be, told without any of the store's code."""

    attempts: dict[int, Attempt] = field(default_factory=dict)

    def line(self, end: int, name: tuple[str, str]) -> list[Point]:
        """Return the drawn points in rising step."""
        drawn: dict[int, Point] = {}
        attempt = self.attempts[end]
        if attempt.parent is not None:
            cut = math.inf if attempt.from_step is None else attempt.from_step
            drawn = {point[0]: point for point in self.line(attempt.parent, name) if point[0] < cut}
        drawn |= {point[0]: point for point in attempt.points.get(name, [])}
        return [drawn[step] for step in sorted(drawn)]

    def left_behind(self, end: int, number: int, name: tuple[str, str]) -> list[Point]:
        """Return what an attempt logged that the line to `end` does not go along."""
        cuts: dict[int, float] = {}
        cut, at = math.inf, self.attempts.get(end)
        while at is not None:
            cuts[at.number] = cut
            cut = min(cut, math.inf if at.from_step is None else at.from_step)
            at = None if at.parent is None else self.attempts[at.parent]
        low = cuts.get(number, -math.inf)
        last = {point[0]: point for point in self.attempts[number].points.get(name, []) if point[0] >= low}
        return [last[step] for step in sorted(last)]


def buckets(x: Sequence[float], value: Sequence[float], start: float, end: float, width: int) -> list[dict[str, float]]:
    """Return the buckets of points in rising x, one by one."""
    inside = [(at, v) for at, v in zip(x, value, strict=True) if start <= at <= end]
    if len(inside) <= width:
        return [_bucket([point]) for point in inside]
    columns: dict[int, list[tuple[float, float]]] = {}
    for at, v in inside:
        column = 0 if end == start else min(math.floor((at - start) / (end - start) * width), width - 1)
        columns.setdefault(column, []).append((at, v))
    return [_bucket(columns[column]) for column in sorted(columns)]


def _bucket(points: list[tuple[float, float]]) -> dict[str, float]:
    values = [v for _, v in points]
    finite = [v for v in values if math.isfinite(v)] or [math.nan]
    return {
        "x": points[-1][0],
        "first_x": points[0][0],
        "mean": math.fsum(finite) / len(finite),
        "min": min(finite),
        "max": max(finite),
        "last": finite[-1],
        "count": len(values),
        "nan": sum(map(math.isnan, values)),
        "posinf": values.count(math.inf),
        "neginf": values.count(-math.inf),
    }


def same(columns: Columns, expected: list[dict[str, float]], within: float = 1e-9) -> None:
    """Assert that an answer's columns are these buckets."""
    for name in ("x", "first_x", "mean", "min", "max", "last", "count", "nan", "posinf", "neginf"):
        wanted = [bucket[name] for bucket in expected]
        found = getattr(columns, name) or [0] * len(wanted)
        np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=within, equal_nan=True, err_msg=name)
