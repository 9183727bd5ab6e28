"""What this process writes of one experiment: its journal, the shapes of its points, its way to the server."""

import os
import struct
import threading
import time
import zlib
from collections.abc import Callable, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from aiplat_jupyter.client.cell import Cell
from aiplat_jupyter.client.complaints import Complaints
from aiplat_jupyter.client.deferred import Converter, Point, Unread
from aiplat_jupyter.client.entries import clean
from aiplat_jupyter.client.fields import check_step
from aiplat_jupyter.client.journal import Journal
from aiplat_jupyter.client.process import this_process
from aiplat_jupyter.client.shipment import Shipment
from aiplat_jupyter.client.shipper import Shipper
from aiplat_jupyter.client.values import Later, numbers
from aiplat_jupyter.core.errors import AiplatError, Conflict, InvalidInput, Unavailable
from aiplat_jupyter.core.frames import (
    HEAD,
    MAX_PAYLOAD,
    POINTS_HEAD,
    Changed,
    Opened,
    Record,
    Rewound,
    Shape,
    Status,
    encode,
)
from aiplat_jupyter.core.ids import new_uid, uid_of
from aiplat_jupyter.core.states import ExperimentStatus

POINTS: Final = 0
"""First byte of a payload that holds points."""
MOST_UNWRITTEN: Final = 1000

Layout = tuple[Callable[..., bytes], int, int, int, Journal]
"""How to write a point of one set of keys: packer, number of the shape, bytes of payload, bytes of frame, where to."""


class Fault(NamedTuple):
    """An error that may have been the end: it was, if nothing was logged since (`Recording.logged` is the same)."""

    status: ExperimentStatus
    cause: str
    logged: int


