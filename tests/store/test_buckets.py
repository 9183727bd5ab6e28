import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.store import metrics
from aiplat_jupyter.store.buckets import axis_of, buckets, columns
from aiplat_jupyter.store.database import Database
from tests.store import points

values = st.one_of(st.integers(-9, 9).map(float), st.sampled_from([math.nan, math.inf, -math.inf]))


@given(
    st.lists(st.tuples(st.one_of(st.integers(0, 300).map(float), st.floats(0, 300)), values), max_size=400),
    st.floats(-10, 310),
    st.floats(0, 320),
    st.integers(1, 120),
)
@settings(deadline=None)
def test_buckets_are_those_of_a_plain_account(pairs, start, length, width):
    pairs.sort(key=lambda pair: pair[0])
    x, value = (np.array([pair[i] for pair in pairs], float) for i in (0, 1))
    found, raw = buckets(axis_of(x, value), start, start + length, width)
    expected = points.buckets(x.tolist(), value.tolist(), start, start + length, width)
    points.same(columns(found), expected)
    assert len(expected) <= width
    assert raw == (sum(bucket["count"] for bucket in expected) <= width)


COUNT = 1_000_000
SPIKE, HOLE = 123_457, 876_543


@pytest.fixture(scope="module", params=["sorted", "shuffled"])
def million(request, empty_file, tmp_path_factory):
    """A million points with one spike and one NaN among them."""
    path = tmp_path_factory.mktemp("million") / "aiplat.db"
    path.write_bytes(empty_file.read_bytes())
    database = Database.open(f"sqlite:///{path}")
    attempt = database.write_now(points.experiment)
    rng = np.random.default_rng(0)
    steps = np.arange(COUNT) if request.param == "sorted" else rng.permutation(COUNT)
    logged = rng.uniform(-1, 1, COUNT)
    logged[steps == SPIKE], logged[steps == HOLE] = 1000.0, np.nan
    for part in np.array_split(np.arange(COUNT), 4):
        batch = points.batch(["loss"], steps[part], logged[part])
        database.write_now(lambda tx, batch=batch: metrics.append(tx, attempt, [batch]))
    yield database
    database.close()


def test_a_spike_and_a_nan_are_in_their_own_pixel_columns(million):
    rng = np.random.default_rng(1)
    for _ in range(1000):
        length = int(10 ** rng.uniform(1, 6))
        start = int(rng.integers(-length // 2, COUNT - length // 2))
        width = int(rng.integers(10, 800))
        query = CurveQuery(
            experiments=["e"], metrics=["loss"], start=float(start), end=float(start + length), width=width
        )
        (curve,) = million.read_now(lambda tx, query=query: metrics.query(tx, query)).curves
        spikes = np.flatnonzero(np.array(curve.columns.max) == 1000.0)
        holes = np.flatnonzero(curve.columns.nan)
        for step, found in ((SPIKE, spikes), (HOLE, holes)):
            assert len(found) == (start <= step <= start + length)
            for bucket in found:
                low, high = (
                    min(math.floor((x - start) / length * width), width - 1)
                    for x in (curve.columns.first_x[bucket], curve.columns.x[bucket])
                )
                assert low == high == min(math.floor((step - start) / length * width), width - 1)
        assert sum(curve.columns.count) == curve.total == min(COUNT - 1, start + length) - max(0, start) + 1
