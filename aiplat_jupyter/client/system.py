"""System metrics of the experiments of this process: what GPUs, CPU and memory did while they ran.

A process of its own reads them (`aiplat_jupyter.gpu.sampler`), one for all experiments. It is started some seconds
after the first began, so that a short script pays nothing, and is gone with the last, or with this process: its
standard input ends then, even at SIGKILL. A thread here waits for its lines, one in ten seconds, more while the newest
experiment is young, and writes each into a journal beside that of every experiment.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

import msgspec

from aiplat_jupyter.client.complaints import Complaints, say
from aiplat_jupyter.client.deferred import Point
from aiplat_jupyter.client.discover import data_dir
from aiplat_jupyter.client.forks import uncut
from aiplat_jupyter.client.recording import Recording
from aiplat_jupyter.core.ids import new_uid

if TYPE_CHECKING:
    from subprocess import Popen

    from aiplat_jupyter.client.deferred import Converter
    from aiplat_jupyter.client.shipper import Shipper

VARIABLE: Final = "AIPLAT_SYSTEM_METRICS"
"""``0`` turns them off."""
INTERVAL: Final = 10.0
"""Seconds between samples."""
EARLY: Final = 120.0
"""Seconds after the newest experiment began in which there are more, so that a short one has curves too."""
EARLY_INTERVAL: Final = 2.0
DELAY: Final = 5.0
"""Seconds after the first experiment began."""
LONGEST_PAUSE: Final = 600.0
"""Seconds, at most, until a sampler that has ended by itself is started again."""
PATIENCE: Final = 5.0
SAMPLER: Final = (sys.executable, "-P", "-m", "aiplat_jupyter.gpu.sampler")


class SystemMetrics:
    """What one process runs for its experiments' system metrics. A forked child has none: its parent sees to both.

    Attributes
    ----------
    is_idle : a notebook whose cells have all ended; then only an experiment that goes on logging is one that runs.
    """

    def __init__(self, shipper: Shipper, converter: Converter) -> None:
        self._shipper = shipper
        self._converter = converter
        self._lock = threading.RLock()
        self.is_idle = False
        self._beside: dict[Recording, Recording | None] = {}
        self._logged: dict[Recording, int] = {}
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._child: Popen[bytes] | None = None
        self._pid = 0
        self._newest = 0.0

    def watch(self, recording: Recording, pid: int) -> None:
        """Keep what the machine does while `recording` lives; process `pid` and those below it are told of apart."""
        with self._lock:
            self._beside[recording] = None
            self._pid = pid
            self._newest = time.monotonic()
            if self._child is not None:
                self._order(self._child)
            recording.at_end = lambda: self._leave(recording)
            self._over.clear()
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="aiplat-system", daemon=True)
                self._thread.start()

    def watches(self, experiment: str) -> bool:
        """Tell whether what the machine does beside this experiment is kept, or will be with the first sample."""
        with self._lock:
            return any(each.opened.experiment == experiment for each in self._beside)

    def forget(self) -> None:
        """In a forked child: let go of what is the parent's."""
        for recording, beside in self._beside.items():
            recording.at_end = None
            if beside is not None:
                beside.fork(self._shipper, self._converter)
        if self._child is not None:
            _close(self._child)
            self._child.returncode = 0  # it is not for us to wait for it

    def _joined(self, recording: Recording) -> Recording:
        """Return what writes a further journal of the attempt, begun with the first sample."""
        opened = msgspec.structs.replace(
            recording.opened,
            journal=new_uid(),
            attempt=recording.attempt,
            wall=time.time(),
            joins=True,
            clock=True,
        )
        complaints = Complaints(opened.name or opened.experiment)
        return Recording(opened, data_dir() / "journals", complaints, self._shipper, self._converter)

    def _leave(self, recording: Recording) -> None:
        with self._lock:
            beside = self._beside.pop(recording, None)
            self._logged.pop(recording, None)
            if beside is not None:
                beside.end("finished", "")
            if not self._beside:
                self._over.set()
                if self._child is not None:
                    _close(self._child, reads=False)

    def _run(self) -> None:
        pause = DELAY
        while True:
            is_over = self._over.wait(pause)
            with self._lock:
                if not self._beside:
                    self._thread = None
                    return
            if is_over:
                pause = DELAY
                continue
            try:
                had_any = self._follow()
            except Exception as error:  # the thread must outlive anything; training goes on without its metrics
                say("aiplat: no system metrics are kept for now: %r", error)
                had_any = False
            pause = DELAY if had_any else min(12 * pause, LONGEST_PAUSE)

    def _follow(self) -> bool:
        """Keep what a sampler tells until it ends; tell whether there was anything."""
        with uncut:
            from aiplat_jupyter.client.readings import Reader
            from aiplat_jupyter.core.gpu import Sample
        decoder, reader = msgspec.json.Decoder(Sample), Reader(os.environ.get("CUDA_VISIBLE_DEVICES"))
        child = self._start()
        had_any = False
        try:
            for line in _lines(child):
                sample = decoder.decode(line)
                self._keep(reader.point(sample), sample.at)
                had_any = True
                if sample.interval != self._interval():
                    self._order(child)
        finally:
            self._child = None
            _close(child)
            _see_off(child)
        return had_any

    def _interval(self) -> float:
        return EARLY_INTERVAL if time.monotonic() - self._newest < EARLY else INTERVAL

    def _order(self, child: Popen[bytes]) -> None:
        with self._lock, suppress(OSError):
            if child.stdin is not None and not child.stdin.closed:
                child.stdin.write(msgspec.json.encode({"interval": self._interval()}) + b"\n")

    def _start(self) -> Popen[bytes]:
        with uncut:
            import subprocess
        options = ["--interval", str(self._interval()), "--pid", str(self._pid), "--folder", str(data_dir())]
        with self._lock:
            self._child = subprocess.Popen(  # noqa: S603  # our own program
                [*SAMPLER, *options],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                bufsize=0,
                start_new_session=True,  # an interrupt is meant for the training
            )
            if not self._beside:
                _close(self._child, reads=False)
            return self._child

    def _keep(self, point: dict[str, float], at: float) -> None:
        with self._lock:
            followed = [recording for recording in self._beside if self._runs(recording)]
        for recording in followed:
            current = self._current(recording)
            if current is not None:
                with current.lock:
                    if not current.ended:
                        current.write([Point(point, int(1000 * at), at)])

    def _runs(self, recording: Recording) -> bool:
        before, now = self._logged.get(recording), recording.logged
        self._logged[recording] = now
        return not self.is_idle or now != before

    def _current(self, recording: Recording) -> Recording | None:
        """Return what writes for the attempt that the experiment is in now; None if it has ended."""
        with self._lock:
            if recording not in self._beside:
                return None
            beside = self._beside[recording]
            if beside is None or beside.opened.attempt != recording.attempt:
                if beside is not None:
                    beside.end("finished", "")
                beside = self._beside[recording] = self._joined(recording)
            return beside


def _lines(child: Popen[bytes]) -> Iterator[bytes]:
    assert child.stdout is not None
    rest = b""
    while data := os.read(child.stdout.fileno(), 65536):
        *whole, rest = (rest + data).split(b"\n")
        yield from whole


def _see_off(child: Popen[bytes]) -> None:
    """Wait for its end, but not for one that a driver holds on to."""
    import subprocess

    with suppress(subprocess.TimeoutExpired):
        child.wait(PATIENCE)


def _close(child: Popen[Any], *, reads: bool = True) -> None:
    """Close our end of the child's standard input, at which it ends, and if `reads` of its output."""
    for pipe in (child.stdin, child.stdout if reads else None):
        if pipe is not None:
            pipe.close()
