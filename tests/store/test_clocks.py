"""Series whose points have a time and no step, laid along the run that they were read beside."""

import math
from bisect import bisect_right
from itertools import compress, pairwise
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from aiplat_jupyter.core.curves import Curve, CurveAnswer, CurveQuery
from aiplat_jupyter.store import clocks, folding, metrics
from aiplat_jupyter.store.database import Database
from tests.store.points import Account, Attempt, batch, buckets, child, experiment, same

START = 1_700_000_000_000
"""Milliseconds since 1970."""
GPU = "system/gpu.0.util"


@pytest.fixture(autouse=True)
def small_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds happen after a few points, so that little data goes every way."""
    for name in ("SIZE", "_ENOUGH", "GAP_POINTS"):
        monkeypatch.setattr(folding, name, 150)
    monkeypatch.setattr(folding, "_MOST_ROWS", 4)


class Run:
    """A run that logs its loss while it is watched, and a slow, plain account of what its charts must show."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.end = database.write_now(experiment)
        self.account = Account({self.end: Attempt(self.end)})
        self.samples: dict[int, list[tuple[int, float]]] = {self.end: []}
        self.now = START
        self.views = [View(self, width=1000), View(self, width=9), View(self, width=12, start=-5.0, end=80.0)]
        self.views += [View(self, width=1000, smoothing="ema"), View(self, width=1000, x="wall")]

    def train(self, steps: list[int], pause: int = 700) -> None:
        at = [self.now + pause * number for number in range(len(steps))]
        self.now = at[-1] + 300
        values, walls = np.array(steps, np.float64)[:, None], [ms / 1000 for ms in at]
        points = [batch(["loss"], steps, values, walls)]
        self.database.write_now(lambda tx: metrics.append(tx, self.end, points))
        own = self.account.attempts[self.end].points.setdefault(("loss", ""), [])
        own += zip(steps, [float(ms) for ms in at], values[:, 0].tolist(), strict=True)

    def watch(self, count: int, pause: int = 450) -> None:
        at = [self.now + pause * number for number in range(count)]
        self.now = at[-1] + 200
        self.sample(at)

    def sample(self, at: list[int]) -> None:
        values = [float(ms % 97) for ms in at]
        points = [batch([GPU], at, values, [ms / 1000 for ms in at])]
        self.database.write_now(lambda tx: metrics.append(tx, self.end, points, "clock"))
        self.samples[self.end] += zip(at, values, strict=True)

    def rewind(self, step: int | None) -> None:
        parent = self.end
        self.end = self.database.write_now(lambda tx: child(tx, parent, step))
        self.account.attempts[self.end] = Attempt(self.end, parent, step)
        self.samples[self.end] = []

    def fold(self) -> None:
        self.database.write_now(lambda tx: metrics.fold(tx, self.end))

    def ask(self, metric: str = GPU, **options: object) -> CurveAnswer:
        query = CurveQuery(experiments=["e"], metrics=[metric], **options)
        return self.database.read_now(lambda tx: metrics.query(tx, query))

    def drawn(self) -> list[tuple[int, float]]:
        """Return what is drawn of the samples: of each attempt those before it reached the step that the next began."""
        found: dict[int, float] = {}
        cut, at = math.inf, self.account.attempts.get(self.end)
        while at is not None:
            reached = [ms for step, ms, _ in self.account.line(at.number, ("loss", "")) if step >= cut]
            own = [point for point in at.points.get(("loss", ""), []) if point[0] >= cut]
            latest = {step: ms for step, ms, _ in own}
            high = min(latest.values(), default=math.inf) if reached else math.inf
            found |= {ms: value for ms, value in self.samples[at.number] if ms < high and ms not in found}
            cut = min(cut, math.inf if at.from_step is None else at.from_step)
            at = None if at.parent is None else self.account.attempts[at.parent]
        return sorted(found.items())

    def at_steps(self) -> list[tuple[float, float]]:
        """Return (step, value) of the samples of which the run tells the step, in rising step."""
        pairs = sorted((ms, step) for step, ms, _ in self.account.line(self.end, ("loss", "")))
        found = [(step, value) for ms, value in self.drawn() if (step := _step_at(pairs, ms)) is not None]
        return sorted(found, key=lambda pair: pair[0])

    def check(self, width: int) -> None:
        expected = self.at_steps()
        curves = self.ask(width=width).curves
        x = [step for step, _ in expected]
        if not x:
            assert all(not curve.columns.x for curve in curves)
            return
        same(curves[0].columns, buckets(x, [value for _, value in expected], x[0], x[-1], width), within=2e-6)
        (wall,) = self.ask(width=1000, x="wall").curves
        assert wall.columns.x == [ms / 1000 for ms, _ in self.drawn()]

    def follow(self) -> None:
        """Assert that what each view holds after a delta is what a first look would show."""
        for view in self.views:
            view.refresh()