class Recording:
    """Everything about logging that is not the hot path (`Experiment.log`), which reads and sets what is below.

    Attributes
    ----------
    lock : held while appending; re-entrant, as a signal handler may log while its thread is logging.
    journal : None in a forked child until it logs.
    attempt : uid of the one that is being written: that of `opened` until a rewind.
    joins : another process's attempt, whose end is not told here.
    muted : another rank's, that was not asked to log.
    fault : the last error that may have been the end.
    at_end : called once it has ended.
    cell : the notebook cell that began it.
    shapes : by keys. Emptied to send every call of `log` the slow way: after the end, and in a forked child.
    step : of the last point.
    """

    def __init__(
        self, opened: Opened, folder: Path, complaints: Complaints, shipper: Shipper, converter: Converter
    ) -> None:
        self.opened = opened
        self.complaints = complaints
        self.lock = threading.RLock()
        self.journal: Journal | None = None
        self.shipment: Shipment | None = None
        self.shapes: dict[tuple[str, ...], Layout] = {}
        self.step = -1
        self.attempt = opened.attempt
        self.joins = opened.joins
        self.ended = False
        self.muted = False
        self.fault: Fault | None = None
        self.cell: Cell | None = None
        self.at_end: Callable[[], None] | None = None
        self._folder = folder
        self._shipper = shipper
        self._converter = converter
        self._unwritten: list[bytes] = []
        self._aside = self._named = 0
        self._changed = opened.wall

    @property
    def size(self) -> int:
        """Bytes in the journal."""
        return self.journal.size if self.journal else 0

    @property
    def logged(self) -> int:
        """Bytes of points: a number that grows when something is logged."""
        return self.size - self._aside

    def open(self) -> Journal:
        """Return the journal, begun if need be. Raise OSError where it cannot be written."""
        with self.lock:
            if self.journal is None:
                if self.opened.process.pid != os.getpid():
                    self.opened = self._joining()
                journal = Journal(self._folder, self.opened.journal, self.lock)
                try:
                    journal.append(encode(self.opened))
                except OSError:
                    journal.close()
                    raise
                self.journal, self.shipment = journal, Shipment(journal.uid, journal.fd, self.complaints)
                self.shipment.is_quiet = self.opened.clock
                self._shipper.add(self.shipment, journal)
            return self.journal

    def _joining(self) -> Opened:
        """Return how a forked child joins the attempt."""
        return msgspec.structs.replace(
            self.opened,
            journal=new_uid(),
            attempt=self.attempt,
            process=this_process(),
            wall=time.time(),
            joins=True,
        )

    def log(self, data: Any, step: Any) -> None:
        """Log what the hot path could not. Complains, and raises only if it should."""
        if self.muted:
            return
        if self.ended:
            self.complaints.dropped += 1
            self.complain_of_the_end()
            return
        wall, dropped = time.time(), 0

        def complain(topic: str, error: AiplatError) -> None:
            nonlocal dropped
            dropped = 1
            self.complaints.about(topic, error)

        try:
            at = None if step is None else check_step("step", step)
            accepted = numbers(data, complain)
            if accepted:
                self._put(accepted, at, wall)
        except AiplatError as error:
            complain("step", error)
        except Exception as error:  # the border to training: whatever a strange value raises ends here
            complain("log", InvalidInput(f"A call of log() is dropped: {type(error).__name__}."))
        finally:
            self.complaints.dropped += dropped

    def complain_of_the_end(self) -> None:
        """Say that what comes now comes too late."""
        hint = f"aiplat.init(resume={self.opened.experiment!r}) goes on with it."
        self.complaints.about(
            "ended", Conflict("The experiment has ended: what is logged or set is dropped.", hint=hint)
        )

    def _put(self, values: dict[str, float | Later], step: int | None, wall: float) -> None:
        with self.lock:
            self.step = at = self.step + 1 if step is None else step
        known = {name: number for name, number in values.items() if isinstance(number, float)}
        if len(known) < len(values):
            self._converter.put(Unread(values, at, wall, self.complaints, self.write))
        else:
            self.write([Point(known, at, wall)])

    def write(self, points: Sequence[Point]) -> None:
        """Append points at once, with each shape before the first of that kind. Complains of what it cannot write."""
        wanted = [point for point in points if point.values]
        made: list[bytes | InvalidInput] = []
        lost = len(wanted)
        try:
            journal = self.open()
            made = [self._frame_of(point, journal) for point in wanted]
            frames = [frame for frame in made if isinstance(frame, bytes)]
            with self.lock:
                begun = journal.size
                try:
                    journal.append(b"".join(frames))
                finally:
                    lost = sum(end > journal.size - begun for end in accumulate(map(len, frames)))
        except OSError as error:
            self.complaints.dropped += lost
            self._complain_of_writing(error)
        for refused in made:
            if isinstance(refused, InvalidInput):
                self.complaints.dropped += 1
                self._complain_of_writing(refused)

    def _frame_of(self, point: Point, journal: Journal) -> bytes | InvalidInput:
        """Return the bytes of a point, or why there are none: its keys are too large."""
        try:
            pack, number, payload, *_ = self._layout(journal, tuple(point.values))
        except InvalidInput as error:
            return error
        body = pack(POINTS, number, point.step, point.wall, *point.values.values())
        return HEAD.pack(payload, zlib.crc32(body)) + body

    def _layout(self, journal: Journal, keys: tuple[str, ...]) -> Layout:
        return self.shapes.get(keys) or self._new_layout(journal, keys)

    def _new_layout(self, journal: Journal, keys: tuple[str, ...]) -> Layout:
        packer = struct.Struct(f"{POINTS_HEAD.format}{len(keys)}d")
        with self.lock:
            # Taken before the shape is written: a signal handler may log other keys meanwhile.
            number, self._named = self._named, self._named + 1
            layout = packer.pack, number, packer.size, HEAD.size + packer.size, journal
            journal.append(_frame(Shape(number=number, keys=list(keys))))
            if not self.ended:
                self.shapes[keys] = layout
        return layout

    def add(self, record: Record) -> None:
        """Append a record. What a full disk does not take is appended before the next one."""
        if self.muted or self.ended:
            return
        try:
            with self.lock:
                self._unwritten = [*self._unwritten[1 - MOST_UNWRITTEN :], _frame(record)]
                data = b"".join(self._unwritten)
                self.open().append(data)
                self._unwritten = []
                self._aside += len(data)
        except (OSError, InvalidInput) as error:
            self._complain_of_writing(error)

    def _complain_of_writing(self, error: OSError | InvalidInput) -> None:
        if isinstance(error, InvalidInput):
            self.complaints.about("size", error)
            return
        hint = "It is tried again with every call; points are lost meanwhile."
        self.complaints.about("disk", Unavailable(f"The journal cannot be written: {error}.", hint=hint))

    def change(self, **what: Any) -> None:
        """Append a `Changed` of these fields, dated no earlier than the one before, wherever the clock is set.

        Complains after the end.
        """
        if self.ended:
            self.complain_of_the_end()
            return
        with self.lock:
            self._changed = max(self._changed, time.time())
            self.add(Changed(**what, wall=self._changed))

    def rewind(self, step: int) -> None:
        """Append a `Rewound`: what comes now belongs to a further attempt. Complains after the end.

        All ranks of a distributed run, which rewind alike, name it alike.
        """
        if self.ended:
            self.complain_of_the_end()
            return
        attempt = uid_of(self.attempt, step)
        with self.lock:
            self.add(Rewound(attempt=attempt, from_step=step, wall=time.time()))
            self.attempt, self.step = attempt, step - 1

    def pause(self, status: ExperimentStatus, cause: str) -> None:
        """Note an error or interrupt that may have been the end; the next point makes the attempt run again."""
        if self.joins or self.ended:
            return
        self.add(Status(status=status, cause=clean(cause), final=False, wall=time.time()))
        self.fault = Fault(status, cause, self.logged)

    def settle(self, cause: str = "") -> None:
        """End without having been told how: with the fault that was the end, if one was, else as finished."""
        fault = self.fault
        if fault and fault.logged == self.logged:
            self.end(fault.status, fault.cause)
        else:
            self.end("finished", cause)

    def end(self, status: ExperimentStatus, cause: str) -> None:
        """Append the last record; the shipper closes the journal when it has arrived."""
        if self.ended:
            return
        if not self.joins:
            self.add(Status(status=status, cause=clean(cause), wall=time.time()))
        with self.lock:
            self.ended = True
            self.shapes.clear()
            if self.shipment:
                self.shipment.ended = True
        if self.at_end:
            self.at_end()

    def drain(self, timeout: float) -> None:
        """Wait for the numbers that are still on their device."""
        self._converter.drain(timeout)

    def restore(self) -> None:
        """Make the journal whole again after an interrupt."""
        with self.lock:
            if self.journal:
                self.journal.restore()

    def wait(self, timeout: float) -> bool:
        """Wait until what was logged so far is committed; False if that is not so in time, or there is no server."""
        deadline = time.monotonic() + timeout
        self._converter.drain(timeout)
        shipment, goal = self.shipment, self.size
        self._shipper.hurry()
        while shipment and shipment.offset < goal:
            if shipment.done.is_set() or shipment.abandoned or self._shipper.is_cut_off or time.monotonic() > deadline:
                return shipment.offset >= goal
            time.sleep(0.005)
        return shipment is not None

    def fork(self, shipper: Shipper, converter: Converter) -> None:
        """In a forked child: let go of the parent's journal. The first thing logged opens one of its own."""
        self.lock = threading.RLock()
        self.shapes.clear()
        self._shipper, self._converter, self._unwritten = shipper, converter, []
        if self.journal:
            self.journal.lock = self.lock
            self.journal.close()
        self.journal = self.shipment = None
        self.joins = True
        self._aside = self._named = 0

    def abandon(self) -> None:
        """Settle, without waiting for anything, as nobody holds the experiment any more (called by the collector)."""
        if self.ended or self.muted:
            return
        if self._converter.is_running:
            self._converter.put(self.settle)
        else:
            self.settle()


def _frame(record: Record) -> bytes:
    data = encode(record)
    if len(data) > MAX_PAYLOAD:
        raise InvalidInput(f"{len(data)} bytes at once are dropped: {MAX_PAYLOAD} are the most.")
    return data
