"""Some blocks of some segments, against the same segments unpacked whole."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiplat_jupyter.store.scattered import Part, unpacked
from aiplat_jupyter.store.segments import BLOCK, Samples, pack

WHOLE = 5
"""Whole blocks of each segment."""


def columns(seed: int) -> Samples:
    """Return points whose columns are packed in any of their ways, with and without exceptions."""
    rng = np.random.default_rng(seed)
    count = WHOLE * BLOCK + int(rng.integers(0, BLOCK))
    values = rng.normal(size=count)
    kinds = values, values.astype(np.float32).astype(np.float64), np.full(count, values[0])
    return Samples(integers(rng, count), integers(rng, count), kinds[rng.integers(3)])


def integers(rng: np.random.Generator, count: int) -> np.ndarray:
    differences = rng.integers(1, 2 + 10 ** int(rng.integers(0, 18)), count) if rng.random() < 0.8 else np.ones(count)
    differences[rng.random(count) < rng.choice([0, 0.02])] = 2**50
    return np.cumsum(differences.astype(np.int64))


@pytest.mark.parametrize("walls", [False, True])
@given(
    st.lists(st.sets(st.integers(0, WHOLE - 1), min_size=1), min_size=1, max_size=6),
    st.integers(0, 2**32 - 1),
)
def test_scattered_blocks_are_parts_of_the_whole(walls, wanted, seed):
    segments = [columns(seed + i) for i in range(len(wanted))]
    places = [sorted(blocks) for blocks in wanted]
    parts = [Part.read(pack(segment), blocks, walls) for segment, blocks in zip(segments, places, strict=True)]
    expected = Samples.joined(
        [
            segment.take(slice(BLOCK * place, BLOCK * (place + 1)))
            for segment, blocks in zip(segments, places, strict=True)
            for place in blocks
        ]
    )
    found = unpacked(parts, expected.step[::BLOCK], expected.wall[::BLOCK])
    np.testing.assert_array_equal(found.step, expected.step)
    np.testing.assert_array_equal(found.value, expected.value)
    np.testing.assert_array_equal(found.wall, expected.wall if walls else [])