def _step_at(pairs: list[tuple[float, int]], ms: float) -> float | None:
    if not pairs or not pairs[0][0] <= ms <= pairs[-1][0]:
        return None
    place = min(bisect_right(pairs, (ms, math.inf)), len(pairs) - 1)
    (before, low), (after, high) = pairs[max(place - 1, 0)], pairs[place]
    return float(low) if after == before else round(low + (high - low) * (ms - before) / (after - before), 6)


class View:
    """A chart that keeps itself up to date by deltas."""

    def __init__(self, run: Run, **options: object) -> None:
        self.run, self.options = run, options
        self.cursor: str | None = None
        self.held: dict[str, list[float]] | None = None

    def refresh(self) -> None:
        answer = self.run.ask(cursor=self.cursor, **self.options)
        self.cursor = answer.cursor
        for curve in answer.curves:
            fresh = _columns(curve)
            if curve.from_x is not None:
                assert self.held is not None
                kept = [x < curve.from_x for x in self.held["x"]]
                fresh = {key: list(compress(self.held[key], kept)) + fresh[key] for key in fresh}
            self.held = fresh
        for curve in self.run.ask(**self.options).curves:
            for key, column in _columns(curve).items():
                assert self.held is not None
                np.testing.assert_allclose(self.held[key], column, rtol=1e-9, atol=1e-6, equal_nan=True, err_msg=key)


def _columns(curve: Curve) -> dict[str, list[float]]:
    columns = msgspec.structs.asdict(curve.columns)
    return columns | {kind: columns[kind] or [0] * curve.shown for kind in ("nan", "posinf", "neginf")}


trainings = st.tuples(
    st.just("train"),
    st.one_of(
        st.tuples(st.integers(0, 90), st.integers(1, 60)).map(lambda pair: list(range(pair[0], sum(pair)))),
        st.lists(st.integers(-20, 150), min_size=1, max_size=30),
    ),
    st.integers(1, 900),
)
watches = st.tuples(st.just("watch"), st.integers(1, 60), st.integers(20, 2000))
events = st.one_of(
    trainings, trainings, watches, watches, st.just(("fold",)), st.just(("follow",)),
    st.tuples(st.just("rewind"), st.one_of(st.none(), st.integers(-5, 120))),
)  # fmt: skip


