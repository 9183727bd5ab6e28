"""Experiments: rows in, records out."""

import math
import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, bindparam, delete, func, insert, or_, select, update

from aiplat_jupyter.core.records import Experiment, Identity, SeriesSummary
from aiplat_jupyter.core.records import ExperimentRow as Listed
from aiplat_jupyter.core.states import ExperimentStatus, Lifecycle
from aiplat_jupyter.store import attempts, filters, finite, journals, metrics, projects
from aiplat_jupyter.store.rows import AnyRow, to_record
from aiplat_jupyter.store.tables import AttemptRow, ConfigValueRow, ExperimentRow, ProjectRow

UNREACHABLE_SECONDS: Final = 60.0
UNLIKE_LOSS: Final = 4
_UPDATED_SECONDS: Final = 10.0
"""Points that come all the time need not write the row and its index each time."""
_LISTED: Final = (
    ExperimentRow.id,
    ExperimentRow.uid,
    ExperimentRow.name,
    ExperimentRow.owner,
    ExperimentRow.status,
    ExperimentRow.lifecycle,
    ExperimentRow.cause,
    ExperimentRow.base_model,
    ExperimentRow.task_type,
    ExperimentRow.tags,
    ExperimentRow.created_at,
    ExperimentRow.updated_at,
    ExperimentRow.started_at,
    ExperimentRow.ended_at,
    ExperimentRow.stop_requested,
    ExperimentRow.attempt_id,
    ExperimentRow.headline.label("headline_name"),
    ProjectRow.uid.label("project"),
    ProjectRow.name.label("project_name"),
)

_NOTE: Final = (
    update(ExperimentRow)
    .where(ExperimentRow.id == bindparam("experiment"))
    .where(
        or_(
            ExperimentRow.updated_at < bindparam("before"), ExperimentRow.headline.is_distinct_from(bindparam("metric"))
        )
    )
    .values(headline=bindparam("metric"), updated_at=bindparam("now"))
)


class Found(NamedTuple):
    """An experiment that someone may see, with its project."""

    id: int
    uid: str
    name: str
    status: ExperimentStatus
    lifecycle: Lifecycle
    attempt_id: int | None
    headline: str | None
    stop_requested: bool
    project: projects.Found


def find(tx: Connection, who: Identity, uid: str) -> Found | None:
    """Return the experiment with this uid if `who` may see it."""
    columns: tuple[Any, ...] = (
        ExperimentRow.id,
        ExperimentRow.uid,
        ExperimentRow.name,
        ExperimentRow.status,
        ExperimentRow.lifecycle,
        ExperimentRow.attempt_id,
        ExperimentRow.headline,
        ExperimentRow.stop_requested,
        ExperimentRow.project_id,
    )
    row = tx.execute(select(*columns).where(ExperimentRow.uid == uid)).first()
    project = row and projects.find_by_id(tx, who, row.project_id)
    return Found._make([*row[:-1], project]) if row and project else None


def visible_uids(tx: Connection, who: Identity, uids: Sequence[str]) -> set[str]:
    """Return those of the experiments that `who` may see."""
    seen = select(ExperimentRow.uid).join(ProjectRow).where(ExperimentRow.uid.in_(uids), projects.visible(who))
    return set(tx.execute(seen).scalars())


def create(tx: Connection, uid: str, project_id: int, owner: str, at: float, values: dict[str, Any]) -> int:
    """Add an experiment that waits for its first attempt; return its row. `values` are further columns."""
    empty: dict[str, Any] = {"tags": [], "config": {}, "summary": {}, "provenance": {}, "stamps": {}}
    row = {"uid": uid, "project_id": project_id, "owner": owner, "created_at": at, "updated_at": time.time()}
    experiment_id = int(
        tx.execute(insert(ExperimentRow).returning(ExperimentRow.id), empty | values | row).scalar_one()
    )
    _index_config(tx, experiment_id, values.get("config", {}))
    return experiment_id


def change(tx: Connection, experiment_id: int, values: dict[str, Any]) -> None:
    """Set columns of an experiment."""
    tx.execute(update(ExperimentRow).where(ExperimentRow.id == experiment_id).values(**values, updated_at=time.time()))


def is_taken(tx: Connection, uid: str) -> bool:
    """Tell whether an experiment has this uid, visible or not."""
    return tx.execute(select(ExperimentRow.id).where(ExperimentRow.uid == uid)).first() is not None


def column_of(tx: Connection, experiment_id: int, name: str) -> Any:
    """Return what one column of an experiment holds."""
    column = ExperimentRow.__table__.c[name]
    return tx.execute(select(column).where(ExperimentRow.id == experiment_id)).scalar_one()


def note_points(tx: Connection, experiment_id: int, headline: str | None) -> None:
    """Note that points came, to within `_UPDATED_SECONDS`, and which metric lists show now."""
    now = time.time()
    row = {"experiment": experiment_id, "metric": headline, "now": now, "before": now - _UPDATED_SECONDS}
    tx.execute(_NOTE, row)


