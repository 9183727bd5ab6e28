"""What the extension adds to a Jupyter server's start: ``python -m benchmarks.start``.

Starts `jupyter server` by turns without and with the extension. Printed: the CPU seconds that the process has used, and
its memory, when it first answers, and with the extension also when the platform has answered.
"""

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import psutil

from tests.lab import Lab

ROUNDS = 5
WITHOUT = ("--ServerApp.jpserver_extensions=aiplat_jupyter=False",)


class Cost(NamedTuple):
    """CPU seconds and megabytes."""

    cpu: float
    memory: float


def cost(options: tuple[str, ...] = (), asked: str | None = None) -> Cost:
    with tempfile.TemporaryDirectory() as home, Lab(Path(home), "jupyter_server", options=options) as server:
        if asked is not None:
            server.api(asked)
        process = psutil.Process(server.pid)
        used = process.cpu_times()
        return Cost(used.user + used.system, process.memory_info().rss / 1e6)


CASES: dict[str, Callable[[], Cost]] = {
    "without": lambda: cost(WITHOUT),
    "with": cost,
    "with, platform has answered": lambda: cost(asked="server"),
}


def main() -> None:
    rounds = [{name: measure() for name, measure in CASES.items()} for _ in range(ROUNDS)]
    floor = statistics.median(costs["without"].cpu for costs in rounds)
    for name in CASES:
        cpu = statistics.median(costs[name].cpu for costs in rounds)
        memory = statistics.median(costs[name].memory for costs in rounds)
        print(f"{name:<28} {cpu:5.2f} s CPU ({cpu / floor:.2f}×)  {memory:4.0f} MB")


if __name__ == "__main__":
    main()
