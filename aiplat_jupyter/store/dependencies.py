"""What tasks wait for. A task comes after tasks that exist, so none waits in a circle."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select
from sqlalchemy.orm import aliased

from aiplat_jupyter.core.states import TASK_LIVE
from aiplat_jupyter.core.tasks import Condition, Dependency
from aiplat_jupyter.store.rows import to_record
from aiplat_jupyter.store.tables import TaskDependencyRow, TaskRow

Needed: Final = aliased(TaskRow)
_SUCCEEDED: Final = Needed.state == "succeeded"
_ENDED: Final = Needed.state.not_in(sorted(TASK_LIVE))
_FAILED: Final = and_(_ENDED, ~_SUCCEEDED)
_BROKEN: Final = or_(
    and_(TaskDependencyRow.condition == "ok", _FAILED), and_(TaskDependencyRow.condition == "failed", _SUCCEEDED)
)


def add(tx: Connection, task_id: int, needs: Iterable[tuple[int, Condition]]) -> None:
    """Let a task wait for others."""
    rows = [{"task_id": task_id, "needs_id": needed, "condition": condition} for needed, condition in needs]
    if rows:
        tx.execute(insert(TaskDependencyRow), rows)


def waits() -> ColumnElement[bool]:
    """Return the condition on `TaskRow` for tasks of which something that they need has not ended."""
    unmet = select(TaskDependencyRow.id).join(Needed, Needed.id == TaskDependencyRow.needs_id)
    return unmet.where(TaskDependencyRow.task_id == TaskRow.id, ~_ENDED).exists()


def awaited(tx: Connection, task_ids: Sequence[int]) -> dict[int, str]:
    """Return the name of the first task that each of these still waits for."""
    asked = (
        select(TaskDependencyRow.task_id, Needed.name)
        .join(Needed, Needed.id == TaskDependencyRow.needs_id)
        .where(TaskDependencyRow.task_id.in_(task_ids), ~_ENDED)
        .order_by(TaskDependencyRow.id.desc())
    )
    return {row[0]: row[1] for row in tx.execute(asked)}


def broken(tx: Connection, task_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Return those of the queued tasks that can never start, each with the name of what ended otherwise."""
    return _broken(tx, TaskRow.id.in_(task_ids))


def broken_by(tx: Connection, task_ids: Sequence[int]) -> list[tuple[int, str]]:
    """Return the queued tasks that can never start because of how these ended, each with the name of one."""
    return _broken(tx, TaskDependencyRow.needs_id.in_(task_ids))


def _broken(tx: Connection, which: ColumnElement[bool]) -> list[tuple[int, str]]:
    asked = (
        select(TaskRow.id, Needed.name)
        .join_from(TaskDependencyRow, TaskRow, TaskRow.id == TaskDependencyRow.task_id)
        .join(Needed, Needed.id == TaskDependencyRow.needs_id)
        .where(which, TaskRow.state == "queued", _BROKEN)
        .order_by(TaskDependencyRow.id)
    )
    return list({row[0]: (row[0], row[1]) for row in tx.execute(asked)}.values())


def of_task(tx: Connection, task_id: int) -> list[Dependency]:
    """Return what a task waits for, in the order given."""
    columns: tuple[Any, ...] = (
        Needed.uid.label("task"),
        Needed.name.label("name"),
        Needed.state.label("state"),
        TaskDependencyRow.condition.label("on"),
    )
    asked = select(*columns).join_from(TaskDependencyRow, Needed, Needed.id == TaskDependencyRow.needs_id)
    rows = tx.execute(asked.where(TaskDependencyRow.task_id == task_id).order_by(TaskDependencyRow.id))
    return [to_record(Dependency, row) for row in rows]
