"""How fast points get from `log()` into the database: ``python -m benchmarks.ingest [--minutes 5]``.

Starts a server; then 1 and 8 processes log 10 metrics a step as fast as they can, and wait until all is committed. With
``--minutes``: 8 processes × 50 metrics × 2 steps/s for so long, which is what the disk sees of a usual day.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.lab import Lab

FAST = """
import sys, time, aiplat_jupyter as aiplat
steps = int(sys.argv[1])
exp = aiplat.init(project="ingest")
exp.flush()
print("ready", flush=True)
sys.stdin.readline()
point = {f"metric{number}": 0.1 * number for number in range(10)}
start = time.time()
for step in range(steps):
    point["metric0"] = 1 / (step + 1)
    exp.log(point, step)
logged = time.time()
assert exp.flush(300)
print(start, logged, time.time())
exp.finish()
"""
SLOW = """
import math, random, sys, time, aiplat_jupyter as aiplat
end = time.time() + 60 * float(sys.argv[1])
exp = aiplat.init(project="slow")
step = 0
while time.time() < end:
    exp.log({f"metric{number}": math.exp(-step / 500) + random.random() / 10 for number in range(50)}, step)
    step += 1
    time.sleep(0.5)
assert exp.flush(60)
print(step * 50)
exp.finish()
"""


class Meter:
    """What a server's process has used since now."""

    def __init__(self, lab: Lab) -> None:
        self._process = psutil.Process(lab.pid)
        self._data_dir = lab.data_dir
        self._cpu, self._written, self._size = self._now()

    def read(self) -> tuple[float, int, int]:
        """Return CPU seconds, bytes written (to database and WAL), and by how much the database has grown."""
        cpu, written, size = self._now()
        return cpu - self._cpu, written - self._written, size - self._size

    def _now(self) -> tuple[float, int, int]:
        times = self._process.cpu_times()
        size = sum(path.stat().st_size for path in self._data_dir.glob("aiplat.db*"))
        return times.user + times.system, self._process.io_counters().write_bytes, size


def fast(lab: Lab, processes: int, steps: int) -> None:
    """Measure `processes` that log as fast as they can."""
    meter = Meter(lab)
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", FAST, str(steps)]
    clients = [
        subprocess.Popen(command, env=lab.environment(), stdin=pipe, stdout=pipe, text=True) for _ in range(processes)
    ]
    for client in clients:
        assert client.stdout is not None
        client.stdout.readline()
    said = together(clients)
    starts, logged, committed = zip(*([float(word) for word in out.split()] for out, _ in said), strict=True)
    points = processes * steps * 10
    cpu, written, grown = meter.read()
    seconds = max(committed) - min(starts)
    print(f"\n{processes} process{'es' * (processes > 1)} × {steps:,} steps × 10 metrics = {points:,} points")
    print(f"  logged {points / (max(logged) - min(starts)):12,.0f} points/s")
    print(f"  committed {points / seconds:9,.0f} points/s")
    print(f"  server's CPU {cpu / points * 1e6:.3f} µs a point; written {written / points:.1f} B a point")
    print(f"  database and WAL grew by {grown / points:.1f} B a point")


def together(clients: list[subprocess.Popen[str]]) -> list[tuple[str, str]]:
    """Let all clients go at once."""
    for client in clients:
        assert client.stdin is not None
        client.stdin.write("\n")
        client.stdin.flush()
    return [client.communicate() for client in clients]


def slow(lab: Lab, minutes: float) -> None:
    """Measure what slow logging by 8 processes costs the disk."""
    meter, start = Meter(lab), time.time()
    command = [sys.executable, "-c", SLOW, str(minutes)]
    clients = [subprocess.Popen(command, env=lab.environment(), stdout=subprocess.PIPE, text=True) for _ in range(8)]
    points = sum(int(client.communicate()[0]) for client in clients)
    cpu, written, grown = meter.read()
    print(f"\n8 processes × 50 metrics × 2 steps/s for {minutes:g} min = {points:,} points")
    print(f"  written {written / points:.1f} B a point; database and WAL grew by {grown / points:.1f} B a point")
    print(f"  server's CPU {cpu / (time.time() - start):.1%} of a core")


def main() -> None:
    """Run the measurements on a server of their own."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--minutes", type=float, default=0.0, help="of slow logging (default: none)")
    parser.add_argument("--steps", type=int, default=200_000, help="of each fast run, over all processes")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), "jupyter_server") as lab:
        lab.api("server")
        for processes in (1, 8):
            fast(lab, processes, given.steps // processes)
        if given.minutes:
            slow(lab, given.minutes)


if __name__ == "__main__":
    main()
