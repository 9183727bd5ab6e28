"""The object that training code logs to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from os import write
from time import time as now
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self
from zlib import crc32

from aiplat_jupyter.client import notebook, session
from aiplat_jupyter.client.alerting import AlertWriter
from aiplat_jupyter.client.entries import Entries
from aiplat_jupyter.client.fields import Ending, check_ending, check_name, check_notes, check_step, check_tags
from aiplat_jupyter.client.progress import ProgressWriter
from aiplat_jupyter.client.recording import POINTS, Recording
from aiplat_jupyter.client.values import PLAIN
from aiplat_jupyter.core.frames import HEAD
from aiplat_jupyter.core.states import Severity

if TYPE_CHECKING:
    from pandas import DataFrame

_head: Final = HEAD.pack
_are_plain: Final = PLAIN.issuperset


class Experiment:
    """One attempt at an experiment, as this process writes it. Made by `init`; ends by `finish` or as a context.

    Without either it ends as what happens: an error, an interrupt, the end of the process or kernel.

    Attributes
    ----------
    config : settings, readable and writable like a dict; every change is recorded.
    summary : results, likewise.
    """

    def __init__(self, recording: Recording) -> None:
        opened = recording.opened
        self._recording = recording
        self._progress = ProgressWriter(recording)
        self._alerts = AlertWriter(recording)
        self._name, self._tags, self._notes = opened.name, list(opened.tags), opened.notes
        self.config = Entries(dict(opened.config), lambda changed: recording.change(config=changed))
        self.summary = Entries({}, lambda changed: recording.change(summary=changed))

    def log(self, data: Mapping[str, Any], step: int | None = None) -> None:
        """Record numbers at a step: one ``write(2)``, after which nothing short of a power cut loses them.

        Never waits for network, server or disk, and never raises (unless the experiment is `strict`): what cannot be
        logged is one warning that names it, and `dropped` counts. Values may be numbers of Python, NumPy and PyTorch,
        NaN and infinities included; nested dicts become ``a/b``. The number of a tensor on an accelerator is read in
        another thread, so it is in the journal a moment later.

        Parameters
        ----------
        data : name → number.
        step : any 64-bit integer, in any order; None: one more than the last.
        """
        recording = self._recording
        try:
            pack, number, size, total, journal = recording.shapes[tuple(data)]
            values = data.values()
            if _are_plain(map(type, values)):
                with recording.lock:
                    if step is None:
                        step = recording.step + 1
                    body = pack(POINTS, number, step, now(), *values)
                    if write(journal.fd, _head(size, crc32(body)) + body) == total:
                        journal.size += total
                        recording.step = step
                        return
        except Exception:  # noqa: S110  # whatever is unusual is told apart off the hot path, and complained about there
            pass
        except BaseException:
            recording.restore()
            raise
        recording.log(data, step)

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Say how far the work is: lists of tasks show it.

        Like `log` it waits for nothing and never raises. Call it as often as you like: at most four a second are kept.

        Parameters
        ----------
        done, total : in any unit, such as steps; `total` None: it is not known how much there is.
        text : a few words, such as ``epoch 3``.
        """
        self._progress.tell(done, total, text)

    def alert(self, title: str, text: str = "", level: Severity = "warning") -> None:
        """Raise an alert: it is shown in JupyterLab, also when no page was open, until someone acknowledges it.

        Like `log` it waits for nothing and never raises (unless the experiment is `strict`). The same title again
        within a minute is counted, not repeated. A server of before alerts passes it by.

        Parameters
        ----------
        title : a few words, shown as they are.
        text : more about it.
        level : ``info``, ``warning`` or ``critical``.
        """
        self._alerts.tell(title, text, level)

    @property
    def uid(self) -> str:
        """The experiment's identifier, for `resume` and the REST API."""
        return self._recording.opened.experiment

    @property
    def attempt(self) -> str:
        """Identifier of the current attempt."""
        return self._recording.attempt

    @property
    def project(self) -> str:
        """Name of the project that it was begun in."""
        return self._recording.opened.project

    @property
    def dropped(self) -> int:
        """How many calls of `log` left something out."""
        return self._recording.complaints.dropped

    @property
    def should_stop(self) -> bool:
        """Whether someone pressed Stop; a training loop asks now and then, and ends itself."""
        shipment = self._recording.shipment
        return shipment is not None and shipment.stop

    @property
    def name(self) -> str:
        """Its name; setting it renames the experiment."""
        return self._name

    @name.setter
    def name(self, name: str) -> None:
        self._name = check_name("name", name, required=True)
        self._recording.change(name=self._name)

    @property
    def tags(self) -> tuple[str, ...]:
        """Its tags; assign to change them."""
        return tuple(self._tags)

    @tags.setter
    def tags(self, tags: Iterable[str]) -> None:
        self._tags = check_tags(tags)
        self._recording.change(tags=self._tags)

    @property
    def notes(self) -> str:
        """Free text."""
        return self._notes

    @notes.setter
    def notes(self, notes: str) -> None:
        self._notes = check_notes(notes)
        self._recording.change(notes=self._notes)

    @property
    def url(self) -> str | None:
        """Address of its page in JupyterLab; None while no server is known."""
        from aiplat_jupyter.client.discover import find_server

        server = session.current().shipper.server or find_server()
        return f"{server.page}/lab?aiplat-experiment={self.uid}" if server else None

    def rewind(self, step: int) -> None:
        """Go on from `step` in a new attempt: what was logged at or after it stays, and is drawn faint.

        Raises
        ------
        InvalidInput : `step` is no integer of 64 bits.
        """
        at = check_step("step", step)
        self._recording.drain(session.PATIENCE)
        self._recording.rewind(at)

    def finish(self, status: Ending | None = None, cause: str = "") -> None:
        """End the attempt, and wait up to 5 s until the server has it all.

        Parameters
        ----------
        status : None: ``stopped`` if someone pressed Stop, else ``finished``.
        cause : why, in a sentence.

        Raises
        ------
        InvalidInput : there is no such status.
        """
        usual: Ending = "stopped" if self.should_stop else "finished"
        self._end(usual if status is None else check_ending(status), str(cause))

    def flush(self, timeout: float = session.PATIENCE) -> bool:
        """Wait until the server has everything logged so far; False if it has not within `timeout` seconds."""
        return self._recording.wait(timeout)

    def history(self, *metrics: str) -> DataFrame:
        """Return all points as a table: metric, context, attempt, step, time, value.

        No metric named: all but system metrics, whose step is the time in milliseconds. From the server if it answers,
        else from the journals on this machine.
        """
        from aiplat_jupyter.client.history import history

        return history(self.uid, metrics, has_arrived=self.flush())

    def _end(self, status: Ending, cause: str) -> None:
        recording = self._recording
        self._progress.write()
        self._alerts.write()
        recording.drain(session.PATIENCE)
        recording.end(status, cause)
        recording.wait(session.PATIENCE)
        for follow in list(session.current().followers):
            follow(self.uid)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = session.status_of(error) if error else "finished"
        if error is None or status == "finished":
            self.finish()
        elif notebook.shell():
            self._recording.drain(session.PATIENCE)
            self._recording.pause(status, session.describe(error))
        else:
            self._end("interrupted" if status == "interrupted" else "failed", session.describe(error))

    def __del__(self) -> None:
        recording = getattr(self, "_recording", None)
        if recording is not None:
            recording.abandon()

    def __repr__(self) -> str:
        return f"Experiment({self.name!r}, project={self.project!r}, uid={self.uid!r})"

    def _ipython_display_(self) -> None:
        """Show the loss curve where the experiment is the value of a cell."""
        try:
            from aiplat_jupyter.widgets.losscurve import LossCurve
        except ImportError:
            raise NotImplementedError from None  # IPython shows the text instead
        LossCurve(self)._ipython_display_()