@given(st.lists(events, min_size=1, max_size=12))
@settings(
    max_examples=40,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_samples_stand_at_the_step_that_the_run_was_at(empty_file: Path, tmp_path_factory, events):
    path = tmp_path_factory.mktemp("run") / "aiplat.db"
    path.write_bytes(empty_file.read_bytes())
    database = Database.open(f"sqlite:///{path}")
    try:
        run = Run(database)
        for name, *arguments in events:
            getattr(run, name)(*arguments)
        run.follow()
        run.check(1000)
        run.check(8)
    finally:
        database.close()


def test_a_run_between_two_samples_of_one_segment(database):
    run = Run(database)
    run.sample([START, START + 60_000])
    run.fold()
    run.now = START + 20_000
    run.train([1, 2, 3])
    run.follow()
    run.check(10)
    assert run.ask().curves[0].columns.x == []


def test_a_run_and_its_samples_at_the_same_time(database):
    run = Run(database)
    for _ in range(12):
        first = run.now
        run.train(list(range(run.now // 1000 % 997, run.now // 1000 % 997 + 40)))
        run.sample([first + 7_013 * number for number in range(4)])
        run.follow()
    run.check(1000)
    run.check(6)
    (curve,) = run.ask(width=100).curves
    assert curve.context == "clock"


def test_axes_of_time_are_the_samples_own_and_begin_with_the_run(database):
    run = Run(database)
    run.watch(2, 1000)
    run.train([0, 1, 2], 1000)
    run.watch(2, 1000)
    (relative,) = run.ask(x="relative").curves
    began = START / 1000 + 1.2
    assert relative.columns.x == pytest.approx([START / 1000 - began, START / 1000 + 1 - began, 2.3, 3.3])
    assert run.ask("loss", x="relative").curves[0].x_extent == pytest.approx((0, 2))
    assert run.ask().curves[0].columns.x == []


def test_another_metric_is_an_axis_too(database):
    run = Run(database)
    points = [batch(["loss", "epoch"], [0, 10, 20], [[3, 0], [2, 1], [1, 2]], [START / 1000 + i for i in range(3)])]
    database.write_now(lambda tx: metrics.append(tx, run.end, points))
    run.sample([START + 500, START + 1000, START + 1999])
    (curve,) = run.ask(x="metric:epoch").curves
    assert curve.columns.x == [0, 1, 1]
    assert run.ask("loss", x=f"metric:{GPU}").curves[0].columns.x == []


def test_a_long_run_is_told_by_the_ends_of_its_blocks(database, monkeypatch):
    run = Run(database)
    steps = np.cumsum(np.random.default_rng(1).integers(1, 5, 3000)).tolist()
    run.train(steps, 100)
    run.fold()
    at = list(range(START + 50, START + 299_000, 997))
    run.sample(at)
    exact = run.ask(width=1000).curves[0].columns
    monkeypatch.setattr(clocks, "EXACT", 500)
    run.train([steps[-1] + 1])
    run.train([steps[-1] + 2])
    coarse = run.ask(width=1000).curves[0].columns
    assert coarse.last == exact.last
    assert 0 < max(abs(one - other) for one, other in zip(coarse.x, exact.x, strict=True)) < 64 * 4


def test_nothing_of_them_is_told_as_a_step(database):
    run = Run(database)
    run.train([1, 2, 3])
    run.watch(5)
    run.rewind(2)
    listed = database.read_now(lambda tx: metrics.summaries(tx, [run.end]))[run.end]
    samples, loss = listed[1], listed[0]
    assert (loss.count, loss.last_step) == (1, 1)
    assert (samples.metric, samples.context, samples.count) == (GPU, "clock", 5)
    assert (samples.last_step, samples.min_step, samples.max_step) == (None, None, None)
    assert samples.last_wall == pytest.approx(run.samples[run.end - 1][-1][0] / 1000)
    assert database.read_now(lambda tx: metrics.last_step(tx, run.end)) == 1
    every = database.read_now(lambda tx: metrics.history(tx, "e", [], 100))
    assert set(every.metric) == {"loss"}
    named = database.read_now(lambda tx: metrics.history(tx, "e", [GPU], 100))
    assert (set(named.context), named.step) == ({"clock"}, [ms for ms, _ in run.samples[run.end - 1]])


def test_a_delta_has_only_the_samples_whose_step_may_have_changed(database):
    run = Run(database)
    for number in range(20):
        first = run.now
        run.train(list(range(10 * number, 10 * number + 10)), 1000)
        run.sample([first + 900, first + 5200])
    before = run.ask(width=1000)
    first = run.now
    run.train(list(range(200, 210)), 1000)
    run.sample([first + 900, first + 5200])
    (curve,) = run.ask(width=1000, cursor=before.cursor).curves
    assert curve.from_x is not None
    assert curve.from_x > 190
    assert 1 <= curve.shown <= 5
    assert all(low < high for low, high in pairwise(curve.columns.x))
