"""From the driver to the screen: ``python -m benchmarks.gauges``. Needs gcc, and no GPU.

The tests' stand-in for NVIDIA's driver tells another utilization every two to three seconds; the browser notes when the
sidebar's row and the page's card say it. Printed: the time from the change to the frame, for both.
"""

import random
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import ARGUMENTS, chromium
from tests.e2e.pages import LabPage
from tests.lab import Lab
from tests.nvml import Nvidia, h100

CHANGES = 40
PLACES = {"sidebar": ".aiplat-GpuRow .aiplat-GpuShare", "page": ".aiplat-GpuCard .aiplat-GpuBarValue"}
OBSERVE = """places => {
  window.said_ = Object.fromEntries(Object.keys(places).map(place => [place, []]));
  const last = {};
  const see = () => requestAnimationFrame(() => {
    for (const [place, css] of Object.entries(places)) {
      const text = document.querySelector(css)?.textContent;
      if (text && text !== last[place]) window.said_[place].push([text, Date.now() / 1000]);
      last[place] = text;
    }
  });
  new MutationObserver(see).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""


def watch(page: Page, lab: Lab, driver: Nvidia) -> tuple[list[tuple[str, float]], dict[str, list[tuple[str, float]]]]:
    """Change the utilization with sidebar and page open; return when it was changed to what, and when that was said."""
    shell = LabPage(page, lab)
    shell.open()
    shell.sidebar.show()
    page.locator(PLACES["sidebar"]).first.click()
    expect(page.locator(PLACES["page"]).first).to_contain_text("0 %")
    page.evaluate(OBSERVE, PLACES)
    page.wait_for_timeout(5_000)
    changed = []
    for number in range(CHANGES):
        util = 10 + 2 * number
        driver.change(0, util=util)
        changed.append((f"{util} %", time.time()))
        page.wait_for_timeout(2_000 + 1_000 * random.random())
    return changed, page.evaluate("window.said_")


def main() -> None:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        driver = Nvidia(Path(home) / "driver", *h100(1))
        with Lab(Path(home) / "lab", env=driver.environment()) as lab:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            changed, said = watch(browser.new_page(viewport={"width": 1440, "height": 960}), lab, driver)
            browser.close()
    for place, seen in said.items():
        at = dict(reversed(seen))
        found = sorted(at[text] - changed_at for text, changed_at in changed if text in at)
        median, late = statistics.median(found), found[int(len(found) * 0.9)]
        print(f"driver to {place}: median {median:.2f} s, p90 {late:.2f} s, {len(found)} of {len(changed)} seen")


if __name__ == "__main__":
    main()
