"""The dispatcher: starts what waits, follows what runs, stops what shall end. One server does so for each agent."""

import asyncio
import logging
import math
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any, Final, Self, TypeVar

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import NotStarted, Unavailable
from aiplat_jupyter.core.ports import Executor, Job, JobStatus, Launch
from aiplat_jupyter.core.records import Change, Identity
from aiplat_jupyter.services import endings, outcomes, plan
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.gpus import Gpus
from aiplat_jupyter.services.plan import Plan, Queue, Room
from aiplat_jupyter.store import agents, changes, dependencies, gpu_leases, queue, task_attempts, tasks
from aiplat_jupyter.store.claims import Claims
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.queue import Running, Starting
from aiplat_jupyter.store.task_attempts import Ending
from aiplat_jupyter.store.task_folders import TaskFolders

BUSY_SECONDS: Final = 0.5
IDLE_SECONDS: Final = 5.0
RENEW_SECONDS: Final = 5.0
PATIENCE: Final = 600.0
"""How long smaller tasks may overtake the first of the queue."""
A = TypeVar("A")
B = TypeVar("B")
T = TypeVar("T")

_log = logging.getLogger(__name__)


class _Deposed(Exception):
    """Another server has taken the lease: what was begun is undone."""


class Dispatcher:
    """Works for one agent whenever something changes, and every half second while something runs.

    An async context manager: started and stopped. What runs goes on when it stops.

    Parameters
    ----------
    agent_id : row of the agent.
    launch : tells the executor's orders for an attempt.
    each_round : called in each round before anything is started, such as what queues scheduled tasks.
    stop_at_end : whether tasks are asked to end when the server ends in order.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        agent_id: int,
        executors: Mapping[str, Executor],
        folders: TaskFolders,
        claims: Claims,
        gpus: Gpus,
        launch: Callable[[Starting], Launch],
        *,
        each_round: Sequence[Callable[[], Awaitable[None]]] = (),
        stop_at_end: bool = False,
    ) -> None:
        self._database = database
        self._bus = bus
        self._agent_id = agent_id
        self._executors = executors
        self._own_queues = {name for name, one in executors.items() if one.capabilities.has_own_queue}
        self._folders = folders
        self._claims = claims
        self._gpus = gpus
        self._launch = launch
        self._each_round = each_round
        self._stop_at_end = stop_at_end
        self._word = secrets.token_hex(8)
        self._renewed = -float("inf")
        self._is_leading = False
        self._due_in = math.inf
        self._asked_to_stop: dict[str, int] = {}
        self._noted_gpus: list[dict[str, Any]] | None = None
        self._head: tuple[int, float] | None = None
        self._news = asyncio.Event()
        self._exit = ExitStack()
        self.unknown: list[str] = []
        """Folders of jobs that run and that no task accounts for."""
        self.running = 0
        """How many tasks run, as of the last round."""

    async def __aenter__(self) -> Self:
        await asyncio.to_thread(self._exit.enter_context, self._claims.held(self._word))
        loops = self._run, self._listen
        self._tasks = [asyncio.create_task(loop(), name="aiplat-dispatcher") for loop in loops]
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with suppress(Unavailable, _Deposed):
            if self._stop_at_end and self._is_leading:
                await self._stop_all()
            await self._database.write(lambda tx: agents.give_lease_back(tx, self._agent_id, self._word))
        await asyncio.to_thread(self._exit.close)

    @property
    def is_leading(self) -> bool:
        """Whether this server holds the lease, as of the last round."""
        return self._is_leading

    def wake(self) -> None:
        """Look now: something may start or end. To be called on the event loop."""
        self._news.set()

    async def _listen(self) -> None:
        """Wake for whatever happens to tasks and agents, also by other servers; progress is no reason."""
        everything = Identity(username="", is_admin=True)
        async with self._bus.subscribe(everything, ["tasks", "agents"]) as told:
            async for change in told:
                if not isinstance(change, Change) or change.kind != "points":
                    self.wake()

    async def _run(self) -> None:
        while True:
            self._news.clear()
            self._due_in = math.inf
            await self._safe_round()
            with suppress(TimeoutError):
                async with asyncio.timeout(min(self._due_in, BUSY_SECONDS if self.running else IDLE_SECONDS)):
                    await self._news.wait()

    async def _safe_round(self) -> None:
        try:
            await self.round()
        except _Deposed:
            self._is_leading = False
        except Unavailable as error:
            _log.warning("Tasks cannot be dispatched now, trying again: %s", error)
        except Exception:  # the task must outlive whatever one round meets
            _log.exception("A round of the dispatcher failed")

    async def round(self) -> None:
        """Look once, and do what is to be done, if it is for this server to do."""
        if not await self._lead():
            self.running = 0
            return
        jobs = await self._database.read(lambda tx: queue.running(tx, self._agent_id))
        self.running = len(jobs)
        await self._stop(jobs)
        await self._observe(jobs)
        await self._note_gpus()
        for act in self._each_round:
            await _guarded(act)
        await self._start()

    async def _lead(self) -> bool:
        """Take or renew the lease; tell whether this server dispatches."""
        if self._is_leading and time.monotonic() - self._renewed < RENEW_SECONDS:
            return True
        agent = await self._database.read(lambda tx: agents.get(tx, self._agent_id))
        other = agent.dispatcher if agent.dispatcher != self._word else None
        is_dead = other is not None and await asyncio.to_thread(self._claims.is_dead, other)
        was_leading = self._is_leading and not agents.is_unreachable(agent.seen_at)
        self._is_leading = await self._database.write(
            lambda tx: agents.take_lease(tx, self._agent_id, self._word, other if is_dead else None)
        )
        self._renewed = time.monotonic()
        if self._is_leading and not was_leading:
            self._asked_to_stop.clear()
            await asyncio.to_thread(self._claims.sweep)
            await self._find_unknown()
            await self._end_given_up()
        return self._is_leading

    async def _write(self, change: Callable[[Connection], T]) -> T:
        """Change what only the dispatcher may change. Raise `_Deposed` if another server is that now."""

        def fenced(tx: Connection) -> T:
            if not agents.holds_lease(tx, self._agent_id, self._word):
                raise _Deposed("Another server dispatches.")
            return change(tx)

        return await self._database.write(fenced)

    async def _note_gpus(self) -> None:
        """Let everyone know which GPUs the agent has, when that has changed."""
        facts = self._gpus.facts()
        if facts is not None and facts != self._noted_gpus:
            await self._write(lambda tx: _note_gpus(tx, self._agent_id, facts))
            self._noted_gpus = facts

    async def _find_unknown(self) -> None:
        """List the jobs that run and of which the database does not know, as after a restored backup."""
        self.unknown = []
        for executor in self._executors.values():
            await _guarded(partial(self._find_unknown_of, executor))
        for folder in self.unknown:
            _log.warning("A job runs in %s that no task accounts for; it is left alone", folder)

    async def _find_unknown_of(self, executor: Executor) -> None:
        jobs = await asyncio.to_thread(executor.owned, self._folders.root)
        known = await self._database.read(partial(task_attempts.known, uids=[job.key for job in jobs]))
        foreign = [job for job in jobs if job.key not in known]
        told = await asyncio.to_thread(executor.poll, foreign)
        self.unknown += [job.directory for job in foreign if job.key in told and told[job.key].state in agents.TAKING]

    async def _end_given_up(self) -> None:
        """End the jobs that are said to be lost because nobody was here to stop them."""
        for executor in self._executors.values():
            await _guarded(partial(self._end_given_up_of, executor))

    async def _end_given_up_of(self, executor: Executor) -> None:
        jobs = await asyncio.to_thread(executor.owned, self._folders.root)
        given_up = await self._database.read(partial(task_attempts.given_up, uids=[job.key for job in jobs]))
        for job in (job for job in jobs if job.key in given_up):
            await asyncio.to_thread(executor.stop, job, now=True)

    async def _stop(self, jobs: Sequence[Running]) -> None:
        """Pass on the wish to stop to executors, each wish once."""
        asked = [job for job in jobs if job.stop_requested > self._asked_to_stop.get(job.uid, 0)]
        passed_on = [job for job in asked if await self._pass_on_stop(job)]
        if passed_on:
            await self._write(lambda tx: _note_stopping(tx, passed_on))
        still = {job.uid for job in jobs}
        self._asked_to_stop = {uid: level for uid, level in self._asked_to_stop.items() if uid in still}
        self._asked_to_stop |= {job.uid: job.stop_requested for job in passed_on}

    async def _pass_on_stop(self, job: Running) -> bool:
        try:
            await asyncio.to_thread(self._executors[job.executor].stop, _named(job), now=job.stop_requested > 1)
        except Exception:  # the next round tries again; other tasks must not wait for that
            _log.exception("The executor %s cannot stop %s now", job.executor, job.directory)
            return False
        return True

    async def _observe(self, jobs: Sequence[Running]) -> None:
        """Ask the executors how their jobs are, and write what is new. Hand over again what never arrived."""
        told = await self._poll(jobs)
        pairs = [(job, told[job.uid]) for job in jobs if job.uid in told]
        if news := [(job, status) for job, status in pairs if outcomes.is_news(job, status)]:
            await self._write(lambda tx: _each(outcomes.note, tx, news))
        if missing := [job.id for job, status in pairs if outcomes.is_missing(job, status)]:
            await self._submit(await self._database.read(lambda tx: queue.starting(tx, missing)))

    async def _poll(self, jobs: Sequence[Running]) -> dict[str, JobStatus]:
        told: dict[str, JobStatus] = {}
        for name, executor in self._executors.items():
            if own := [_named(job) for job in jobs if job.executor == name]:
                try:
                    told |= await asyncio.to_thread(executor.poll, own)
                except Exception:  # whatever keeps one executor from answering, the others go on
                    _log.exception("The executor %s does not answer", name)
        return told

    async def _start(self) -> None:
        """Start what may start; nothing is written unless something changes."""
        found = await self._database.read(self._plan)
        self._watch_head(found)
        self._due_in = found.due_in
        if not found.starts and not found.reasons:
            return
        starting = await self._write(self._carry_out)
        await self._submit(starting)

    def _plan(self, tx: Connection) -> Plan:
        agent, now = agents.get(tx, self._agent_id), time.time()
        front = queue.front(tx, agent.id)
        if not front:
            return Plan([], {}, None)
        room = self._room(tx, agent)
        ready: list[queue.Waiting] = []
        if room.free > 0 and not agent.is_paused:
            ready = queue.ready(tx, agent.id, now, slots=room.free, gpus=room.free_gpus, queues=self._own_queues)
        waiting = Queue(front, dependencies.awaited(tx, [one.id for one in front]), ready)
        return plan.decide(
            waiting,
            room,
            now,
            is_paused=agent.is_paused,
            passed_over=self._passed_over(),
            own_queues=self._own_queues,
        )

    def _room(self, tx: Connection, agent: agents.Found) -> Room:
        taken = agents.slots_taken(tx, agent.id)
        held = gpu_leases.held_on(tx, agent.machine, time.time() - agents.UNREACHABLE_SECONDS)
        return Room(agent.slots, taken, self._gpus.free(held), self._gpus.busy(held), self._gpus.count() or 0)

    def _passed_over(self) -> int | None:
        if self._head is None or time.monotonic() - self._head[1] < PATIENCE:
            return None
        return self._head[0]

    def _watch_head(self, found: Plan) -> None:
        """Note since when the first of the queue waits for what others hold."""
        if found.head is None:
            self._head = None
        elif self._head is None or self._head[0] != found.head.id:
            self._head = found.head.id, time.monotonic()

    def _carry_out(self, tx: Connection) -> list[Starting]:
        """Decide once more, as nobody else writes now, and write it down before anything is started."""
        decided = self._plan(tx)
        for waiting, gpus in decided.starts:
            directory = self._folders.path(waiting.uid, waiting.attempts)
            queue.start(tx, self._agent_id, waiting, str(directory), gpus)
        queue.tell(tx, decided.reasons)
        return queue.starting(tx, [waiting.attempt_id for waiting, _ in decided.starts])

    async def _submit(self, starting: Sequence[Starting]) -> None:
        self.running += len(starting)
        told = [(one, await self._hand_over(one)) for one in starting]
        failed = [(one, problem) for one, problem in told if problem is not None]
        if failed:
            await self._write(lambda tx: _each(_note_not_started, tx, failed))

    async def _hand_over(self, starting: Starting) -> str | None:
        """Give an attempt to its executor; return why it can never run, else None."""
        executor = self._executors.get(starting.executor)
        if executor is None:
            return f"there is no executor {starting.executor!r}"
        try:
            await asyncio.to_thread(lambda: executor.submit(self._launch(starting)))
        except NotStarted as error:
            return error.detail
        except Exception:  # the executor may be back in the next round, which hands over what never arrived
            _log.exception("Task %s cannot be handed to the executor %s now", starting.task, starting.executor)
        return None

    async def _stop_all(self) -> None:
        def change(tx: Connection) -> list[Running]:
            jobs = queue.running(tx, self._agent_id)
            for job in jobs:
                tasks.change(tx, job.task_id, {"stop_requested": 1, "stopped_by": "the end of the server"})
            return queue.running(tx, self._agent_id)

        await self._stop(await self._write(change))


async def _guarded(act: Callable[[], Awaitable[None]]) -> None:
    try:
        await act()
    except Unavailable:
        raise
    except Exception:  # tasks start also when what queues others fails
        _log.exception("A part of the dispatcher's work failed")


def _each(change: Callable[[Connection, A, B], None], tx: Connection, pairs: Sequence[tuple[A, B]]) -> None:
    for one, other in pairs:
        change(tx, one, other)


def _named(job: Running) -> Job:
    return Job(key=job.uid, directory=job.directory)


def _note_gpus(tx: Connection, agent_id: int, facts: list[dict[str, Any]]) -> None:
    agent = agents.get(tx, agent_id)
    if agent.gpus != facts:
        agents.change(tx, agent_id, {"gpus": facts})
        changes.of_agent(tx, agent.uid)


def _note_stopping(tx: Connection, jobs: Sequence[Running]) -> None:
    moved = [job.task_id for job in jobs if task_attempts.move(tx, job.id, "stopping")]
    endings.tell(tx, moved)


def _note_not_started(tx: Connection, starting: Starting, problem: str) -> None:
    endings.end(tx, starting.task_id, starting.attempt_id, Ending("failed", "not_started", problem))
