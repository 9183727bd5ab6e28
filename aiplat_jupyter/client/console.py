"""What the cells of a notebook print, kept as the log of a task that is the notebook itself."""

import os
import sys
import traceback
from contextlib import suppress
from typing import Any, Final

from aiplat_jupyter.client import notebook
from aiplat_jupyter.client.complaints import say
from aiplat_jupyter.client.discover import data_dir
from aiplat_jupyter.client.own_task import own_task
from aiplat_jupyter.client.recording import Recording
from aiplat_jupyter.core.ids import new_uid

_STREAMS: Final = ("stdout", "stderr")
_open: set["Console"] = set()


class Console:
    """A log that grows with what is printed while its recording lives; `uid` is that of its task."""

    def __init__(self) -> None:
        self.uid = new_uid()
        folder = data_dir() / "tasks" / self.uid / "1"
        folder.mkdir(mode=0o700, parents=True)
        self._fd = os.open(folder / "out.log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self._recording: Recording | None = None

    def follow(self, recording: Recording) -> None:
        """Keep what is printed from now on, until the recording ends."""
        self._recording = recording
        _watch(notebook.shell())
        _open.add(self)

    def write(self, text: bytes) -> None:
        """Append the text, or close the log."""
        if self._recording is None or self._recording.ended:
            self._close()
            return
        try:
            os.write(self._fd, text)
        except OSError as error:
            self._close()  # before the warning, which is printed too
            say("aiplat: the notebook's log is not complete: %s", error)

    def _close(self) -> None:
        with suppress(KeyError, OSError):  # another thread was first
            _open.remove(self)
            os.close(self._fd)


class Echo:
    """What a stream of the kernel repeats its text to; `before` was that until now."""

    def __init__(self, before: Any) -> None:
        self._before = before

    def write(self, text: str) -> None:
        """Append the text to the log of each experiment that has not ended."""
        if self._before is not None:
            self._before.write(text)
        _put(text)

    def flush(self) -> None:
        """Pass it on; the logs hold nothing back."""
        if self._before is not None:
            self._before.flush()


def new_console(is_wanted: bool) -> Console | None:
    """Return a log for the experiment that begins; None outside of notebooks that someone runs by hand."""
    if not is_wanted or os.environ.get("AIPLAT_CONSOLE") == "0" or own_task() or not notebook.kernel_id():
        return None
    try:
        return Console()
    except OSError as error:
        say("aiplat: what this notebook prints is not kept: %s", error)
        return None


def _put(text: str) -> None:
    if _open:
        data = text.encode(errors="replace")
        for console in list(_open):
            console.write(data)


def _watch(shell: Any) -> None:
    """Hear what the kernel's streams are told, and the errors of its cells, which are not printed but sent."""
    for stream in (getattr(sys, name) for name in _STREAMS):
        if hasattr(stream, "echo") and not isinstance(stream.echo, Echo):
            stream.echo = Echo(stream.echo)
    if _put_error not in shell.events.callbacks["post_run_cell"]:
        shell.events.register("post_run_cell", _put_error)


def _put_error(result: Any) -> None:
    if _open and (error := result.error_before_exec or result.error_in_exec):
        trace = error.__traceback__
        _put("".join(traceback.format_exception(type(error), error, (trace and trace.tb_next) or trace)))
