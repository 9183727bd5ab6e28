"""Verbs on experiments."""

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
)
from aiplat_jupyter.server.call import Created, Move, Services


async def list_experiments(at: Services, who: Identity, query: ExperimentQuery) -> Page[ExperimentRow]:
    """List experiments, a page at a time."""
    return await at.experiments.list(who, query)


async def create_experiment(at: Services, who: Identity, body: NewExperiment) -> Created[Experiment]:
    """Create an experiment (201), or answer the one that has this uid already (200)."""
    return Created(*await at.experiments.create(who, body))


async def bulk_experiments(at: Services, who: Identity, body: Bulk) -> BulkResult:
    """Apply one verb to many experiments."""
    return await at.experiments.bulk(who, body)


async def count_experiments(at: Services, who: Identity, query: ExperimentQuery) -> dict[str, int]:
    """Count the experiments that a query finds, by status."""
    return await at.experiments.counts(who, query)


async def get_experiment(at: Services, who: Identity, uid: str) -> Experiment:
    """Answer one experiment with config, summary, provenance and lineage."""
    return await at.experiments.get(who, uid)


async def update_experiment(at: Services, who: Identity, uid: str, body: ExperimentPatch) -> Experiment:
    """Set the given fields of an experiment."""
    return await at.experiments.update(who, uid, body)


async def trash_experiment(at: Services, who: Identity, uid: str) -> Experiment:
    """Move an experiment to the trash, from which it can be restored."""
    return await move_experiment(at, who, uid, "trash")


async def move_experiment(at: Services, who: Identity, uid: str, verb: Move) -> Experiment:
    """Archive, restore or trash an experiment."""
    moved = await at.experiments.apply(who, uid, verb)
    assert isinstance(moved, Experiment)
    return moved


async def purge_experiment(at: Services, who: Identity, uid: str) -> Purged:
    """Delete a trashed experiment for good, with its points and journals."""
    purged = await at.experiments.apply(who, uid, "purge")
    assert isinstance(purged, Purged)
    return purged


async def stop_experiment(at: Services, who: Identity, uid: str) -> Experiment:
    """Ask an experiment's process to stop: it sees `should_stop`."""
    return await at.experiments.stop(who, uid)
