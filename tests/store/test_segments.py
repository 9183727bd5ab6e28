import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aiplat_jupyter.store.pyramids import pack_pyramid, unpack_pyramids
from aiplat_jupyter.store.segments import (
    BLOCK,
    Blocks,
    Samples,
    pack,
    pack_integers,
    to_micros,
    to_seconds,
    unpack,
    unpack_integers,
    unpack_span,
)

int64 = st.one_of(st.integers(-(2**63), 2**63 - 1), st.integers(-3, 3), st.sampled_from([2**53, -(2**53)]))
bits = hnp.arrays(np.uint64, st.integers(1, 200), elements=st.integers(0, 2**64 - 1))


@given(st.lists(int64, min_size=1, max_size=300))
def test_any_integers_come_back(numbers):
    packed = b"xx" + pack_integers(np.array(numbers, np.int64)) + b"yy"
    assert unpack_integers(packed, 2, len(numbers)).tolist() == numbers


@given(bits)
def test_any_bits_of_values_come_back(pattern):
    values = pattern.view(np.float64)
    samples = Samples(np.arange(len(values)), np.arange(len(values)), values)
    assert unpack(pack(samples)).value.tobytes() == values.tobytes()


@pytest.mark.parametrize("value", [0.1, float(np.float32(0.1)), -0.0, np.nan, np.inf, -np.inf, 5e-324])
def test_values_keep_their_bits(value):
    values = np.array([value, 1.0, value])
    samples = Samples(np.arange(3), np.arange(3), values)
    assert unpack(pack(samples)).value.tobytes() == values.tobytes()


def test_what_repeats_takes_no_room():
    count = 4096
    steps = np.arange(count) * 10
    walls = 1_700_000_000_000_000 + np.cumsum(np.random.default_rng(0).integers(900, 1_100, count))
    size = len(pack(Samples(steps, walls, np.full(count, 0.001))))
    assert size < 1.1 * count


def test_one_long_pause_does_not_widen_all_differences():
    numbers = np.arange(4096)
    numbers[2000:] += 10**12
    assert len(pack_integers(numbers)) < 50


def test_float32_values_take_four_bytes():
    values = np.random.default_rng(0).normal(size=4096).astype(np.float32).astype(np.float64)
    assert len(pack(Samples(np.arange(4096), np.arange(4096), values))) < 4.1 * 4096


def samples_of(count: int, seed: int, falling: bool = False) -> Samples:
    rng = np.random.default_rng(seed)
    values = rng.normal(size=count)
    values[rng.random(count) < 0.1] = np.nan
    values[rng.random(count) < 0.05] = np.inf
    walls = np.cumsum(rng.integers(-5 if falling else 0, 2**40, count))
    return Samples(np.cumsum(rng.integers(1, 10**6, count)), walls, values)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=6), st.integers(0, 2**32 - 1), st.booleans())
def test_pyramids_come_back(counts, seed, falling):
    parts = [samples_of(count, seed + i, falling and i % 2 == 0) for i, count in enumerate(counts)]
    rises = [bool((np.diff(part.wall) >= 0).all()) for part in parts]
    pyramids = [pack_pyramid(Blocks.of(part), rise) for part, rise in zip(parts, rises, strict=True)]
    found, walls_rise = unpack_pyramids(filter(None, (pyramids[:2], pyramids[2:])), np.array(counts))
    expected = Blocks.joined([Blocks.of(part) for part in parts])
    for one, other in zip((*found[:4], *found.stats), (*expected[:4], *expected.stats), strict=True):
        np.testing.assert_array_equal(one, other)
    assert walls_rise.tolist() == rises


@given(st.integers(1, 400), st.integers(0, 2**32 - 1))
def test_a_span_is_a_part_of_the_whole(count, seed):
    samples = samples_of(count, seed)
    data = pack(samples)
    for start in range(0, count, BLOCK):
        stop = min(start + BLOCK, count)
        found = unpack_span(data, start, stop, int(samples.step[start]), int(samples.wall[start]))
        for one, other in zip(found, samples.take(slice(start, stop)), strict=True):
            np.testing.assert_array_equal(one, other)


@given(st.lists(st.integers(-3, 3), min_size=1, max_size=50))
def test_the_last_of_each_step_is_drawn(steps):
    samples = Samples(np.array(steps), np.arange(len(steps)), np.arange(len(steps), dtype=float)).in_order()
    drawn = samples.drawn()
    assert drawn.step.tolist() == sorted(set(steps))
    assert dict(zip(drawn.step.tolist(), drawn.value.tolist(), strict=True)) == {
        s: float(i) for i, s in enumerate(steps)
    }


def test_times_that_are_none_stay_in_range():
    seconds = np.array([1.5, np.nan, np.inf, -np.inf, 1e300])
    assert to_seconds(to_micros(seconds)).tolist() == [1.5, 0.0, 9e12, -9e12, 9e12]


def test_the_mean_survives_a_sum_that_overflows():
    values = np.array([1.7e308, 1.7e308])
    stats = Blocks.of(Samples(np.arange(2), np.arange(2), values)).stats
    assert stats.mean.tolist() == [1.7e308]
