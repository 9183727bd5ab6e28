import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.store import metrics
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.smoothing import scan
from tests.store.points import batch, experiment

values = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([math.nan, math.inf, -math.inf]))


def tensorboard(values: list[float], weight: float) -> list[float]:
    """`resmooth` of TensorBoard's ``line_chart_v2/data_transformer.ts``, line by line."""
    last, accumulated, smoothed = 0.0, 0, []
    is_constant = all(value == values[0] for value in values)
    for value in values:
        if is_constant or not math.isfinite(value):
            smoothed.append(value)
        else:
            last = last * weight + (1 - weight) * value
            accumulated += 1
            debias = 1.0 if weight == 1 else 1.0 - weight**accumulated
            smoothed.append(last / debias)
    return smoothed


def time_weighted(steps: list[int], values: list[float], weight: float, gap: float) -> list[float]:
    total, weights, before, smoothed = 0.0, 0.0, None, []
    for step, value in zip(steps, values, strict=True):
        if not math.isfinite(value):
            smoothed.append(value)
            continue
        factor = 1.0 if before is None else weight ** ((step - before) / gap)
        total, weights, before = total * factor + value, weights * factor + 1.0, step
        smoothed.append(total / weights)
    return smoothed


def windowed(values: list[float], kernel: list[float]) -> list[float]:
    reach, smoothed = len(kernel) // 2, []
    for i, value in enumerate(values):
        around = [(kernel[j - i + reach], values[j]) for j in range(max(0, i - reach), min(len(values), i + reach + 1))]
        finite = [(k, v) for k, v in around if math.isfinite(v)]
        whole = sum(k for k, _ in finite)
        smoothed.append(sum(k * v for k, v in finite) / whole if math.isfinite(value) else value)
    return smoothed


@given(
    st.integers(1, 5).flatmap(
        lambda rows: hnp.arrays(float, st.tuples(st.just(rows), st.integers(1, 9000)), elements=st.floats(0, 1))
    )
)
@settings(max_examples=20, deadline=None)
def test_a_scan_is_the_recurrence(factor):
    term = np.random.default_rng(0).normal(size=factor.shape)
    state = start = np.arange(len(factor), dtype=float)
    found = scan(factor, term, start)
    for i in range(factor.shape[1]):
        state = factor[:, i] * state + term[:, i]
        np.testing.assert_allclose(found[:, i], state, rtol=1e-9, atol=1e-9)


