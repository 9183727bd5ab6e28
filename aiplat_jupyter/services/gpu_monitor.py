"""What the GPUs and the machine of each agent do, now and in the past, and for whom.

The sampler of this server's machine tells `observe`. Whether anybody watches decides how often it is asked; whoever
watches is told the same bytes, which are made once for each sample and for what one may see.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from functools import partial
from typing import Final, NamedTuple, Self

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection

from aiplat_jupyter.core.errors import AiplatError, InvalidInput, NotFound, Unavailable
from aiplat_jupyter.core.gpu import (
    MAX_WIDTH,
    GpuDevice,
    GpuHistory,
    GpuHistoryQuery,
    GpuQuery,
    GpuStatus,
    Holder,
    HostMetric,
    Sample,
)
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.services import access, gpu_history
from aiplat_jupyter.services.attribution import Attribution
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.gpu_history import Recorded, Ring
from aiplat_jupyter.store import agents, gpu_statuses, projects
from aiplat_jupyter.store import gpu_history as rows
from aiplat_jupyter.store.database import Database

TOPIC: Final = "gpu"
WATCHED_SECONDS: Final = 1.0
IDLE_SECONDS: Final = 10.0
LINGER_SECONDS: Final = 10.0
"""How long someone who has asked counts as watching."""
AWAY_SECONDS: Final = 35.0
"""Age at which the last status of another machine's agent says that nobody samples there."""
SEEN_SECONDS: Final = 5.0
"""How long is remembered which projects someone may see."""
TIDY_SECONDS: Final = 60.0
"""How often rows are rolled up, and old ones removed."""
PENDING: Final = 360
"""Rows that wait for a database that is busy: an hour of them."""
_HIDDEN: Final = Holder(is_hidden=True)
_DAY: Final = 86_400.0
_log = logging.getLogger(__name__)


class Keeping(NamedTuple):
    """How long history is kept: its rows of 10 s and a minute in hours, all others in days (0: for ever)."""

    fine_hours: float = 48.0
    days: float = 30.0


class _Pace(NamedTuple):
    interval: float
    details: bool


