"""Projects: what may be done to them, and by whom."""

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
    Verb,
)
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles


class Projects:
    """The rules of projects.

    Viewers read, editors write into them, owners change, archive, trash and purge them and choose members; an
    administrator is an owner everywhere. What one may not see is `NotFound`.
    """

    def __init__(self, database: Database, files: JournalFiles) -> None:
        raise NotImplementedError

    async def list(self, who: Identity, query: ProjectQuery) -> Page[Project]:
        """Return a page of the projects that `who` may see. Raise `InvalidInput` for a bad sort or cursor."""
        raise NotImplementedError

    async def create(self, who: Identity, new: NewProject) -> tuple[Project, bool]:
        """Create a project, or answer the one with its uid; the flag tells whether it is new.

        Raise `Conflict` when the caller has another project of that name, `Gone` for the uid of a purged one.
        """
        raise NotImplementedError

    async def get(self, who: Identity, uid: str) -> Project:
        """Return one project."""
        raise NotImplementedError

    async def update(self, who: Identity, uid: str, patch: ProjectPatch) -> Project:
        """Rename or describe a project."""
        raise NotImplementedError

    async def apply(self, who: Identity, uid: str, verb: Verb) -> Project | Purged:
        """Archive, trash, restore or purge. Raise `Conflict` where the state does not allow it; purge wants trash first."""
        raise NotImplementedError

    async def bulk(self, who: Identity, bulk: Bulk) -> BulkResult:
        """Apply one verb to each of up to 1,000 projects; one that fails does not hinder the others."""
        raise NotImplementedError

    async def members(self, who: Identity, uid: str) -> list[Member]:
        """Return who belongs to a project."""
        raise NotImplementedError

    async def set_member(self, who: Identity, uid: str, username: str, new: NewMember) -> Member:
        """Give someone a role. Raise `Conflict` if no owner would be left."""
        raise NotImplementedError

    async def remove_member(self, who: Identity, uid: str, username: str) -> None:
        """Take someone's role away. Raise `Conflict` if no owner would be left."""
        raise NotImplementedError
