"""Points and curves at the store, against the same points as plain rows of SQLite, in one run.

Run ``python benchmarks/curves.py [millions of points]``. "First" is the first look after the database was opened,
"then" the best of seven more; ratios say how often these fit into reading all rows once.
"""

import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from sqlalchemy import insert, update

from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.store import metrics
from aiplat_jupyter.store.columns import Batch
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import AttemptRow, ExperimentRow, ProjectRow

PIXELS = 2_000
COMMIT = 100_000


class Points:
    """The points of one series, as a training run would log them."""

    def __init__(self, count: int, *, shuffled: bool) -> None:
        rng = np.random.default_rng(0)
        self.step = rng.permutation(count) if shuffled else np.arange(count)
        self.wall = 1.76e9 + np.cumsum(rng.integers(800, 1_500, count)) / 1e6
        self.value = rng.normal(size=count)

    def batches(self, size: int) -> Iterator[Batch]:
        """Yield the points of each commit."""
        for low in range(0, len(self.step), size):
            part = slice(low, low + size)
            order = np.arange(len(self.step[part]))
            yield Batch(("loss",), self.step[part], self.wall[part], self.value[part, None], order)


def main(millions: float) -> None:
    count = int(millions * 1e6)
    in_order = Points(count, shuffled=False)
    with rows(in_order) as read_all:
        print(f"{count:,} points as rows, all read: {read_all * 1e3:,.0f} ms")
    with logged(in_order, COMMIT) as url:
        for name, options in windows(count):
            curves(url, name, read_all, **options)
    with logged(Points(min(count, 1_000_000), shuffled=False), COMMIT) as url:
        for method, weight in (("twema", 0.9), ("ema", 0.9), ("gaussian", 10.0), ("mean", 101.0)):
            curves(url, f"1 million points, {method}", read_all, smoothing=method, weight=weight)
    with logged(Points(count, shuffled=True), max(COMMIT, count // 4)) as url:
        for name, options in windows(count):
            curves(url, f"shuffled, {name}", read_all, **options)


def windows(count: int) -> list[tuple[str, dict[str, float]]]:
    shares = {"10 %": 0.1, "1 %": 0.01, "0.1 %": 0.001}
    return [("full view", {})] + [
        (f"a window of {name}", {"start": 0.37 * count, "end": (0.37 + share) * count})
        for name, share in shares.items()
    ]


@contextmanager
def rows(points: Points) -> Iterator[float]:
    """Write the points as rows and measure reading them all."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder, "rows.db"))
        connection.execute("CREATE TABLE points (series INTEGER, step INTEGER, wall REAL, value REAL)")
        table = zip(points.step.tolist(), points.wall.tolist(), points.value.tolist(), strict=True)
        connection.executemany("INSERT INTO points VALUES (1, ?, ?, ?)", table)
        connection.execute("CREATE INDEX points_by_step ON points (series, step)")
        connection.commit()
        read = "SELECT step, value FROM points WHERE series = 1 ORDER BY step"
        yield best(lambda: np.array(connection.execute(read).fetchall()), 1)
        connection.close()


@contextmanager
def logged(points: Points, size: int) -> Iterator[str]:
    """Log the points, a commit for each `size` of them, and say how quickly and how small."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/aiplat.db")
        attempt = database.write_now(experiment)
        began = time.perf_counter()
        for batch in points.batches(size):
            database.write_now(lambda tx, batch=batch: metrics.append(tx, attempt, [batch]))
        took = time.perf_counter() - began
        count = len(points.step)
        used = Path(folder, "aiplat.db").stat().st_size
        print(
            f"\n{count:,} points, commits of {size:,}: {count / took / 1e6:.2f} M points/s, {used / count:.2f} B/point"
        )
        database.close()
        yield f"sqlite:///{folder}/aiplat.db"


def curves(url: str, name: str, read_all: float, **options: object) -> None:
    database = Database.open(url)
    query = CurveQuery(experiments=["e"], metrics=["loss"], width=PIXELS, **options)

    def ask() -> None:
        database.read_now(lambda tx: metrics.query(tx, query))

    first, again = best(ask, 1), best(ask, 7)
    database.close()
    print(
        f"{name:32} first {first * 1e3:7.1f} ms, then {again * 1e3:6.1f} ms ({read_all / again:,.0f} times in all rows)"
    )


def best(run: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        run()
        took.append(time.perf_counter() - began)
    return min(took)


def experiment(tx) -> int:
    times = {"created_at": 0.0, "updated_at": 0.0}
    project = tx.execute(insert(ProjectRow).values(uid="p", name="p", owner="o", **times)).inserted_primary_key[0]
    nothing = {"tags": [], "config": {}, "summary": {}, "provenance": {}}
    row = insert(ExperimentRow).values(uid="e", name="e", owner="o", project_id=project, **nothing, **times)
    number = tx.execute(row).inserted_primary_key[0]
    first = insert(AttemptRow).values(uid="a", experiment_id=number, number=1, started_at=0.0)
    attempt = tx.execute(first).inserted_primary_key[0]
    tx.execute(update(ExperimentRow).values(attempt_id=attempt))
    return attempt


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
