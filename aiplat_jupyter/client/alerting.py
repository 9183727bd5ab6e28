"""Alerts that training code raises: the first of a title at once, what is raised again within a minute as its count."""

import time
from typing import Any, Final, get_args

import msgspec

from aiplat_jupyter.client.entries import clean
from aiplat_jupyter.client.recording import Recording
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import Raised
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.states import Severity

SAME_SECONDS: Final = 60.0
"""A title that is raised again within that time is the same alert."""
PAUSE: Final = 1.0
"""Seconds between two records of one alert's count."""
MOST: Final = 100
"""Different titles within `SAME_SECONDS`; what is made up at run time must not fill the journal."""
LONGEST_TITLE: Final = 200
LONGEST_TEXT: Final = 10_000


class _Known(msgspec.Struct):
    """An alert that was raised, when it was first, and as how many it was written last, and when."""

    raised: Raised
    began_at: float
    written: int
    written_at: float


class AlertWriter:
    """Writes alerts into a journal."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._known: dict[str, _Known] = {}

    def tell(self, title: Any, text: Any, level: Any) -> None:
        """Write an alert, or count it. What is wrong with it is complained about."""
        try:
            raised = _record(title, text, level, self._recording.step)
        except InvalidInput as error:
            self._recording.complaints.about("alert", error)
            return
        with self._recording.lock:
            self._tell(raised)

    def _tell(self, raised: Raised) -> None:
        now = time.monotonic()
        known = self._known.get(raised.title)
        if known is not None and now - known.began_at < SAME_SECONDS:
            known.raised = msgspec.structs.replace(known.raised, count=known.raised.count + 1)
            if now - known.written_at >= PAUSE:
                self._write(known)
            return
        self._forget(now)
        if len(self._known) >= MOST:
            fix = f"More than {MOST} different alerts a minute are dropped."
            self._recording.complaints.about("alerts", InvalidInput(fix))
            return
        self._known[raised.title] = _Known(raised, now, 0, now)
        self._write(self._known[raised.title])

    def _forget(self, now: float) -> None:
        self.write()
        self._known = {title: one for title, one in self._known.items() if now - one.began_at < SAME_SECONDS}

    def _write(self, known: _Known) -> None:
        self._recording.change(alert=known.raised)
        known.written, known.written_at = known.raised.count, time.monotonic()

    def write(self) -> None:
        """Write the counts that are not written yet."""
        with self._recording.lock:
            for known in self._known.values():
                if known.raised.count > known.written:
                    self._write(known)


def _record(title: Any, text: Any, level: Any, step: int) -> Raised:
    if level not in get_args(Severity):
        fix = f"level is one of {', '.join(get_args(Severity))}, not {str(level)[:60]!r}."
        raise InvalidInput(f"An alert is dropped: {fix}", fields={"level": ", ".join(get_args(Severity))})
    try:
        short, more = clean(str(title)).strip()[:LONGEST_TITLE], clean(str(text))[:LONGEST_TEXT]
    except Exception as error:  # the border to training: whatever a strange object raises ends here
        raise InvalidInput(f"An alert is dropped: its title or text is no text ({type(error).__name__}).") from error
    if not short:
        raise InvalidInput("An alert is dropped: its title is empty.", fields={"title": "a few words"})
    at = step if step >= 0 else None
    return Raised(uid=new_uid(), title=short, text=more, level=level, step=at, wall=time.time())
