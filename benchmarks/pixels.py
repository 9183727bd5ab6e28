"""From `log()` to the moved pixel: ``python -m benchmarks.pixels``.

A cell logs a point every one to two seconds; the browser notes when it has drawn the panel's curve and the sidebar's
sparkline anew. Printed: the time from the call to the frame, for both.
"""

import json
import statistics
import tempfile
from itertools import pairwise
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import ARGUMENTS, chromium
from tests.e2e.pages import LabPage
from tests.lab import Lab

POINTS = 40
CELL = f"""\
import json, random, time
import aiplat_jupyter as aiplat
exp = aiplat.init(project="pixels", name="latency")
display(aiplat.LossCurve(exp))
def log(step):
    at = time.time()
    exp.log({{"loss": random.random()}}, step=step)
    time.sleep(1 + random.random())
    return at
for step in range(5):
    log(step)
times = [log(step) for step in range(5, {5 + POINTS})]
print("logged", json.dumps(times))"""
OBSERVE = """() => {
  window.frames_ = { panel: [], sparkline: [] };
  const kinds = { panel: 'path.line', sparkline: '.aiplat-Sparkline path' };
  const note = kind => requestAnimationFrame(() => window.frames_[kind].push(Date.now() / 1000));
  const see = changes => {
    const targets = changes.flatMap(change => [change.target, ...change.addedNodes]).filter(node => node.matches);
    for (const [kind, css] of Object.entries(kinds)) if (targets.some(node => node.matches(css))) note(kind);
  };
  const options = { subtree: true, childList: true, attributeFilter: ['d'] };
  new MutationObserver(see).observe(document.body, options);
}"""


def delays(logged: list[float], frames: list[float]) -> list[float]:
    """Return, for each call, the seconds until the first frame after it, if that came before the next call."""
    found = []
    for at, following in pairwise([*logged, float("inf")]):
        drawn = next((frame for frame in frames if frame >= at), float("inf"))
        if drawn < following:
            found.append(drawn - at)
    return found


def watch(page: Page, lab: Lab) -> tuple[list[float], dict[str, list[float]]]:
    """Run the cell with the sidebar open; return when it logged, and when what was drawn."""
    lab.write_notebook("run.ipynb", CELL)
    shell = LabPage(page, lab)
    notebook = shell.notebook("run.ipynb")
    shell.sidebar.show()
    page.evaluate(OBSERVE)
    notebook.run(0)
    output = notebook.panel.get_by_text("logged [")
    expect(output).to_be_visible(timeout=POINTS * 4_000)
    logged: list[float] = json.loads(output.inner_text().removeprefix("logged "))
    frames: dict[str, list[float]] = page.evaluate("window.frames_")
    return logged, frames


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright, Lab(Path(home)) as lab:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        logged, frames = watch(browser.new_page(viewport={"width": 1440, "height": 960}), lab)
        browser.close()
    for kind, drawn in frames.items():
        found = sorted(delays(logged, drawn))
        median, late = statistics.median(found), found[int(len(found) * 0.9)]
        print(f"log() to {kind}: median {median:.2f} s, p90 {late:.2f} s, {len(found)} of {len(logged)} in time")


if __name__ == "__main__":
    main()
