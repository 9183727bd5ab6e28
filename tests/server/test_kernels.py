"""Kernels inherit how to find the server, and the platform learns what becomes of them."""

import asyncio
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aiplat_jupyter.server.app import AiplatApp
from aiplat_jupyter.services.kernels import Ending


@pytest.fixture
def jp_server_config(jp_server_config: dict[str, Any]) -> dict[str, Any]:
    jp_server_config["KernelRestarter"] = {"time_to_dead": 0.2}
    jp_server_config["AsyncMappingKernelManager"] = {"shutdown_wait_time": 2.0}
    return jp_server_config


class Kernel:
    """A kernel of the test server."""

    def __init__(self, app: AiplatApp, fetch: Callable[..., Any], uid: str) -> None:
        self._app, self._fetch, self.uid = app, fetch, uid
        assert app.serverapp is not None
        self._manager: Any = app.serverapp.kernel_manager

    @property
    def pid(self) -> int | None:
        process = self._manager.get_kernel(self.uid).provisioner.process
        return None if process is None else int(process.pid)

    def variable(self, name: str) -> str:
        entries = Path(f"/proc/{self.pid}/environ").read_bytes().decode().split("\0")
        return dict(entry.partition("=")[::2] for entry in entries)[name]

    async def until_ended(self, since: float = 0.0) -> Ending:
        kernels = (await self._app.services()).kernels
        async with asyncio.timeout(20):
            while not (event := kernels._events.get(self.uid)) or event.at <= since:
                await asyncio.sleep(0.05)
        self.last = event.at
        ending: Ending = kernels.ending(self.uid, since, 10**9)
        return ending

    async def restart(self) -> None:
        await self._fetch("api", "kernels", self.uid, "restart", method="POST", body="{}")

    async def shut_down(self) -> None:
        await self._fetch("api", "kernels", self.uid, method="DELETE")


@pytest.fixture
def kernel(aiplat_app: AiplatApp, jp_fetch: Callable[..., Any], jp_asyncio_loop: asyncio.AbstractEventLoop) -> Kernel:
    async def start() -> str:
        answer = await jp_fetch("api", "kernels", method="POST", body=json.dumps({"name": "python3"}))
        return str(json.loads(answer.body)["id"])

    return Kernel(aiplat_app, jp_fetch, jp_asyncio_loop.run_until_complete(start()))


async def test_a_kernel_knows_its_server(aiplat_app: AiplatApp, kernel: Kernel) -> None:
    assert kernel.variable("AIPLAT_DATA_DIR") == aiplat_app.data_dir
    assert json.loads(Path(kernel.variable("AIPLAT_SERVER_FILE")).read_text())["token"].startswith("aip_")
    assert "aip_" not in Path(f"/proc/{kernel.pid}/environ").read_text()


async def test_a_kernel_that_was_killed(kernel: Kernel) -> None:
    first = kernel.pid
    assert first
    os.kill(first, signal.SIGKILL)
    assert await kernel.until_ended() == ("failed", "kernel killed by SIGKILL")
    async with asyncio.timeout(20):
        while kernel.pid in (first, None):
            await asyncio.sleep(0.05)
    await asyncio.sleep(0.2)
    assert await kernel.until_ended() == ("failed", "kernel killed by SIGKILL")
    await kernel.shut_down()
    assert await kernel.until_ended(since=kernel.last) == ("interrupted", "kernel shut down")


async def test_a_kernel_that_was_restarted(kernel: Kernel) -> None:
    await kernel.restart()
    assert await kernel.until_ended() == ("interrupted", "kernel restarted")


async def test_a_kernel_that_was_shut_down(kernel: Kernel) -> None:
    await kernel.shut_down()
    assert await kernel.until_ended() == ("interrupted", "kernel shut down")
