"""Keeping logs: those of attempts that ended some time ago are compressed, later removed, as the operator wants."""

import asyncio
import logging
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Final, Self

from aiplat_jupyter.core.errors import AiplatError
from aiplat_jupyter.store import task_logs
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.logs.opened import OpenLogs
from aiplat_jupyter.store.task_logs import Place

ROUND_SECONDS: Final = 3_600.0
_FIRST_SECONDS: Final = 60.0
_AT_ONCE: Final = 100
_DAY: Final = 86_400.0

_log = logging.getLogger(__name__)


class LogKeeping:
    """Looks through this machine's attempts once an hour. An async context manager: started and stopped.

    Parameters
    ----------
    compress_days, keep_days : how long after its attempt has ended a log stays as it is, and stays at all; keep_days=0:
        for ever.
    """

    def __init__(self, database: Database, opened: OpenLogs, *, compress_days: float, keep_days: float) -> None:
        self._database, self._opened = database, opened
        self._compress, self._keep = compress_days * _DAY, keep_days * _DAY
        self._compressed: set[int] = set()
        self._removed: set[int] = set()

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="aiplat-log-keeping")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        await asyncio.sleep(_FIRST_SECONDS)
        while True:
            try:
                await self.round()
            except AiplatError as error:
                _log.warning("Logs cannot be kept in order now: %s", error)
            except Exception:  # the task must outlive whatever one round meets
                _log.exception("A round over old logs failed")
            await asyncio.sleep(ROUND_SECONDS)

    async def round(self) -> None:
        """Remove what is too old, compress what is old."""
        if self._keep:
            await self._each(self._keep, self._removed, self._remove)
        await self._each(self._compress, self._compressed, self._pack)

    async def _each(self, age: float, done: set[int], act: Callable[[Place], bool]) -> None:
        after, machine, before = 0, socket.gethostname(), time.time() - age
        while found := await self._database.read(
            partial(task_logs.ended_before, at=before, machine=machine, after=after, limit=_AT_ONCE)
        ):
            for place in found:
                if place.id not in done and await asyncio.to_thread(act, place):
                    done.add(place.id)
            after = found[-1].id

    def _pack(self, place: Place) -> bool:
        return place.folder is None or self._opened.pack(place.folder)

    def _remove(self, place: Place) -> bool:
        return place.folder is None or self._opened.remove(place.folder)
