import math
from collections.abc import Iterator
from itertools import compress
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from aiplat_jupyter.core.curves import Curve, CurveAnswer, CurveQuery
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.store import folding, metrics
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import SegmentRow, SeriesRow, TailRow
from tests.store.points import Account, Attempt, Point, batch, buckets, child, experiment, same

NAMES = ("loss", "accuracy", "epoch")


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Folds happen after a few points, so that little data goes every way."""
    monkeypatch.setattr(folding, "SIZE", 150)
    monkeypatch.setattr(folding, "_MOST_ROWS", 4)
    yield


class Story:
    """A database and the account of what it must say, told the same things."""

    def __init__(self, database: Database) -> None:
        self.database = database
        first = database.write_now(experiment)
        self.account = Account({first: Attempt(first)})
        self.end = first
        self.clock = 1.7e9
        self.views = [
            View(self, width=1000),
            View(self, width=12, start=-20.0, end=300.0),
            View(self, width=9),
            View(self, width=1000, smoothing="twema", weight=0.9),
            View(self, width=30, start=0.0, end=200.0, smoothing="gaussian", weight=2.0),
            View(self, width=1000, x="relative"),
            View(self, width=1000, x="metric:epoch"),
        ]

    def log(self, attempt: int, keys: tuple[str, ...], steps: list[int], values: np.ndarray, context: str = "") -> None:
        walls = [self.clock + i / 4 for i in range(len(steps))]
        self.clock += len(steps) / 4
        points = [batch(keys, steps, values, walls)]
        self.database.write_now(lambda tx: metrics.append(tx, attempt, points, context))
        for column, key in enumerate(keys):
            own = self.account.attempts[attempt].points.setdefault((key, context), [])
            own += zip(steps, walls, values[:, column].tolist(), strict=True)

    def fold(self, attempt: int) -> None:
        self.database.write_now(lambda tx: metrics.fold(tx, attempt))

    def rewind(self, from_step: int | None) -> None:
        parent = self.end
        self.end = self.database.write_now(lambda tx: child(tx, parent, from_step))
        self.account.attempts[self.end] = Attempt(self.end, parent, from_step)

    def line(self, name: str, context: str = "") -> list[Point]:
        return self.account.line(self.end, (name, context))

    def ask(self, **options: object) -> CurveAnswer:
        query = CurveQuery(experiments=["e"], metrics=list(NAMES), **options)
        return self.database.read_now(lambda tx: metrics.query(tx, query))

    def follow(self) -> None:
        """Assert that what each view holds after a delta is what a first look would show."""
        for view in self.views:
            view.refresh()
            view.check()

    def check(self, width: int, start: float | None = None, end: float | None = None) -> None:
        answer = self.ask(width=width, start=start, end=end)
        found = {(curve.metric, curve.context): curve for curve in answer.curves}
        names = {name for attempt in self.account.attempts.values() for name in attempt.points}
        lines = {name: self.account.line(self.end, name) for name in names}
        assert {name for name, line in lines.items() if line} <= found.keys() <= names
        for name, curve in found.items():
            self._check_curve(name, curve, width, start, end)
        listed = self.database.read_now(lambda tx: metrics.summaries(tx, [self.end]))[self.end]
        assert [(one.metric, one.context) for one in listed] == sorted(name for name, line in lines.items() if line)
        for one in listed:
            same_summary(one, summarised((one.metric, one.context), lines[one.metric, one.context]))

    def _check_curve(self, name, curve: Curve, width: int, start: float | None, end: float | None) -> None:
        line = self.account.line(self.end, name)
        x = [float(point[0]) for point in line]
        if x:
            low, high = x[0] if start is None else start, x[-1] if end is None else end
            same(curve.columns, buckets(x, [point[2] for point in line], low, high, width))
            assert curve.x_extent == (x[0], x[-1])
        same_summary(curve.summary, summarised(name, line))
        left = {attempt: self.account.left_behind(self.end, attempt, name) for attempt in self.account.attempts}
        assert sum(sum(tail.columns.count) for tail in curve.abandoned) == sum(
            1 for tail in left.values() for point in tail if (start or -math.inf) <= point[0] <= (end or math.inf)
        )


class View:
    """A chart that keeps itself up to date by deltas."""

    def __init__(self, story: Story, **options: object) -> None:
        self.story, self.options = story, options
        self.cursor: str | None = None
        self.held: dict[tuple[str, str], tuple[Curve, dict[str, list[float]]]] = {}

    def refresh(self) -> None:
        answer = self.story.ask(cursor=self.cursor, **self.options)
        self.cursor = answer.cursor
        for curve in answer.curves:
            name = curve.metric, curve.context
            columns = msgspec.structs.asdict(curve.columns)
            columns |= {kind: columns[kind] or [0] * curve.shown for kind in ("nan", "posinf", "neginf")}
            abandoned = curve.abandoned
            if curve.from_x is not None:
                before, held = self.held[name]
                kept = [x < curve.from_x for x in held["x"]]
                columns = {key: list(compress(held[key], kept)) + columns[key] for key in columns}
                abandoned = before.abandoned
            self.held[name] = msgspec.structs.replace(curve, abandoned=abandoned), columns

    def check(self) -> None:
        fresh = {(curve.metric, curve.context): curve for curve in self.story.ask(**self.options).curves}
        assert fresh.keys() == self.held.keys()
        for name, curve in fresh.items():
            held, columns = self.held[name]
            for key, column in columns.items():
                found = getattr(curve.columns, key) or [0] * len(column)
                np.testing.assert_allclose(column, found, rtol=1e-9, atol=1e-9, equal_nan=True, err_msg=key)
            assert repr(held.abandoned) == repr(curve.abandoned)
            same_summary(held.summary, curve.summary)
            assert (held.total, held.raw, held.x_extent) == (curve.total, curve.raw, curve.x_extent)


def summarised(name: tuple[str, str], line: list[Point]) -> SeriesSummary:
    finite = [point for point in line if math.isfinite(point[2])]
    least = min(finite, key=lambda point: point[2], default=(None, None, None))
    most = max(finite, key=lambda point: point[2], default=(None, None, None))
    last = line[-1] if line else (None, None, None)
    nan = sum(math.isnan(point[2]) for point in line)
    return SeriesSummary(
        metric=name[0],
        context=name[1],
        count=len(line),
        nan=nan,
        infinite=len(line) - nan - len(finite),
        last=last[2],
        last_step=last[0],
        last_wall=last[1],
        min=least[2],
        min_step=least[0],
        max=most[2],
        max_step=most[0],
    )


def same_summary(found: SeriesSummary, expected: SeriesSummary) -> None:
    for name in SeriesSummary.__struct_fields__:
        one, other = getattr(found, name), getattr(expected, name)
        assert one == other or (one != one and other != other), (name, found, expected)


values = st.one_of(st.integers(-5, 5).map(float), st.floats(width=32), st.sampled_from([math.nan, math.inf, -math.inf]))
steps = st.one_of(
    st.tuples(st.integers(0, 300), st.integers(1, 60), st.integers(1, 3)).map(
        lambda t: [t[0] + t[2] * i for i in range(t[1])]
    ),
    st.lists(st.integers(-50, 400), min_size=1, max_size=40),
    st.lists(st.sampled_from([0, 7, 2**53, -(2**53)]), min_size=1, max_size=4),
)
logs = st.tuples(
    st.just("log"),
    st.integers(0, 3),
    st.sets(st.sampled_from(NAMES), min_size=1).map(sorted).map(tuple),
    steps,
    st.randoms(use_true_random=False),
    st.lists(values, min_size=1, max_size=8),
    st.sampled_from(["", "", "", "rank=1"]),
)
folds = st.tuples(st.just("fold"), st.integers(0, 3))
rewinds = st.tuples(st.just("rewind"), st.one_of(st.none(), st.integers(-10, 130)))
looks = st.just(("follow",))
windows = st.tuples(
    st.just("look"), st.integers(1, 40), st.one_of(st.none(), st.tuples(st.integers(-60, 400), st.integers(0, 300)))
)


@given(st.lists(st.one_of(logs, logs, folds, rewinds, windows, looks), min_size=1, max_size=12))
@settings(
    max_examples=100,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_curves_are_what_was_logged(small_segments: None, empty_file: Path, tmp_path_factory, events):
    path = tmp_path_factory.mktemp("story") / "aiplat.db"
    path.write_bytes(empty_file.read_bytes())
    database = Database.open(f"sqlite:///{path}")
    try:
        story = Story(database)
        for event in events:
            tell(story, event)
        story.follow()
        story.check(20)
        story.check(1000)
        story.check(7, 3.0, 250.5)
    finally:
        database.close()


def tell(story: Story, event: tuple) -> None:
    attempts = list(story.account.attempts)
    if event[0] == "log":
        _, which, keys, at, random, pool, context = event
        chosen = np.array([[random.choice(pool) for _ in keys] for _ in at], np.float64)
        story.log(attempts[-1 - which % len(attempts)], keys, at, chosen, context)
    elif event[0] == "fold":
        story.fold(attempts[event[1] % len(attempts)])
    elif event[0] == "rewind":
        story.rewind(event[1])
    elif event[0] == "follow":
        story.follow()
    else:
        _, width, window = event
        story.check(width, *((None, None) if window is None else (float(window[0]), float(window[0] + window[1]))))
