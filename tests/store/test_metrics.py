import math
from collections.abc import Iterator
from itertools import compress
from pathlib import Path

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, delete, func, select

from aiplat_jupyter.core.curves import Curve, CurveAnswer, CurveQuery
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.store import folding, metrics
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import SegmentRow, TailRow
from tests.store.points import Account, Attempt, Point, batch, buckets, child, experiment, same

NAMES = ("loss", "accuracy", "epoch")


@pytest.fixture
def small_segments(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Folds happen after a few points, so that little data goes every way."""
    for name in ("SIZE", "_ENOUGH", "GAP_POINTS"):
        monkeypatch.setattr(folding, name, 150)
    monkeypatch.setattr(folding, "_MOST_ROWS", 4)
    return


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
    max_examples=40,
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


def log(database: Database, attempt: int, steps: list[int], values: object, keys: tuple[str, ...] = ("loss",), **more):
    points = [batch(keys, steps, values, **more)]
    return database.write_now(lambda tx: metrics.append(tx, attempt, points))


def ask(database: Database, *names: str, **options: object) -> CurveAnswer:
    query = CurveQuery(experiments=["e"], metrics=list(names), **options)
    return database.read_now(lambda tx: metrics.query(tx, query))


def rows(database: Database, table: type) -> int:
    return database.read_now(lambda tx: tx.execute(select(func.count()).select_from(table)).scalar_one())


def test_a_story_on_both_engines(database, small_segments):
    story = Story(database)
    rng = np.random.default_rng(0)
    for start in range(0, 400, 40):
        steps = list(range(start, start + 40))
        story.log(story.end, ("epoch", "loss"), steps, rng.normal(size=(40, 2)))
        story.follow()
    story.log(story.end, ("loss",), rng.permutation(500).tolist(), rng.normal(size=(500, 1)))
    story.rewind(123)
    story.log(story.end, ("loss", "accuracy"), list(range(123, 300)), rng.normal(size=(177, 2)), "rank=1")
    story.log(min(story.account.attempts), ("loss",), [5, 122, 123, 999], rng.normal(size=(4, 1)))
    story.follow()
    story.fold(story.end)
    story.follow()
    for width in (3, 50, 1000):
        story.check(width, -1.0, 450.0)


@pytest.mark.parametrize("from_step", [50, 51, 100, None])
def test_the_line_leaves_the_parent_at_the_very_step(database, small_segments, from_step):
    story = Story(database)
    story.log(story.end, ("loss",), list(range(0, 101, 50)), np.array([[1.0], [2.0], [3.0]]))
    story.fold(story.end)
    story.rewind(from_step)
    story.log(story.end, ("loss",), [200], np.array([[9.0]]))
    kept = [step for step in (0, 50, 100) if from_step is None or step < from_step]
    (curve,) = story.ask(width=10).curves
    assert curve.columns.x == [*kept, 200]
    story.check(10)


def test_equal_steps_across_two_segments_are_drawn_once(database, small_segments):
    attempt = database.write_now(experiment)
    for first in (0, 150, 149, 300):
        log(database, attempt, list(range(first, first + 150)), [first] * 150)
    (curve,) = ask(database, "loss", width=1000).curves
    assert curve.columns.x == list(range(450))
    assert curve.columns.last == [0.0] * 149 + [149.0] * 150 + [150.0] + [300.0] * 150
    assert curve.summary.count == 450


def test_new_metrics_are_named(database):
    attempt = database.write_now(experiment)
    assert log(database, attempt, [1], [[1, 2]], ("loss", "lr")) == ["loss", "lr"]
    assert log(database, attempt, [2], [[1, 2]], ("loss", "epoch")) == ["epoch"]
    assert log(database, attempt, [], [], ("later",)) == []


def test_points_that_fill_segments_never_become_a_tail(database):
    attempt = database.write_now(experiment)
    log(database, attempt, list(range(40_000)), range(40_000))
    assert (rows(database, TailRow), rows(database, SegmentRow)) == (0, 3)


def test_many_small_commits_are_folded_and_merged(database, small_segments):
    attempt = database.write_now(experiment)
    for step in range(101):
        log(database, attempt, [step], [step])
    assert rows(database, TailRow) < 4
    database.write_now(lambda tx: metrics.fold(tx, attempt))
    assert rows(database, TailRow) == 0
    assert rows(database, SegmentRow) <= 5
    (curve,) = ask(database, "loss", width=5000).curves
    assert curve.columns.last == list(range(101))


def test_shapes_that_take_turns_keep_the_order_of_arrival(database):
    attempt = database.write_now(experiment)
    both = batch(["loss", "lr"], [1, 3], [[1, 0.1], [3, 0.3]], at=[0, 2])
    alone = batch(["loss"], [1, 2, 3], [10, 20, 30], at=[1, 3, 4])
    database.write_now(lambda tx: metrics.append(tx, attempt, [both, alone]))
    loss, lr = ask(database, "loss", "lr", width=10).curves
    assert (loss.columns.x, loss.columns.last) == ([1, 2, 3], [10, 20, 30])
    assert (lr.columns.x, lr.columns.last) == ([1, 3], [0.1, 0.3])
    assert (loss.summary.count, loss.summary.last) == (3, 30)


def test_ten_thousand_metrics_in_one_record(sqlite_url):
    database = Database.open(sqlite_url)
    attempt = database.write_now(experiment)
    keys = tuple(f"m{i:05}" for i in range(10_000))
    for step in range(3):
        log(database, attempt, [step], [np.arange(10_000) + step], keys)
    database.write_now(lambda tx: metrics.fold(tx, attempt))
    summaries = database.read_now(lambda tx: metrics.summaries(tx, [attempt]))[attempt]
    assert [one.last for one in summaries] == [i + 2 for i in range(10_000)]
    (curve,) = ask(database, "m00007", width=10).curves
    assert curve.columns.last == [7, 8, 9]
    database.close()


def test_what_is_rolled_back_is_never_seen(database):
    attempt = database.write_now(experiment)
    log(database, attempt, [1], [1])

    def fails(tx):
        metrics.append(tx, attempt, [batch(["loss"], [2], [666])])
        metrics.append(tx, attempt, [batch(["loss"], list(range(5000)), [666] * 5000)])
        metrics.fold(tx, attempt)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        database.write_now(fails)
    cursor = ask(database, "loss", width=10).cursor
    log(database, attempt, [2], [2])
    (curve,) = ask(database, "loss", width=10, cursor=cursor).curves
    assert (curve.from_x, curve.columns.last) == (2, [2])
    assert ask(database, "loss", width=10).curves[0].columns.last == [1, 2]


def test_two_servers_share_a_database(url, small_segments):
    one, other = Database.open(url), Database.open(url)
    attempt = one.write_now(experiment)
    expected = []
    cursors: dict[Database, str | None] = {one: None, other: None}
    for turn in range(12):
        writer = one if turn % 2 else other
        log(writer, attempt, list(range(turn * 30, turn * 30 + 30)), [turn] * 30)
        expected += [turn] * 30
        if turn % 5 == 4:
            writer.write_now(lambda tx: metrics.fold(tx, attempt))
        for database in (one, other):
            assert ask(database, "loss", width=1000).curves[0].columns.last == expected
            answer = ask(database, "loss", width=1000, cursor=cursors[database])
            cursors[database] = answer.cursor
            assert expected[-30:] == answer.curves[0].columns.last[-30:]
    one.close()
    other.close()


@pytest.mark.parametrize("count", [20, 5_000])
def test_a_reader_sees_the_points_of_its_transaction_whatever_others_have_read_since(database, count):
    attempt = database.write_now(experiment)
    log(database, attempt, list(range(count)), range(count))
    query = CurveQuery(experiments=["e"], metrics=["loss"], width=10)

    def ask_late(tx: Connection) -> CurveAnswer:
        metrics.summaries(tx, [attempt])  # from here on the transaction sees no more commits
        log(database, attempt, list(range(count, 2 * count)), range(count))
        assert sum(ask(database, "loss", width=10).curves[0].columns.count) == 2 * count
        return metrics.query(tx, query)

    (curve,) = database.read_now(ask_late).curves
    assert (sum(curve.columns.count), curve.total) == (count, count)
    assert sum(ask(database, "loss", width=10).curves[0].columns.count) == 2 * count


def test_a_curve_that_is_being_purged_can_be_read(database):
    attempt = database.write_now(experiment)
    log(database, attempt, list(range(40_000)), range(40_000))
    assert sum(ask(database, "loss", width=10).curves[0].columns.count) == 40_000
    oldest = select(func.min(SegmentRow.id)).scalar_subquery()
    database.write_now(lambda tx: tx.execute(delete(SegmentRow).where(SegmentRow.id == oldest)))
    assert 0 < sum(ask(database, "loss", width=10).curves[0].columns.count) < 40_000


def test_a_delta_has_only_what_is_new(database):
    attempt = database.write_now(experiment)
    log(database, attempt, [1, 2, 3], [1, 2, 3])
    first = ask(database, "loss", width=100)
    assert ask(database, "loss", width=100, cursor=first.cursor).curves == []
    log(database, attempt, [4], [4])
    (curve,) = ask(database, "loss", width=100, cursor=first.cursor).curves
    assert (curve.from_x, curve.columns.x, curve.total, curve.summary.count) == (4, [4], 4, 4)
    log(database, attempt, [2], [20])
    (curve,) = ask(database, "loss", width=100, cursor=first.cursor).curves
    assert (curve.from_x, curve.columns.last) == (2, [20, 3, 4])


def test_a_cursor_of_another_question_answers_everything(database):
    attempt = database.write_now(experiment)
    log(database, attempt, [1, 2], [1, 2])
    cursor = ask(database, "loss", width=100).cursor
    (curve,) = ask(database, "loss", width=101, cursor=cursor).curves
    assert (curve.from_x, curve.shown) == (None, 2)


def test_time_axes_and_other_metrics(database):
    attempt = database.write_now(experiment)
    log(database, attempt, [0, 10, 20], [0, 1, 2], ("epoch",), wall=[1000, 1010, 1020])
    log(database, attempt, [5, 12, 25], [5, 12, 25], wall=[1005.25, 1030, 1012])
    (wall,) = ask(database, "loss", width=10, x="wall").curves
    assert (wall.columns.x, wall.columns.last) == ([1005.25, 1012, 1030], [5, 25, 12])
    (relative,) = ask(database, "loss", width=10, x="relative").curves
    assert (relative.columns.x, relative.x_extent) == ([5.25, 12, 30], (5.25, 30))
    (epoch,) = ask(database, "loss", width=10, x="metric:epoch").curves
    assert (epoch.columns.x, epoch.columns.last) == ([0, 1, 2], [5, 12, 25])
    (nothing,) = ask(database, "loss", width=10, x="metric:none").curves
    assert (nothing.columns.x, nothing.x_extent, nothing.summary.count) == ([], None, 3)


def test_an_abandoned_tail_is_told_apart(database):
    story = Story(database)
    story.log(story.end, ("loss",), list(range(10)), np.arange(10.0)[:, None])
    story.rewind(6)
    story.log(story.end, ("loss",), [6, 7], np.array([[60.0], [70.0]]))
    (curve,) = story.ask(width=100).curves
    assert curve.columns.last == [0, 1, 2, 3, 4, 5, 60, 70]
    (tail,) = curve.abandoned
    assert (tail.attempt, tail.columns.x, tail.columns.last) == ("e-1", [6, 7, 8, 9], [6, 7, 8, 9])
    assert story.ask(width=100, abandoned=False).curves[0].abandoned == []


def test_the_last_step_is_that_of_the_drawn_line(database):
    story = Story(database)
    assert database.read_now(lambda tx: metrics.last_step(tx, story.end)) is None
    story.log(story.end, ("loss",), [3, 900, 7], np.zeros((3, 1)))
    assert database.read_now(lambda tx: metrics.last_step(tx, story.end)) == 900
    story.rewind(8)
    assert database.read_now(lambda tx: metrics.last_step(tx, story.end)) == 7


def test_history_pages_through_everything(database, small_segments):
    story = Story(database)
    rng = np.random.default_rng(0)
    for _ in range(6):
        story.log(story.end, ("loss", "lr"), rng.integers(0, 90, 60).tolist(), rng.normal(size=(60, 2)))
    story.rewind(40)
    story.log(story.end, ("loss",), [40, 41, 40], rng.normal(size=(3, 1)))
    found, cursor, pages = [], None, 0
    while pages == 0 or cursor is not None:
        page = database.read_now(lambda tx, cursor=cursor: metrics.history(tx, "e", [], 37, cursor))
        found += zip(page.metric, page.attempt, page.step, page.wall, page.value, strict=True)
        assert len(page.step) <= 37
        cursor, pages = page.next_cursor, pages + 1
    expected = [
        (name, f"{'e' if i == 0 else 1}-{i + 1}", *point)
        for name in ("loss", "lr")
        for i, attempt in enumerate(story.account.attempts.values())
        for point in sorted(attempt.points.get((name, ""), []), key=lambda point: point[0])
    ]
    assert found == expected


def test_loss_is_told_as_the_plan_wants_it(database):
    attempt = database.write_now(experiment)
    log(database, attempt, [0, 10], [0, 1], ("epoch",))
    log(database, attempt, [0, 5, 10, 15], [4, math.nan, 2, 1])
    found = database.read_now(lambda tx: metrics.loss(tx, "e"))
    assert [(one.step, one.loss, one.epoch) for one in found] == [(0, 4, 0), (5, None, 0), (10, 2, 1), (15, 1, 1)]
    assert len(database.read_now(lambda tx: metrics.loss(tx, "e", width=2))) == 2
    assert database.read_now(lambda tx: metrics.loss(tx, "none")) == []


@pytest.mark.parametrize(
    ("field", "options"),
    [
        ("width", {"width": 0}),
        ("width", {"width": 10_001}),
        ("x", {"x": "colour"}),
        ("x", {"x": "metric:"}),
        ("start", {"start": 2.0, "end": 1.0}),
        ("start", {"end": math.nan}),
        ("weight", {"smoothing": "ema", "weight": 1.0}),
        ("weight", {"smoothing": "gaussian", "weight": 0.0}),
        ("weight", {"smoothing": "twema", "weight": math.nan}),
        ("cursor", {"cursor": "?"}),
        ("cursor", {"cursor": "gaM"}),
    ],
)
def test_a_question_without_sense_is_refused(sqlite_url, field, options):
    database = Database.open(sqlite_url)
    with pytest.raises(InvalidInput) as error:
        ask(database, "loss", **options)
    assert field in error.value.fields
    database.close()


@pytest.mark.parametrize(("limit", "cursor"), [(0, None), (100_001, None), (1, "?"), (1, "gaM")])
def test_a_page_without_sense_is_refused(sqlite_url, limit, cursor):
    database = Database.open(sqlite_url)
    with pytest.raises(InvalidInput):
        database.read_now(lambda tx: metrics.history(tx, "e", [], limit, cursor))
    database.close()
