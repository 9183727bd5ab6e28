"""What an open panel costs the training beside it: ``python -m benchmarks.panels``.

A cell takes steps of about a millisecond of Python and logs each, in turns with a live `LossCurve` under it that a
browser shows, and without one. Printed: the time of a step in both, and their ratio.
"""

import json
import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import ARGUMENTS, chromium
from tests.e2e.pages import LabPage
from tests.lab import Lab

TURNS, STEPS = 6, 3_000
CELL = f"""\
import json, time
import aiplat_jupyter as aiplat
exp = aiplat.init(project="panels", name="cost")
def work():
    total = 0
    for number in range(15_000):
        total += number * number
    return total
def train():
    start = time.perf_counter()
    for step in range({STEPS}):
        work()
        exp.log({{"loss": 1 / (step + 1), "accuracy": 0.9}})
    return (time.perf_counter() - start) / {STEPS}
train()
times = {{"with": [], "without": []}}
for turn in range({TURNS}):
    panel = aiplat.LossCurve(exp)
    display(panel)
    time.sleep(2)
    times["with"].append(train())
    panel.close()
    time.sleep(1)
    times["without"].append(train())
print("measured", json.dumps(times))"""


def measure(page: Page, lab: Lab) -> dict[str, list[float]]:
    """Run the cell; return the seconds of a step of each turn."""
    lab.write_notebook("run.ipynb", CELL)
    notebook = LabPage(page, lab).notebook("run.ipynb")
    notebook.run(0)
    output = notebook.panel.get_by_text("measured {")
    expect(output).to_be_visible(timeout=600_000)
    found: dict[str, list[float]] = json.loads(output.inner_text().removeprefix("measured "))
    return found


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright, Lab(Path(home)) as lab:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        found = measure(browser.new_page(viewport={"width": 1440, "height": 960}), lab)
        browser.close()
    for name, times in found.items():
        print(f"{name} a panel: median {1000 * statistics.median(times):.3f} ms a step, of {len(times)} turns")
    ratios = [one / other for one, other in zip(found["with"], found["without"], strict=True)]
    print(f"with / without: median {statistics.median(ratios):.3f}, from {min(ratios):.3f} to {max(ratios):.3f}")


if __name__ == "__main__":
    main()
