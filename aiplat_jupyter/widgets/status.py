"""What a panel's status line says, and how curves are called."""

from collections import Counter
from collections.abc import Mapping, Sequence
from time import time
from typing import Any

from aiplat_jupyter.core.errors import AiplatError, Unavailable
from aiplat_jupyter.core.records import ExperimentRow
from aiplat_jupyter.core.states import EXPERIMENT, LIVE
from aiplat_jupyter.widgets import words
from aiplat_jupyter.widgets.series import Series


def status(rows: Mapping[str, ExperimentRow], total: int, series: Sequence[Series]) -> dict[str, Any]:
    """Return the state of the experiments together: live if one is."""
    live = [row for row in rows.values() if row.status in LIVE]
    ends = [row for row in rows.values() if row.status not in LIVE]
    if live:
        shown = _live(live, series)
    elif len(ends) == 1:
        shown = _ended(ends[0])
    elif ends:
        shown = {"kind": "all_ended", "icon": "✓", "at": max(row.ended_at or row.updated_at for row in ends)}
    else:
        shown = {"kind": "idle"}
    return shown | {"cut": [len(rows), total] if total > len(rows) else None}


def _live(live: list[ExperimentRow], series: Sequence[Series]) -> dict[str, Any]:
    walls = [each.summary.last_wall for each in series if each.summary.last_wall is not None]
    stopping = all(row.stop_requested for row in live)
    return {
        "kind": "live",
        "icon": EXPERIMENT["running"].icon,
        "age": max(0.0, time() - max(walls)) if walls else None,
        "stop": "stopping" if stopping else "stop",
        "running": len(live),
    }


def _ended(row: ExperimentRow) -> dict[str, Any]:
    return {
        "kind": "ended",
        "icon": EXPERIMENT[row.status].icon,
        "word": word(row.status),
        "at": row.ended_at or row.updated_at,
        "cause": row.cause,
    }


def failing(error: AiplatError, fresh_at: float | None) -> dict[str, Any]:
    """Return that what is shown stands since `fresh_at` (None: nothing is shown), and whether time may heal it."""
    if fresh_at is not None:
        return {"kind": "stale", "icon": "⚠", "at": fresh_at}
    return {"kind": "retrying", "icon": "⚠"} if isinstance(error, Unavailable) else {"kind": "idle"}


def word(status: str) -> str:
    """Return the key in `words` of an experiment's state."""
    return "status_failed" if status == "failed" else status


def names(series: Sequence[Series], rows: Mapping[str, ExperimentRow]) -> list[str]:
    """Return short names that tell the curves apart: by metric, by experiment, or by both."""
    many_experiments = len({each.experiment for each in series}) > 1
    many_metrics = len({each.metric for each in series}) > 1
    called = [_name(each, rows, many_experiments, many_metrics) for each in series]
    repeated = Counter(called)
    return [
        f"{name} ({each.experiment[-4:]})" if repeated[name] > 1 else name
        for name, each in zip(called, series, strict=True)
    ]


def _name(each: Series, rows: Mapping[str, ExperimentRow], by_experiment: bool, by_metric: bool) -> str:
    experiment = rows[each.experiment].name or each.experiment
    parts = [experiment] if by_experiment else []
    parts += [each.metric] if by_metric or not by_experiment else []
    return " · ".join([*parts, *([each.context] if each.context else [])])


def caption(rows: Mapping[str, ExperimentRow]) -> str:
    """Return which experiments they are and how they fare."""
    title = [next(iter(rows.values())).name] if len(rows) == 1 else []
    return " · ".join([*title, _states(rows)])


def _states(rows: Mapping[str, ExperimentRow]) -> str:
    states = Counter(row.status for row in rows.values())
    many = len(rows) > 1
    return ", ".join(f"{n} {words.say(word(state))}" if many else words.say(word(state)) for state, n in states.items())


def label(series: Sequence[Series]) -> str:
    """Return what the values are where the curves' names do not say it: the one metric of several experiments."""
    metrics = {each.metric for each in series}
    return metrics.pop() if len(metrics) == 1 and len({each.experiment for each in series}) > 1 else ""


def plain(kind: str, rows: Mapping[str, ExperimentRow], series: Sequence[Series], metrics: Sequence[str]) -> str:
    """Return the panel in a line of text."""
    lasts = [
        f"{name} {each.summary.last:.4g} @ {each.summary.last_step}"
        for name, each in zip(names(series, rows), series, strict=True)
        if each.summary.last is not None
    ]
    states = _states(rows)
    title = next(iter(rows.values())).name if len(rows) == 1 else ""
    body = "; ".join(part for part in (title, ", ".join(lasts[:8]) or ", ".join(metrics), states) if part)
    return f"{kind}({body})"
