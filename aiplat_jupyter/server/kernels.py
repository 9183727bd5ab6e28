"""What Jupyter knows of its kernels, told to the register that decides how an experiment ended."""

import asyncio
import contextlib
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from jupyter_events import EventLogger
from jupyter_server.serverapp import ServerApp
from jupyter_server.utils import ensure_async

from aiplat_jupyter.core.errors import NotFound

if TYPE_CHECKING:
    from aiplat_jupyter.services.kernels import Kernels, RunningKernel

ACTIONS: Final = "https://events.jupyter.org/jupyter_server/kernel_actions/v1"


@contextlib.contextmanager
def watched(serverapp: ServerApp, kernels: "Kernels") -> Iterator[None]:
    """Tell `kernels` what happens to the server's kernels, until the block ends."""
    watch, events = _Watch(serverapp, kernels), serverapp.event_logger
    assert events is not None
    events.add_listener(schema_id=ACTIONS, listener=watch.on_action)
    for kernel in serverapp.kernel_manager.list_kernel_ids():
        watch.follow(kernel)
    kernels.running = watch.running
    kernels.interrupter = watch.interrupt
    try:
        yield
    finally:
        kernels.interrupter = None
        events.remove_listener(schema_id=ACTIONS, listener=watch.on_action)


class _Watch:
    def __init__(self, serverapp: ServerApp, kernels: "Kernels") -> None:
        self._manager = serverapp.kernel_manager
        self._sessions = serverapp.session_manager
        self._kernels = kernels
        self._died: set[str] = set()

    async def on_action(self, logger: EventLogger, schema_id: str, data: dict[str, Any]) -> None:  # noqa: ARG002  # a listener
        """Note an action on a kernel, which has just been done."""
        kernel, action = data.get("kernel_id"), data["action"]
        if kernel is None or data.get("status") != "success":
            return
        if action == "start":
            self.follow(kernel)
        elif action in {"shutdown", "restart"} and kernel not in self._died:
            await asyncio.sleep(0)  # a kernel that was shut down for good is forgotten after this event
            self._kernels.requested(kernel, "restart" if kernel in self._manager else "shutdown")
        if action == "restart":
            self._died.discard(kernel)

    async def running(self) -> list["RunningKernel"]:
        """List the kernels of this machine that run, each with the notebook of its session."""
        from aiplat_jupyter.services.kernels import RunningKernel

        told = await ensure_async(self._sessions.list_sessions())
        paths = {session["kernel"]["id"]: session["path"] for session in told if session.get("kernel")}
        found = [(self._pid(kernel), kernel, paths.get(kernel)) for kernel in self._manager.list_kernel_ids()]
        return [RunningKernel(pid, kernel, path) for pid, kernel, path in found if pid]

    def _pid(self, kernel: str) -> int | None:
        """Return the kernel's process; a kernel of another machine has none here."""
        provisioner = getattr(self._manager.get_kernel(kernel), "provisioner", None)
        process = getattr(provisioner, "process", None)
        return getattr(process, "pid", None)

    async def interrupt(self, kernel: str) -> None:
        """Interrupt a kernel. Raise `NotFound` if the server has none of this id."""
        if kernel not in self._manager:
            raise NotFound("The kernel is not one of this server, or has ended.")
        manager: Any = self._manager
        await ensure_async(manager.interrupt_kernel(kernel))

    def follow(self, kernel: str) -> None:
        """Be told when the kernel's process ends by itself, whether Jupyter starts another or gives up."""
        for event in ("restart", "dead"):
            self._manager.add_restart_callback(kernel, partial(self._exited, kernel), event)

    def _exited(self, kernel: str) -> None:
        """Note a death. Jupyter reports the shutdown and restart that follow as if someone had asked for them."""
        provisioner = getattr(self._manager.get_kernel(kernel), "provisioner", None)
        process = getattr(provisioner, "process", None)
        self._died.add(kernel)
        self._kernels.exited(kernel, process.poll() if process else None)
