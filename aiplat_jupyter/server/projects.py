"""Verbs on projects and their members."""

from aiplat_jupyter.core.queries import ProjectQuery
from aiplat_jupyter.core.records import (
    Bulk,
    BulkResult,
    Identity,
    Member,
    NewMember,
    NewProject,
    Page,
    Project,
    ProjectPatch,
    Purged,
)
from aiplat_jupyter.server.call import Created, Move, Services


async def list_projects(at: Services, who: Identity, query: ProjectQuery) -> Page[Project]:
    """List the projects you may see, a page at a time."""
    return await at.projects.list(who, query)


async def create_project(at: Services, who: Identity, body: NewProject) -> Created[Project]:
    """Create a project (201), or answer the one that has this uid already (200)."""
    return Created(*await at.projects.create(who, body))


async def bulk_projects(at: Services, who: Identity, body: Bulk) -> BulkResult:
    """Apply one verb to many projects."""
    return await at.projects.bulk(who, body)


async def get_project(at: Services, who: Identity, uid: str) -> Project:
    """Answer one project."""
    return await at.projects.get(who, uid)


async def update_project(at: Services, who: Identity, uid: str, body: ProjectPatch) -> Project:
    """Set the given fields of a project."""
    return await at.projects.update(who, uid, body)


async def trash_project(at: Services, who: Identity, uid: str) -> Project:
    """Move a project to the trash, from which it can be restored."""
    return await move_project(at, who, uid, "trash")


async def move_project(at: Services, who: Identity, uid: str, verb: Move) -> Project:
    """Archive, restore or trash a project."""
    moved = await at.projects.apply(who, uid, verb)
    assert isinstance(moved, Project)
    return moved


async def purge_project(at: Services, who: Identity, uid: str) -> Purged:
    """Delete a trashed project for good, with everything in it."""
    purged = await at.projects.apply(who, uid, "purge")
    assert isinstance(purged, Purged)
    return purged


async def list_members(at: Services, who: Identity, uid: str) -> list[Member]:
    """List who may see or change a project, and how."""
    return await at.projects.members(who, uid)


async def set_member(at: Services, who: Identity, uid: str, username: str, body: NewMember) -> Member:
    """Give someone a role in a project."""
    return await at.projects.set_member(who, uid, username, body)


async def remove_member(at: Services, who: Identity, uid: str, username: str) -> None:
    """Take someone's role in a project away."""
    await at.projects.remove_member(who, uid, username)
