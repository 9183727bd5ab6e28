"""Reading the journals on this machine: what was logged where no server has it yet."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from aiplat_jupyter.client.discover import data_dir
from aiplat_jupyter.core.frames import (
    HEAD,
    MAX_PAYLOAD,
    POINTS_HEAD,
    Opened,
    Record,
    Rewound,
    Shape,
    decode,
    is_clock,
    whole_frames,
)


class Block(NamedTuple):
    """Points of one attempt that have the same keys: `values` has a row per point and a column per key."""

    keys: list[str]
    context: str
    attempt: str
    step: Any
    wall: Any
    values: Any


def of_experiment(uid: str) -> list[Path]:
    """Return the journals that begin with this experiment, in the order of their making."""
    found = []
    for path in sorted((data_dir() / "journals").glob("*.journal")):
        opened = read_opened(path)
        if opened and opened.experiment == uid:
            found.append(path)
    return found


def read_opened(path: Path) -> Opened | None:
    """Return a journal's first record; None if it has none that is whole, or cannot be read."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD.size)
            if len(head) < HEAD.size:
                return None
            data = head + file.read(min(HEAD.unpack(head)[0], MAX_PAYLOAD))
    except OSError:
        return None
    for start, end in whole_frames(data):
        try:
            record = decode(data[start:end])
        except msgspec.MsgspecError:
            return None
        return record if isinstance(record, Opened) else None
    return None


def blocks(path: Path) -> Iterator[Block]:
    """Yield a journal's points, in order within each set of keys and attempt."""
    keys: list[list[str]] = []
    payloads: dict[tuple[str, int], list[memoryview]] = {}
    attempt, context = "", ""
    for item in _items(path):
        match item:
            case memoryview():
                number = POINTS_HEAD.unpack_from(item)[1]
                payloads.setdefault((attempt, number), []).append(item)
            case Opened():
                attempt, context = item.attempt, item.context
            case Rewound():
                attempt = item.attempt
            case Shape():
                keys.append(item.keys)
    for (of_attempt, number), rows in payloads.items():
        yield _block(keys[number], context, of_attempt, b"".join(rows))


def origin(paths: Iterable[Path]) -> Opened | None:
    """Return the record that began the experiment of these journals; None if that is not on this machine."""
    opened = (read_opened(path) for path in paths)
    return next((one for one in opened if one and not (one.resume or one.joins or one.rank)), None)


def last_attempt(paths: Iterable[Path]) -> str | None:
    """Return the attempt that the latest of these journals ends in, those apart that join another's."""
    attempt = None
    for path in paths:
        opened = read_opened(path)
        if opened and not opened.joins and not opened.rank:
            attempt = [item.attempt for item in _items(path) if isinstance(item, Opened | Rewound)][-1]
    return attempt


def _items(path: Path) -> Iterator[Record | memoryview]:
    """Yield a journal's records, and the payloads of its points as they are."""
    for payload in _payloads(path, 0):
        yield decode(payload) if payload[0] else payload


def _payloads(path: Path, begin: int) -> Iterator[memoryview]:
    with path.open("rb") as file:
        file.seek(begin)
        data = memoryview(file.read())
    return (data[start:end] for start, end in whole_frames(data))


def last_step(path: Path, begin: int = 0) -> int:
    """Return the last step of a journal behind `begin` bytes of it, -1 if no point with a step is there."""
    opened = read_opened(path)
    if opened is None or is_clock(opened.context):
        return -1
    points = (payload for payload in _payloads(path, begin) if not payload[0])
    return max((POINTS_HEAD.unpack_from(payload)[2] for payload in points), default=-1)


def _block(keys: list[str], context: str, attempt: str, rows: bytes) -> Block:
    import numpy as np

    layout = np.dtype(
        [("kind", "u1"), ("shape", "<u4"), ("step", "<i8"), ("wall", "<f8"), ("values", "<f8", len(keys))]
    )
    table = np.frombuffer(rows, layout)
    return Block(keys, context, attempt, table["step"], table["wall"], table["values"].reshape(len(table), len(keys)))
