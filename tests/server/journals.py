"""Journals as a training process writes them."""

import struct
import time
from collections.abc import Sequence

from aiplat_jupyter.core import frames
from aiplat_jupyter.core.frames import Opened, Process, Shape


def opened(experiment: str, journal: str, *, project: str = "digits", name: str = "run") -> bytes:
    """Return a journal's first frame."""
    return frames.encode(
        Opened(
            journal=journal,
            experiment=experiment,
            attempt=f"a-{journal}",
            process=Process(machine="elsewhere", boot_id="b", pid=1, start_time=0.0),
            wall=time.time(),
            project=project,
            name=name,
        )
    )


def points(keys: Sequence[str], rows: Sequence[tuple[float, ...]], *, first_step: int = 0, number: int = 0) -> bytes:
    """Return the frames of a shape and its points, one a step."""
    data = frames.encode(Shape(number, list(keys)))
    for step, values in enumerate(rows, first_step):
        head = frames.POINTS_HEAD.pack(0, number, step, time.time())
        data += frames.frame(head + struct.pack(f"<{len(keys)}d", *values))
    return data
