"""Bytes of a journal → control records and columns of points, in order."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from aiplat_jupyter.core.frames import Record


class Batch(NamedTuple):
    """Points of one shape as columns.

    Attributes
    ----------
    keys : names of the k metrics.
    step, wall, value : int64[n], float64[n] (seconds since 1970) and float64[n, k].
    at : int64[n], rising: tells the order of arrival among all batches of one commit.
    """

    keys: tuple[str, ...]
    step: npt.NDArray[np.int64]
    wall: npt.NDArray[np.float64]
    value: npt.NDArray[np.float64]
    at: npt.NDArray[np.int64]


class Points(NamedTuple):
    """Points between two control records: one batch for each shape among them."""

    batches: tuple[Batch, ...]


class Slice(NamedTuple):
    """What some bytes of a journal hold.

    `items` are in the order of the journal, but for `Shape` and `Changed`, which stand before the points they are among.
    `end` is the offset (in the bytes given) behind the last whole frame; `skipped` counts corrupt bytes before it.
    """

    items: list[Record | Points]
    end: int
    skipped: int


def decode(data: bytes, shapes: Mapping[int, Sequence[str]], *, skip_corrupt: bool = False) -> Slice:
    """Decode whole frames from the start of `data`; `shapes` are the journal's known ones, by number.

    A torn end is not consumed. Neither is anything from a corrupt frame on, unless `skip_corrupt`: then bytes up to the next
    sound frame are passed over. Raise `UnreadableJournal` for points of an unknown shape, or a record that is none.
    """
    raise NotImplementedError
