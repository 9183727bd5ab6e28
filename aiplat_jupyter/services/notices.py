"""What is done when an alert fires or is over: webhooks and channels, stopping a task, interrupting a kernel.

In the background and on threads of its own: what never answers holds nothing up. Of one alert each place is told one
thing after the other, so that it is over last. What became of it is noted in the alert. What was not sent when the
server ends is not sent later.
"""

import asyncio
import logging
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Final, Self

import msgspec
from sqlalchemy import Connection

from aiplat_jupyter.core.alert_rules import Kind
from aiplat_jupyter.core.alerts import Action, Alert, Delivery
from aiplat_jupyter.core.errors import AiplatError, NotFound
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import StopTask
from aiplat_jupyter.services import alert_words, channel, posting
from aiplat_jupyter.services.alert_ledger import Notice
from aiplat_jupyter.services.posting import Result
from aiplat_jupyter.services.tasks import Tasks
from aiplat_jupyter.store import alerts, changes
from aiplat_jupyter.store.alert_rules import Found
from aiplat_jupyter.store.database import Database

WAITS: Final = (2.0, 10.0, 60.0)
"""Seconds between one try and the next."""
AT_ONCE: Final = 8
EACH: Final = 2
"""How many tries may be under way to one place, so that one that never answers leaves room for others."""
MOST: Final = 1_000
"""How many deliveries may wait."""
PATIENCE: Final = 20.0
_TOLD: Final[frozenset[Kind]] = frozenset({"fired", "worsened", "reminded", "resolved"})

