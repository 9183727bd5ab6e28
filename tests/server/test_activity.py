import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_server.serverapp import ServerWebApplication

from aiplat_jupyter.server import activity


@pytest.mark.parametrize(("running", "is_active"), [(2, True), (0, False)])
def test_running_tasks_are_activity(running: int, is_active: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity, "LOOK_SECONDS", 0.01)
    long_ago = datetime.now(UTC) - timedelta(days=1)
    kernels = SimpleNamespace(last_kernel_activity=long_ago)
    terminals = SimpleNamespace(last_activity=long_ago, list=list)
    known = {"last_activity_times": {}, "started": long_ago, "kernel_manager": kernels, "terminal_manager": terminals}
    application: Any = SimpleNamespace(settings=known)

    async def serve() -> None:
        async with activity.kept_alive(SimpleNamespace(web_app=application), lambda: running):
            await asyncio.sleep(0.05)

    asyncio.run(serve())
    assert (ServerWebApplication.last_activity(application) > long_ago) is is_active
