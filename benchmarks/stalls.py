"""How long a server keeps others waiting while it answers many curves: ``python -m benchmarks.stalls``.

One client asks for 100 curves with 2,000 buckets each, as JSON and as MessagePack, while another asks Jupyter for its
version all the time. Printed: size and time of the answer, and the longest wait of the other client, both medians of 7
answers, beside its longest wait in a second without them.
"""

import random
import statistics
import tempfile
import time
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlencode

from tests.lab import Lab

METRICS = [f"metric{number}" for number in range(50)]
ROUNDS = 7


def log(lab: Lab) -> str:
    """Log 10,000 points of each metric and return the experiment."""
    uid: str = lab.api("experiments", "POST", {"project": "stalls"})["uid"]
    for low in range(0, len(METRICS), 25):
        values = {name: [random.random() for _ in range(10_000)] for name in METRICS[low : low + 25]}
        lab.api(f"experiments/{uid}/points", "POST", {"step": list(range(10_000)), "values": values})
    return uid


class Other:
    """A client that asks for little, and notes how long it waited."""

    def __init__(self, lab: Lab) -> None:
        self.waits: list[float] = []
        self._connection = HTTPConnection("127.0.0.1", lab.port)
        self._ends = Event()
        self._thread = Thread(target=self._ask)

    def _ask(self) -> None:
        while not self._ends.wait(0.002):
            began = time.perf_counter()
            self._connection.request("GET", "/api")
            self._connection.getresponse().read()
            self.waits.append(time.perf_counter() - began)

    @contextmanager
    def asking(self) -> Any:
        """Ask until the block ends."""
        self._thread.start()
        try:
            yield self
        finally:
            self._ends.set()
            self._thread.join()

    def longest(self) -> float:
        """Return the longest wait since the last call, in milliseconds."""
        waits, self.waits = self.waits, []
        return 1e3 * max(waits, default=0.0)


def measure(lab: Lab, other: Other, query: str, media_type: str) -> None:
    connection = HTTPConnection("127.0.0.1", lab.port)
    headers = {"Authorization": f"token {lab.token}", "Accept": media_type}
    took, stalls, size = [], [], 0
    for _ in range(ROUNDS):
        other.longest()
        began = time.perf_counter()
        connection.request("GET", f"/aiplat/api/v1/metrics/query?{query}", headers=headers)
        size = len(connection.getresponse().read())
        took.append(1e3 * (time.perf_counter() - began))
        stalls.append(other.longest())
    waited = f"another client waited {statistics.median(stalls):.0f} ms at most"
    print(f"{media_type}: {size / 1e6:.1f} MB in {statistics.median(took):.0f} ms; {waited}")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, Lab(Path(folder), "jupyter_server") as lab:
        query = urlencode({"experiments": [log(lab), log(lab)], "metrics": METRICS, "width": 2_000}, True)
        with Other(lab).asking() as other:
            time.sleep(1)
            print(f"without curves it waits {other.longest():.0f} ms at most")
            for media_type in ("application/json", "application/msgpack"):
                measure(lab, other, query, media_type)


if __name__ == "__main__":
    main()
