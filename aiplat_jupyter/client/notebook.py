"""Cells: which one begins an experiment, and what became of those that log."""

import os
import sys
import time
from pathlib import Path
from typing import Any, Final

from aiplat_jupyter.client import session
from aiplat_jupyter.client.cell import Cell
from aiplat_jupyter.client.recording import Recording
from aiplat_jupyter.core.frames import Idle

_ATTRIBUTE: Final = "_aiplat_cells"


def shell() -> Any:
    """Return the IPython shell that this process is, or None."""
    ipython = sys.modules.get("IPython")
    return ipython.get_ipython() if ipython else None


def current_cell() -> Cell | None:
    """Return the cell that is being executed; None outside IPython."""
    ip = shell()
    if ip is None:
        return None
    if not hasattr(ip, "get_parent"):
        return Cell(None, ip.history_manager.input_hist_raw[-1], str(ip.execution_count))
    parent = ip.get_parent()
    source = parent.get("content", {}).get("code", "")
    return Cell(parent.get("metadata", {}).get("cellId"), source, parent.get("header", {}).get("msg_id", ""))


def kernel_id() -> str | None:
    """Return the id of the Jupyter kernel that this process is, or None."""
    if not hasattr(shell(), "kernel"):
        return None
    from ipykernel.connect import get_connection_file

    return Path(get_connection_file()).stem.removeprefix("kernel-")


def notebook_path() -> str | None:
    """Return the notebook's path as its server names it, or None."""
    return os.environ.get("JPY_SESSION_NAME")


def watch_cells() -> None:
    """Follow the shell's cells from now on."""
    ip = shell()
    if ip is not None and not hasattr(ip, _ATTRIBUTE):
        setattr(ip, _ATTRIBUTE, _Watch(ip.events))


class _Watch:
    """Notes for each experiment to which a cell logged how that cell ended."""

    def __init__(self, events: Any) -> None:
        self._logged: dict[Recording, int] = {}
        events.register("pre_run_cell", self._before)
        events.register("post_run_cell", self._after)

    def _before(self, _info: Any) -> None:
        session.current().system.is_idle = False
        self._logged = {recording: recording.logged for recording in session.current().live()}

    def _after(self, result: Any) -> None:
        session.current().system.is_idle = True
        error = result.error_before_exec or result.error_in_exec
        session.current().converter.drain(1.0)
        for recording in session.current().live():
            if recording.logged != self._logged.get(recording, 0):
                _note(recording, error, result.execution_count)


def _note(recording: Recording, error: BaseException | None, number: int | None) -> None:
    status = session.status_of(error) if error else "finished"
    if error is None or status == "finished":
        recording.add(Idle(wall=time.time()))
    else:
        recording.pause(status, f"In [{number}]: {session.describe(error)}")
