"""Journals as training processes write them."""

import struct
from collections.abc import Mapping, Sequence
from typing import Any

from aiplat_jupyter.core import frames
from aiplat_jupyter.core.frames import Opened, Process, Shape

HERE = Process(machine="here", boot_id="b", pid=1, start_time=1.0)
AT = 1_790_000_000.0


def opening(journal: str, experiment: str = "exp", attempt: str | None = None, **more: Any) -> bytes:
    """Return a journal's first frame."""
    given = {"process": HERE, "wall": AT, "project": "digits", "name": "mlp"} | more
    return frames.encode(Opened(journal=journal, experiment=experiment, attempt=attempt or f"{journal}-a", **given))


def shape(*keys: str, number: int = 0) -> bytes:
    """Return the frame that names the keys of later points."""
    return frames.encode(Shape(number, list(keys)))


def point(step: int, *values: float, number: int = 0, wall: float = AT) -> bytes:
    """Return the frame of one point."""
    head = frames.POINTS_HEAD.pack(0, number, step, wall)
    return frames.frame(head + struct.pack(f"<{len(values)}d", *values))


def ended(status: Any, wall: float = AT, cause: str = "", *, final: bool = True) -> bytes:
    """Return the frame that says what became of an attempt."""
    return frames.encode(frames.Status(status=status, wall=wall, cause=cause, final=final))


def run(journal: str, steps: Sequence[int] = range(3), keys: Sequence[str] = ("loss",), **opened: Any) -> bytes:
    """Return a journal with one point a step; each value is the step plus the number of its key."""
    points = [point(step, *(step + index for index in range(len(keys)))) for step in steps]
    return opening(journal, **opened) + shape(*keys) + b"".join(points)


def values(history: Any) -> Mapping[str, list[tuple[int, float]]]:
    """Return (step, value) of each metric in an answered history."""
    found: dict[str, list[tuple[int, float]]] = {}
    for metric, step, value in zip(history.metric, history.step, history.value, strict=True):
        found.setdefault(metric, []).append((step, value))
    return found
