"""Tasks: rows in, records out."""

import time
from collections.abc import Sequence
from typing import Any, Final, Literal, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, case, delete, func, insert, or_, select, update

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.queries import TaskQuery
from aiplat_jupyter.core.records import Identity, Page
from aiplat_jupyter.core.states import TASK_LIVE, Lifecycle, TaskState
from aiplat_jupyter.core.tasks import LogFacts, Progress, Task, TaskKind, TaskSpec
from aiplat_jupyter.core.tasks import TaskRow as Listed
from aiplat_jupyter.store import agents, dependencies, pages, projects, task_attempts
from aiplat_jupyter.store.rows import AnyRow, to_record
from aiplat_jupyter.store.tables import AgentRow, ExperimentRow, ProjectRow, ScheduleRow, TaskAttemptRow, TaskRow

_MAX_Q: Final = 2_000
_MAX_VALUES: Final = 100
_TURN: Final = case((TaskRow.state.in_(agents.TAKING), 0), (TaskRow.state == "queued", 1), else_=2)
_SORTS: Final[dict[str, list[pages.Key]]] = {
    "created": [pages.Key(TaskRow.created_at, False)],
    "updated": [pages.Key(TaskRow.updated_at, False)],
    "started": [pages.Key(TaskRow.started_at, False, True)],
    "ended": [pages.Key(TaskRow.ended_at, False, True)],
    "name": [pages.Key(func.lower(TaskRow.name), False)],
    "state": [pages.Key(TaskRow.state, False)],
    "queue": [pages.Key(_TURN, False), pages.Key(TaskRow.priority, True), pages.Key(TaskRow.place, True)],
}
_LISTED: Final = (
    TaskRow.id,
    TaskRow.uid,
    TaskRow.name,
    TaskRow.owner,
    TaskRow.kind,
    TaskRow.executor,
    TaskRow.state,
    TaskRow.reason,
    TaskRow.detail,
    TaskRow.lifecycle,
    TaskRow.priority,
    TaskRow.gpus,
    TaskRow.created_at,
    TaskRow.updated_at,
    TaskRow.started_at,
    TaskRow.ended_at,
    TaskRow.attempts,
    TaskRow.progress,
    TaskRow.experiment,
    TaskRow.stop_requested,
    ProjectRow.uid.label("project"),
    ProjectRow.name.label("project_name"),
    AgentRow.uid.label("agent"),
    AgentRow.machine,
    AgentRow.lease_until,
    AgentRow.seen_at,
    TaskAttemptRow.uid.label("attempt"),
    TaskAttemptRow.exit_code,
    TaskAttemptRow.signal,
    TaskAttemptRow.log,
    ExperimentRow.name.label("experiment_name"),
    ScheduleRow.uid.label("schedule"),
)
_RANKS: Final = {"journal": 2, "executor": 1, "log": 0}


class Found(NamedTuple):
    """A task that someone may see, with its project."""

    id: int
    uid: str
    name: str
    kind: TaskKind
    state: TaskState
    lifecycle: Lifecycle
    executor: str
    agent_id: int
    attempt_id: int
    attempts: int
    priority: int
    stop_requested: int
    experiment: str | None
    project: projects.Found


class Logging(NamedTuple):
    """A live task that logs an experiment."""

    id: int
    kind: TaskKind
    attempt_id: int


class Past(NamedTuple):
    """What a task has behind it."""

    attempts: int
    stop_requested: int


_FOUND: Final = tuple(TaskRow.__table__.c[name] for name in Found._fields[:-1])


def find(tx: Connection, who: Identity, uid: str) -> Found | None:
    """Return the task with this uid if `who` may see it."""
    row = tx.execute(select(*_FOUND, TaskRow.project_id).where(TaskRow.uid == uid)).first()
    project = row and projects.find_by_id(tx, who, row.project_id)
    return Found._make([*row[:-1], project]) if row and project else None


def is_taken(tx: Connection, uid: str) -> bool:
    """Tell whether a task has this uid, visible or not."""
    return tx.execute(select(TaskRow.id).where(TaskRow.uid == uid)).first() is not None


def create(tx: Connection, project_id: int, agent_id: int, spec: TaskSpec, **values: Any) -> int:
    """Add a task that has no attempt yet, at the end of the queue; return its row. `values` are further columns."""
    now = time.time()
    known = {name: getattr(spec, name) for name in TaskSpec.__struct_fields__}
    row: dict[str, Any] = {"project_id": project_id, "agent_id": agent_id, "spec": msgspec.to_builtins(known)}
    row |= {"kind": spec.kind, "gpus": spec.gpus, "slots": spec.slots, "place": -now}
    row |= {"created_at": now, "updated_at": now, **values}
    return int(tx.execute(insert(TaskRow).returning(TaskRow.id), row).scalar_one())


