"""Watching the logs that are written now: indexed as they grow, told to those who watch, counted for lists."""

import asyncio
import logging
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Final, NamedTuple, Self

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import NotFound, Unavailable
from aiplat_jupyter.core.logs import LogQuery
from aiplat_jupyter.core.tasks import LogFacts, Progress
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.store import changes, task_attempts, task_logs, tasks
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.logs import files, paging, text
from aiplat_jupyter.store.logs.blocks import DamagedIndex
from aiplat_jupyter.store.logs.index import Index
from aiplat_jupyter.store.logs.opened import OpenLogs, counts
from aiplat_jupyter.store.task_logs import Place

ROUND_SECONDS: Final = 0.2
_LOOK_SECONDS: Final = 1.0
"""How often it is asked which attempts run, written what is known of their logs, and looked at those of ranks."""
_SLICE: Final = 8 * 1024 * 1024
_RECENT_SECONDS: Final = 5.0
"""How long an attempt is looked at after its end: it may have begun and ended between two looks."""
_LAST_LINES: Final = 3
"""Among how many lines at the end a progress bar is looked for."""
WARN_BYTES: Final = 1 << 30

_log = logging.getLogger(__name__)


class Seen(NamedTuple):
    """What a look at a log showed; `is_own`: this process keeps its index, so it also writes what is known of it.

    `others` is how long the further logs of the attempt are together: those of ranks, or rotated ones.
    """

    facts: LogFacts
    progress: Progress | None
    is_own: bool
    is_behind: bool
    others: int


class LogWatch:
    """Looks at the logs of running attempts, five times a second. An async context manager: started and stopped."""

    def __init__(self, database: Database, bus: Bus, opened: OpenLogs) -> None:
        self._database, self._bus, self._opened = database, bus, opened
        self._thread = ThreadPoolExecutor(1, "aiplat-log-watch")
        self._running: dict[str, Place] = {}
        self._seen: dict[str, Seen] = {}
        self._written: dict[str, LogFacts] = {}
        self._looked = -float("inf")

    async def __aenter__(self) -> Self:
        await self._look_who_runs()  # before the dispatcher finds out which have ended meanwhile
        self._task = asyncio.create_task(self._run(), name="aiplat-log-watch")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        await asyncio.to_thread(self._thread.shutdown)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(ROUND_SECONDS)
            try:
                await self.round()
            except Unavailable as error:
                _log.warning("Logs cannot be watched now, trying again: %s", error)
            except Exception:  # the task must outlive whatever one round meets
                _log.exception("A round over the logs failed")

    async def round(self) -> None:
        """Look once at each log that is written now, and once more at each whose attempt has ended."""
        is_time = time.monotonic() - self._looked >= _LOOK_SECONDS
        ended = await self._look_who_runs() if is_time else []
        for place in self._running.values():
            await self._look(place, with_others=is_time)
        for place in ended:
            while (seen := await self._look(place, with_others=True)) and seen.is_behind:
                pass
        if is_time:
            await self._write([*self._running.values(), *ended])
            for place in ended:
                self._seen.pop(place.uid, None)
                self._written.pop(place.uid, None)

    async def _look_who_runs(self) -> list[Place]:
        """Renew what runs, and return what has ended since."""
        self._looked, recently = time.monotonic(), time.time() - _RECENT_SECONDS
        places = await self._database.read(lambda tx: task_logs.written_now(tx, recently))
        found = {place.uid: place for place in places}
        ended = [place for uid, place in self._running.items() if uid not in found]
        self._running = found
        return ended

    async def _look(self, place: Place, *, with_others: bool) -> Seen | None:
        """Index what is new, and tell of it."""
        before = self._seen.get(place.uid)
        seen = await asyncio.get_running_loop().run_in_executor(self._thread, self._seen_of, place, before, with_others)
        if seen is None:
            return None
        self._seen[place.uid] = seen
        size, others = (before.facts.size, before.others) if before else (0, 0)
        if (seen.facts.size, seen.others) != (size, others):
            await self._bus.tell(f"log:{place.task}", place.project, "grew", place.task)
        if size < WARN_BYTES <= seen.facts.size:
            _log.warning("The log of task %s has more than 1 GiB: %s", place.task, place.directory)
        return seen

    def _seen_of(self, place: Place, before: Seen | None, with_others: bool) -> Seen | None:
        """Look at a log; at the further ones too, if wanted or not known how long they are."""
        folder = place.folder
        if folder is None:
            return None
        if not files.is_there(folder / f"{files.CONSOLE}.log"):
            self._opened.let_go(folder)
            return None
        try:
            with self._opened.borrow(folder) as index:
                is_behind = index.refresh(_SLICE)
                others = before.others if before else 0
                if with_others or not before:
                    others = self._opened.look(folder, _SLICE, has_ended=place.has_ended)
                facts = facts_of(index)
                progress = before.progress if before and before.facts == facts else _progress(index)
                return Seen(facts, progress, index.is_own, is_behind, others)
        except (NotFound, DamagedIndex):  # it was removed; or its index is made again the next time
            return None
        except Unavailable as error:  # the others are watched all the same; whoever reads this one is told
            _log.debug("%s", error)
            return None

    async def _write(self, places: Sequence[Place]) -> None:
        """Write what is known of logs that grew."""
        fresh = [(place, self._seen[place.uid]) for place in places if self._is_news(place.uid)]
        if not fresh:
            return

        def change(tx: Connection) -> None:
            for place, seen in fresh:
                task_attempts.note_log(tx, place.id, seen.facts)
                if seen.progress and tasks.note_progress(tx, place.task_id, seen.progress, "log"):
                    changes.of_task(tx, "points", place.task, place.project)

        await self._database.write(change)
        self._written |= {place.uid: seen.facts for place, seen in fresh}

    def _is_news(self, attempt: str) -> bool:
        seen = self._seen.get(attempt)
        return seen is not None and seen.is_own and seen.facts != self._written.get(attempt)


def facts_of(index: Index) -> LogFacts:
    """Return what lists show of a log."""
    with index.turn():
        return LogFacts(lines=index.total, size=index.indexed, levels=counts(index))


def _progress(index: Index) -> Progress | None:
    """Return how far the progress bar is that stands in the last lines, if one does."""
    with index.turn():
        last = paging.page(index, LogQuery(tail=_LAST_LINES))
    found = (text.progress(line.text) for line in reversed(last))
    return next((progress for progress in found if progress), None)
