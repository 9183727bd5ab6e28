"""What tasks leave behind besides their log: the notebook with its outputs."""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import NotFound
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import OutputQuery
from aiplat_jupyter.services import access
from aiplat_jupyter.services.logs import Download, check_reach
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.logs.files import opened
from aiplat_jupyter.store.task_logs import Place, place

NOTEBOOK: Final = "output.ipynb"
"""What `executors.notebook` keeps in the attempt's folder; replaced as a whole with every cell."""
_PIECE: Final = 1024 * 1024


class Outputs:
    """Reads need a viewer of the task's project."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def notebook(self, who: Identity, task: str, ask: OutputQuery) -> Download:
        """Return a task's notebook as far as it has run, empty for one that has not started. Raise `NotFound`."""

        def find(tx: Connection) -> Place | None:
            return place(tx, access.task(tx, who, task, "viewer").id, ask.attempt)

        found = await self._database.read(find)
        if found is None:
            raise NotFound(f"The task has no attempt {ask.attempt!r}.", hint="Leave it out for the newest.")
        await asyncio.to_thread(check_reach, found)
        file = await asyncio.to_thread(_open, found.folder) if found.folder else None
        return Download(f"{found.name or found.task}-{found.number}.ipynb", _pieces(file))


def _open(folder: Path) -> BinaryIO:
    try:
        return os.fdopen(opened(folder / NOTEBOOK), "rb")
    except OSError as error:
        raise NotFound("The attempt has kept no notebook.", hint="Tasks of kind notebook keep one here.") from error


async def _pieces(file: BinaryIO | None) -> AsyncGenerator[bytes]:
    if file is None:
        return
    with closing(file):
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