def change(tx: Connection, task_id: int, values: dict[str, Any]) -> None:
    """Set columns of a task."""
    tx.execute(update(TaskRow).where(TaskRow.id == task_id).values(**values, updated_at=time.time()))


def uid_of(tx: Connection, task_id: int) -> str:
    """Return the uid of a task."""
    return tx.execute(select(TaskRow.uid).where(TaskRow.id == task_id)).scalar_one()


def spec_of(tx: Connection, task_id: int) -> TaskSpec:
    """Return what a task runs, with nothing masked."""
    return msgspec.convert(tx.execute(select(TaskRow.spec).where(TaskRow.id == task_id)).scalar_one(), TaskSpec)


def remove(tx: Connection, task_id: int) -> None:
    """Remove a task with its attempts."""
    tx.execute(delete(TaskRow).where(TaskRow.id == task_id))


def names(tx: Connection, task_ids: Sequence[int]) -> list[tuple[str, str]]:
    """Return uid and project (uid) of tasks."""
    asked = select(TaskRow.uid, ProjectRow.uid).join(ProjectRow).where(TaskRow.id.in_(task_ids))
    return [(row[0], row[1]) for row in tx.execute(asked)]


def past(tx: Connection, task_id: int) -> Past:
    """Return what a task has behind it."""
    asked = select(TaskRow.attempts, TaskRow.stop_requested).where(TaskRow.id == task_id)
    return Past._make(tx.execute(asked).one())


def of_project(tx: Connection, project_id: int) -> list[tuple[str, list[str]]]:
    """Return the uids of all tasks of a project, each with the folders of its attempts."""
    asked = select(TaskRow.uid, TaskAttemptRow.directory).join(TaskAttemptRow, TaskAttemptRow.task_id == TaskRow.id)
    found: dict[str, list[str]] = {}
    for uid, directory in tx.execute(asked.where(TaskRow.project_id == project_id)):
        found.setdefault(uid, []).append(directory)
    return list(found.items())


def count_live(tx: Connection, project_id: int) -> int:
    """Return how many tasks of a project wait or run; notebooks that someone runs by hand do not count."""
    live = TaskRow.project_id == project_id, TaskRow.state.in_(TASK_LIVE), TaskRow.kind != "notebook-live"
    return tx.execute(select(func.count()).where(*live)).scalar_one()


def logging(tx: Connection, experiment: str) -> Logging | None:
    """Return the newest live task that logs an experiment."""
    asked = select(TaskRow.id, TaskRow.kind, TaskRow.attempt_id)
    live = TaskRow.experiment == experiment, TaskRow.state.in_(TASK_LIVE)
    row = tx.execute(asked.where(*live).order_by(TaskRow.id.desc()).limit(1)).first()
    return None if row is None else Logging._make(row)


def note_progress(tx: Connection, task_id: int, progress: Progress, by: Literal["journal", "executor", "log"]) -> bool:
    """Keep how far a task is; tell whether that is news. What the program itself says counts before what is guessed."""
    known = tx.execute(select(TaskRow.progress).where(TaskRow.id == task_id)).scalar() or {}
    fresh = {**msgspec.to_builtins(progress), "by": by}
    if fresh == known or _RANKS[by] < _RANKS[known.get("by", "log")]:
        return False
    change(tx, task_id, {"progress": fresh})
    return True


def put_before(tx: Connection, found: Found, other: Found) -> None:
    """Let a queued task start before another one of the same agent, with its priority."""
    place = tx.execute(select(TaskRow.place).where(TaskRow.id == other.id)).scalar_one()
    queued = TaskRow.agent_id == found.agent_id, TaskRow.state == "queued", TaskRow.priority == other.priority
    ahead = and_(*queued, TaskRow.place > place, TaskRow.id != found.id)
    last = tx.execute(select(func.min(TaskRow.place)).where(ahead)).scalar()
    between = place + 1.0 if last is None else (last + place) / 2
    if last is not None and not place < between < last:
        tx.execute(update(TaskRow).where(ahead).values(place=TaskRow.place + 1.0))
        between = place + 0.5
    change(tx, found.id, {"place": between, "priority": other.priority})


def page(tx: Connection, who: Identity, query: TaskQuery) -> Page[Listed]:
    """Return a page of what `who` may see: row numbers are sorted first, then only the page's rows are read."""
    keys = _keys(query.sort)
    limit = pages.checked_limit(query.limit)
    columns: list[Any] = [key.column.label(f"key_{number}") for number, key in enumerate(keys)]
    asked = select(TaskRow.id, *columns).join(ProjectRow).where(*_conditions(who, query)).order_by(*pages.order(keys))
    if query.cursor:
        asked = asked.where(pages.after(keys, query.cursor, query.sort))
    found = tx.execute(asked.limit(limit + 1)).all()
    return Page(
        items=_listed(tx, [row[0] for row in found[:limit]]),
        next_cursor=pages.encode(found[limit - 1][1:], query.sort) if len(found) > limit else None,
        total=sum(counts(tx, who, query).values()) if query.count else None,
    )


