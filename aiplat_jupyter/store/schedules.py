"""Schedules: rows in, records out."""

from typing import Any, Final, NamedTuple

from sqlalchemy import Connection, Select, delete, func, insert, or_, select, update

from aiplat_jupyter.core.queries import ScheduleQuery
from aiplat_jupyter.core.records import Identity, Page
from aiplat_jupyter.core.states import TASK_LIVE, Role
from aiplat_jupyter.core.tasks import Schedule, TaskSpec
from aiplat_jupyter.store import pages, projects
from aiplat_jupyter.store.rows import AnyRow, to_record
from aiplat_jupyter.store.tables import AgentRow, ProjectRow, ScheduleRow, TaskRow

_SORT: Final = "name"
_LAST_STATE: Final = select(TaskRow.state).where(TaskRow.uid == ScheduleRow.last_task).scalar_subquery()
_SHOWN: Final = (
    ScheduleRow.id,
    ScheduleRow.uid,
    ScheduleRow.name,
    ScheduleRow.owner,
    ScheduleRow.cron,
    ScheduleRow.timezone,
    ScheduleRow.misfire,
    ScheduleRow.overlap,
    ScheduleRow.is_enabled,
    ScheduleRow.task,
    ScheduleRow.created_at,
    ScheduleRow.next_at,
    ScheduleRow.last_at,
    ScheduleRow.last_task,
    _LAST_STATE.label("last_state"),
    ScheduleRow.problem,
    ScheduleRow.project_id,
    ProjectRow.uid.label("project"),
    ProjectRow.name.label("project_name"),
    AgentRow.uid.label("agent"),
)


class Found(NamedTuple):
    """A schedule that someone may see, with its project."""

    id: int
    uid: str
    project: projects.Found


class Due(NamedTuple):
    """A schedule whose time has come, or is to be told anew."""

    id: int
    uid: str
    owner: str
    project: str
    """The project's present name."""
    project_uid: str
    cron: str
    timezone: str
    misfire: str
    overlap: str
    task: dict[str, Any]
    next_at: float
    is_last_running: bool


def find(tx: Connection, who: Identity, uid: str) -> Found | None:
    """Return the schedule with this uid if `who` may see it."""
    row = tx.execute(select(ScheduleRow.id, ScheduleRow.project_id).where(ScheduleRow.uid == uid)).first()
    project = row and projects.find_by_id(tx, who, row.project_id)
    return Found(row.id, uid, project) if row and project else None


def is_taken(tx: Connection, uid: str) -> bool:
    """Tell whether a schedule has this uid, visible or not."""
    return tx.execute(select(ScheduleRow.id).where(ScheduleRow.uid == uid)).first() is not None


def create(tx: Connection, project_id: int, agent: str, values: dict[str, Any]) -> None:
    """Add a schedule of the agent with this uid; `values` are its other columns."""
    agent_id = select(AgentRow.id).where(AgentRow.uid == agent).scalar_subquery()
    tx.execute(insert(ScheduleRow).values(project_id=project_id, agent_id=agent_id, **values))


def change(tx: Connection, schedule_id: int, values: dict[str, Any]) -> None:
    """Set columns of a schedule."""
    tx.execute(update(ScheduleRow).where(ScheduleRow.id == schedule_id).values(**values))


def remove(tx: Connection, schedule_id: int) -> None:
    """Remove a schedule; its tasks stay."""
    tx.execute(delete(ScheduleRow).where(ScheduleRow.id == schedule_id))


def record(tx: Connection, found: Found) -> Schedule:
    """Return a schedule as the world sees it."""
    return _record(tx.execute(_shown().where(ScheduleRow.id == found.id)).one(), found.project.role)


def task_of(tx: Connection, found: Found) -> dict[str, Any]:
    """Return what a schedule queues, as it was given."""
    task: dict[str, Any] = tx.execute(select(ScheduleRow.task).where(ScheduleRow.id == found.id)).scalar_one()
    return task


def page(tx: Connection, who: Identity, query: ScheduleQuery) -> Page[Schedule]:
    """Return a page of what `who` may see, by name."""
    keys = [pages.Key(func.lower(ScheduleRow.name), False), pages.Key(ScheduleRow.id, False)]
    conditions = [projects.visible(who), ProjectRow.status == "active"]
    if query.project:
        conditions.append(ProjectRow.uid.in_(query.project))
    asked = _shown(keys[0].column.label("key")).where(*conditions).order_by(*pages.order(keys))
    if query.cursor:
        asked = asked.where(pages.after(keys, query.cursor, _SORT))
    limit = pages.checked_limit(query.limit)
    rows = tx.execute(asked.limit(limit + 1)).all()
    more = len(rows) > limit
    return Page(
        items=[_record(row, projects.role(tx, who, row.project_id) or "viewer") for row in rows[:limit]],
        next_cursor=pages.encode([rows[limit - 1].key, rows[limit - 1].id], _SORT) if more else None,
        total=_total(tx, conditions) if query.count else None,
    )


def due(tx: Connection, agent: str, now: float, limit: int) -> list[Due]:
    """Return schedules of the agent with this uid whose time has come, the longest due first.

    Of one that was last due later than `now` the clock was set back since: its next time is to be told anew.
    """
    last = select(TaskRow.id).where(TaskRow.uid == ScheduleRow.last_task, TaskRow.state.in_(TASK_LIVE)).exists()
    columns: tuple[Any, ...] = (
        ScheduleRow.id,
        ScheduleRow.uid,
        ScheduleRow.owner,
        ProjectRow.name,
        ProjectRow.uid,
        ScheduleRow.cron,
        ScheduleRow.timezone,
        ScheduleRow.misfire,
        ScheduleRow.overlap,
        ScheduleRow.task,
        ScheduleRow.next_at,
        last,
    )
    asked = select(*columns).join_from(ScheduleRow, ProjectRow).join(AgentRow, AgentRow.id == ScheduleRow.agent_id)
    is_ripe = or_(ScheduleRow.next_at <= now, ScheduleRow.last_at > now)
    ripe = AgentRow.uid == agent, ScheduleRow.is_enabled, is_ripe, ProjectRow.status == "active"
    return [Due._make(row) for row in tx.execute(asked.where(*ripe).order_by(ScheduleRow.next_at).limit(limit))]


def is_due_at(tx: Connection, due: Due) -> bool:
    """Tell whether a schedule still has the time at which it was due."""
    same = ScheduleRow.id == due.id, ScheduleRow.next_at == due.next_at
    return tx.execute(select(ScheduleRow.id).where(*same)).first() is not None


def _shown(*more: Any) -> Select[Any]:
    joined = select(*_SHOWN, *more).join_from(ScheduleRow, ProjectRow)
    return joined.join(AgentRow, AgentRow.id == ScheduleRow.agent_id)


def _total(tx: Connection, conditions: list[Any]) -> int:
    counted = select(func.count()).select_from(ScheduleRow).join(ProjectRow).where(*conditions)
    return tx.execute(counted).scalar_one()


def _record(row: AnyRow, role: Role) -> Schedule:
    known = {field: row.task[field] for field in TaskSpec.__struct_fields__ if field in row.task}
    named = {"task_name": row.task["name"], "priority": row.task["priority"]}
    return to_record(Schedule, row, task=known, role=role, **named)
