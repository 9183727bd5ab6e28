"""What `log()` costs training: ``python -m benchmarks.log``.

Prints the time of `log()` of 3 scalars beside that of a bare ``os.write`` of 100 bytes, taken in turns in one process,
without a server and while a real one takes what is logged; how much either slows down a loop of 1 ms a step; and the
CPU time that the client's import takes above the bare interpreter.
"""

import os
import random
import resource
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import timeit
from collections.abc import Callable
from pathlib import Path
from time import perf_counter, perf_counter_ns, sleep, time

from aiplat_jupyter.core.frames import POINTS_HEAD, frame
from tests.lab import Lab

BLOCK, BLOCKS = 2_000, 200
RUNS, RUN, FIRST = 400, 8, 2


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
    behind = exp._recording.size - exp._recording.shipment.offset
    print(f"\n{name}; at the end {behind / 1e6:.1f} of {exp._recording.size / 1e6:.1f} MB were still to be shipped")
    for share in (0.5, 0.99, 0.999):
        bare, ours = percentile(writes, share), percentile(logs, share)
        print(f"  p{share * 100:<5g} log {ours:8.2f} µs   os.write {bare:8.2f} µs   ratio {ours / bare:.2f}")
    exp.finish()


def loop(name: str) -> None:
    """Tell by the clock how much longer steps of 1 ms take that log, than steps beside them that do not.

    Steps come in short runs, each beside one without an end, so that what else the machine does falls on both; the
    first steps of a run, whose code was not used for a while, do not count. `frame` makes what `log` writes and drops
    it: a call that touches as much. Other threads run beside the loop; what they take is the most that they hold up.
    """
    import aiplat_jupyter as aiplat

    exp = aiplat.init(project="benchmarks", name="loop")
    file = os.open(os.environ["AIPLAT_DATA_DIR"] + "/loop", os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
    size, data = size_of_a_step(), b"x" * 100
    pack, lock = struct.Struct(f"{POINTS_HEAD.format}3d").pack, threading.RLock()

    def framed(step: int) -> bytes:
        point = {"loss": 0.5 + step, "accuracy": 0.9, "lr": 1e-3}
        with lock:
            return frame(pack(0, 0, step, time(), *point.values()))

    ends: dict[str, Callable[[int], object]] = {
        "nothing": lambda _: None,
        "os.write": lambda _: os.write(file, data),
        "frame": framed,
        "log": lambda step: exp.log({"loss": 0.5 + step, "accuracy": 0.9, "lr": 1e-3}),
    }
    exp.log({"loss": 0.5, "accuracy": 0.9, "lr": 1e-3})
    exp.flush()
    sleep(3)  # what `init` looks up in a thread of its own is not the loop's
    steps: dict[str, list[float]] = {what: [] for what in ends}
    alone: dict[str, list[int]] = {what: [] for what in ends}
    bare: list[float] = []
    wall, others = perf_counter(), cpu_of_other_threads()
    for _ in range(RUNS):
        for what in random.sample(list(ends), len(ends)):
            pair = {each: timed(ends[each], size) for each in random.sample(["nothing", what], 2)}
            without, (whole, calls) = pair["nothing"][0], pair[what]
            bare.append(without)
            steps[what].append(whole - without)
            alone[what] += calls
    taken = (cpu_of_other_threads() - others) / (perf_counter() - wall)
    step = statistics.median(bare)
    print(f"\na step of {step / 1e6:.2f} ms, {name}; medians of {RUNS:,} runs of {RUN} steps, and how sure they are")
    del steps["nothing"]
    for what, found in steps.items():
        low, middle, high = (found[at] / step for at in middle_of(found))
        clock = (statistics.median(alone[what]) - statistics.median(alone["nothing"])) / 1000
        print(f"  {what:8} step longer by {middle:6.2%} ({low:.2%} to {high:.2%}); the call alone {clock:5.1f} µs")
    print(f"  other threads {taken:.2%} of a core")
    exp.finish()


def timed(end: Callable[[int], object], size: int) -> tuple[float, list[int]]:
    """Return the median nanoseconds of a step with this end, and those of each end alone."""
    steps, calls = [], []
    for step in range(FIRST + RUN):
        start = perf_counter_ns()
        sum(range(size))
        middle = perf_counter_ns()
        end(step)
        stop = perf_counter_ns()
        steps.append(stop - start)
        calls.append(stop - middle)
    return statistics.median(steps[FIRST:]), calls[FIRST:]


def middle_of(found: list[float]) -> tuple[int, int, int]:
    """Sort the values; return the places of their median and of the bounds within which it lies with 95 %."""
    found.sort()
    half, spread = len(found) // 2, round(0.98 * len(found) ** 0.5)
    return half - spread, half, half + spread


def cpu_of_other_threads() -> float:
    """Return the seconds of CPU that the process's other threads have had."""
    ids = [each.native_id for each in threading.enumerate() if each is not threading.current_thread()]
    return sum(int(Path(f"/proc/self/task/{number}/schedstat").read_text().split()[0]) for number in ids) / 1e9


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
