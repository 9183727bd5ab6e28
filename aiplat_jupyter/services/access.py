"""Who may do what: scopes of the credential, roles in the project. What one may not see does not exist."""

from typing import Final

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import Forbidden, NotFound
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.states import Role, Scope
from aiplat_jupyter.store import experiments, projects, tasks, tombstones

_RANK: Final = {"viewer": 0, "editor": 1, "owner": 2}


def require(who: Identity, scope: Scope) -> None:
    """Raise `Forbidden` if the caller's credential lacks the scope."""
    if scope not in who.scopes:
        raise Forbidden(f"This token does not allow to {scope}.", hint=f"Use a token with the scope {scope!r}.")


def project(tx: Connection, who: Identity, uid: str, need: Role) -> projects.Found:
    """Return a project in which `who` has at least the role `need`. Raise `NotFound`, `Gone` or `Forbidden`."""
    found = projects.find(tx, who, uid)
    if found is None:
        tombstones.refuse_buried(tx, uid)
        raise NotFound(f"There is no project {uid!r}.")
    check(who, found.role, need)
    return found


def experiment(tx: Connection, who: Identity, uid: str, need: Role) -> experiments.Found:
    """Return an experiment in whose project `who` has at least the role `need`. Raise as `project`."""
    found = experiments.find(tx, who, uid)
    if found is None:
        tombstones.refuse_buried(tx, uid)
        raise NotFound(f"There is no experiment {uid!r}.")
    check(who, found.project.role, need)
    return found


def task(tx: Connection, who: Identity, uid: str, need: Role) -> tasks.Found:
    """Return a task in whose project `who` has at least the role `need`. Raise as `project`."""
    found = tasks.find(tx, who, uid)
    if found is None:
        tombstones.refuse_buried(tx, uid)
        raise NotFound(f"There is no task {uid!r}.")
    check(who, found.project.role, need)
    return found


def check(who: Identity, role: Role, need: Role) -> None:
    """Raise `Forbidden` if role or scope are not enough for what `need` may do."""
    require(who, "read" if need == "viewer" else "write")
    if _RANK[role] < _RANK[need]:
        raise Forbidden(f"Your role in this project is {role}; this needs {need}.", hint="Ask an owner of the project.")
