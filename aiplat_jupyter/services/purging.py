"""Purging: experiments leave nothing but a tombstone."""

import asyncio
from functools import partial

from sqlalchemy import Connection

from aiplat_jupyter.store import changes, experiments, purge, tombstones
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles


async def purge_experiment(database: Database, files: JournalFiles, row: int, uid: str, project: str) -> int:
    """Remove an experiment with its points and journals; return how many bytes that freed.

    The tombstones come first: what an interruption leaves is refused from then on, and goes with a further purge.
    """
    journals = await database.write(partial(_bury, row=row, uid=uid))
    freed = 0
    while step := await database.write(partial(purge.remove_some_points, experiment_id=row)):
        freed += step
    await database.write(partial(_remove, row=row, uid=uid, project=project))
    return freed + await asyncio.to_thread(files.remove, journals)


def _bury(tx: Connection, row: int, uid: str) -> list[str]:
    journals = purge.journals(tx, row)
    tombstones.bury(tx, "experiment", [uid])
    tombstones.bury(tx, "journal", journals)
    return journals


def _remove(tx: Connection, row: int, uid: str, project: str) -> None:
    experiments.remove(tx, row)
    changes.of_experiment(tx, "purged", uid, project)
