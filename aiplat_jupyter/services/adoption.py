"""Adoption: journals of this machine whose process is gone are committed to their end, and their attempts closed."""

import asyncio
import logging
import time
from contextlib import suppress
from typing import Final, NamedTuple, Self

from aiplat_jupyter.core.errors import AiplatError, Gone, OffsetConflict, Unavailable
from aiplat_jupyter.core.frames import HEAD, MAX_PAYLOAD
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.services.journals import Journals
from aiplat_jupyter.services.kernels import Kernels
from aiplat_jupyter.store.journal_files import JournalFiles, Left
from aiplat_jupyter.store.journals import Progress

ROUND_SECONDS: Final = 1.0
_LOOKS_PER_ROUND: Final = 200
_SLICE: Final = 4 * 1024 * 1024
_SLICES_PER_ROUND: Final = 4
_GRACE_SECONDS: Final = 2.0
"""How long the cause of a kernel's end is waited for: Jupyter tells of a restart when it is done."""
_CORRECTION_SECONDS: Final = 120.0
_TOUCH_SECONDS: Final = 20.0
_HOUSEKEEPING_SECONDS: Final = 60.0
_PUT_OFF_SECONDS: Final = 600.0
"""After how long a journal is looked at again that could not be read or committed, for a cause nobody foresaw."""

_log = logging.getLogger(__name__)


class _Guess(NamedTuple):
    """An ending that was written without knowing the cause."""

    kernel: str
    alive_at: float
    until: float


