"""The kernel's live thread: the only writer of panels' traits.

ipywidgets are not safe for several threads, so everything that reaches a browser is written here. Callbacks of users'
gestures run in the cell's thread or beside it (a subshell); they only set plain fields and wake this thread. A second
thread does nothing but wait for the server's events.
"""

import atexit
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol

from aiplat_jupyter.client.api import Api, Changes, Resync, connect
from aiplat_jupyter.core.errors import AiplatError, Unauthenticated, Unavailable
from aiplat_jupyter.core.gpu import GpuStatus
from aiplat_jupyter.core.records import Change

logger = logging.getLogger(__name__)

PACE: Final = 0.25
"""Least seconds between two updates of a panel: a browser that gets more falls behind without saying so."""
POLL: Final = 2.0
"""Seconds between looks at what is live while the event stream is down."""
LOOK: Final = 5.0
"""The same while it is up: closes the gap between a panel's first question and the stream's first event."""
MAX_DELAY: Final = 30.0
GPU: Final = "gpu"
"""The topic whose events carry what they tell of."""
ALERTS: Final = "alerts"


class Panel(Protocol):
    """What the feed keeps up to date."""

    pace: float
    """Seconds to leave between two updates."""

    @property
    def topics(self) -> frozenset[str]:
        """What the server shall tell about."""

    @property
    def is_live(self) -> bool:
        """Whether more is expected by itself, and someone looks."""

    def peek(self) -> None:
        """Note that what is live may have changed unheard."""

    def changed(self, change: Change | None) -> bool:
        """Note that something changed (None: anything may have); tell whether the panel wants to be refreshed."""

    def sampled(self, status: GpuStatus) -> bool:
        """Note what GPUs do now; tell whether the panel wants to be refreshed."""

    def alerted(self) -> bool:
        """Note that alerts changed; tell whether the panel wants to be refreshed."""

    def refresh(self, api: Api) -> None:
        """Ask the server and write traits. May raise `AiplatError`."""

    def fail(self, error: AiplatError) -> None:
        """Write that a refresh failed and is tried again."""


class _Seat:
    """When a panel is due, and due to look by itself (monotonic seconds), and how often it failed in a row."""

    def __init__(self) -> None:
        self.due = 0.0
        self.peek = float("inf")
        self.served = 0.0
        self.failures = 0


