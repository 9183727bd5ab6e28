"""What is known of the past of an agent's GPUs: its history as the server told it, and the samples since."""

import threading
import time
from collections.abc import Sequence
from typing import Final

from msgspec import Struct

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.gpu import GpuHistory, GpuHistoryQuery, GpuMetric, GpuStatus, HostMetric
from aiplat_jupyter.widgets.domains import Range
from aiplat_jupyter.widgets.gpuseries import Sample, curves, sample
from aiplat_jupyter.widgets.series import Series

RENEW: Final = 60.0
"""Seconds after which history is asked for anew, to take the place of single samples."""


class Scope(Struct, frozen=True):
    """Which part of the past is looked at: the last `seconds`, or what a zoom names."""

    agent: str
    metrics: tuple[GpuMetric | HostMetric, ...]
    seconds: float
    interval: Range | None
    width: int

    def query(self, now: float) -> GpuHistoryQuery:
        """Return the question about it."""
        start, end = self.interval or (now - self.seconds, None)
        return GpuHistoryQuery(
            agent=self.agent,
            metrics=list(self.metrics),
            start=start,
            end=end,
            width=self.width,
        )


class Past:
    """History and samples. Samples are noted by one thread, all else is of another."""

    def __init__(self) -> None:
        self.history: GpuHistory | None = None
        self._samples: list[Sample] = []
        self._scope: Scope | None = None
        self._asked_at = 0.0
        self._lock = threading.Lock()

    def note(self, status: GpuStatus) -> None:
        """Take a sample, if it is newer than those before."""
        new = sample(status)
        with self._lock:
            if not self._samples or new.at > self._samples[-1].at:
                self._samples.append(new)

    def forget(self) -> None:
        """Let history be asked for anew: samples may have been missed."""
        self._scope = None

    def refresh(self, api: Api, scope: Scope, now: float) -> None:
        """Ask for history if it is of something else, or old."""
        if scope == self._scope and time.monotonic() - self._asked_at < RENEW:
            return
        self.history = api.gpu_history(scope.query(now))
        self._scope, self._asked_at = scope, time.monotonic()
        with self._lock:
            self._samples = [each for each in self._samples if each.at > now - 2 * RENEW]

    def curves(self, metric: str) -> list[Series]:
        """Return the curves of a metric."""
        if self.history is None:
            return []
        with self._lock:
            samples: Sequence[Sample] = tuple(self._samples)
        return curves(self.history, samples, metric)