_log = logging.getLogger(__name__)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What a webhook is sent: what happened, the alert, and the same in plain English."""

    event: Kind
    alert: Alert
    title: str
    text: str


class Notices:
    """Acts on what was said. An async context manager: deliveries end with it.

    Parameters
    ----------
    tasks : stops tasks, with the rights of the rule's owner at that moment.
    interrupt : interrupts a kernel of this server; raises `NotFound` for any other.
    local : the account of this machine, whose kernels those are.
    """

    def __init__(
        self, database: Database, tasks: Tasks, interrupt: Callable[[str], Awaitable[None]], local: Identity
    ) -> None:
        self._database = database
        self._tasks = tasks
        self._interrupt = interrupt
        self._local = local
        self._under_way: set[asyncio.Task[None]] = set()
        self._newest: dict[tuple[str, Action], asyncio.Task[None]] = {}
        self._busy: Counter[str] = Counter()
        self._freed = asyncio.Condition()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def hear(self, notices: Sequence[Notice]) -> None:
        """Begin with what is to be done; returns at once."""
        for notice in notices:
            for action in _due(notice):
                if len(self._under_way) >= MOST:
                    _log.warning("Too many deliveries wait: that of alert %s is left out.", notice.alert.uid)
                    continue
                self._begin(notice, action)

    def _begin(self, notice: Notice, action: Action) -> None:
        key = notice.alert.uid, action
        task = asyncio.create_task(self._deliver(notice, action, self._newest.get(key)), name="aiplat-notice")
        self._under_way.add(task)
        self._newest[key] = task

        def end(_: object) -> None:
            self._under_way.discard(task)
            if self._newest.get(key) is task:
                del self._newest[key]

        task.add_done_callback(end)

    async def _deliver(self, notice: Notice, action: Action, former: asyncio.Task[None] | None) -> None:
        if former is not None:
            await asyncio.wait([former])
        try:
            tries, problem = await self._try(notice, action)
        except Exception:  # whatever one action meets, the alert says so
            _log.exception("An action of alert %s failed", notice.alert.uid)
            tries, problem = 1, "Something went wrong; the server's log tells more."
        delivery = Delivery(kind=action.kind, at=time.time(), tries=tries, problem=problem)
        with suppress(AiplatError):
            await self._note(notice.alert.uid, delivery)

    async def _try(self, notice: Notice, action: Action) -> tuple[int, str]:
        for number, wait in enumerate((*WAITS, None), 1):
            result = await self._once(notice, action)
            if not result.problem or result.is_final or wait is None:
                return number, result.problem
            await asyncio.sleep(wait)
        raise AssertionError

    async def _once(self, notice: Notice, action: Action) -> Result:
        match action.kind:
            case "stop_task":
                return await _said(self._stop(notice))
            case "interrupt_kernel":
                return await _said(self._interrupt_kernel(notice))
            case _:
                return await self._post(notice, action)

    async def _post(self, notice: Notice, action: Action) -> Result:
        alert = msgspec.structs.replace(notice.alert, deliveries=[])
        title, text = alert_words.title(notice.kind, alert), alert_words.text(alert)
        if action.kind == "channel":
            async with _Turn(self, "channels"):
                return Result(await channel.notify(action.url, title, text, alert.severity))
        async with _Turn(self, action.url):
            body = msgspec.json.encode(Message(event=notice.kind, alert=alert, title=title, text=text))
            return await _on_thread(lambda: posting.post(action.url, body))

    async def _stop(self, notice: Notice) -> None:
        task = notice.alert.target.task
        if task is None:
            raise NotFound("No task is known that it works for.")
        await self._tasks.stop(self._owner(notice.rule), task, StopTask())

    async def _interrupt_kernel(self, notice: Notice) -> None:
        kernel, owner = notice.alert.target.kernel, self._owner(notice.rule)
        if kernel is None:
            raise NotFound("No kernel is known that it works in.")
        if not owner.is_admin and owner.username != self._local.username:
            raise NotFound(f"The kernels of this server are not {owner.username}'s.")
        await self._interrupt(kernel)

    def _owner(self, rule: Found) -> Identity:
        """Return with whose rights a rule acts; what it may do is looked up when it does it."""
        if rule.owner in ("", self._local.username):
            return self._local
        return Identity(username=rule.owner, is_admin=rule.is_everywhere)

    async def _note(self, uid: str, delivery: Delivery) -> None:
        def change(tx: Connection) -> None:
            if named := alerts.note_deliveries(tx, uid, [delivery]):
                changes.of_alerts(tx, "updated", [named])

        await self._database.write(change)

    def _has_room(self, place: str) -> bool:
        return self._busy.total() < AT_ONCE and self._busy[place] < EACH

    async def take(self, place: str) -> None:
        """Wait for a turn to tell a place."""
        async with self._freed:
            await self._freed.wait_for(lambda: self._has_room(place))
            self._busy[place] += 1

    async def give_back(self, place: str) -> None:
        """End the turn."""
        async with self._freed:
            self._busy[place] -= 1
            self._freed.notify_all()


class _Turn:
    """A turn to tell a place."""

    def __init__(self, notices: Notices, place: str) -> None:
        self._notices = notices
        self._place = place

    async def __aenter__(self) -> None:
        await self._notices.take(self._place)

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.shield(self._notices.give_back(self._place))


def _due(notice: Notice) -> list[Action]:
    if notice.kind not in _TOLD or notice.rule.silenced_until > time.time():
        return []
    is_first = notice.kind == "fired"
    return [one for one in notice.rule.spec.actions if is_first or one.kind in ("webhook", "channel")]


async def _said(act: Awaitable[object]) -> Result:
    """Do something that is not tried again, and say what kept it from being done."""
    try:
        await act
    except AiplatError as error:
        return Result(error.detail, is_final=True)
    return Result()


async def _on_thread(act: Callable[[], Result]) -> Result:
    """Return what `act` returns, run on a thread that nothing waits for when the server ends."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Result] = loop.create_future()

    def settle(result: Result) -> None:
        if not done.done():
            done.set_result(result)

    def run() -> None:
        try:
            result = act()
        except Exception as error:  # of a library that may raise anything; its words may hold the address
            result = Result(f"It failed: {type(error).__name__}.")
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(settle, result)

    threading.Thread(target=run, name="aiplat-notice", daemon=True).start()
    try:
        async with asyncio.timeout(PATIENCE):
            return await done
    except TimeoutError:
        return Result(f"It cannot be reached: no answer within {PATIENCE:g} s.")