class Feed:
    """Refreshes panels when something changed for them, at their pace, and again after failures."""

    def __init__(self, open_api: Callable[[], Api] = connect) -> None:
        self._open_api = open_api
        self._api: Api | None = None
        self._seats: dict[Panel, _Seat] = {}
        self._stream: Changes | None = None
        self._heeded: tuple[str, ...] = ()
        self._after: int | None = None
        self._heard = False
        self._stopped = False
        self._changed = threading.Condition()
        self._threads: list[threading.Thread] = []

    def join(self, panel: Panel) -> None:
        """Keep `panel` up to date from now on."""
        with self._changed:
            self._seats[panel] = _Seat()
            self._changed.notify_all()
        self._start()
        self.retune()

    def leave(self, panel: Panel) -> None:
        """Forget `panel`."""
        with self._changed:
            self._seats.pop(panel, None)
        self.retune()

    def wake(self, panel: Panel, *, at_once: bool = False) -> None:
        """Refresh `panel` as soon as its pace allows; `at_once`: also if failures made it wait."""
        with self._changed:
            if seat := self._seats.get(panel):
                seat.failures = 0 if at_once else seat.failures
                soonest = seat.served + _delay(panel, seat)
                seat.due = min(seat.due, soonest) if not at_once else soonest
                self._changed.notify_all()

    def retune(self) -> None:
        """Listen to the topics that panels name now, if those are others than before."""
        with self._changed:
            if self._stream and self._heeded != self._gathered():
                self._stream.close()

    def stop(self) -> None:
        """End both threads."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
            if self._stream:
                self._stream.close()

    def _start(self) -> None:
        if not self._threads:
            self._threads = [
                threading.Thread(target=target, name=f"aiplat-{name}", daemon=True)
                for name, target in (("feed", self._write), ("events", self._listen))
            ]
            for thread in self._threads:
                thread.start()

    # The writer

    def _write(self) -> None:
        while (panel := self._next()) is not None:
            self._serve(panel)

    def _next(self) -> Panel | None:
        with self._changed:
            while not self._stopped:
                panel, when = min(self._times(), key=lambda each: each[1], default=(None, float("inf")))
                wait = when - time.monotonic()
                if panel and wait <= 0:
                    return panel
                self._changed.wait(min(wait, 3600.0))
        return None

    def _times(self) -> list[tuple[Panel, float]]:
        return [(panel, min(seat.due, seat.peek)) for panel, seat in self._seats.items()]

    def _serve(self, panel: Panel) -> None:
        seat = self._seats.get(panel)
        if seat is None:
            return
        if seat.peek <= time.monotonic():
            panel.peek()
        seat.due = seat.peek = float("inf")
        try:
            panel.refresh(self.api())
            seat.failures = 0
        except AiplatError as error:
            self._failed(panel, seat, error)
        except Exception as error:
            logger.exception("A panel could not be refreshed.")
            self._failed(panel, seat, AiplatError(f"{type(error).__name__}: {error}"))
        with self._changed:
            seat.served = time.monotonic()
            seat.due = max(seat.due, seat.served + _delay(panel, seat))  # also if it was woken meanwhile
        if seat.failures or panel.is_live:
            pause = _delay(panel, seat) if seat.failures else LOOK if self._heard else POLL
            seat.peek = seat.served + pause

    def _failed(self, panel: Panel, seat: _Seat, error: AiplatError) -> None:
        seat.failures += 1
        if isinstance(error, (Unavailable, Unauthenticated)):
            self._api = None
        panel.fail(error)

    def api(self) -> Api:
        """Return the server's API, found anew after it went away. Raise `Unavailable` if there is none."""
        if self._api is None:
            self._api = self._open_api()
        return self._api

    # The listener

    def _listen(self) -> None:
        failures = 0
        while topics := self._topics():
            try:
                self._hear(topics)
                failures = 0
            except AiplatError as error:
                logger.debug("The event stream is down: %s", error)
                self._look_around()
                failures += 1
                self._pause(min(MAX_DELAY, 2.0**failures / 2))

    def _hear(self, topics: tuple[str, ...]) -> None:
        stream = self.api().changes(topics, self._after)
        with self._changed:
            self._stream, self._heeded = stream, topics
            if topics != self._gathered():
                return
        try:
            self._tell(None)
            for event in stream:
                self._heard = True
                self._tell(None if isinstance(event, Resync) else event)
        finally:
            self._heard, self._after = False, stream.after

    def _tell(self, event: Change | GpuStatus | None) -> None:
        for panel in list(self._seats):
            if _concerns(panel, event):
                self.wake(panel)

    def _look_around(self) -> None:
        for panel in list(self._seats):
            panel.peek()
            self.wake(panel)

    def _topics(self) -> tuple[str, ...]:
        """Return what to listen to, waiting until there is something; empty: stop."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._gathered())
            return () if self._stopped else self._gathered()

    def _gathered(self) -> tuple[str, ...]:
        return tuple(sorted(set().union(*(panel.topics for panel in self._seats))))

    def _pause(self, seconds: float) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped, seconds)


def _concerns(panel: Panel, event: Change | GpuStatus | None) -> bool:
    """Let the panel note what happened (None: anything may have); tell whether it wants to be refreshed."""
    if isinstance(event, GpuStatus):
        return GPU in panel.topics and panel.sampled(event)
    if event is not None and event.topic == ALERTS:
        return ALERTS in panel.topics and panel.alerted()
    if event is None:
        panel.alerted()
    return (event is None or event.topic in panel.topics) and panel.changed(event)


def _delay(panel: Panel, seat: _Seat) -> float:
    return max(panel.pace, PACE) if not seat.failures else min(MAX_DELAY, 2.0**seat.failures / 2)


_feeds: dict[int, Feed] = {}


def feed() -> Feed:
    """Return this process's feed; a forked child gets its own."""
    if os.getpid() not in _feeds:
        _feeds.clear()
        made = _feeds[os.getpid()] = Feed()
        atexit.register(made.stop)
    return _feeds[os.getpid()]
