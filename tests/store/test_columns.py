import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiplat_jupyter.core import frames
from aiplat_jupyter.core.errors import UnreadableJournal
from aiplat_jupyter.core.frames import Changed, Idle, Shape, Status
from aiplat_jupyter.store.columns import Points, decode

KEYS = {0: ["loss", "lr"], 1: ["accuracy"], 2: []}


def points(shape: int, step: int, *values: float, wall: float = 1.5) -> bytes:
    return frames.frame(frames.POINTS_HEAD.pack(0, shape, step, wall) + struct.pack(f"<{len(values)}d", *values))


def steps(item: object) -> dict[tuple[str, ...], list[int]]:
    assert isinstance(item, Points)
    return {batch.keys: batch.step.tolist() for batch in item.batches}


def test_a_run_of_points_is_one_batch():
    data = b"".join(points(0, i, i / 2, -i, wall=i + 0.25) for i in range(5))
    found = decode(data, KEYS)
    (item,) = found.items
    (batch,) = item.batches
    assert (found.end, found.skipped, found.corrupt) == (len(data), 0, False)
    assert batch.keys == ("loss", "lr")
    assert batch.step.tolist() == [0, 1, 2, 3, 4]
    assert batch.wall.tolist() == [0.25, 1.25, 2.25, 3.25, 4.25]
    assert batch.value.tolist() == [[i / 2, -i] for i in range(5)]


def test_points_of_two_shapes_keep_the_order_of_arrival():
    data = points(0, 1, 1, 1) + points(1, 1, 2) + points(1, 2, 3) + points(0, 2, 4, 4)
    (item,) = decode(data, KEYS).items
    order = np.concatenate([batch.at for batch in item.batches])
    arrived = np.concatenate([batch.value[:, 0] for batch in item.batches])[np.argsort(order)]
    assert arrived.tolist() == [1, 2, 3, 4]


def test_records_stand_between_the_points_they_were_written_between():
    status = Status(status="finished", wall=2.0)
    data = points(1, 1, 0) + frames.encode(status) + points(1, 2, 0) + frames.encode(Idle(wall=3.0))
    before, found, after, idle = decode(data, KEYS).items
    assert (found, idle) == (status, Idle(wall=3.0))
    assert (steps(before), steps(after)) == ({("accuracy",): [1]}, {("accuracy",): [2]})


def test_shapes_and_changes_do_not_divide_points():
    shape, change = Shape(7, ["x"]), Changed(summary={"best": 1})
    data = points(1, 1, 0) + frames.encode(shape) + frames.encode(change) + points(7, 1, 5) + points(1, 2, 0)
    items = decode(data, KEYS).items
    assert items[:2] == [shape, change]
    assert steps(items[2]) == {("accuracy",): [1, 2], ("x",): [1]}


def test_points_have_the_keys_that_their_shape_had_when_they_were_written():
    data = points(1, 1, 0) + frames.encode(Shape(1, ["x"])) + points(1, 2, 5) + frames.encode(Shape(1, ["x"]))
    before, *shapes, after = decode(data + points(1, 3, 5), KEYS).items
    assert shapes == [Shape(1, ["x"])] * 2
    assert (steps(before), steps(after)) == ({("accuracy",): [1]}, {("x",): [2, 3]})


def test_points_without_metrics_are_read():
    (item,) = decode(points(2, 3), KEYS).items
    assert item.batches[0].value.shape == (1, 0)


def test_ten_thousand_metrics_in_one_record():
    keys = [f"m{i}" for i in range(10_000)]
    (item,) = decode(points(0, 4, *range(10_000)), {0: keys}).items
    assert item.batches[0].value[0].tolist() == list(range(10_000))


@given(st.integers(0, 200))
def test_a_torn_end_is_not_consumed(cut):
    whole = points(0, 1, 1, 2) + points(1, 2, 3)
    last = points(0, 3, 5, 6)
    found = decode(whole + last[: min(cut, len(last) - 1)], KEYS, skip_corrupt=True)
    assert (found.end, found.skipped, found.corrupt) == (len(whole), 0, False)


def test_a_corrupt_frame_stops_or_is_passed_over():
    bad = bytearray(points(0, 2, 1, 1))
    bad[20] ^= 1
    data = points(0, 1, 1, 1) + bytes(bad) + points(0, 3, 1, 1)
    stopped = decode(data, KEYS)
    assert (stopped.end, stopped.corrupt) == (len(points(0, 1, 1, 1)), True)
    passed = decode(data, KEYS, skip_corrupt=True)
    assert steps(passed.items[0]) == {("loss", "lr"): [1, 3]}
    assert (passed.end, passed.skipped, passed.corrupt) == (len(data), len(bad), False)


@given(st.integers(1, 300), st.integers(0, 60))
def test_a_hole_of_zeros_is_passed_over(size, start):
    data = b"".join(points(0, i, 1, 1) for i in range(20))
    whole = len(points(0, 0, 1, 1))
    hole = data[:start] + bytes(size) + data[start + size :]
    found = decode(hole, KEYS, skip_corrupt=True)
    sound = [i for i in range(20) if i * whole + whole <= start or i * whole >= start + size]
    read = [step for item in found.items for step in steps(item)["loss", "lr"]]
    assert set(sound) <= set(read)
    assert found.end == len(data) or not sound or sound[-1] < 19


def test_a_hole_longer_than_the_slice_is_passed_over_in_time():
    found = decode(bytes(5000), KEYS, skip_corrupt=True)
    assert found.end >= 4990
    assert found.skipped == found.end


def test_an_unknown_shape_is_refused():
    with pytest.raises(UnreadableJournal, match="shape 9"):
        decode(points(9, 1, 1), KEYS)


def test_points_that_do_not_fit_their_shape_are_refused():
    with pytest.raises(UnreadableJournal, match="2 keys"):
        decode(points(0, 1, 1), KEYS)


def test_a_record_of_another_format_is_refused():
    with pytest.raises(UnreadableJournal, match="cannot be read"):
        decode(frames.frame(b"\x81\xa1t\xa3new"), KEYS)


@pytest.mark.parametrize("skip_corrupt", [False, True])
@pytest.mark.parametrize("odd", [frames.frame(b"\x81\xa1t\xa3new"), points(9, 1, 1), points(0, 1, 1)])
def test_what_stands_before_an_unreadable_frame_is_read(odd: bytes, skip_corrupt: bool):
    sound = points(1, 1, 1) + points(1, 2, 1)
    found = decode(sound + odd + points(1, 3, 1), KEYS, skip_corrupt=skip_corrupt)
    assert [steps(item) for item in found.items] == [{("accuracy",): [1, 2]}]
    assert (found.end, found.skipped, found.corrupt) == (len(sound), 0, True)