def merge(tx: Connection, experiment_id: int, column: str, entries: dict[str, Any]) -> dict[str, Any]:
    """Merge entries into ``config``, ``summary`` or ``provenance`` (None removes one), and return all of them."""
    known = column_of(tx, experiment_id, column)
    merged = {key: value for key, value in {**known, **entries}.items() if value is not None or key not in entries}
    change(tx, experiment_id, {column: merged})
    if column == "config":
        _index_config(tx, experiment_id, merged)
    return merged


def _index_config(tx: Connection, experiment_id: int, config: dict[str, Any]) -> None:
    tx.execute(delete(ConfigValueRow).where(ConfigValueRow.experiment_id == experiment_id))
    rows = [
        {"experiment_id": experiment_id, "key": key, "number": number, "text": text}
        for key, (number, text) in filters.flattened(config).items()
    ]
    if rows:
        tx.execute(insert(ConfigValueRow), rows)


def remove(tx: Connection, experiment_id: int) -> None:
    """Remove an experiment with everything of it that is left."""
    tx.execute(delete(ExperimentRow).where(ExperimentRow.id == experiment_id))


def of_project(tx: Connection, project_id: int) -> list[tuple[int, str]]:
    """Return rows and uids of all experiments of a project."""
    asked = select(ExperimentRow.id, ExperimentRow.uid).where(ExperimentRow.project_id == project_id)
    return [(row[0], row[1]) for row in tx.execute(asked)]


def likeness_to_loss(metric: str) -> int:
    """Return how little a metric's name looks like the training loss's: from 0, the loss itself, to `UNLIKE_LOSS`."""
    if metric == "loss":
        return 0
    if metric in ("train/loss", "train_loss", "training_loss", "train.loss"):
        return 1
    tail = metric.rpartition("/")[2]
    return 2 if tail == "loss" else 3 if "loss" in metric.lower() else UNLIKE_LOSS


def headline(known: str | None, fresh: Sequence[str]) -> str | None:
    """Return which metric lists show: the most loss-like, of equal ones the first logged."""
    return min(([known] if known else []) + list(fresh), key=likeness_to_loss, default=None)


def listed(tx: Connection, ids: Sequence[int], wanted: Sequence[str]) -> list[Listed]:
    """Return the records of rows in this order, with what lies in other tables asked for all of them at once."""
    found = {row.id: row for row in tx.execute(select(*_LISTED).join(ProjectRow).where(ExperimentRow.id.in_(ids)))}
    rows = [found[experiment_id] for experiment_id in ids]
    return [to_record(Listed, row, **more) for row, more in zip(rows, _details(tx, rows, wanted), strict=True)]


def _details(tx: Connection, rows: Sequence[AnyRow], wanted: Sequence[str]) -> list[dict[str, Any]]:
    current = [row.attempt_id for row in rows if row.attempt_id is not None]
    names = {row.headline_name for row in rows if row.headline_name} | set(wanted)
    summaries = metrics.summaries(tx, current, sorted(names)) if names else {}
    numbers = _attempts(tx, [row.id for row in rows])
    running = [row.attempt_id for row in rows if row.status == "running"]
    silent = journals.unheard(tx, running, time.time() - UNREACHABLE_SECONDS)
    return [
        {
            "attempts": numbers.get(row.id, 0),
            "unreachable": row.attempt_id in silent,
            **_shown(tx, row, summaries.get(row.attempt_id, []), wanted),
        }
        for row in rows
    ]


def _shown(tx: Connection, row: AnyRow, summaries: Sequence[SeriesSummary], wanted: Sequence[str]) -> dict[str, Any]:
    own = {summary.metric: summary for summary in summaries if not summary.context}
    shown = own.get(row.headline_name or "")
    is_loss = shown is not None and likeness_to_loss(shown.metric) < UNLIKE_LOSS
    return {
        "headline": shown,
        "loss_value": _last_finite(tx, row.attempt_id, shown) if shown and is_loss else None,
        "metrics": [own[name] for name in wanted if name in own],
    }


def _last_finite(tx: Connection, attempt_id: int, shown: SeriesSummary) -> float | None:
    if shown.last is not None and math.isfinite(shown.last):
        return shown.last
    return finite.last_finite(tx, attempt_id, shown.metric) if shown.count > shown.nan + shown.infinite else None


def _attempts(tx: Connection, experiment_ids: Sequence[int]) -> dict[int, int]:
    of_them = select(AttemptRow.experiment_id, func.count()).where(AttemptRow.experiment_id.in_(experiment_ids))
    return {row[0]: row[1] for row in tx.execute(of_them.group_by(AttemptRow.experiment_id))}


def record(tx: Connection, found: Found) -> Experiment:
    """Return an experiment with all that its page shows."""
    more = ExperimentRow.notes, ExperimentRow.config, ExperimentRow.summary, ExperimentRow.provenance
    row = tx.execute(
        select(*_LISTED, *more, AttemptRow.uid.label("attempt"))
        .join(ProjectRow)
        .outerjoin(AttemptRow, AttemptRow.id == ExperimentRow.attempt_id)
        .where(ExperimentRow.id == found.id)
    ).one()
    [details] = _details(tx, [row], [])
    lineage = attempts.lineage(tx, found.id)
    return to_record(Experiment, row, **details, lineage=lineage, role=found.project.role)
