"""What system metrics cost a run: ``python -m benchmarks.system``.

Prints the time that `init` takes with and without them; and over a minute of a run that only waits, on a machine with
eight GPUs (a stand-in for the driver's library): CPU of the process with and without them, and CPU and memory of the
process that reads the machine.
"""

import os
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from tests.nvml import Nvidia, h100

BEGIN = """
import statistics, time
import psutil, aiplat_jupyter as aiplat
"""
INIT = """
import gc
found = {True: [], False: []}
for round in range(100):
    for wanted in (True, False):
        start = time.perf_counter()
        exp = aiplat.init(system_metrics=wanted)
        found[wanted].append(time.perf_counter() - start)
        exp.finish()
for wanted, name in ((False, "without"), (True, "with")):
    print(f"init {name} system metrics: median {1e3 * statistics.median(found[wanted]):.2f} ms")
"""
MINUTE = """
exp = aiplat.init(system_metrics={wanted})
time.sleep({lead})
children = [each for each in psutil.Process().children() if "aiplat_jupyter.gpu.sampler" in each.cmdline()]
spent = lambda process: sum(process.cpu_times()[:2])
start, child = time.process_time(), [spent(each) for each in children]
begun = sum(child)
time.sleep(60)
print(f"{name}: {{1e3 * (time.process_time() - start):.0f}} ms of CPU in the process in a minute")
for each in children:
    memory = each.memory_full_info()
    minute = f"{{begun:.2f}} s of CPU until then, {{1e3 * (spent(each) - begun):.0f}} ms in the minute"
    print(f"the process that reads: {{minute}}; {{memory.uss / 2**20:.0f}} MiB of its own")
exp.finish()
"""


def run(code: str, env: dict[str, str]) -> None:
    """Run `code` in a process of its own, without a server."""
    subprocess.run([sys.executable, "-c", BEGIN + textwrap.dedent(code)], check=True, env=env)


def main() -> None:
    """Print all figures."""
    with tempfile.TemporaryDirectory() as folder:
        driver = Nvidia(Path(folder) / "driver", *h100(8))
        env = os.environ | driver.environment() | {"AIPLAT_DATA_DIR": f"{folder}/data"}
        run(INIT, env)
        for wanted, name in ((False, "without"), (True, "with")):
            run(MINUTE.format(wanted=wanted, name=name, lead=20), env)


if __name__ == "__main__":
    main()