class Logged:
    """A line that was logged in a few commits, some of them folded."""

    def __init__(self, database: Database, steps: list[int], values: list[float]) -> None:
        self.database = database
        attempt = database.write_now(experiment)
        edges = [0, len(steps) // 2, len(steps) - len(steps) // 10, len(steps)]
        for low, high in itertools.pairwise(edges):
            points = [batch(["loss"], steps[low:high], values[low:high])]
            database.write_now(lambda tx, points=points: metrics.append(tx, attempt, points))

    def smooth(self, method: str, weight: float, **options: object) -> dict[float, float]:
        query = CurveQuery(experiments=["e"], metrics=["loss"], smoothing=method, weight=weight, **options)
        (curve,) = self.database.read_now(lambda tx: metrics.query(tx, query)).curves
        return dict(zip(curve.columns.x, curve.columns.smooth, strict=True))


def close(found: dict[float, float], steps: list[int], expected: list[float]) -> None:
    wanted = dict(zip(map(float, steps), expected, strict=True))
    keys = sorted(found)
    np.testing.assert_allclose([found[x] for x in keys], [wanted[x] for x in keys], rtol=1e-9, atol=1e-9)


def noisy(count: int, seed: int = 0) -> list[float]:
    rng = np.random.default_rng(seed)
    found = np.cumsum(rng.normal(size=count))
    found[rng.random(count) < 0.05] = np.nan
    found[rng.random(count) < 0.02] = np.inf
    return found.tolist()


@pytest.mark.parametrize("weight", [0.0, 0.6, 0.9, 0.999])
def test_ema_is_tensorboards(database, weight):
    steps, logged = list(range(9000)), noisy(9000)
    line = Logged(database, steps, logged)
    close(line.smooth("ema", weight, width=10_000), steps, tensorboard(logged, weight))
    close(line.smooth("ema", weight, width=300), steps, tensorboard(logged, weight))


@pytest.mark.parametrize("logged", [[], [math.nan] * 3, [2.5], [0.1] * 200, [math.nan, 0.1, 0.1], [math.inf, 1.0]])
def test_ema_of_short_lines_is_tensorboards(sqlite_url, logged):
    database = Database.open(sqlite_url)
    steps = list(range(len(logged)))
    attempt = database.write_now(experiment)
    database.write_now(lambda tx: metrics.append(tx, attempt, [batch(["loss"], steps, logged)]))
    query = CurveQuery(experiments=["e"], metrics=["loss"], smoothing="ema")
    found = database.read_now(lambda tx: metrics.query(tx, query)).curves
    assert [x for curve in found for x in curve.columns.smooth] == pytest.approx(tensorboard(logged, 0.6), nan_ok=True)
    database.close()


@pytest.mark.parametrize("weight", [0.0, 0.6, 0.99])
def test_twema_weighs_by_the_distance_of_steps(sqlite_url, weight):
    database = Database.open(sqlite_url)
    steps = np.cumsum(np.random.default_rng(1).integers(1, 20, 6000)).tolist()
    logged = noisy(6000, 1)
    line = Logged(database, steps, logged)
    gap = float(np.median(np.diff(steps[:4096])))
    assert gap > 1
    close(line.smooth("twema", weight, width=10_000), steps, time_weighted(steps, logged, weight, gap))
    database.close()


@pytest.mark.parametrize(("method", "weight"), [("gaussian", 3.0), ("gaussian", 0.5), ("mean", 21.0), ("mean", 1.0)])
def test_centred_windows(sqlite_url, method, weight):
    database = Database.open(sqlite_url)
    steps, logged = list(range(0, 12_000, 2)), noisy(6000, 2)
    reach = math.ceil(4 * weight) if method == "gaussian" else int(weight) // 2
    kernel = [math.exp(-0.5 * (i / weight) ** 2) if method == "gaussian" else 1.0 for i in range(-reach, reach + 1)]
    line = Logged(database, steps, logged)
    close(line.smooth(method, weight, width=10_000), steps, windowed(logged, kernel))
    close(line.smooth(method, weight, width=100), steps, windowed(logged, kernel))
    database.close()


@pytest.mark.parametrize(("method", "weight"), [("ema", 0.9), ("twema", 0.9), ("gaussian", 10.0), ("mean", 51.0)])
def test_a_zoom_never_changes_a_smoothed_value(sqlite_url, method, weight):
    database = Database.open(sqlite_url)
    line = Logged(database, list(range(20_000)), noisy(20_000, 3))
    whole = line.smooth(method, weight, width=10_000, start=0.0, end=9_999.0)
    for start, end, width in ((0, 19_999, 500), (5_000, 5_400, 1000), (7_777, 9_999, 333), (3, 3, 10)):
        found = line.smooth(method, weight, width=width, start=float(start), end=float(end))
        for x, smooth in found.items():
            if x in whole:
                assert smooth == pytest.approx(whole[x], rel=1e-9, abs=1e-9, nan_ok=True)
    database.close()


def test_a_spike_moves_nothing_far_from_it(sqlite_url):
    database = Database.open(sqlite_url)
    logged = [math.sin(i) for i in range(1000)]
    logged[500] = 1e300
    line = Logged(database, list(range(1000)), logged)
    for method, weight in (("gaussian", 2.0), ("mean", 5.0)):
        found = line.smooth(method, weight, width=2000)
        assert all(abs(found[x]) <= 1 for x in (100.0, 480.0, 520.0, 900.0))
    database.close()
