"""Running tasks as activity, for whatever shuts idle servers down."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Final

from jupyter_server.serverapp import ServerApp

LOOK_SECONDS: Final = 30.0
_KEY: Final = "aiplat_tasks"


@contextlib.asynccontextmanager
async def kept_alive(serverapp: ServerApp, running: Callable[[], int]) -> AsyncIterator[None]:
    """Let the server's last activity be now while `running` tells of tasks, until the block ends."""

    async def look() -> None:
        while True:
            if running():
                serverapp.web_app.settings["last_activity_times"][_KEY] = datetime.now(UTC)
            await asyncio.sleep(LOOK_SECONDS)

    task = asyncio.create_task(look(), name="aiplat-activity")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