def counts(tx: Connection, who: Identity, query: TaskQuery) -> dict[TaskState, int]:
    """Return how many of the tasks that match `query` are in each state."""
    asked = select(TaskRow.state, func.count()).join(ProjectRow).where(*_conditions(who, query))
    return {state: count for state, count in tx.execute(asked.group_by(TaskRow.state))}  # type: ignore[misc]  # noqa: C416  typed


def _keys(sort: str) -> list[pages.Key]:
    field, down = pages.split(sort)
    if field not in _SORTS:
        raise pages.unknown_sort(sort, ", ".join(_SORTS))
    keys = [*_SORTS[field], pages.Key(TaskRow.id, False)]
    return [key._replace(descending=key.descending != down) for key in keys]


def _conditions(who: Identity, query: TaskQuery) -> list[ColumnElement[bool]]:
    lists = {name: getattr(query, name) for name in ("project", "state", "kind", "owner", "agent")}
    if long := {name: f"at most {_MAX_VALUES}" for name, values in lists.items() if len(values) > _MAX_VALUES}:
        raise InvalidInput("The list is asked for too much at once.", fields=long)
    if len(query.q) > _MAX_Q:
        raise InvalidInput("The search is too long.", fields={"q": f"at most {_MAX_Q} characters"})
    columns = (ProjectRow.uid, TaskRow.state, TaskRow.kind, TaskRow.owner)
    found = [column.in_(values) for column, values in zip(columns, lists.values(), strict=False) if values]
    return [projects.visible(who), *found, *_elsewhere(query), *_put_away(query), *map(_word, query.q.split())]


def _elsewhere(query: TaskQuery) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if query.agent:
        found.append(TaskRow.agent_id.in_(select(AgentRow.id).where(AgentRow.uid.in_(query.agent))))
    if query.schedule:
        found.append(TaskRow.schedule_id.in_(select(ScheduleRow.id).where(ScheduleRow.uid == query.schedule)))
    if query.experiment:
        found.append(TaskRow.experiment == query.experiment)
    return found


def _put_away(query: TaskQuery) -> list[ColumnElement[bool]]:
    """Leave out what lies in projects that are put away, unless such a project is asked for by name."""
    kept = [] if query.project else [ProjectRow.status == "active" if query.lifecycle == "active" else _KEPT]
    return [TaskRow.lifecycle == query.lifecycle, *kept]


_KEPT: Final = ProjectRow.status != "trashed"


def _word(word: str) -> ColumnElement[bool]:
    programs = [TaskRow.spec[name].as_string() for name in ("command", "script", "args", "notebook")]
    columns = [TaskRow.name, ProjectRow.name, *programs]
    return or_(TaskRow.uid == word, *(column.icontains(word, autoescape=True) for column in columns))


def _joined(*more: Any) -> Select[Any]:
    joined = select(*_LISTED, *more).join_from(TaskRow, ProjectRow, ProjectRow.id == TaskRow.project_id)
    joined = joined.join(AgentRow, AgentRow.id == TaskRow.agent_id)
    joined = joined.join(TaskAttemptRow, TaskAttemptRow.id == TaskRow.attempt_id)
    joined = joined.outerjoin(ExperimentRow, ExperimentRow.uid == TaskRow.experiment)
    return joined.outerjoin(ScheduleRow, ScheduleRow.id == TaskRow.schedule_id)


def _listed(tx: Connection, ids: Sequence[int]) -> list[Listed]:
    found = {row.id: row for row in tx.execute(_joined().where(TaskRow.id.in_(ids)))}
    return [to_record(Listed, found[task_id], **_details(found[task_id])) for task_id in ids]


def _details(row: AnyRow) -> dict[str, Any]:
    """Return what follows from several columns: a task that waits for a server, or runs where none looks."""
    log = msgspec.convert(row.log, LogFacts)
    shown = {"stop_requested": bool(row.stop_requested), "log": log, "unreachable": False}
    if row.state == "queued" and not agents.is_alive(row.lease_until):
        return {**shown, "reason": "no_agent", "detail": row.machine}
    if row.state in agents.TAKING:
        shown["unreachable"] = agents.is_unreachable(row.seen_at)
    return shown


def record(tx: Connection, found: Found) -> Task:
    """Return a task with all that its page shows, nothing masked."""
    row = tx.execute(_joined(TaskRow.spec).where(TaskRow.id == found.id)).one()
    more = {"after": dependencies.of_task(tx, found.id), "lineage": task_attempts.lineage(tx, found.id)}
    return to_record(Task, row, **_details(row), **more, role=found.project.role)
