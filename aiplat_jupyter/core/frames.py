"""The journal's format: what a training process writes, and what a server commits.

A journal is a file of frames, appended by one process. All integers are little-endian::

    frame   = length u32 | CRC-32 of the payload u32 | payload
    payload = points | record
    points  = 0x00 | shape u32 | step i64 | wall f64 | value f64 × (number of the shape's keys)
    record  = a MessagePack map, one of the structs below, told apart by its field ``t``

Points are of fixed width per shape, so a server turns a run of them into columns without a loop. A `Shape`
names the keys of the points that refer to it and stands before the first of them. The first frame is an
`Opened`. A frame that ends beyond the end of the file is torn: the process died, or is still writing.

A field that is added to a record leaves the version as it is: a journal that is older has it not, and the default says
what that means; a server that is older passes it over. The version rises when older servers would misread a journal.
"""

import struct
import zlib
from collections.abc import Iterator
from typing import Annotated, Any, Final

import msgspec

from aiplat_jupyter.core.states import ExperimentStatus, Severity

VERSION: Final = 1
HEAD: Final = struct.Struct("<II")
POINTS_HEAD: Final = struct.Struct("<BIqd")
MAX_PAYLOAD: Final = 16 * 1024 * 1024
MAX_KEY: Final = 500
"""Longest name of a metric or of a config entry, in characters."""
CLOCK: Final = "clock"
"""Begins the context of series whose points have a time but no step of the run."""
MAX_NAME: Final = 200
"""Longest name of an experiment, project or tag."""
MAX_TEXT: Final = 100_000
"""Longest notes."""
MAX_TAGS: Final = 100

Step = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Number = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""Of a shape: u32 in points, of which databases keep 31 bits."""


class Process(msgspec.Struct, frozen=True, kw_only=True):
    """Which process writes: enough to tell it from a later one with the same pid."""

    machine: str
    boot_id: str
    pid: int
    start_time: float
    oom_kills: int = 0
    """The machine's (control group's) count of out-of-memory kills when the journal was opened."""


class Opened(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="open"):
    """First record: whose journal this is, and all that is needed to create its experiment."""

    version: int = VERSION
    journal: str
    experiment: str
    attempt: str
    process: Process
    wall: float
    project: str
    name: str
    rank: int | None = None
    """Set for another rank of a distributed run, which joins the attempt of rank 0."""
    joins: bool = False
    """True: a rank's or forked child's journal in another process's attempt, whose status and end it does not tell."""
    resume: bool = False
    """True: the experiment exists and this is a further attempt; its project and name stay as they are."""
    parent: str | None = None
    """The attempt this one continues; None: the experiment's current one, if it has any."""
    from_step: Step | None = None
    """First step that no longer follows the parent; None: continue behind the parent's last step."""
    config: dict[str, Any] = {}
    tags: list[str] = []
    notes: str = ""
    base_model: str = ""
    task_type: str = ""
    provenance: dict[str, Any] = {}
    """``git``, ``packages``, ``python``, ``command``, ``notebook`` (path), ``cell`` (id), ``cell_source``, …"""
    kernel: str | None = None
    """Id of the Jupyter kernel that the process is, if it is one."""
    task: str | None = None
    """Uid of the task's attempt that the process is part of."""
    console: str | None = None
    """Uid of the task of kind ``notebook-live`` in whose folder the process keeps its console output."""
    clock: bool = False
    """True: its points were read by the clock, not at a step; their step is the time in milliseconds since 1970."""

    @property
    def context(self) -> str:
        """What tells its series from those of the attempt's other journals: nothing, ``rank=3``, ``clock``, or both."""
        parts = (CLOCK if self.clock else "", f"rank={self.rank}" if self.rank else "")
        return ",".join(filter(None, parts))


class Shape(msgspec.Struct, frozen=True, tag_field="t", tag="shape"):
    """Names the keys of the points with this `number` (counted from 0 in each journal), until it is named again."""

    number: Number
    keys: list[str]


class Raised(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that code raised. The same `uid` again, with a higher `count`: it was raised that often."""

    uid: str
    title: str
    text: str = ""
    level: Severity = "warning"
    count: int = 1
    step: int | None = None
    wall: float


class Changed(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="change"):
    """Merges entries into the experiment's config, summary or provenance, or sets what is not None.

    What something newer has set stays as it is: an attempt that goes on from this one, or a later `wall`.
    """

    wall: float | None = None
    """When it was set; never falls within a journal. None, in journals of before it was kept: when it arrives, or when
    the attempt began, if that is no longer the current one."""
    config: dict[str, Any] = {}
    summary: dict[str, Any] = {}
    provenance: dict[str, Any] = {}
    name: str | None = None
    notes: str | None = None
    tags: list[str] | None = None
    alert: Raised | None = None
    """Nothing else is set then. It travels in here because servers of before alerts pass by a field that they do not
    know, while a record that they do not know would keep them from reading the journal any further."""


class Rewound(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="rewind"):
    """Opens `attempt` as a child of the current one from `from_step` on; later points belong to it."""

    attempt: str
    from_step: Step
    wall: float


class Status(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="status"):
    """What became of the attempt. Not `final`: a later point makes it running again."""

    status: ExperimentStatus
    wall: float
    cause: str = ""
    final: bool = True


class Idle(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="idle"):
    """The notebook cell that logged has ended well: if the kernel ends now, nothing was cut short."""

    wall: float


class Progressed(msgspec.Struct, frozen=True, kw_only=True, tag_field="t", tag="progress"):
    """How far the work is, in its own unit; `total` is None where that is not known."""

    done: float
    total: float | None = None
    text: str = ""
    wall: float


Record = Opened | Shape | Changed | Rewound | Status | Idle | Progressed


class Committed(msgspec.Struct, frozen=True, kw_only=True):
    """How far a journal is committed now, and whether someone asked the experiment to stop."""

    offset: int
    stop: bool = False


def is_clock(context: str) -> bool:
    """Tell whether the steps of series with this context are milliseconds of the clock."""
    return context.startswith(CLOCK)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(Record)


def frame(payload: bytes) -> bytes:
    """Return `payload` with its head."""
    return HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def encode(record: Record) -> bytes:
    """Return the whole frame of `record`."""
    return frame(_encoder.encode(record))


def decode(payload: bytes | memoryview) -> Record:
    """Return the record in `payload` (not points). Raise `msgspec.DecodeError` or `ValidationError`."""
    record: Record = _decoder.decode(payload)
    return record


def whole_frames(data: bytes | memoryview) -> Iterator[tuple[int, int]]:
    """Yield (start, end) of the payload of each whole, sound frame at the start of `data`; stop at the first other."""
    view, at, size = memoryview(data), 0, len(data)
    while at + HEAD.size <= size:
        length, checksum = HEAD.unpack_from(view, at)
        start, end = at + HEAD.size, at + HEAD.size + length
        if not 0 < length <= MAX_PAYLOAD or end > size or zlib.crc32(view[start:end]) != checksum:
            return
        yield start, end
        at = end
