"""What alerts cost: ``python -m benchmarks.alerts``.

CPU time of the process (its threads included), in milliseconds, median and most: for a sample of 8 GPUs and machine
with the default rules; for a look at a running experiment with 10,000 metrics, of which a point of each has come, with
the default rules, with rules on every one of them besides, and with rules that each name one of 480 metrics. Beside it
what the commit of those points costs, which happens anyway.
"""

import asyncio
import math
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiplat_jupyter.core.alert_presets import PRESETS
from aiplat_jupyter.core.alerts import NewRule
from aiplat_jupyter.core.gpu import GpuDevice, GpuStatus, Holder, Host, Reading
from aiplat_jupyter.core.records import Identity, NewExperiment, NewPoints
from aiplat_jupyter.services.alert_replay import Replay
from aiplat_jupyter.services.alert_watch import AlertWatch
from aiplat_jupyter.services.alerts import Alerts
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.experiments import Experiments
from aiplat_jupyter.services.metrics import Metrics
from aiplat_jupyter.store import agents, alert_rules
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles

ADA = Identity(username="ada", is_admin=True)
METRICS = 10_000
TIMES = 20


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


async def measure(folder: Path) -> None:
    database = Database.open(f"sqlite:///{folder / 'aiplat.db'}")
    agent = await database.write(lambda tx: agents.enlist(tx, "box", "ada", 4))
    await database.write(lambda tx: alert_rules.seed(tx, PRESETS))
    watch = AlertWatch(
        database, Bus(database), agent.id, agent.uid, is_leading=lambda: True, tell=lambda _: None, keep_days=0.0
    )
    await watch.round()
    await samples(watch, agent.uid)
    await experiment(database, watch, folder)
    database.close()


async def samples(watch: AlertWatch, agent: str) -> None:
    took = []
    for number in range(300):
        status = sample(agent, 1e9 + number)
        took.append(await cpu(lambda status=status: watch.observe(status)))
    rules = sum(rule.spec.subject in ("gpu", "host") for rule in watch._ledger.rules)
    tell(f"a sample of 8 GPUs, {rules} rules", took[10:])


def sample(agent: str, at: float) -> GpuStatus:
    given = {"utilization": 80.0, "memory_used": 4e10, "memory_total": 8e10, "temperature": 60.0, "power": 500.0}
    given |= {"temperature_limit": 90.0, "power_limit": 700.0, "ecc_uncorrected": 0.0}
    readings: dict[str, Any] = {name: Reading(value + math.sin(at)) for name, value in given.items()}
    devices = [
        GpuDevice(uuid=f"GPU-{number}", index=number, name="H100", lease=Holder(task="t"), **readings)
        for number in range(8)
    ]
    host = Host(cpu=1, cores=2, memory_used=1, memory_total=2, disk_used=Reading(1.0), disk_total=Reading(2.0), load=0)
    more: dict[str, Any] = {"host": "box", "username": "ada", "interval": 1.0, "total": 8, "system": host}
    return GpuStatus(state="ok", agent=agent, at=at, devices=devices, **more)


async def experiment(database: Database, watch: AlertWatch, folder: Path) -> None:
    run = (await Experiments(database, JournalFiles(folder)).create(ADA, NewExperiment(project="p", name="r")))[0].uid
    points = Points(Metrics(database), run)
    for _ in range(3):
        await points.add()
    tell("commit of a point of each of 10,000 metrics", [await cpu(points.add) for _ in range(TIMES)])
    await look("a look at it, default rules", watch, points)
    rules = Alerts(database, ADA, Replay(database, None))
    for condition, more in (("not_finite", {}), ("above", {"warning": 1e6}), ("diverges", {"warning": 3.0})):
        given: dict[str, Any] = {"condition": condition, **more}
        await rules.create(ADA, NewRule(name=condition, subject="experiment", metric="*", **given))
    await look("a look at it, and three rules on every metric", watch, points)
    points.value = math.nan
    await look("the same, all of them NaN (20 fire at first)", watch, points)
    points.value = 1.0
    for number in range(480 - len(PRESETS)):
        named: dict[str, Any] = {"metric": f"m{number}", "condition": "above", "warning": 1e6, "for_s": 60.0}
        await rules.create(ADA, NewRule(name=f"m{number}", subject="experiment", **named))
    await look("a look at it, and 460 rules that each name one", watch, points)


class Points:
    """What is added to an experiment: a point of each metric at a time."""

    def __init__(self, metrics: Metrics, uid: str) -> None:
        self._metrics = metrics
        self.uid = uid
        self.step = 0
        self.value = 1.0

    async def add(self) -> None:
        """Add a point of each."""
        self.step += 1
        values: dict[str, list[float | None]] = {f"m{number}": [self.value] for number in range(METRICS)}
        await self._metrics.add(ADA, self.uid, NewPoints(step=[self.step], values=values | {"loss": [self.value]}))


async def look(name: str, watch: AlertWatch, points: Points) -> None:
    watch._are_rules_old = True
    took = []
    for _ in range(TIMES):
        await points.add()
        watch._waiting[points.uid] = None
        took.append(await cpu(watch.round))
    tell(name, took)


async def cpu(act: Callable[[], Awaitable[object]]) -> float:
    began = time.process_time()
    await act()
    return 1e3 * (time.process_time() - began)


def tell(name: str, took: list[float]) -> None:
    print(f"{name:60} {statistics.median(took):8.2f} ms, at most {max(took):8.2f} ms")


if __name__ == "__main__":
    main()
