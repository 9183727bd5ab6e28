"""What watching GPUs costs: ``python -m benchmarks.gpu``. Needs gcc, and no GPU: the driver is the tests' stand-in.

CPU of the sampler for each sample of 8 GPUs and the machine, and of 64; CPU of a server that has them, with nobody and
with 50 viewers of its stream; a year of history of 8 GPUs: what it takes in the database, and how long answers take.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from socket import create_connection, socket
from typing import Final

import numpy as np
import psutil
from sqlalchemy import Connection, insert, select

from aiplat_jupyter import platform
from aiplat_jupyter.core.gpu import GpuHistoryQuery, GpuMetric, HostMetric
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.services.gpu_monitor import GpuMonitor
from aiplat_jupyter.store import gpu_history as rows
from aiplat_jupyter.store.tables import GpuHistoryRow
from tests.gpu.sampled import Sampled
from tests.lab import Lab
from tests.nvml import GIB, Nvidia, h100

ADA: Final = Identity(username="ada", is_admin=True)
SAMPLES: Final = 30
VIEWERS: Final = 50
SECONDS: Final = 20.0
YEAR: Final = 365 * 86_400
FINE: Final = 48 * 3_600
DAY: Final = 86_400
LOOKS: Final = {
    "an hour": (3_600, 600),
    "a day": (DAY, 1_000),
    "2 days": (FINE, 600),
    "7 days": (7 * DAY, 1_000),
    "12.4 days": (12.4 * DAY, 600),
    "16.6 days": (16.6 * DAY, 800),
    "20.8 days": (20.8 * DAY, 1_000),
    "30 days": (30 * DAY, 1_000),
    "a year": (YEAR, 600),
}
"""Spans and points: of those that are offered the widest, and the zooms for which the most rows are read."""
BOTH: Final[list[GpuMetric | HostMetric]] = ["utilization", "memory_used"]


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        sampling(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        serving(Path(folder))
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(history(Path(folder)))


def pretended(folder: Path, count: int) -> Nvidia:
    """Return a driver of GPUs that a process of this account uses."""
    driver = Nvidia(folder / "driver", *h100(count))
    for number in range(count):
        driver.change(number, util=90, used=60 * GIB, processes={psutil.Process().pid: 60 * GIB})
    return driver


def spent(process: psutil.Process) -> float:
    """Return the seconds that a process has been on a CPU."""
    times = process.cpu_times()
    return float(times.user + times.system)


def sampling(folder: Path) -> None:
    for count in (8, 64):
        driver = pretended(folder / str(count), count)
        with Sampled(driver.environment(), interval=0.2) as sampled:
            process = psutil.Process(sampled.process.pid)
            sampled.next()
            before = spent(process)
            for _ in range(SAMPLES):
                sampled.next()
            print(f"sampler, {count} GPUs and machine: {1e3 * (spent(process) - before) / SAMPLES:.1f} ms CPU a sample")
            print(f"sampler, {count} GPUs: {process.memory_info().rss / 2**20:.0f} MiB resident")


def serving(folder: Path) -> None:
    driver = pretended(folder, 8)
    with Lab(folder / "lab", "jupyter_server", env=driver.environment()) as lab:
        time.sleep(30)  # until it has started
        lab.api("gpu/status")
        print(f"server, nobody watches: {used(lab):.2f} % of a core")
        for count in (1, VIEWERS):
            viewers = [view(lab) for _ in range(count)]
            print(f"server, {count} follow the stream: {used(lab, viewers):.2f} % of a core")
            for viewer in viewers:
                viewer.close()
            time.sleep(2)


def view(lab: Lab) -> socket:
    """Follow the stream as a page does."""
    connection = create_connection(("127.0.0.1", lab.port))
    lines = ["GET /aiplat/api/v1/events?topics=gpu HTTP/1.0", f"Authorization: token {lab.token}", "", ""]
    connection.sendall("\r\n".join(lines).encode())
    connection.setblocking(False)
    return connection


def used(lab: Lab, viewers: Sequence[socket] = ()) -> float:
    """Return how much of a core the server takes while viewers read."""
    drain(viewers, 12.0)  # also what a status that was just asked for leaves behind
    process = psutil.Process(lab.pid)
    before, begun = spent(process), time.monotonic()
    read = drain(viewers, SECONDS)
    share = 100.0 * (spent(process) - before) / (time.monotonic() - begun)
    assert read or not viewers
    return share


def drain(viewers: Sequence[socket], seconds: float) -> int:
    """Read what comes, for some time; return the bytes."""
    end, read = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        time.sleep(0.25)
        for viewer in viewers:
            try:
                while data := viewer.recv(1 << 20):
                    read += len(data)
            except BlockingIOError:
                continue
    return read


async def history(folder: Path) -> None:
    settings = platform.Settings(data_dir=folder, local=ADA, gpu_history_days=400.0)
    async with platform.running(settings) as at:
        database, agent = at.gpu._database, at.gpu._agent
        now = int(time.time()) // 3_600 * 3_600
        await asyncio.to_thread(fill, at.gpu, now)
        await database.write(lambda tx: tx.exec_driver_sql("ANALYZE"))
        print(f"a year of 8 GPUs: {await asyncio.to_thread(size, folder) / 2**20:.0f} MiB")
        for name, (span, width) in LOOKS.items():
            for what in ([], BOTH):
                query = GpuHistoryQuery(agent=agent.uid, start=now - span, end=now, metrics=what, width=width)
                label = "of both that panels show" if what else "of all metrics"
                print(f"{name}, {width} points {label}: {await answering(at.gpu, query)}")


async def answering(monitor: GpuMonitor, query: GpuHistoryQuery) -> str:
    """Say how long an answer takes, and its CPU."""
    took, cpu = [], []
    for _ in range(15):
        begun, before = time.perf_counter(), time.process_time()
        found = await monitor.history(ADA, query)
        took.append(1e3 * (time.perf_counter() - begun))
        cpu.append(1e3 * (time.process_time() - before))
    count = sum(len(one.at) for one in found.series)
    median = statistics.median
    return f"{median(took):.0f} ms median, {max(took):.0f} most, {median(cpu):.0f} of CPU, {count:,} points"


def size(folder: Path) -> int:
    """Return the bytes of the database."""
    return sum(file.stat().st_size for file in folder.glob("aiplat.db*"))


def fill(monitor: GpuMonitor, now: int) -> None:
    """Write what a year leaves: the finer rows of the last two days, the others of all of it."""
    facts: dict[str, float] = {"memory_total": 80.0 * GIB, "power_limit": 700.0}
    layout = tuple(rows.Track(uuid=gpu.uuid, index=at, name=gpu.name, **facts) for at, gpu in enumerate(h100(8)))
    random = np.random.default_rng(1)
    for seconds in rows.LEVELS:
        span = FINE if seconds in rows.FINE else YEAR
        for start in range(now - span, now, seconds * 2_000):
            begins = range(start, min(now, start + seconds * 2_000), seconds)
            values = random.normal(50, 10, (len(begins), 3, rows.width(layout))).astype(np.float32)
            monitor._database.write_now(partial(add, monitor._agent.id, begins, layout, values, seconds))


def add(agent: int, begins: range, layout: rows.Layout, values: rows.Floats, seconds: int, tx: Connection) -> None:
    rows.add(tx, agent, begins[0], layout, values[0], seconds)
    layout_id = tx.execute(select(GpuHistoryRow.layout_id).limit(1)).scalar_one()
    same = {"agent_id": agent, "seconds": seconds, "layout_id": layout_id}
    more = zip(begins[1:], values[1:], strict=True)
    tx.execute(insert(GpuHistoryRow), [{**same, "at": at, "values": row.tobytes()} for at, row in more])


if __name__ == "__main__":
    main()