class GpuMonitor:
    """Knows the GPUs of this machine, live, and those of other agents as they were some seconds ago.

    An async context manager: it keeps history, and calls `each_sample`, while it is entered.

    Parameters
    ----------
    agent : of this machine and account.
    order : tells the sampler the seconds between samples, and whether to read PCIe traffic.
    is_leading : whether this server is the one that writes for the agent.
    each_sample : called with every status, in turn, on the server that leads; when they take longer than the time
        between two samples, samples are passed over.
    """

    def __init__(
        self,
        database: Database,
        bus: Bus,
        agent: agents.Found,
        attribution: Attribution,
        *,
        order: Callable[[float, bool], None],
        is_leading: Callable[[], bool],
        each_sample: Sequence[Callable[[GpuStatus], Awaitable[None]]] = (),
        keeping: Keeping = Keeping(),  # noqa: B008  # cannot be changed
    ) -> None:
        self._database = database
        self._bus = bus
        self._agent = agent
        self._attribution = attribution
        self._order = order
        self._is_leading = is_leading
        self._each_sample = each_sample
        self._keeping = keeping
        self._ring = Ring()
        self._pending: list[Recorded] = []
        self._asked_at = self._details_at = -float("inf")
        self._pace = _Pace(IDLE_SECONDS, details=False)
        self._encoded: dict[frozenset[str] | None, bytes] = {}
        self._visible: dict[str, tuple[float, frozenset[str], frozenset[str]]] = {}
        self._news = asyncio.Event()
        self._came = asyncio.Event()
        self._status: GpuStatus | None = None
        self._known: list[GpuDevice] | None = None
        self._tidied_at = -float("inf")

    async def __aenter__(self) -> Self:
        self._end = self._bus.heed(TOPIC, self._set_pace)
        self._task = asyncio.create_task(self._run(), name="aiplat-gpus")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._end()
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @property
    def latest(self) -> GpuStatus | None:
        """The newest status of this machine, with all holders; None before the first sample."""
        return self._status

    async def observe(self, sample: Sample) -> GpuStatus:
        """Take a sample of this machine in, tell those who watch, and return it with its holders."""
        sample = replace(sample, devices=await self._recognized(sample.devices))
        self._status = status = self._named(sample, await self._devices(sample))
        self._encoded.clear()
        self._pending += self._ring.add(status)
        del self._pending[:-PENDING]
        self._came.set()
        self._news.set()
        self._set_pace()
        await self._bus.tell(TOPIC, None, "sampled", self._agent.uid)
        return status

    async def _recognized(self, devices: list[GpuDevice]) -> list[GpuDevice]:
        """Give a GPU that was lost before the sampler started, and so is nameless, the name that it had before."""
        if self._known is None and any(device.state == "lost" for device in devices):
            self._known = await self._last_known()
        devices = _recognized(devices, self._known or [])
        self._known = devices or self._known
        return devices

    async def _last_known(self) -> list[GpuDevice]:
        try:
            status = await self._database.read(lambda tx: gpu_statuses.newest(tx, self._agent.id))
        except AiplatError:
            return []
        return status.devices if status else []

    async def _devices(self, sample: Sample) -> list[GpuDevice]:
        try:
            return await self._attribution.devices(sample)
        except Exception:  # what GPUs do is worth telling even while nobody can say for whom
            _log.exception("It cannot be told for whom the GPUs work")
            return sample.devices

    def _named(self, sample: Sample, devices: list[GpuDevice]) -> GpuStatus:
        return GpuStatus(
            state=sample.state,
            detail=sample.detail,
            agent=self._agent.uid,
            host=self._agent.machine,
            username=self._agent.username,
            at=sample.at,
            interval=sample.interval,
            driver=sample.driver,
            total=len(devices),
            devices=devices,
            system=sample.system,
        )

    def _set_pace(self) -> None:
        """Order samples every second while someone watches, else now and then."""
        since = time.monotonic() - LINGER_SECONDS
        is_watched = self._asked_at > since or self._bus.is_heard(TOPIC)
        pace = _Pace(WATCHED_SECONDS if is_watched else IDLE_SECONDS, self._details_at > since)
        if pace != self._pace:
            self._pace = pace
            self._order(*pace)

    async def status(self, who: Identity, query: GpuQuery) -> GpuStatus:
        """Return what an agent's GPUs do now, and for whom, as far as the caller may see that."""
        access.require(who, "read")
        if query.agent not in ("", self._agent.uid):
            return await self._masked(who, await self._elsewhere(query.agent))
        self._asked_at = time.monotonic()
        if query.details:
            self._details_at = self._asked_at
        self._set_pace()
        return await self._masked(who, self._status or await self._first())

    async def _first(self) -> GpuStatus:
        """Wait a moment for a sampler that has just been started."""
        try:
            async with asyncio.timeout(3.0):
                await self._came.wait()
        except TimeoutError:
            return self._named(Sample(state="starting", at=time.time(), interval=self._pace.interval), [])
        assert self._status is not None
        return self._status

    async def _elsewhere(self, uid: str) -> GpuStatus:
        def ask(tx: Connection) -> GpuStatus:
            agent = _found(tx, uid)
            status = gpu_statuses.newest(tx, agent.id)
            if status is None:
                return _away(agent)
            is_away = time.time() - status.at > AWAY_SECONDS
            return replace(status, is_own=False, state="away" if is_away else status.state)

        return await self._database.read(ask)

    async def event(self, who: Identity) -> bytes:
        """Return the newest status in JSON, as far as the caller may see it; made once for all who see the same."""
        assert self._status is not None
        seen = await self._seen(who, self._status)
        if seen not in self._encoded:
            self._encoded[seen] = msgspec.json.encode(self._status if seen is None else _masked(self._status, seen))
        return self._encoded[seen]

    async def _masked(self, who: Identity, status: GpuStatus) -> GpuStatus:
        seen = await self._seen(who, status)
        return status if seen is None else _masked(status, seen)

    async def _seen(self, who: Identity, status: GpuStatus) -> frozenset[str] | None:
        """Return the projects, of those that hold something, that the caller may see; None: all, and the rest too.

        The empty one stands for what belongs to no project, which the account that runs it sees.
        """
        if who.is_admin:
            return None
        asked = frozenset(holder.project for holder in _holders(status) if holder.project)
        at, known, seen = self._visible.get(who.username, (-float("inf"), frozenset(), frozenset()))
        if not asked <= known or time.monotonic() - at > SEEN_SECONDS:
            seen = frozenset(await self._database.read(lambda tx: projects.visible_uids(tx, who, asked)))
            self._visible[who.username] = time.monotonic(), asked, seen
        return (seen & asked) | {""} if who.username == status.username else seen & asked

    async def history(self, who: Identity, query: GpuHistoryQuery) -> GpuHistory:
        """Return what an agent's GPUs and machine did, at most `query.width` points for each metric."""
        access.require(who, "read")
        start, end = _span(query)
        is_own = query.agent in ("", self._agent.uid)
        status = self._status

        def ask(tx: Connection) -> GpuHistory:
            agent = self._agent if is_own else _found(tx, query.agent)
            found = gpu_history.read(tx, agent.id, start, end, query.width, self._ring if is_own else None)
            points = gpu_history.points(found, query, start, end)
            totals = _totals(status if is_own else gpu_statuses.newest(tx, agent.id))
            return GpuHistory(
                agent=agent.uid,
                host=agent.machine,
                start=start,
                end=end,
                resolution=points.resolution,
                names={track.uuid: f"{track.index} · {track.name}" for track in points.layout},
                series=gpu_history.series(points, totals),
            )

        return await self._database.read(ask)

    async def _run(self) -> None:
        """Write, and let others act on, what comes; whatever fails, the next sample is another try."""
        while True:
            await self._news.wait()
            self._news.clear()
            if not self._is_leading():
                self._pending.clear()
                continue
            assert self._status is not None
            await self._safely(self._keep)
            for act in self._each_sample:
                await self._safely(partial(act, self._status))

    async def _safely(self, act: Callable[[], Awaitable[None]]) -> None:
        try:
            await act()
        except Unavailable as error:
            _log.warning("What the GPUs did cannot be kept now: %s", error)
        except Exception:  # the task must outlive whatever one sample meets
            _log.exception("A sample of the GPUs could not be dealt with")

    async def _keep(self) -> None:
        """Write the rows that are complete; now and then, roll up and remove what is old."""
        status, pending = self._status, self._pending
        if not pending or status is None:
            return

        def write(tx: Connection) -> None:
            for row in pending:
                rows.add(tx, self._agent.id, row.at, row.layout, row.values)
            gpu_statuses.note(tx, self._agent.id, status)

        self._pending = []
        try:
            await self._database.write(write)
        except AiplatError:
            self._pending = (pending + self._pending)[-PENDING:]
            raise
        if time.monotonic() - self._tidied_at > TIDY_SECONDS:
            await self._tidy()

    async def _tidy(self) -> None:
        now = time.time()
        while await self._database.write(lambda tx: rows.roll_up(tx, self._agent.id, now)):
            pass
        before = dict.fromkeys(rows.FINE, now - self._keeping.fine_hours * 3_600)
        if self._keeping.days:
            before = dict.fromkeys(rows.LEVELS, now - self._keeping.days * _DAY) | before
        while await self._database.write(lambda tx: rows.remove_old(tx, self._agent.id, before)):
            pass
        self._tidied_at = time.monotonic()


