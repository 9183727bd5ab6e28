"""Projects and their members: rows in, records out."""

import time
from collections.abc import Collection, Iterable
from typing import Any, NamedTuple, cast

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    insert,
    literal,
    or_,
    select,
    true,
    update,
)

from aiplat_jupyter.core.queries import ProjectQuery
from aiplat_jupyter.core.records import Identity, Member, Page, Project
from aiplat_jupyter.core.states import Lifecycle, Role
from aiplat_jupyter.store import pages
from aiplat_jupyter.store.rows import AnyRow, to_record
from aiplat_jupyter.store.tables import ExperimentRow, MemberRow, ProjectRow

_SORTS = {"name": func.lower(ProjectRow.name), "created": ProjectRow.created_at, "updated": ProjectRow.updated_at}
_COLUMNS = (
    ProjectRow.id,
    ProjectRow.uid,
    ProjectRow.name,
    ProjectRow.description,
    ProjectRow.status,
    ProjectRow.owner,
    ProjectRow.created_at,
    ProjectRow.updated_at,
)
_ROLE = select(MemberRow.role).where(
    MemberRow.project_id == bindparam("project"), MemberRow.username == bindparam("name")
)


class Found(NamedTuple):
    """A project that someone may see, and the part they have in it."""

    id: int
    uid: str
    name: str
    status: Lifecycle
    owner: str
    role: Role


def visible(who: Identity) -> ColumnElement[bool]:
    """Return the condition on `ProjectRow` for what `who` may see."""
    if who.is_admin:
        return true()
    is_member = MemberRow.project_id == ProjectRow.id, MemberRow.username == who.username
    # Not `in_`: SQLite would go from the projects to all that is in them, however much better another way is.
    return select(literal(1)).where(*is_member).correlate(ProjectRow).exists()


def _with_role(who: Identity, *columns: Any) -> Select[Any]:
    role = literal("owner") if who.is_admin else MemberRow.role
    asked = select(*columns, role.label("role"))
    if who.is_admin:
        return asked
    return asked.join(MemberRow, and_(MemberRow.project_id == ProjectRow.id, MemberRow.username == who.username))


def visible_uids(tx: Connection, who: Identity, uids: Collection[str]) -> set[str]:
    """Return those of the projects that `who` may see."""
    return set(tx.execute(select(ProjectRow.uid).where(ProjectRow.uid.in_(uids), visible(who))).scalars())


def uids_of(tx: Connection, username: str) -> set[str]:
    """Return the projects that someone is a member of."""
    joined = select(ProjectRow.uid).join(MemberRow, MemberRow.project_id == ProjectRow.id)
    return set(tx.execute(joined.where(MemberRow.username == username)).scalars())


def find(tx: Connection, who: Identity, uid: str) -> Found | None:
    """Return the project with this uid if `who` may see it."""
    return _found(tx.execute(_with_role(who, *_COLUMNS).where(ProjectRow.uid == uid)).first())


def is_taken(tx: Connection, uid: str) -> bool:
    """Tell whether a project has this uid, visible or not."""
    return tx.execute(select(ProjectRow.id).where(ProjectRow.uid == uid)).first() is not None


def role(tx: Connection, who: Identity, project_id: int) -> Role | None:
    """Return the part that `who` has in a project; None for those who may not see it."""
    if who.is_admin:
        return "owner"
    found = tx.execute(_ROLE, {"project": project_id, "name": who.username}).scalar()
    return cast("Role | None", found)


def find_by_id(tx: Connection, who: Identity, project_id: int) -> Found | None:
    """Return a project by its row if `who` may see it."""
    return _found(tx.execute(_with_role(who, *_COLUMNS).where(ProjectRow.id == project_id)).first())


def find_writable(tx: Connection, who: Identity, name: str) -> Found | None:
    """Return the project of this name that `who` writes into: their own one before the oldest that they may edit."""
    asked = _with_role(who, *_COLUMNS).where(ProjectRow.name == name, ProjectRow.status != "trashed")
    if not who.is_admin:
        asked = asked.where(MemberRow.role != "viewer")
    return _found(tx.execute(asked.order_by(ProjectRow.owner != who.username, ProjectRow.id).limit(1)).first())


def _found(row: AnyRow | None) -> Found | None:
    return None if row is None else Found(row.id, row.uid, row.name, row.status, row.owner, row.role)


