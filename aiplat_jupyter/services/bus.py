"""What changed, for everyone who watches: read from the durable sequence, so it holds every server's commits."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Final, Literal, NamedTuple, Self

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.core.records import Change, Identity
from aiplat_jupyter.store import changes, projects
from aiplat_jupyter.store.database import Database

QUEUE: Final = 1_000
"""How many different changes may wait for one subscriber."""
REPLAY: Final = 5_000
"""How many changes a subscriber that was away is told one by one."""
_RETRY_SECONDS: Final = 1.0

_log = logging.getLogger(__name__)


class Resync(NamedTuple):
    """Too much was missed: forget what you know, ask again, and go on from `seq`."""

    seq: int


class Subscription:
    """What waits for one subscriber, a member of `projects` (uids): an async iterator that ends when the bus stops."""

    def __init__(self, who: Identity, topics: Iterable[str], after: int, projects: Iterable[str] = ()) -> None:
        self.who = who
        self.seq = after
        self._topics = frozenset(topics)
        self._waiting: OrderedDict[tuple[str, str, str], Change] = OrderedDict()
        self._resync: int | None = None
        self._visible = dict.fromkeys(projects, True)
        self._news = asyncio.Event()
        self._closed = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change | Resync:
        await self._news.wait()
        if self._resync is not None:
            seq, self._resync = self._resync, None
            self._settle()
            return Resync(seq)
        if self._waiting:
            _, change = self._waiting.popitem(last=False)
            self._settle()
            return change
        raise StopAsyncIteration

    def _settle(self) -> None:
        if not self._waiting and self._resync is None and not self._closed:
            self._news.clear()

    def close(self) -> None:
        """End the iteration once everything is taken."""
        self._closed = True
        self._news.set()

    def resync(self, seq: int) -> None:
        """Put one marker in the place of everything that waits."""
        self._waiting.clear()
        self._resync = self.seq = seq
        self._news.set()

    def unknown_projects(self, batch: Sequence[Change]) -> set[str]:
        """Return the projects of which it must be asked whether the subscriber may see them."""
        if self.who.is_admin:
            return set()
        named = {change.project for change in batch if change.project}
        changed = {change.uid for change in batch if change.topic == "projects"}
        return {uid for uid in named if uid in changed or uid not in self._visible}

    def offer(self, batch: Sequence[Change], asked: set[str], visible: set[str]) -> None:
        """Queue what the subscriber has subscribed to and may see; `visible` are those of the `asked` projects."""
        before = self._visible
        self._visible = before | {uid: uid in visible for uid in asked}
        fresh = [change for change in batch if change.seq > self.seq]
        if any(self._turns(change, before) for change in fresh):
            self.resync(fresh[-1].seq)
            return
        for change in fresh:
            if self._concerns(change, before):
                self._add(change)
        self.seq = max(self.seq, batch[-1].seq)

    def _turns(self, change: Change, before: dict[str, bool]) -> bool:
        """Tell whether a project was opened to the subscriber, or closed, and so all that is in it."""
        if self.who.is_admin or change.topic != "projects" or change.kind != "updated":
            return False
        return before.get(change.uid, False) != self._visible[change.uid]

    def names(self, topic: str) -> bool:
        """Tell whether the subscriber has asked for just this topic."""
        return topic in self._topics

    def tell(self, change: Change, asked: set[str], visible: set[str]) -> None:
        """Queue a change that has no number, as `offer` does."""
        before = self._visible
        self._visible = before | {uid: uid in visible for uid in asked}
        if self._concerns(change, before):
            self._add(change)

    def _concerns(self, change: Change, before: dict[str, bool]) -> bool:
        """A project that was just purged concerns those who saw it."""
        if self._topics and change.topic not in self._topics:
            return False
        project = change.project
        return self.who.is_admin or project is None or before.get(project, False) or self._visible[project]

    def _add(self, change: Change) -> None:
        key = change.topic, change.kind, change.uid
        self._waiting.pop(key, None)
        self._waiting[key] = change
        self._news.set()
        if len(self._waiting) > QUEUE:
            self.resync(max(self.seq, change.seq))


class Bus:
    """Follows the sequence and hands each change to those who may see it. An async context manager."""

    seq: int
    """Number of the newest change that the bus has seen: what a stream that starts now goes on from."""

    def __init__(self, database: Database) -> None:
        self.seq = 0
        self._database = database
        self._subscriptions: set[Subscription] = set()
        self._heeding: list[tuple[str, Callable[[], None]]] = []
        self._wake = asyncio.Event()

    async def __aenter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self.seq = await self._database.read(changes.latest)
        self._end = self._database.follow(self.publish)
        self._task = asyncio.create_task(self._follow(), name="aiplat-bus")
        return self

    async def __aexit__(self, *exc: object) -> None:
        await asyncio.to_thread(self._end)
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task
        for subscription in self._subscriptions:
            subscription.close()

    def publish(self) -> None:
        """Look for new changes now; `Database` calls it after each commit, from any thread."""
        with suppress(RuntimeError):  # the loop was closed meanwhile
            self._loop.call_soon_threadsafe(self._wake.set)

    def is_heard(self, topic: str) -> bool:
        """Tell whether anyone has asked for just this topic."""
        return any(one.names(topic) for one in self._subscriptions)

    def heed(self, topic: str, act: Callable[[], None]) -> Callable[[], None]:
        """Call `act` whenever someone begins or ceases to ask for just this topic; return what ends that."""
        entry = topic, act
        self._heeding.append(entry)
        return lambda: self._heeding.remove(entry)

    def _heed(self, subscription: Subscription) -> None:
        for topic, act in self._heeding:
            if subscription.names(topic):
                act()

    async def tell(self, topic: str, project: str | None, kind: Literal["grew", "sampled"], uid: str) -> None:
        """Tell those who have asked for `topic`, and may see `project`, of a change that is not kept."""
        change = Change(seq=0, topic=topic, kind=kind, uid=uid, project=project, at=time.time())
        for subscription in [one for one in self._subscriptions if one.names(topic)]:
            asked = subscription.unknown_projects([change])
            subscription.tell(change, asked, await self._visible(subscription.who, asked))

    async def _follow(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            try:
                while batch := await self._database.read(lambda tx: changes.since(tx, self.seq)):
                    await self._deliver(batch)
            except Unavailable as error:
                _log.warning("Changes cannot be read, trying again: %s", error)
                await self._again()
            except Exception:  # the task must outlive whatever one batch meets
                _log.exception("Changes cannot be delivered, trying again")
                await self._again()

    async def _again(self) -> None:
        await asyncio.sleep(_RETRY_SECONDS)
        self._wake.set()

    async def _deliver(self, batch: Sequence[Change]) -> None:
        """Offer a batch to all; where that fails it is read again, and passed over by those who have it."""
        before, self.seq = self.seq, batch[-1].seq  # first, as who subscribes meanwhile is not offered it
        try:
            for subscription in list(self._subscriptions):
                await self._offer(subscription, batch)
        except Exception:
            self.seq = before
            raise

    async def _offer(self, subscription: Subscription, batch: Sequence[Change]) -> None:
        asked = subscription.unknown_projects(batch)
        subscription.offer(batch, asked, await self._visible(subscription.who, asked))

    async def _visible(self, who: Identity, asked: set[str]) -> set[str]:
        if not asked:
            return set()
        return await self._database.read(lambda tx: projects.visible_uids(tx, who, asked))

    @asynccontextmanager
    async def subscribe(
        self, who: Identity, topics: Iterable[str] = (), after: int | None = None
    ) -> AsyncIterator[AsyncIterator[Change | Resync]]:
        """Iterate over changes of some topics (none named: all) behind number `after` (None: from now on).

        Ends when the bus stops. Changes of one topic, kind and uid that nobody has taken yet are told once, with the
        latest number. Numbers rise; what `tell` tells has none. A subscriber to whom a project is opened or closed must
        ask again for all they know: `Resync`.
        """
        known = set() if who.is_admin else await self._database.read(lambda tx: projects.uids_of(tx, who.username))
        subscription = Subscription(who, topics, self.seq if after is None else after, known)
        if after is not None:
            await self._replay(subscription)
        self._subscriptions.add(subscription)
        self._heed(subscription)
        try:
            yield subscription
        finally:
            self._subscriptions.discard(subscription)
            self._heed(subscription)

    async def _replay(self, subscription: Subscription) -> None:
        """Offer what the database still has behind the subscription's number, until it is level with the bus."""

        def missed(tx: Connection) -> Sequence[Change] | Resync:
            newest = changes.latest(tx)
            is_known = changes.oldest(tx) - 1 <= subscription.seq <= newest
            if not is_known or newest - subscription.seq > REPLAY:
                return Resync(newest)
            return changes.since(tx, subscription.seq, REPLAY)

        while True:
            found = await self._database.read(missed)
            if isinstance(found, Resync):
                return subscription.resync(found.seq)
            if found:
                await self._offer(subscription, found)
            if subscription.seq >= self.seq:
                return None
