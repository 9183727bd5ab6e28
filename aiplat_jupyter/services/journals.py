"""Journals: bytes that training processes wrote, committed exactly once."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import NotFound, OffsetConflict, UnreadableJournal
from aiplat_jupyter.core.frames import HEAD, MAX_PAYLOAD, Committed, Shape
from aiplat_jupyter.core.records import Identity, Journal
from aiplat_jupyter.services import access, limits, links
from aiplat_jupyter.services.commit import Commit
from aiplat_jupyter.services.kernels import Ending, Kernels
from aiplat_jupyter.store import attempts, changes, columns, journals, projects, tombstones
from aiplat_jupyter.store.database import Database

LOST_SECONDS: Final = 86_400.0
_HEARD_SECONDS: Final = 20.0
"""How often it is noted that a silent process lives."""
_SMALL: Final = 65_536
"""Bytes of points that may wait for those of other journals, to be written together."""
_REMEMBERED: Final = 256
_IDLE: Final = Ending("finished", "kernel ended while idle")


class Journals:
    """Commits journals, whoever ships them: the process itself, `Adoption` or ``aiplat sync``."""

    def __init__(self, database: Database, notebooks: links.Notebooks | None = None) -> None:
        self._database = database
        self._notebooks = notebooks
        self._heard: dict[str, float] = {}
        self._shapes: OrderedDict[str, tuple[int, dict[int, list[str]]]] = OrderedDict()

    async def append(
        self, who: Identity, uid: str, offset: int, data: bytes, *, skip_corrupt: bool = False
    ) -> Committed:
        """Commit the whole frames at the start of `data`, which stand at `offset`, up to one that cannot be read.

        Empty `data` says that the process is alive. `skip_corrupt` passes over bytes that are no frames, when nobody
        will ever write others. Raise `OffsetConflict` with the true offset, `Gone` if the experiment was purged,
        `UnreadableJournal` if `data` begins with what is no frame or cannot be read.
        """
        access.require(who, "write")
        limits.uid(uid)
        found = await self._decoded(who, uid, offset, data, skip_corrupt)
        if found.end:
            patient = found.end < _SMALL and all(isinstance(item, columns.Points) for item in found.items)
            return await self._database.write(
                lambda tx: _commit(tx, who, uid, offset, found, self._notebooks), patient=patient
            )
        if _is_corrupt(data):
            raise UnreadableJournal(f"Behind byte {offset} of the journal is no sound frame.")
        state = await self._database.read(lambda tx: _at(tx, who, uid, offset))
        if state is not None:
            await self._hear(uid)
        return Committed(offset=offset, stop=_is_stopping(state))

    async def _decoded(self, who: Identity, uid: str, offset: int, data: bytes, skip_corrupt: bool) -> columns.Slice:
        """Return what `data` holds, decoded on a thread. The shapes of points are remembered from commit to commit."""
        at, shapes = self._shapes.pop(uid, (-1, {}))
        if at != offset:
            shapes = await self._database.read(lambda tx: _shapes(tx, who, uid, offset))
        found = await asyncio.to_thread(columns.decode, data, shapes, skip_corrupt=skip_corrupt)
        fresh = {item.number: item.keys for item in found.items if isinstance(item, Shape)}
        self._shapes[uid] = offset + found.end, {**shapes, **fresh}
        while len(self._shapes) > _REMEMBERED:
            self._shapes.popitem(last=False)
        return found

    async def _hear(self, uid: str) -> None:
        now = time.monotonic()
        if now - self._heard.get(uid, -_HEARD_SECONDS) >= _HEARD_SECONDS:
            self._heard = {known: at for known, at in self._heard.items() if now - at < _HEARD_SECONDS}
            self._heard[uid] = now
            await self.touch([uid])

    async def touch(self, uids: Collection[str]) -> None:
        """Note that the processes of these journals live."""
        await self._database.write(lambda tx: journals.touch(tx, uids))

    async def get(self, who: Identity, uid: str) -> Journal:
        """Return how far a journal is committed. Raise `NotFound`, or `Gone` if its experiment was purged."""

        def ask(tx: Connection) -> Journal:
            found = journals.record(tx, uid)
            if found is None:
                tombstones.refuse_buried(tx, uid)
                raise NotFound(f"There is no journal {uid!r}.")
            access.experiment(tx, who, found.experiment, "viewer")
            return found

        return await self._database.read(ask)

    async def progress(self, uids: Collection[str]) -> dict[str, journals.Progress]:
        """Return how far those of the journals are that are known."""
        return await self._database.read(lambda tx: journals.progress(tx, uids))

    async def end(self, uid: str, kernels: Kernels, alive_at: float, *, again: bool = False) -> bool:
        """Close the wholly committed journal of a process that is gone, and its attempt if that runs on.

        `alive_at` is when the process last wrote. Its last word counts; without one, what `kernels` knows: then return
        True. `again` tells that this was the case, and that `kernels` knows more now.
        """

        def change(tx: Connection) -> bool:
            state = journals.state(tx, uid)
            if state is None or state.closed != again:
                return False
            journals.close(tx, state.id)
            if not _is_left_open(tx, state, again):
                if (
                    not state.context
                    and state.attempt_status != "running"
                    and not journals.has_open(tx, state.attempt_id)
                ):
                    links.end(tx, state.experiment_uid, state.attempt_status, "", alive_at)
                return False
            ending = _IDLE if state.idle else kernels.ending(state.kernel, alive_at, state.oom_kills)
            attempts.end(tx, state.attempt_id, ending.status, ending.cause, alive_at, final=False)
            links.end(tx, state.experiment_uid, ending.status, ending.cause, alive_at)
            changes.of_experiment(tx, "status", state.experiment_uid, state.project_uid)
            return not state.idle

        return await self._database.write(change)

    async def lose(self) -> None:
        """End attempts of which nothing was heard for a day, from any machine."""

        def change(tx: Connection) -> None:
            now = time.time()
            for attempt, experiment, project in journals.silent_attempts(tx, now - LOST_SECONDS):
                attempts.end(tx, attempt, "lost", "not heard of for a day", now, final=False)
                links.end(tx, experiment, "lost", "not heard of for a day", now)
                changes.of_experiment(tx, "status", experiment, project)

        await self._database.write(change)


def _is_left_open(tx: Connection, state: journals.State, again: bool) -> bool:
    """Tell whether nobody has said what became of the attempt, and nobody is left to say it."""
    if state.context or state.attempt_final or journals.has_open(tx, state.attempt_id):
        return False
    return state.attempt_status == ("failed" if again else "running")


def _at(tx: Connection, who: Identity, uid: str, offset: int) -> journals.State | None:
    """Return the journal's state, None if it is new. Raise `OffsetConflict` unless it is committed up to `offset`."""
    state = journals.state(tx, uid)
    if state is None or state.is_buried:
        tombstones.refuse_buried(tx, uid)
    else:
        role = projects.role(tx, who, state.project_id)
        if role is None:
            raise NotFound(f"There is no journal {uid!r}.")
        access.check(who, role, "editor")
    committed = state.offset if state else 0
    if committed != offset:
        raise OffsetConflict(committed)
    return state


def _shapes(tx: Connection, who: Identity, uid: str, offset: int) -> dict[int, list[str]]:
    state = _at(tx, who, uid, offset)
    return journals.shapes(tx, state.id) if state else {}


def _commit(
    tx: Connection, who: Identity, uid: str, offset: int, found: columns.Slice, notebooks: links.Notebooks | None
) -> Committed:
    commit = Commit(tx, who, uid, _at(tx, who, uid, offset), notebooks)
    for item in found.items:
        commit.apply(item)
    commit.finish(offset + found.end)
    return Committed(offset=offset + found.end, stop=_is_stopping(commit.state))


def _is_stopping(state: journals.State | None) -> bool:
    return state is not None and state.stop_requested and state.is_current


def _is_corrupt(data: bytes) -> bool:
    """Tell whether `data`, which does not begin with a sound frame, cannot just be torn."""
    if len(data) < HEAD.size:
        return False
    length, _ = HEAD.unpack_from(data)
    return not 0 < length <= MAX_PAYLOAD or len(data) >= HEAD.size + length