def is_name_taken(tx: Connection, owner: str, name: str, but: int | None = None) -> bool:
    """Tell whether the owner has a project of this name that is not in the trash (another one than the row `but`)."""
    same = ProjectRow.owner == owner, ProjectRow.name == name, ProjectRow.status != "trashed"
    return tx.execute(select(ProjectRow.id).where(*same, ProjectRow.id != (but or 0)).limit(1)).first() is not None


def create(tx: Connection, uid: str, name: str, description: str, owner: str) -> int:
    """Add a project and make its owner a member; return its row."""
    now = time.time()
    row = {"uid": uid, "name": name, "description": description, "owner": owner, "created_at": now, "updated_at": now}
    project_id = int(tx.execute(insert(ProjectRow).returning(ProjectRow.id), row).scalar_one())
    set_member(tx, project_id, owner, "owner")
    return project_id


def change(tx: Connection, project_id: int, values: dict[str, Any]) -> None:
    """Set columns of a project."""
    tx.execute(update(ProjectRow).where(ProjectRow.id == project_id).values(**values, updated_at=time.time()))


def remove(tx: Connection, project_id: int) -> None:
    """Remove a project with everything in it that is left."""
    tx.execute(delete(ProjectRow).where(ProjectRow.id == project_id))


def record(tx: Connection, who: Identity, project_id: int) -> Project:
    """Return a project as the world sees it."""
    row = tx.execute(_with_role(who, *_COLUMNS).where(ProjectRow.id == project_id)).one()
    return to_record(Project, row, experiments=_counts(tx, [project_id]).get(project_id, {}))


def _counts(tx: Connection, project_ids: Iterable[int]) -> dict[int, dict[str, int]]:
    grouped = ExperimentRow.project_id, ExperimentRow.status
    active = ExperimentRow.project_id.in_(list(project_ids)), ExperimentRow.lifecycle == "active"
    counts: dict[int, dict[str, int]] = {}
    for project_id, status, count in tx.execute(select(*grouped, func.count()).where(*active).group_by(*grouped)):
        counts.setdefault(project_id, {})[status] = count
    return counts


def page(tx: Connection, who: Identity, query: ProjectQuery) -> Page[Project]:
    """Return a page of what `who` may see."""
    field, down = pages.split(query.sort)
    if field not in _SORTS:
        raise pages.unknown_sort(query.sort, ", ".join(_SORTS))
    keys = [pages.Key(_SORTS[field], down), pages.Key(ProjectRow.id, down)]
    conditions = [ProjectRow.status == query.status, *_words(query.q)]
    limit = pages.checked_limit(query.limit)
    asked = _with_role(who, *_COLUMNS, keys[0].column.label("key")).where(*conditions).order_by(*pages.order(keys))
    if query.cursor:
        asked = asked.where(pages.after(keys, query.cursor, query.sort))
    rows = tx.execute(asked.limit(limit + 1)).all()
    counts = _counts(tx, [row.id for row in rows[:limit]])
    return Page(
        items=[to_record(Project, row, experiments=counts.get(row.id, {})) for row in rows[:limit]],
        next_cursor=pages.encode([rows[limit - 1].key, rows[limit - 1].id], query.sort) if len(rows) > limit else None,
        total=_total(tx, who, conditions) if query.count else None,
    )


def _words(q: str) -> list[ColumnElement[bool]]:
    columns = ProjectRow.name, ProjectRow.description
    return [or_(*(column.icontains(word, autoescape=True) for column in columns)) for word in q.split()]


def _total(tx: Connection, who: Identity, conditions: list[ColumnElement[bool]]) -> int:
    return tx.execute(select(func.count()).select_from(ProjectRow).where(visible(who), *conditions)).scalar_one()


def members(tx: Connection, project_id: int) -> list[Member]:
    """Return who belongs to a project, by name."""
    asked = select(MemberRow.username, MemberRow.role).where(MemberRow.project_id == project_id)
    return [to_record(Member, row) for row in tx.execute(asked.order_by(MemberRow.username))]


def set_member(tx: Connection, project_id: int, username: str, role: Role) -> None:
    """Give someone a role."""
    remove_member(tx, project_id, username)
    tx.execute(insert(MemberRow), {"project_id": project_id, "username": username, "role": role})


def remove_member(tx: Connection, project_id: int, username: str) -> bool:
    """Take someone's role away; tell whether they had one."""
    theirs = MemberRow.project_id == project_id, MemberRow.username == username
    return tx.execute(delete(MemberRow).where(*theirs)).rowcount > 0
