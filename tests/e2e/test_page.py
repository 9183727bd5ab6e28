"""The page of an experiment in the browser: its address, stopping, zooms, and the way back to the cell."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import LabPage, wait_for
from tests.lab import Lab

TRAIN = """\
import time
import aiplat_jupyter as aiplat
exp = aiplat.init(project="pages", name="mlp")
print(exp.url, flush=True)
deadline = time.monotonic() + 60
step = 0
while time.monotonic() < deadline and not exp.should_stop:
    exp.log({"loss": 1 / (step + 1)}, step=step)
    step += 1
    time.sleep(0.01)
print("asked to stop" if exp.should_stop else "not asked")
exp.finish()
"""
CELL = """\
import aiplat_jupyter as aiplat
with aiplat.init(project="pages", name="from a cell") as exp:
    for step in range(1000):
        exp.log({"loss": 1 / (step + 1), "other": step % 7}, step=step)"""


@pytest.mark.timeout(120)
def test_its_address_opens_it_and_stop_reaches_the_script(lab: Lab, page: Page) -> None:
    lab.api("server")  # a script that finds no server has no address to tell
    script = subprocess.Popen(
        [sys.executable, "-c", TRAIN], env=lab.environment(), cwd=lab.root, stdout=subprocess.PIPE, text=True
    )
    assert script.stdout
    url = script.stdout.readline().strip()
    LabPage(page, lab).open(url.removeprefix(f"{lab.url}/"))
    shown = page.locator(".aiplat-PageWidget:visible")
    expect(shown.get_by_role("heading", name="mlp")).to_be_visible()
    expect(shown.locator(".aiplat-PageHeader").get_by_text("running")).to_be_visible()
    moved = moves(page)
    page.wait_for_timeout(3000)
    assert moved() < 0.001, "nothing jumps while points arrive"
    shown.get_by_role("button", name="Stop", exact=True).click()
    assert "asked to stop" in script.communicate(timeout=30)[0]
    expect(shown.locator(".aiplat-PageHeader").get_by_text("stopped")).to_be_visible()
    expect(shown.get_by_role("button", name="Stop", exact=True)).to_have_count(0)


def moves(page: Page) -> Callable[[], float]:
    """Watch how much of the page jumps from now on; the answer tells the sum of the browser's layout-shift scores."""
    page.evaluate(
        """() => {
            window.moved = 0;
            const note = list => list.getEntries().forEach(entry => (window.moved += entry.value));
            new PerformanceObserver(note).observe({type: 'layout-shift'});
        }"""
    )
    return lambda: float(page.evaluate("window.moved"))


@pytest.mark.timeout(120)
def test_it_zooms_both_ways_and_leads_back_to_its_cell(lab: Lab, page: Page, pictures: Path) -> None:
    lab.write_notebook("train.ipynb", "1 + 1", CELL)
    shell = LabPage(page, lab)
    notebook = shell.notebook("train.ipynb")
    notebook.run(0, 2)
    notebook.wait_until_idle()
    shell.sidebar.show()
    shell.sidebar.expand(shell.sidebar.row("pages").first)
    shell.sidebar.row("from a cell").first.dblclick()
    shown = page.locator(".aiplat-PageWidget:visible")
    chart = shown.get_by_role("region", name="loss")
    everything = wait_for(lambda: chart.locator(".aiplat-ChartCensus").inner_text(), "a chart")
    drag(chart, (0.2, 0.2), (0.6, 0.7))
    expect(chart.get_by_role("button", name="Show all")).to_be_visible()
    expect(chart.locator(".aiplat-ChartCensus")).not_to_have_text(everything)
    page.screenshot(path=pictures / "zoomed-page.png")
    page.keyboard.press("0")
    chart.locator(".aiplat-ChartArea").dblclick()
    expect(chart.locator(".aiplat-ChartCensus")).to_have_text(everything)
    drag(chart, (0.5, 0.2), (0.51, 0.8))
    expect(shown.get_by_role("region", name="other").get_by_role("button", name="Show all")).to_have_count(0)
    chart.get_by_role("button", name="Show all").click()
    shown.locator(".aiplat-PageHeader").get_by_role("button", name=re.compile(r"^train.ipynb \[\d+\]$")).click()
    expect(notebook.panel.locator(".jp-Cell", has_text="from a cell").first).to_be_in_viewport()


def drag(chart: Locator, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag over the plotting area between places that are fractions of its width and height."""
    box = chart.locator(".aiplat-ChartArea").bounding_box()
    assert box
    mouse = chart.page.mouse
    mouse.move(box["x"] + start[0] * box["width"], box["y"] + start[1] * box["height"])
    mouse.down()
    mouse.move(box["x"] + end[0] * box["width"], box["y"] + end[1] * box["height"], steps=6)
    mouse.up()
