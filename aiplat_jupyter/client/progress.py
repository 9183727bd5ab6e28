"""How far an experiment says it is: told often, written seldom."""

import math
import time
from typing import Any, Final

from aiplat_jupyter.client.entries import clean
from aiplat_jupyter.client.recording import Recording
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import Progressed

PAUSE: Final = 0.25
"""Seconds between two records."""
LONGEST_TEXT: Final = 200


class ProgressWriter:
    """Writes how far the work is into a journal: at most four times a second, and the end in any case."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._held: Progressed | None = None
        self._written_at = -math.inf

    def tell(self, done: Any, total: Any, text: Any) -> None:
        """Write it, or hold it until the next one. What is no number is complained about."""
        if self._recording.joins:
            return
        try:
            self._held = _record(done, total, text)
        except (TypeError, ValueError):
            fix = "progress() takes numbers: how much is done, and of how much."
            self._recording.complaints.about("progress", InvalidInput(fix))
            return
        if time.monotonic() - self._written_at >= PAUSE or self._held.done == self._held.total:
            self.write()

    def write(self) -> None:
        """Write what is held."""
        if self._held:
            self._recording.add(self._held)
            self._held, self._written_at = None, time.monotonic()


def _record(done: Any, total: Any, text: Any) -> Progressed:
    numbers = float(done), None if total is None else float(total)
    if not all(number is None or math.isfinite(number) for number in numbers):
        raise ValueError
    return Progressed(done=numbers[0], total=numbers[1], text=clean(str(text))[:LONGEST_TEXT], wall=time.time())
