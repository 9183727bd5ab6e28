"""What `log()` costs training: ``python -m benchmarks.log``.

Prints the time of `log()` of 3 scalars beside that of a bare ``os.write`` of 100 bytes, taken in turns in one process,
without a server and while a real one takes what is logged; how much either slows down a loop of 1 ms a step; and the
CPU time that the client's import takes above the bare interpreter.
"""

import os
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import timeit
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, perf_counter_ns, process_time, thread_time, thread_time_ns

from tests.lab import Lab

BLOCK, BLOCKS = 2_000, 200
STEPS = 12_000


def times(call: Callable[[int], object]) -> list[int]:
    """Return the nanoseconds of each of `BLOCK` calls."""
    found = [0] * BLOCK
    for number in range(BLOCK):
        start = perf_counter_ns()
        call(number)
        found[number] = perf_counter_ns() - start
    return found


def percentile(values: list[int], share: float) -> float:
    """Return microseconds."""
    return sorted(values)[int(share * (len(values) - 1))] / 1000


def calls(name: str) -> None:
    """Time `log` and ``os.write`` in turns."""
    import aiplat_jupyter as aiplat

    exp = aiplat.init(project="benchmarks", name=name)
    fd = os.open(os.environ["AIPLAT_DATA_DIR"] + f"/{name}", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    data = b"x" * 100
    exp.flush()
    writes: list[int] = []
    logs: list[int] = []
    for _ in range(BLOCKS):
        writes += times(lambda _: os.write(fd, data))
        logs += times(lambda step: exp.log({"loss": 0.5 + step, "accuracy": 0.9, "lr": 1e-3}))
    behind = exp._recording.size - exp._recording.shipment.offset  # type: ignore[union-attr]
    print(f"\n{name}; at the end {behind / 1e6:.1f} of {exp._recording.size / 1e6:.1f} MB were still to be shipped")
    for share in (0.5, 0.99, 0.999):
        bare, ours = percentile(writes, share), percentile(logs, share)
        print(f"  p{share * 100:<5g} log {ours:8.2f} µs   os.write {bare:8.2f} µs   ratio {ours / bare:.2f}")
    exp.finish()


def loop(name: str) -> None:
    """Take the CPU time of steps of 1 ms that log, that write 100 bytes, and that do neither, and of other threads.

    Wall time would tell what else the machine does. The sum is the most that a step is slowed down by: it holds if the
    shipper's thread had the interpreter's lock all the time that it runs.
    """
    import aiplat_jupyter as aiplat

    exp = aiplat.init(project="benchmarks", name="loop")
    file = os.open(os.environ["AIPLAT_DATA_DIR"] + "/loop", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    size, data = size_of_a_step(), b"x" * 100
    ends: dict[str, Callable[[int], object]] = {
        "nothing": lambda _: None,
        "os.write": lambda _: os.write(file, data),
        "log": lambda step: exp.log({"loss": 0.5 + step, "accuracy": 0.9, "lr": 1e-3}),
    }
    exp.flush()
    costs: dict[str, list[int]] = {what: [] for what in ends}
    wall, others = perf_counter(), process_time() - thread_time()
    for step, what in enumerate(random.choices(list(ends), k=STEPS)):
        start = thread_time_ns()
        sum(range(size))
        ends[what](step)
        costs[what].append(thread_time_ns() - start)
    shipper = (process_time() - thread_time() - others) / (perf_counter() - wall)
    bare, write, log = (statistics.median(found) for found in costs.values())
    print(f"\na step of {bare / 1e6:.2f} ms, {name}; medians of {STEPS:,} steps")
    print(f"  os.write {(write - bare) / 1000:5.1f} µs = {write / bare - 1:.2%}")
    print(f"  log      {(log - bare) / 1000:5.1f} µs = {log / bare - 1:.2%}")
    print(f"  other threads {shipper:.2%} of a core; slower by at most {log / bare - 1 + shipper:.2%}")
    exp.finish()


def size_of_a_step() -> int:
    """Return how many numbers are added up in 1 ms."""
    return round(1e-3 * 1000 / min(timeit.repeat(lambda: sum(range(1000)), number=1, repeat=1000)))


def imports() -> None:
    """Compare the CPU time of the bare interpreter with that of one that imports the client."""

    def cpu(code: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-c", code], check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    costs = {
        code: statistics.median(cpu(code) for _ in range(15))
        for code in ("pass", "import msgspec", "import aiplat_jupyter", "import aiplat_jupyter as a; a.init")
    }
    bare = costs.pop("pass")
    for code, cost in costs.items():
        print(f"{code:40} {(cost - bare) * 1000:6.0f} ms CPU above the interpreter")


def main() -> None:
    """Run everything, each in a process of its own."""
    if len(sys.argv) > 1:
        {"calls": calls, "loop": loop}[sys.argv[1]](sys.argv[2])
        return
    imports()
    with tempfile.TemporaryDirectory() as folder:
        lab = Lab(Path(folder), "jupyter_server")
        for what in ("calls", "loop"):
            run(what, "no server", lab)
        with lab:
            lab.api("server")
            for what in ("calls", "loop"):
                run(what, "shipping", lab)


def run(what: str, name: str, lab: Lab) -> None:
    """Run one measurement beside `lab`, whether that runs or not."""
    environment = {**lab.environment(), "PYTHONPATH": str(Path(__file__).parents[1])}
    subprocess.run([sys.executable, "-m", "benchmarks.log", what, name], env=environment, check=True)


if __name__ == "__main__":
    main()
