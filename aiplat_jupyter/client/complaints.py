"""What goes wrong while logging: said once, counted, never raised into training."""

import logging
from typing import Final

from aiplat_jupyter.core.errors import AiplatError

MOST: Final = 100
"""Topics complained about; keys made up at run time must not fill the screen."""

_log = logging.getLogger("aiplat_jupyter")


class Complaints:
    """The complaints of one experiment.

    Attributes
    ----------
    strict : raise instead.
    dropped : how many calls of `log` left something out.
    """

    def __init__(self, name: str, *, strict: bool = False) -> None:
        self.name = name
        self.strict = strict
        self.dropped = 0
        self._said: set[str] = set()

    def about(self, topic: str, error: AiplatError) -> None:
        """Raise `error` if strict, else `note` it."""
        if self.strict:
            raise error
        self.note(topic, error)

    def note(self, topic: str, error: AiplatError) -> None:
        """Log `error` as a warning unless `topic` was complained about before."""
        if topic not in self._said and len(self._said) < MOST:
            self._said.add(topic)
            _log.warning("aiplat, %s: %s%s", self.name, error.detail, f" {error.hint}" if error.hint else "")


def say(message: str, *values: object) -> None:
    """Log a warning that concerns no experiment in particular."""
    _log.warning(message, *values)