def _recognized(devices: list[GpuDevice], known: Sequence[GpuDevice]) -> list[GpuDevice]:
    """Let the one lost GPU that was never seen be the one that was seen and is missing, if that is beyond doubt."""
    uuids, before = {device.uuid for device in devices}, {device.uuid for device in known}
    new = [device for device in devices if device.state == "lost" and device.uuid not in before]
    missing = [device for device in known if device.parent is None and device.uuid not in uuids]
    if len(new) != 1 or len(missing) != 1:
        return devices
    found = replace(new[0], uuid=missing[0].uuid, name=missing[0].name)
    return [found if device is new[0] else device for device in devices]


def _found(tx: Connection, uid: str) -> agents.Found:
    found = agents.find(tx, uid)
    if found is None:
        raise NotFound(f"There is no agent {uid!r}.")
    return found


def _away(agent: agents.Found) -> GpuStatus:
    return GpuStatus(
        state="away",
        agent=agent.uid,
        host=agent.machine,
        username=agent.username,
        is_own=False,
        at=agent.seen_at,
        interval=IDLE_SECONDS,
        total=0,
        devices=[],
    )


def _holders(status: GpuStatus) -> list[Holder]:
    found = [device.lease for device in status.devices]
    found += [process.holder for device in status.devices for process in device.processes]
    return [holder for holder in found if holder]


def _masked(status: GpuStatus, seen: Collection[str]) -> GpuStatus:
    return replace(status, devices=[_masked_device(device, seen) for device in status.devices])


def _masked_device(device: GpuDevice, seen: Collection[str]) -> GpuDevice:
    processes = [replace(one, holder=_shown(one.holder, seen)) for one in device.processes]
    return replace(device, lease=_shown(device.lease, seen), processes=processes)


def _shown(holder: Holder | None, seen: Collection[str]) -> Holder | None:
    return holder if holder is None or (holder.project or "") in seen else _HIDDEN


def _span(query: GpuHistoryQuery) -> tuple[float, float]:
    """Return start and end of what is asked for."""
    end = time.time() if query.end is None else query.end
    start = end - 3_600.0 if query.start is None else query.start
    wrong = {}
    if not 1 <= query.width <= MAX_WIDTH:
        wrong["width"] = f"1 to {MAX_WIDTH}"
    if not 0.0 <= start < end <= 1e11:
        wrong["start"] = "seconds since 1970, before the end"
    if wrong:
        raise InvalidInput("That is no part of the past.", fields=wrong)
    return start, end


def _totals(status: GpuStatus | None) -> dict[HostMetric, float]:
    if status is None or status.system is None:
        return {}
    totals: dict[HostMetric, float | None] = {
        "host_memory_used": status.system.memory_total,
        "disk_used": status.system.disk_total.value,
    }
    return {metric: total for metric, total in totals.items() if total is not None}
