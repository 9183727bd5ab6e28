"""A log of ten million lines: index, pages, searches, and how long the event loop is held up meanwhile.

``python -m benchmarks.logs [--lines 10000000]`` writes the log into a temporary folder (about 90 bytes a line, and a
tenth of that for the index). Each figure stands beside its floor, taken in the same run: a bare read of the file,
ripgrep itself, an event loop with nothing to do. Pages are timed at the store, by the clock and by the thread's CPU.
"""

import argparse
import asyncio
import contextlib
import random
import statistics
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiplat_jupyter.core.logs import LogHits, LogQuery, LogSearch
from aiplat_jupyter.store.logs import paging, search, searcher
from aiplat_jupyter.store.logs.index import Index
from aiplat_jupyter.store.logs.opened import counts

KEYWORD = "needle-7f3a"
REGEX = r"loss=0\.00\d+"
ROUNDS = 50
IDLE_SECONDS = 5.0
HOUR = 3_600
"""Seconds in which the log is told to have been written, so that it can be asked for by time."""


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lines", type=int, default=10_000_000)
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder, "out.log")
        write(log, options.parse_args().lines)
        asyncio.run(measure(log))


def write(log: Path, count: int) -> None:
    """Write lines as training writes them: most are of level INFO, 1 of 1,000 warns, 1 of 100,000 is an error."""
    chance, made = random.Random(1), 0
    with log.open("w") as file:
        while made < count:
            file.writelines(line(chance, number) for number in range(made, min(made + 10_000, count)))
            made += 10_000
            if made == count // 20_000 * 10_000:
                file.write(f"2026-11-22 10:00:00,000 - train - INFO - {KEYWORD}\n")


def line(chance: random.Random, number: int) -> str:
    drawn = chance.random()
    head = f"2026-11-22 10:{number // 60 % 60:02d}:{number % 60:02d},{number % 1000:03d} - train - "
    if drawn < 0.00001:
        return f"{head}ERROR - step {number} failed\n"
    if drawn < 0.001:
        return f"{head}WARNING - step {number} was slow\n"
    return f"{head}INFO - step {number} loss={drawn:.6f} lr=0.000300 grad=1.25\n"


async def measure(log: Path) -> None:
    size, bare = await asyncio.to_thread(lambda: (log.stat().st_size, timed(partial(read_all, log))))
    async with stalls("with nothing to do"):
        await asyncio.sleep(IDLE_SECONDS)
    async with stalls("while it was indexed"):
        index, seconds, cpu = await asyncio.to_thread(build, log)
    side = index.blocks.bytes_on_disk
    print(f"log of {size / 1e6:,.0f} MB, {index.total:,} lines: {counts(index)}")
    print(f"index: {size / seconds / 1e6:,.0f} MB/s, {size / cpu / 1e6:,.0f} MB/s of CPU time")
    print(
        f"       {seconds / bare:.0f} x a bare read ({size / bare / 1e6:,.0f} MB/s); side files {side / size:.1%} of it"
    )
    index.times.begin(index.file.key, [(size * second // HOUR, float(second)) for second in range(1, HOUR)])
    async with stalls("while pages were asked for"):
        await asyncio.to_thread(pages, index)
    for name, ask in SEARCHES.items():
        async with stalls("while it was searched"):
            await searched(name, index, ask, log)
    index.close()


def build(log: Path) -> tuple[Index, float, float]:
    begin, cpu = time.perf_counter(), time.thread_time()
    index = Index(log, log.with_name(".index") / "out.log")
    while index.refresh(1 << 26):
        pass
    return index, time.perf_counter() - begin, time.thread_time() - cpu


def pages(index: Index) -> None:
    chance = random.Random(2)
    asked: dict[str, Callable[[], LogQuery]] = {
        "the last 200 lines": lambda: LogQuery(tail=200),
        "200 lines at a random one": lambda: LogQuery(line=chance.randrange(index.total)),
        "200 lines before a random one": lambda: LogQuery(line=chance.randrange(index.total), n=-200),
        "200 lines at a random offset": lambda: LogQuery(offset=chance.randrange(index.indexed)),
        "200 lines at a time": lambda: LogQuery(time=chance.random() * HOUR),
        "200 lines of WARNING or above at a random line": lambda: LogQuery(
            line=chance.randrange(index.total), min_level="WARNING"
        ),
        "all lines of ERROR": lambda: LogQuery(min_level="ERROR"),
        "the last 200 of INFO": lambda: LogQuery(tail=200, min_level="INFO"),
    }
    for name, query in asked.items():
        assert paging.page(index, query()), f"{name}: there are none"
        taken = [both(partial(paging.page, index, query())) for _ in range(ROUNDS)]
        clock, cpu = zip(*taken, strict=True)
        print(
            f"{name}: median {statistics.median(clock) * 1000:.2f} ms, 95 % within "
            f"{statistics.quantiles(clock, n=20)[-1] * 1000:.2f} ms; CPU {statistics.median(cpu) * 1000:.2f} ms"
        )


SEARCHES = {
    "a unique keyword": LogSearch(q=KEYWORD, case=True, budget_s=60),
    "the same in any case": LogSearch(q=KEYWORD.upper(), budget_s=60),
    "a regular expression": LogSearch(q=REGEX, regex=True, case=True, budget_s=60),
    "a word of every tenth line": LogSearch(q="loss=0.5", case=True, budget_s=60),
    "a word in lines of WARNING or above": LogSearch(q="slow", case=True, min_level="WARNING", budget_s=60),
}


async def searched(name: str, index: Index, ask: LogSearch, log: Path) -> None:
    begin = time.perf_counter()
    first, last = 0.0, None
    async for hits in search.hits(index, ask, asyncio.to_thread):
        first = first or (time.perf_counter() - begin if hits.lines else 0.0)
        last = hits
    seconds = time.perf_counter() - begin
    assert isinstance(last, LogHits)
    print(
        f"{name}: {last.count:,} lines, first told after {first * 1000:.0f} ms, all {last.state} in {seconds:.2f} s",
        end="",
    )
    if (program := searcher.ripgrep()) and not ask.min_level:
        flags = [*([] if ask.regex else ["-F"]), *([] if ask.case else ["-i"])]
        command = [program, "-a", "-c", "-j1", *flags, "-e", ask.q, str(log)]
        floor = await asyncio.to_thread(timed, lambda: subprocess.run(command, check=True, capture_output=True))
        print(f"; ripgrep {floor:.2f} s, ratio {seconds / floor:.1f}", end="")
    print()


@contextlib.asynccontextmanager
async def stalls(when: str) -> AsyncIterator[None]:
    """Print by how much the event loop was late at most, asked every two milliseconds."""
    late = [0.0]

    async def watch() -> None:
        while True:
            due = time.perf_counter() + 0.002
            await asyncio.sleep(0.002)
            late.append(time.perf_counter() - due)

    task = asyncio.create_task(watch())
    try:
        yield
    finally:
        task.cancel()
    print(f"  the event loop was late by at most {max(late) * 1000:.1f} ms {when}")


def read_all(log: Path) -> None:
    with log.open("rb", buffering=0) as file:
        while file.read(1 << 18):
            pass


def timed(work: Callable[[], Any]) -> float:
    return both(work)[0]


def both(work: Callable[[], Any]) -> tuple[float, float]:
    """Return how long it took on the clock, and of this thread's CPU."""
    begin, cpu = time.perf_counter(), time.thread_time()
    work()
    return time.perf_counter() - begin, time.thread_time() - cpu


if __name__ == "__main__":
    main()
