"""How long curves take at the store: ``python -m benchmarks.curves [millions of points]``.

Cold is the first question of a fresh process that has opened the database, whose file is in the page cache; warm the
least of seven further ones. Both are CPU time in milliseconds, medians over a few processes, and how often they fit
into reading all the same points from plain rows of SQLite, in the same run.
"""

import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
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
    read_all = rows(in_order)
    print(f"{count:,} points as rows, all read: {read_all * 1e3:,.0f} ms")
    with logged(in_order, COMMIT) as url:
        for name, options in windows(count).items():
            curves(url, name, read_all, 5, **options)
    with logged(Points(count // 10, shuffled=False), COMMIT) as url:
        for method, weight in (("twema", 0.9), ("ema", 0.9), ("gaussian", 10.0), ("mean", 101.0)):
            curves(url, f"full view, {method}", read_all / 10, 5, smoothing=method, weight=weight)
    with logged(Points(count, shuffled=True), max(COMMIT, count // 4), " with shuffled steps") as url:
        for name, options in windows(count).items():
            curves(url, name, read_all, 1, **options)


def windows(count: int) -> dict[str, dict[str, float]]:
    shares = {"10 %": 0.1, "1 %": 0.01, "0.1 %": 0.001}
    places = {name: {"start": 0.37 * count, "end": (0.37 + share) * count} for name, share in shares.items()}
    return {"full view": {}} | {f"a window of {name}": place for name, place in places.items()}


def rows(points: Points) -> float:
    """Write the points as rows, in the order of their steps, and return how long it takes to read them all."""
    with tempfile.TemporaryDirectory() as folder:
        connection = sqlite3.connect(Path(folder, "rows.db"))
        columns = "series INTEGER, step INTEGER, wall REAL, value REAL, PRIMARY KEY (series, step)"
        connection.execute(f"CREATE TABLE points ({columns}) WITHOUT ROWID")
        for batch in points.batches(COMMIT):
            table = zip(batch.step.tolist(), batch.wall.tolist(), batch.value[:, 0].tolist(), strict=True)
            connection.executemany("INSERT INTO points VALUES (1, ?, ?, ?)", table)
        connection.commit()
        took = least(lambda: read_rows(connection), 2)
        connection.close()
        return took


def read_rows(connection: sqlite3.Connection) -> None:
    cursor = connection.execute("SELECT step, value FROM points WHERE series = 1 ORDER BY step")
    while part := cursor.fetchmany(COMMIT):
        np.array(part)


@contextmanager
def logged(points: Points, size: int, kind: str = "") -> Iterator[str]:
    """Log the points, a commit for each `size` of them, and say how quickly and how small."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/aiplat.db")
        attempt = database.write_now(experiment)
        began = time.process_time()
        for batch in points.batches(size):
            database.write_now(lambda tx, batch=batch: metrics.append(tx, attempt, [batch]))
        took = time.process_time() - began
        database.close()
        count, used = len(points.step), Path(folder, "aiplat.db").stat().st_size
        rate = f"{count / took / 1e6:.2f} M points/s, {used / count:.2f} B/point"
        print(f"\n{count:,} points{kind}, commits of {size:,}: {rate}")
        yield f"sqlite:///{folder}/aiplat.db"


def curves(url: str, name: str, read_all: float, processes: int, **options: object) -> None:
    query = CurveQuery(experiments=["e"], metrics=["loss"], width=PIXELS, **options)
    asked = [sys.executable, "-m", "benchmarks.curves", url, msgspec.json.encode(query).decode()]
    looks = [subprocess.run(asked, check=True, capture_output=True, text=True).stdout.split() for _ in range(processes)]
    cold, warm = (statistics.median(map(float, column)) for column in zip(*looks, strict=True))
    ratios = f"{read_all / cold:7,.0f} times in all rows, warm {warm * 1e3:6.1f} ms, {read_all / warm:7,.0f} times"
    print(f"{name:22} cold {cold * 1e3:8.1f} ms, {ratios}")


def look(url: str, query: CurveQuery) -> None:
    """Open the database and print how long the first question takes, and the least of seven more."""
    database = Database.open(url)

    def ask() -> None:
        database.read_now(lambda tx: metrics.query(tx, query))

    print(least(ask, 1), least(ask, 7))
    database.close()


def least(run: Callable[[], object], times: int) -> float:
    took = []
    for _ in range(times):
        began = time.process_time()
        run()
        took.append(time.process_time() - began)
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
    if len(sys.argv) > 2:
        look(sys.argv[1], msgspec.json.decode(sys.argv[2], type=CurveQuery))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 10)
