"""Experiments: what may be done to them, and by whom."""

from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.core.records import (
    Bulk,
    BulkResult,
    Experiment,
    ExperimentPatch,
    ExperimentRow,
    Identity,
    NewExperiment,
    Page,
    Purged,
    Verb,
)
from aiplat_jupyter.core.states import ExperimentStatus
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles


class Experiments:
    """The rules of experiments: editors of their project write, viewers read."""

    def __init__(self, database: Database, files: JournalFiles) -> None:
        raise NotImplementedError

    async def list(self, who: Identity, query: ExperimentQuery) -> Page[ExperimentRow]:
        """Return a page. Raise `InvalidInput` for a bad `q` (naming the column), sort or cursor."""
        raise NotImplementedError

    async def counts(self, who: Identity, query: ExperimentQuery) -> dict[ExperimentStatus, int]:
        """Return how many of the experiments that match `query` (its page apart) have each status."""
        raise NotImplementedError

    async def create(self, who: Identity, new: NewExperiment) -> tuple[Experiment, bool]:
        """Create an experiment, or answer the one with its uid; the flag tells whether it is new.

        The project of that name is created if the caller may write into none. Raise `Gone` for a purged uid.
        """
        raise NotImplementedError

    async def get(self, who: Identity, uid: str) -> Experiment:
        """Return one experiment."""
        raise NotImplementedError

    async def update(self, who: Identity, uid: str, patch: ExperimentPatch) -> Experiment:
        """Set the fields that are given."""
        raise NotImplementedError

    async def apply(self, who: Identity, uid: str, verb: Verb) -> Experiment | Purged:
        """Archive, trash, restore or purge. Raise `Conflict` where the state does not allow it; purge wants trash first."""
        raise NotImplementedError

    async def bulk(self, who: Identity, bulk: Bulk) -> BulkResult:
        """Apply one verb to each of up to 1,000 experiments; one that fails does not hinder the others."""
        raise NotImplementedError

    async def stop(self, who: Identity, uid: str) -> Experiment:
        """Ask a live experiment to stop: its process sees `should_stop`. Raise `Conflict` if it has ended."""
        raise NotImplementedError
