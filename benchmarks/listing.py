"""How long lists of many experiments take through REST: ``python -m benchmarks.listing [experiments]``.

Starts a server, seeds its database with experiments of ten metrics and twenty config entries each, and asks for pages
as the sidebar and the client do, over one connection with a bearer token. Prints median and worst of the wall time of
25 requests, and the server's CPU for each.
"""

import json
import random
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import psutil
from sqlalchemy import Connection, insert

from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.tables import AttemptRow, ConfigValueRow, ExperimentRow, MemberRow, ProjectRow, SeriesRow
from tests.lab import Lab

METRICS = ["loss", "val/loss", "accuracy", "val/accuracy", "lr", "epoch", "grad_norm", "f1", "auc", "throughput"]
PROJECTS = 20
NAMES = ["mlp", "resnet", "vit", "lstm", "baseline", "ablation"]
STATUSES = ["finished", "finished", "finished", "failed", "running", "interrupted"]
ROUNDS = 25
QUERIES: dict[str, dict[str, Any]] = {
    "newest": {},
    "word in the name": {"q": "resnet"},
    "rare word": {"q": "zebra"},
    "status": {"status": "failed"},
    "tag": {"tag": "t3"},
    "one project": {"q": "project:p7"},
    "config.lr<1e-3": {"q": "config.lr<1e-3"},
    "rare config.seed=77": {"q": "config.seed=77"},
    "metric.loss.min<0.5": {"q": "metric.loss.min<0.5"},
    "rare metric.loss.min<0.001": {"q": "metric.loss.min<0.001"},
    "config and metric": {"q": "config.lr<1e-3 metric.loss.min<0.1"},
    "summary.accuracy>0.9": {"q": "summary.accuracy>0.9"},
    "by config": {"sort": "config.lr"},
    "by config that few have": {"sort": "config.rare"},
    "by metric": {"sort": "metric.loss.min"},
    "by metric, falling": {"sort": "-metric.loss.last"},
    "by name": {"sort": "name"},
    "by update": {"sort": "-updated"},
    "with the total": {"count": "true"},
}


def seed(tx: Connection, count: int, owner: str) -> None:
    """Fill tables directly: what is measured is reading."""
    chance = random.Random(7)
    now = time.time()
    projects = [
        {"id": i, "uid": f"p{i}", "name": f"p{i}", "owner": "ada", "created_at": now, "updated_at": now}
        for i in range(1, PROJECTS + 1)
    ]
    tx.execute(insert(ProjectRow), projects)
    tx.execute(insert(MemberRow), [{"project_id": row["id"], "username": owner, "role": "owner"} for row in projects])
    rows: dict[Any, list[dict[str, Any]]] = {ExperimentRow: [], AttemptRow: [], ConfigValueRow: [], SeriesRow: []}
    for number in range(1, count + 1):
        _experiment(rows, number, now - count + number, chance)
    for table, values in rows.items():
        tx.execute(insert(table), values)


def _experiment(rows: dict[Any, list[dict[str, Any]]], number: int, at: float, chance: random.Random) -> None:
    config = {"lr": 10 ** chance.uniform(-5, -1), "seed": number % 1000, "opt": chance.choice(["adam", "sgd"])}
    config |= {f"option_{key}": chance.random() for key in range(17)}
    if number % 997 == 0:
        config["rare"] = number
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


class Client:
    """Asks a server's REST API over one connection that is kept open, with a bearer token, as scripts do."""

    def __init__(self, port: int, secret: str) -> None:
        self._connection = HTTPConnection("127.0.0.1", port)
        self._connection.connect()
        # Else a small request may wait for the acknowledgement of the one before.
        self._connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._headers = {"Authorization": f"Bearer {secret}"}

    def ask(self, path: str, **query: object) -> Any:
        """Return the decoded answer."""
        self._connection.request("GET", f"/aiplat/api/v1/{path}?{urlencode(query, True)}", headers=self._headers)
        answer = self._connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        return json.loads(body)


def measure(lab: Lab) -> None:
    """Print a line for each request."""
    minted = lab.api("auth/token", "POST", {"name": "benchmark"})
    client, server = Client(lab.port, minted["secret"]), psutil.Process(lab.pid)
    after = client.ask("experiments", limit=200)["next_cursor"]
    asked = {name: ("experiments", {"metrics": METRICS} | query) for name, query in QUERIES.items()}
    asked |= {"fifth page": ("experiments", {"metrics": METRICS, "cursor": after})}
    asked |= {"counts": ("experiments/counts", {}), "projects": ("projects", {})}
    for name, (path, query) in asked.items():
        began = cpu(server)
        took = [timed(lambda path=path, query=query: client.ask(path, **query)) for _ in range(ROUNDS)]
        used = (cpu(server) - began) / ROUNDS
        found = client.ask(path, **query)
        rows = f"{len(found['items']):4} rows" if "items" in found else " " * 9
        print(
            f"{name:28}{rows}  median {statistics.median(took):5.1f} ms  worst {max(took):5.1f} ms  CPU {used:5.1f} ms"
        )


def cpu(process: psutil.Process) -> float:
    """Return the milliseconds of CPU that a process has used."""
    times = process.cpu_times()
    return (times.user + times.system) * 1000


def timed(run: Callable[[], object]) -> float:
    """Return how many milliseconds it takes."""
    began = time.perf_counter()
    run()
    return (time.perf_counter() - began) * 1000


def main() -> None:
    """Seed, start a server, and measure."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), "jupyter_server")
        with lab:
            user = lab.api("server")["user"]["username"]
            database = Database.open(f"sqlite:///{lab.data_dir}/aiplat.db")
            database.write_now(lambda tx: seed(tx, count, user))
            database.close()
            print(f"{count} experiments, pages of 50 with 10 metrics in each row")
            measure(lab)


if __name__ == "__main__":
    main()
