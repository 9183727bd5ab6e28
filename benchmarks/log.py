"""What `log()` costs training: ``python -m benchmarks.log``.

Prints the time of `log()` of 3 scalars beside that of a bare ``os.write`` of 100 bytes, taken in turns in one process,
without a server and while a real one takes what is logged; the slow-down of a loop of 1 ms a step; and the CPU time
that the client's import takes above the bare interpreter.
"""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from time import perf_counter, perf_counter_ns

from tests.lab import Lab

BLOCK, BLOCKS = 2_000, 60


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
    """Time a loop of 1 ms a step with and without `log`."""
    import aiplat_jupyter as aiplat

    exp = aiplat.init(project="benchmarks", name="loop")
    exp.flush()
    size = 1000
    while (took := work(size)) < 1e-3:
        size = int(size * max(1.1, 1e-3 / took))

    def step(number: int, *, logs: bool) -> float:
        start = perf_counter()
        sum(range(size))
        if logs:
            exp.log({"loss": 0.5 + number, "accuracy": 0.9, "lr": 1e-3})
        return perf_counter() - start

    # In turns, so that other work on the machine hits both alike; its worst hits are left out.
    without, with_ = zip(*((step(n, logs=False), step(n, logs=True)) for n in range(5_000)), strict=True)
    slower = typical(with_) / typical(without) - 1
    print(f"\n1 ms a step, {name}: slower by {slower:+.2%} (mean of the quicker 95 % of {len(with_):,} steps each)")
    exp.finish()


def typical(seconds: Sequence[float]) -> float:
    """Return the mean of the quicker 95 %."""
    return statistics.fmean(sorted(seconds)[: len(seconds) * 95 // 100])


def work(size: int) -> float:
    """Do the work of a step and return the seconds it took."""
    start = perf_counter()
    sum(range(size))
    return perf_counter() - start


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
