"""The server's end of the sampler: starts it, listens, tells it how often to look, and starts it again."""

import asyncio
import logging
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

import msgspec
from msgspec.structs import replace

from aiplat_jupyter.core.gpu import MonitorState, Sample
from aiplat_jupyter.gpu.silence import silenced

BEATS: Final = 3
"""How many samples may fail to come."""
PATIENCE: Final = 15.0
"""Seconds that are waited at least: a machine under load is slow to start a process."""
LONGEST_LINE: Final = 16 * 2**20
GOODBYE: Final = 1.0
"""Seconds that a sampler has to end by itself, and again when it is killed."""
PAUSES: Final = (1.0, 2.0, 5.0, 10.0, 30.0)
"""Seconds until it is started again, for each time that it has ended soon."""
SOON: Final = 60.0
MODULE: Final = "aiplat_jupyter.gpu.sampler"
_log = logging.getLogger(__name__)


class Sampling:
    """Hands on what the sampler tells, on the event loop. An async context manager.

    Parameters
    ----------
    told : called with each sample; also with one that says that the sampler has ended or does not answer.
    folder : whose disk is told of.
    """

    def __init__(self, told: Callable[[Sample], Awaitable[None]], folder: Path) -> None:
        self._told = told
        self._folder = folder
        self._interval, self._details = 10.0, False
        self._child: Process | None = None
        self._abandoned: list[Process] = []
        self._parting: asyncio.Task[None] | None = None
        self._last = Sample(state="starting", at=0.0, interval=self._interval)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run(), name="aiplat-sampler")
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._parting is not None:
            await self._parting

    def order(self, interval: float, details: bool) -> None:  # the order's two words
        """Let there be a sample every `interval` seconds, from now on; `details`: with PCIe traffic."""
        self._interval, self._details = interval, details
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.write(msgspec.json.encode({"interval": interval, "details": details}) + b"\n")

    async def _run(self) -> None:
        ends = 0
        while True:
            begun = time.monotonic()
            state, detail = await self._one_life()
            ends = ends + 1 if time.monotonic() - begun < SOON else 1
            await self._tell(state, detail)
            await asyncio.sleep(PAUSES[min(ends, len(PAUSES)) - 1])

    async def _one_life(self) -> tuple[MonitorState, str]:
        """Start the sampler and listen to it; return how that ended."""
        try:
            self._child = child = await self._start()
        except OSError as error:
            return "failed", f"The sampler cannot be started: {error}"
        try:
            return await self._listen(child)
        finally:
            self._child = None
            self._parting = asyncio.create_task(self._part(child), name="aiplat-sampler-end")
            await asyncio.shield(self._parting)

    async def _start(self) -> Process:
        options = ["--interval", str(self._interval), "--folder", str(self._folder)]
        options += ["--details"] if self._details else []
        command = [sys.executable, "-P", "-m", MODULE, *options]
        # A session of its own: an interrupt at the server's terminal is not meant for it.
        return await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, limit=LONGEST_LINE, start_new_session=True
        )

    async def _listen(self, child: Process) -> tuple[MonitorState, str]:
        assert child.stdout is not None
        while True:
            try:
                async with asyncio.timeout(max(PATIENCE, BEATS * self._interval)):
                    line = await child.stdout.readline()
            except TimeoutError:
                return "driver_stalled", ""
            except ValueError as error:  # a line longer than any that is written
                return "failed", f"The sampler cannot be understood: {error}"
            if not line.endswith(b"\n"):  # the end, perhaps within a line
                return "failed", ""
            try:
                self._last = msgspec.json.decode(line, type=Sample)
            except msgspec.DecodeError as error:
                return "failed", f"The sampler cannot be understood: {error}"
            await self._hand_on(self._last)

    async def _hand_on(self, sample: Sample) -> None:
        try:
            await self._told(sample)
        except Exception:  # whatever became of this sample, the next is told
            _log.exception("A sample of the GPUs could not be handed on")

    async def _tell(self, state: MonitorState, detail: str) -> None:
        devices = silenced(self._last.devices)
        last = replace(self._last, state=state, detail=detail, at=time.time(), interval=self._interval, system=None)
        await self._hand_on(replace(last, devices=devices, lineages={}))

    async def _part(self, child: Process) -> None:
        """Let the child end, or end it; one that hangs in the driver is not waited for."""
        self._abandoned = [one for one in self._abandoned if one.returncode is None]
        assert child.stdin is not None
        child.stdin.close()
        if await _has_ended(child):
            return
        with suppress(ProcessLookupError):
            child.kill()
        if not await _has_ended(child):
            self._abandoned.append(child)


async def _has_ended(child: Process) -> bool:
    """Wait a moment for its end."""
    with suppress(TimeoutError):
        async with asyncio.timeout(GOODBYE):
            await child.wait()
    return child.returncode is not None