class Adoption:
    """Looks through the journal folder about once a second. An async context manager: started and stopped.

    Parameters
    ----------
    who : in whose name the journals of this machine are committed: the local account.
    keep_days : how long a journal file stays after it was last heard of, once it is closed.
    """

    has_looked: bool
    """Whether the first look is over: what was left behind while no server ran is committed then, or most of it."""

    def __init__(
        self, journals: Journals, files: JournalFiles, kernels: Kernels, who: Identity, *, keep_days: float = 7.0
    ) -> None:
        self.has_looked = False
        self._journals = journals
        self._files = files
        self._kernels = kernels
        self._who = who
        self._keep = keep_days * 86_400
        self._settled: dict[str, Left] = {}
        self._put_off: dict[str, float] = {}
        self._gone_since: dict[str, float] = {}
        self._guesses: dict[str, _Guess] = {}
        self._touched = self._kept_house = -float("inf")

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="aiplat-adoption")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task

    async def _run(self) -> None:
        while True:
            await self._safe_round()
            self.has_looked = True
            await asyncio.sleep(ROUND_SECONDS)

    async def _safe_round(self) -> None:
        try:
            await self.round()
        except Unavailable as error:
            _log.warning("Journals cannot be adopted now, trying again: %s", error)
        except Exception:  # the task must outlive whatever one round meets
            _log.exception("A round of adoption failed")

    async def round(self) -> None:
        """Look once, and adopt what is found."""
        found = await asyncio.to_thread(self._files.scan)
        open_ones = [left for left in reversed(found) if self._is_due(left)]
        looked = open_ones[:_LOOKS_PER_ROUND]
        known = await self._journals.progress([left.uid for left in looked]) if looked else {}
        alive = [left.uid for left in looked if await self._look(left, known.get(left.uid))]
        await self._correct()
        await self._touch([uid for uid in alive if uid in known])
        await self._keep_house(found)

    def _is_due(self, left: Left) -> bool:
        return self._settled.get(left.uid) != left and self._put_off.get(left.uid, 0.0) <= time.monotonic()

    async def _look(self, left: Left, known: Progress | None) -> bool:
        """Tell whether the journal's process lives; if not, adopt it. What ails one journal hinders no other."""
        try:
            return await self._is_alive(left, known)
        except Unavailable:
            raise
        except AiplatError as error:
            _log.warning("Journal %s cannot be adopted: %s", left.uid, error)
            self._settled[left.uid] = left
        except Exception:
            _log.exception("Journal %s cannot be adopted, trying again in %d s", left.uid, _PUT_OFF_SECONDS)
            self._put_off[left.uid] = time.monotonic() + _PUT_OFF_SECONDS
        return False

    async def _is_alive(self, left: Left, known: Progress | None) -> bool:
        claim = await asyncio.to_thread(self._files.claim, left.uid)
        if claim is None:
            self._gone_since.pop(left.uid, None)
            return True
        try:
            await self._adopt(left, known)
        except Gone:
            await asyncio.to_thread(self._files.remove, [left.uid])
        finally:
            claim.release()
        return False

    async def _adopt(self, left: Left, known: Progress | None) -> None:
        offset, is_whole = await self._commit(left.uid, known.offset if known else 0)
        if not is_whole:
            return
        if not offset:  # the process died before its first record was whole
            self._settled[left.uid] = left
            return
        known = (await self._journals.progress([left.uid])).get(left.uid)
        if known is None or (not known.closed and self._is_cause_awaited(left, known)):
            return
        is_guess = await self._journals.end(left.uid, self._kernels, left.modified_at)
        if is_guess and known.kernel and not self._kernels.knows(known.kernel, left.modified_at):
            until = time.monotonic() + _CORRECTION_SECONDS
            self._guesses[left.uid] = _Guess(known.kernel, left.modified_at, until)
        self._gone_since.pop(left.uid, None)
        self._settled[left.uid] = left

    def _is_cause_awaited(self, left: Left, known: Progress) -> bool:
        if known.kernel is None or self._kernels.knows(known.kernel, left.modified_at):
            return False
        since = self._gone_since.setdefault(left.uid, time.monotonic())
        return time.monotonic() - since < _GRACE_SECONDS

    async def _commit(self, uid: str, offset: int) -> tuple[int, bool]:
        """Commit some slices from `offset` on; return how far that came, and whether nothing whole is left."""
        size = _SLICE
        for _ in range(_SLICES_PER_ROUND):
            data = await asyncio.to_thread(self._files.read, uid, offset, size)
            if not data:
                return offset, True
            before = offset
            try:
                offset = (await self._journals.append(self._who, uid, offset, data, skip_corrupt=True)).offset
            except OffsetConflict as conflict:  # somebody else ships the same journal
                offset = conflict.offset
            if offset == before and len(data) < size:
                return offset, True
            if offset == before:
                size = MAX_PAYLOAD + HEAD.size
        return offset, False

    async def _correct(self) -> None:
        """Write the causes that became known after an attempt was ended without."""
        for uid, guess in list(self._guesses.items()):
            if self._kernels.knows(guess.kernel, guess.alive_at):
                await self._journals.end(uid, self._kernels, guess.alive_at, again=True)
                del self._guesses[uid]
            elif time.monotonic() > guess.until:
                del self._guesses[uid]

    async def _touch(self, alive: list[str]) -> None:
        if alive and time.monotonic() - self._touched >= _TOUCH_SECONDS:
            self._touched = time.monotonic()
            await self._journals.touch(alive)

    async def _keep_house(self, found: list[Left]) -> None:
        """Say which attempts are lost, and remove journals that were closed long ago."""
        if time.monotonic() - self._kept_house < _HOUSEKEEPING_SECONDS:
            return
        self._kept_house = time.monotonic()
        await self._journals.lose()
        before = time.time() - self._keep
        old = [left.uid for left in found if left.modified_at < before]
        for start in range(0, len(old), _LOOKS_PER_ROUND):
            known = await self._journals.progress(old[start : start + _LOOKS_PER_ROUND])
            expired = [uid for uid, one in known.items() if one.closed and one.seen_at < before]
            await asyncio.to_thread(self._files.remove, expired)
        present = {left.uid for left in found}
        self._settled = {uid: left for uid, left in self._settled.items() if uid in present}
        self._put_off = {uid: until for uid, until in self._put_off.items() if uid in present}
