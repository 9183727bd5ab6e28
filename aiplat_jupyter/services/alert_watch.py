"""Watching: hears what changed and what was sampled, lets rules look at it, and keeps what they know.

Rules on machines see each sample of this agent's, on the server that leads it; rules on tasks see the agent's queue
when it changes and every `TICK_SECONDS`; rules on experiments see those of which points came, at most once a second.
Several servers may look at one experiment: `Ledger` says how it is still said once.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Self

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import AiplatError
from aiplat_jupyter.core.gpu import GpuStatus
from aiplat_jupyter.core.records import Change, Identity
from aiplat_jupyter.services.alert_experiments import Experiments
from aiplat_jupyter.services.alert_ledger import SAVE_SECONDS, Ledger, Notice
from aiplat_jupyter.services.alert_machines import REMEMBERED_SECONDS, Machines
from aiplat_jupyter.services.alert_tasks import Tasks
from aiplat_jupyter.services.bus import Bus, Resync
from aiplat_jupyter.store import alert_rules, alert_targets, alerts, gpu_history
from aiplat_jupyter.store.database import Database

PACE_SECONDS: Final = 1.0
TICK_SECONDS: Final = 15.0
DAY: Final = 86_400.0
_CLEANING_SECONDS: Final = 3_600.0
_STATES_DAYS: Final = 7.0
_EVERYTHING: Final = Identity(username="", is_admin=True)

_log = logging.getLogger(__name__)


class AlertWatch:
    """Looks whenever something changes, if this server leads its agent. An async context manager.

    Parameters
    ----------
    agent_id, agent : row and uid of the agent.
    is_leading : whether this server is the one that looks.
    tell : hears what was said, to act on it.
    keep_days : how long alerts that are over are kept.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        agent_id: int,
        agent: str,
        *,
        is_leading: Callable[[], bool],
        tell: Callable[[Sequence[Notice]], None],
        keep_days: float,
    ) -> None:
        self._database = database
        self._bus = bus
        self._agent_id = agent_id
        self._agent = agent
        self._is_leading = is_leading
        self._keep_days = keep_days
        self._ledger = Ledger(database, agent, tell)
        self._machines = Machines(self._ledger)
        self._experiments = Experiments(self._ledger)
        self._tasks = Tasks(self._ledger, agent_id, agent)
        self._news = asyncio.Event()
        self._loading = asyncio.Lock()
        self._waiting: dict[str, None] = {}
        self._purged: dict[str, set[str]] = {"experiments": set(), "tasks": set()}
        self._are_rules_old = False
        self._are_tasks_due = True
        self._ticked = self._saved = self._cleaned = -float("inf")

    async def __aenter__(self) -> Self:
        self._loops = [asyncio.create_task(loop(), name="aiplat-alerts") for loop in (self._listen, self._run)]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for loop in self._loops:
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        with contextlib.suppress(AiplatError):
            await self._ledger.save(everything=True)

    async def observe(self, status: GpuStatus) -> None:
        """Let the rules on machines see a sample of this agent's; on the server that leads it."""
        if status.agent != self._agent or status.state == "away":
            return
        await self._load()
        await self._ledger.feed(self._machines.runs(status))

    async def _load(self) -> None:
        async with self._loading:
            if not self._ledger.is_loaded:
                since = time.time() - REMEMBERED_SECONDS
                had = await self._database.read(lambda tx: gpu_history.last_gpus(tx, self._agent_id, since))
                self._machines.had_gpus_at = max(self._machines.had_gpus_at, had)
            if not self._ledger.is_loaded or self._are_rules_old:
                self._are_rules_old = False
                await self._ledger.load()

    async def _listen(self) -> None:
        async with self._bus.subscribe(_EVERYTHING, ["rules", "experiments", "tasks"]) as told:
            async for change in told:
                self._hear(change)
                self._news.set()

    def _hear(self, change: Change | Resync) -> None:
        if isinstance(change, Resync):
            self._are_rules_old = self._are_tasks_due = True
            self._ticked = -float("inf")
        elif change.topic == "rules":
            self._are_rules_old = True
        elif change.kind == "purged":
            self._purged[change.topic].add(change.uid)
        elif change.topic == "tasks":
            self._are_tasks_due |= change.kind != "points"
        elif change.kind != "updated":
            self._waiting[change.uid] = None

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PACE_SECONDS if self._waiting or not self._is_leading() else TICK_SECONDS):
                    await self._news.wait()
            self._news.clear()
            await self._safe(self.round)
            await asyncio.sleep(PACE_SECONDS)

    async def _safe(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except AiplatError as error:
            _log.warning("Alerts cannot be looked for now, trying again: %s", error)
        except Exception:  # the loop must outlive whatever one look meets
            _log.exception("A look for alerts failed")

    async def round(self) -> None:
        """Look once at what has changed and what is due, if it is for this server to do."""
        if not self._is_leading():
            self._ledger.unload()
            self._waiting.clear()
            self._ticked = -float("inf")
            return
        await self._load()
        await self._tick()
        await self._look_at_experiments()
        await self._look_at_tasks()
        await self._keep()

    async def _tick(self) -> None:
        if time.monotonic() - self._ticked < TICK_SECONDS:
            return
        is_first = self._ticked == -float("inf")
        self._ticked, self._are_tasks_due = time.monotonic(), True
        self._waiting |= dict.fromkeys(self._experiments.to_remind_of)
        if is_first or self._experiments.are_timed:
            running = await self._database.read(lambda tx: alert_targets.running(tx, alert_targets.MOST_RUNNING))
            self._waiting |= dict.fromkeys(running)

    async def _look_at_experiments(self) -> None:
        some = list(self._waiting)[: alert_targets.AT_ONCE]
        for uid in some:
            del self._waiting[uid]
        if not some or not self._experiments.rules:
            return
        try:
            seen = await self._database.read(lambda tx: self._experiments.look(tx, some, time.time()))
            await self._ledger.feed(seen.runs)
            self._experiments.note(seen)
        except AiplatError:
            self._waiting |= dict.fromkeys(some)
            raise
        self._waiting |= dict.fromkeys(seen.more)

    async def _look_at_tasks(self) -> None:
        if not self._are_tasks_due or not self._tasks.rules:
            return
        self._are_tasks_due = False
        runs = await self._database.read(lambda tx: self._tasks.look(tx, time.time()))
        await self._ledger.feed(runs)

    async def _keep(self) -> None:
        now = time.monotonic()
        if now - self._saved >= SAVE_SECONDS:
            self._saved = now
            await self._ledger.save()
        if any(self._purged.values()):
            gone, self._purged = self._purged, {"experiments": set(), "tasks": set()}
            await self._database.write(lambda tx: alerts.remove_of(tx, gone["experiments"], gone["tasks"]))
        if now - self._cleaned >= _CLEANING_SECONDS:
            self._cleaned = now
            await self._database.write(self._clean)

    def _clean(self, tx: Connection) -> None:
        now = time.time()
        alert_rules.forget(tx, now - _STATES_DAYS * DAY)
        alerts.remove_old(tx, now - self._keep_days * DAY if self._keep_days > 0 else 0.0)
