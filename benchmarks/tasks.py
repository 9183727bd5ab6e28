"""What tasks cost: ``python -m benchmarks.tasks``.

From the request that queues a task to the first line of its output, the dispatcher's decision with a thousand tasks
waiting (CPU time of the read that decides, and of the transaction that also lets one start), and a page of their list:
at the service, and through HTTP from a server of its own. Median and most, in milliseconds.
"""

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from sqlalchemy import Connection

from aiplat_jupyter import platform
from aiplat_jupyter.core.queries import TaskQuery
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import NewTask, StopTask, TaskBulk
from tests.lab import Lab

ADA = Identity(username="ada", is_admin=True)
WAITING = 1_000


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(services(Path(folder)))
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), "jupyter_server") as lab:
        http(lab)


async def services(folder: Path) -> None:
    settings = platform.Settings(data_dir=folder, local=ADA, task_slots=2)
    async with platform.running(settings) as at:
        dispatcher, database = at.dispatcher, at.dispatcher._database
        await asyncio.gather(*(at.tasks.create(ADA, task("sleep", "1000")) for _ in range(WAITING)))
        await asyncio.sleep(2)
        tell("decision, nothing can start", [await database.read(cpu(dispatcher._plan)) for _ in range(50)])
        await say("page of the list", 50, lambda: at.tasks.list(ADA, TaskQuery(limit=50)))
        await say("page of the queue, counted", 50, lambda: at.tasks.list(ADA, TaskQuery(sort="queue", count=True)))
        dispatcher._start = rest  # decides when we say so
        took = []
        for _ in range(20):
            [one, *_] = (await at.tasks.list(ADA, TaskQuery(sort="queue"))).items
            await at.tasks.stop(ADA, one.uid, StopTask(now=True))
            await gone(at, one.uid)
            took.append(await database.write(cpu(dispatcher._carry_out)))
        tell("decision, one starts, written", took)
        await at.tasks.bulk(ADA, TaskBulk(verb="stop", uids=await uids(at)))
        for uid in await uids(at):
            await gone(at, uid)


async def rest() -> None:
    """Start nothing."""


async def uids(at: platform.Platform) -> list[str]:
    """Return what runs, or has been asked to end."""
    query = TaskQuery(limit=200, state=["starting", "running", "stopping"])
    return [row.uid for row in (await at.tasks.list(ADA, query)).items]


async def gone(at: platform.Platform, uid: str) -> None:
    """Wait for a task's end."""
    async with at.bus.subscribe(ADA, [f"task:{uid}"], 0) as changes:
        async for _ in changes:
            if (await at.tasks.get(ADA, uid)).ended_at:
                return


def cpu(act: Callable[[Connection], object]) -> Callable[[Connection], float]:
    """Return what does the same, and answers the CPU time it took."""

    def timed(tx: Connection) -> float:
        begun = time.thread_time()
        act(tx)
        return time.thread_time() - begun

    return timed


def http(lab: Lab) -> None:
    lab.api("server")
    time.sleep(2)
    took = []
    for number in range(10):
        begun = time.perf_counter()
        made = lab.api("tasks", "POST", {"project": "p", "kind": "command", "command": ["echo", "hi"]})
        log = lab.data_dir / "tasks" / made["uid"] / "1" / "out.log"
        while not log.exists() or not log.stat().st_size:
            time.sleep(0.002)
        took.append(time.perf_counter() - begun)
        time.sleep(0.2 + number / 20)
    tell("submit to first line, over HTTP", took)
    for _ in range(200):
        lab.api("tasks", "POST", {"project": "p", "kind": "command", "command": ["sleep", "1000"]})
    took = []
    for _ in range(30):
        begun = time.perf_counter()
        lab.api("tasks?limit=50")
        took.append(time.perf_counter() - begun)
    tell("page of the list, over HTTP", took)
    while uids := [row["uid"] for row in lab.api("tasks?limit=200&state=queued")["items"]]:
        lab.api("tasks/bulk", "POST", {"verb": "stop", "uids": uids})
    for row in lab.api("tasks?limit=200&state=running&state=starting")["items"]:
        lab.api(f"tasks/{row['uid']}/stop", "POST", {"now": True})
    while lab.api("agents")[0]["slots_taken"]:
        time.sleep(0.1)


def task(*command: str) -> NewTask:
    return NewTask(project="p", kind="command", command=list(command))


async def say(name: str, times: int, act: Callable[[], Awaitable[object]]) -> None:
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        await act()
        took.append(time.perf_counter() - begun)
    tell(name, took)


def tell(name: str, took: list[float]) -> None:
    print(f"{name:34} median {statistics.median(took) * 1e3:7.1f} ms, most {max(took) * 1e3:7.1f} ms")


if __name__ == "__main__":
    main()
