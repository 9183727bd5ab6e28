"""How long lists of many experiments take: ``python -m benchmarks.listing [experiments]``.

Seeds a database with experiments of ten metrics and twenty config entries each, then asks the service for pages as the
sidebar and the client do. Prints the median and the worst of some calls, in milliseconds.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, insert

from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.services.experiments import Experiments
from aiplat_jupyter.services.projects import Projects
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles
from aiplat_jupyter.store.tables import AttemptRow, ConfigValueRow, ExperimentRow, MemberRow, ProjectRow, SeriesRow

METRICS = ["loss", "val/loss", "accuracy", "val/accuracy", "lr", "epoch", "grad_norm", "f1", "auc", "throughput"]
PROJECTS = 20
NAMES = ["mlp", "resnet", "vit", "lstm", "baseline", "ablation"]
STATUSES = ["finished", "finished", "finished", "failed", "running", "interrupted"]
QUERIES = {
    "first page": ExperimentQuery(),
    "first page with 10 metrics": ExperimentQuery(metrics=METRICS),
    "config.lr<1e-3": ExperimentQuery(q="config.lr<1e-3", metrics=METRICS),
    "rare config.seed=77": ExperimentQuery(q="config.seed=77", metrics=METRICS),
    "metric.loss.min<0.5": ExperimentQuery(q="metric.loss.min<0.5", metrics=METRICS),
    "rare metric.loss.min<0.001": ExperimentQuery(q="metric.loss.min<0.001", metrics=METRICS),
    "config and metric": ExperimentQuery(q="config.lr<1e-3 metric.loss.min<0.1", metrics=METRICS),
    "one project": ExperimentQuery(q="project:p7", metrics=METRICS),
    "word": ExperimentQuery(q="resnet", metrics=METRICS),
    "rare word": ExperimentQuery(q="zebra", metrics=METRICS),
    "tag": ExperimentQuery(tag=["t3"], metrics=METRICS),
    "by metric": ExperimentQuery(sort="metric.loss.min", metrics=METRICS),
    "by config": ExperimentQuery(sort="config.lr", metrics=METRICS),
    "by name": ExperimentQuery(sort="name", metrics=METRICS),
    "with the total": ExperimentQuery(count=True, metrics=METRICS),
    "summary.accuracy>0.9": ExperimentQuery(q="summary.accuracy>0.9", metrics=METRICS),
}


def seed(tx: Connection, count: int) -> None:
    """Fill tables directly: what is measured is reading."""
    chance = random.Random(7)
    now = time.time()
    projects = [
        {"id": i, "uid": f"p{i}", "name": f"p{i}", "owner": "ada", "created_at": now, "updated_at": now}
        for i in range(1, PROJECTS + 1)
    ]
    tx.execute(insert(ProjectRow), projects)
    tx.execute(insert(MemberRow), [{"project_id": row["id"], "username": "ada", "role": "owner"} for row in projects])
    rows: dict[Any, list[dict[str, Any]]] = {ExperimentRow: [], AttemptRow: [], ConfigValueRow: [], SeriesRow: []}
    for number in range(1, count + 1):
        _experiment(rows, number, now - count + number, chance)
    for table, values in rows.items():
        tx.execute(insert(table), values)


def _experiment(rows: dict[Any, list[dict[str, Any]]], number: int, at: float, chance: random.Random) -> None:
    config = {"lr": 10 ** chance.uniform(-5, -1), "seed": number % 1000, "opt": chance.choice(["adam", "sgd"])}
    config |= {f"option_{key}": chance.random() for key in range(17)}
    status = chance.choice(STATUSES)
    times = {"created_at": at, "updated_at": at + chance.uniform(0, 1e5), "started_at": at, "ended_at": at + 60}
    name = f"{chance.choice(NAMES)}-{number}" + ("-zebra" if number % 997 == 0 else "")
    own = {"id": number, "uid": new_uid(), "project_id": number % PROJECTS + 1, "name": name, "owner": "ada"}
    own |= {"status": status, "attempt_id": number, "headline": "loss", "tags": [f"t{number % 10}"], "config": config}
    rows[ExperimentRow].append(own | times | {"summary": {"accuracy": chance.random()}, "provenance": {}})
    rows[AttemptRow].append({"id": number, "uid": new_uid(), "experiment_id": number, "number": 1, "started_at": at})
    for key, value in config.items():
        number_ = value if isinstance(value, int | float) else None
        rows[ConfigValueRow].append({"experiment_id": number, "key": key, "number": number_, "text": str(value)})
    for metric in METRICS:
        last = chance.random()
        points = {"arrivals": 1000, "count": 1000, "last": last, "last_step": 999, "last_wall": at}
        limits = {"min": last / 2, "min_step": 500, "max": last * 2, "max_step": 3}
        rows[SeriesRow].append({"attempt_id": number, "metric": metric} | points | limits)


async def measure(database: Database, files: JournalFiles, who: Identity) -> None:
    """Print a line for each query."""
    experiments, projects = Experiments(database, files), Projects(database, files)
    for name, query in QUERIES.items():
        page = await experiments.list(who, query)
        print(f"{name:32}{len(page.items):4} rows  {await _timed(lambda query=query: experiments.list(who, query))}")
    page = await experiments.list(who, ExperimentQuery(limit=200))
    deep = ExperimentQuery(limit=50, cursor=page.next_cursor, metrics=METRICS)
    print(f"{'fifth page':32}{50:4} rows  {await _timed(lambda: experiments.list(who, deep))}")
    print(f"{'counts':41}  {await _timed(lambda: experiments.counts(who, ExperimentQuery()))}")
    print(f"{'projects':41}  {await _timed(lambda: projects.list(who, ProjectQuery()))}")


async def _timed(ask: Any, repeats: int = 15) -> str:
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        await ask()
        spent.append((time.perf_counter() - start) * 1000)
    return f"median {statistics.median(spent):6.1f} ms  worst {max(spent):6.1f} ms"


def main() -> None:
    """Seed and measure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(f"sqlite:///{folder}/aiplat.db")
        database.write_now(lambda tx: seed(tx, count))
        files = JournalFiles(Path(folder))
        for role, is_admin in (("administrator", True), ("member", False)):
            print(f"{count} experiments, as {role}")
            asyncio.run(measure(database, files, Identity(username="ada", is_admin=is_admin)))
        database.close()


if __name__ == "__main__":
    main()
