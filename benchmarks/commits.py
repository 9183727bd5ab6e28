"""What commits of points cost the store: ``python -m benchmarks.commits``.

Least and median CPU time of this process for each kind of commit, once the series are made, and for the fold at the
end, in milliseconds. What a journal's commit adds to it, and the bytes written, are in ``benchmarks.ingest``.
"""

import statistics
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial

import numpy as np

from aiplat_jupyter.store import metrics
from aiplat_jupyter.store.columns import Batch
from aiplat_jupyter.store.database import Database
from benchmarks.curves import experiment, least

RNG = np.random.default_rng(0)


def main() -> None:
    measure("10 metrics, 3 steps", in_order(10, 3, 200))
    measure("50 metrics, 2 steps", in_order(50, 2, 100))
    measure("10,000 metrics, 1 step", in_order(10_000, 1, 8))
    measure("10 metrics, a step late", late(10, 100))
    measure("10 metrics, a step again", again(10, 100))


def points(count: int, steps: Iterable[int]) -> Batch:
    step = np.array(list(steps))
    keys = tuple(f"m{number}" for number in range(count))
    return Batch(keys, step, 1.76e9 + step / 2, RNG.normal(size=(len(step), count)), np.arange(len(step)))


def in_order(count: int, steps: int, commits: int) -> Iterator[Batch]:
    yield from (points(count, range(low, low + steps)) for low in range(0, commits * steps, steps))


def late(count: int, commits: int) -> Iterator[Batch]:
    yield points(count, range(0, 200_000, 2))
    yield from (points(count, [100_001 + 14 * number]) for number in range(commits))


def again(count: int, commits: int) -> Iterator[Batch]:
    yield points(count, range(100_000))
    yield from (points(count, [50_000 + 7 * number]) for number in range(commits))


def measure(name: str, batches: Iterator[Batch]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/aiplat.db")
        attempt = database.write_now(experiment)
        commit(database, attempt, next(batches))
        took = [1e3 * least(partial(commit, database, attempt, batch), 1) for batch in batches]
        fold = 1e3 * least(lambda: database.write_now(lambda tx: metrics.fold(tx, attempt)), 1)
        database.close()
    print(f"{name:26} least {min(took):7.2f}, median {statistics.median(took):7.2f}, fold {fold:7.1f}")


def commit(database: Database, attempt: int, batch: Batch) -> None:
    database.write_now(lambda tx: metrics.append(tx, attempt, [batch]))


if __name__ == "__main__":
    main()
