"""The GPUs of this machine, as the driver last told."""

import asyncio
import logging
import time
from collections.abc import Callable, Container, Sequence
from typing import Any, Final

from msgspec import Struct

_MIB: Final = 2**20
_FRESH_SECONDS: Final = 5.0
_USABLE_SECONDS: Final = 15.0

_log = logging.getLogger(__name__)


class SeenGpu(Struct, frozen=True):
    """A GPU as the driver tells of it. Memory is in bytes; None: it does not tell."""

    uuid: str
    index: int
    name: str
    memory: int | None
    used: int | None


class Gpus:
    """Remembers what `ask`, which blocks, has told; raises nothing if it fails.

    Parameters
    ----------
    ask : returns the GPUs; raises any exception when the driver does not answer.
    busy_mib : a GPU that no task holds and of which more memory than that is used is not given to tasks.
    told : called after each answer.
    """

    def __init__(self, ask: Callable[[], Sequence[SeenGpu]], busy_mib: float, told: Callable[[], None]) -> None:
        self._ask = ask
        self._busy = busy_mib * _MIB
        self._told = told
        self._at = self._asked_at = -float("inf")
        self._asking: asyncio.Task[None] | None = None
        self.seen: Sequence[SeenGpu] | None = None
        """None until the driver has answered once."""

    def count(self) -> int | None:
        """Return how many there are; None: not known yet."""
        return None if self.seen is None else len(self.seen)

    def facts(self) -> list[dict[str, Any]] | None:
        """Return what does not change about them; None: not known yet."""
        if self.seen is None:
            return None
        return [{name: getattr(gpu, name) for name in ("uuid", "index", "name", "memory")} for gpu in self.seen]

    def free(self, held: Container[str]) -> list[str] | None:
        """Return the UUIDs of those that neither tasks hold nor others use; None: the last answer is too old."""
        if self.seen is None or time.monotonic() - self._at > _USABLE_SECONDS:
            return None
        return [gpu.uuid for gpu in self.seen if gpu.uuid not in held and not self._is_busy(gpu)]

    def busy(self, held: Container[str]) -> int:
        """Return how many others use, of those that no task holds."""
        return sum(gpu.uuid not in held and self._is_busy(gpu) for gpu in self.seen or ())

    def _is_busy(self, gpu: SeenGpu) -> bool:
        return (gpu.used or 0) > self._busy

    def refresh(self) -> None:
        """Ask the driver again, in the background, unless it was asked a moment ago."""
        is_asking = self._asking is not None and not self._asking.done()
        if not is_asking and time.monotonic() - self._asked_at > _FRESH_SECONDS:
            self._asked_at = time.monotonic()
            self._asking = asyncio.create_task(self._look(), name="aiplat-gpus")

    async def _look(self) -> None:
        try:
            self.seen = await asyncio.to_thread(self._ask)
        except Exception as error:  # whatever is wrong with a driver, tasks without GPUs go on
            _log.warning("The GPUs cannot be listed: %s", error)
        else:
            self._at = time.monotonic()
            self._told()

    async def close(self) -> None:
        """Wait for an answer that is under way no longer."""
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
