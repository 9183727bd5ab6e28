"""Purging: experiments leave nothing but a tombstone."""

import asyncio
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection

from aiplat_jupyter.store import changes, experiments, purge, tombstones
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles


class Buried(NamedTuple):
    """An experiment that has its tombstone: its row, its and its project's uid, and the uids of its journals."""

    row: int
    uid: str
    project: str
    journals: list[str]


def bury_experiment(tx: Connection, row: int, uid: str, project: str) -> Buried:
    """Set the tombstones of an experiment and its journals, in the transaction that found that it may be purged.

    They come first: what an interruption leaves is refused from then on, and goes with a further purge.
    """
    journals = purge.journals(tx, row)
    tombstones.bury(tx, "experiment", [uid])
    tombstones.bury(tx, "journal", journals)
    return Buried(row, uid, project, journals)


async def remove_experiment(database: Database, files: JournalFiles, buried: Buried) -> int:
    """Remove an experiment with its points and journals; return how many bytes that freed."""
    freed = 0
    while step := await database.write(partial(purge.remove_some_points, experiment_id=buried.row)):
        freed += step
    await database.write(partial(_remove, buried=buried))
    return freed + await asyncio.to_thread(files.remove, buried.journals)


def _remove(tx: Connection, buried: Buried) -> None:
    experiments.remove(tx, buried.row)
    changes.of_experiment(tx, "purged", buried.uid, buried.project)
