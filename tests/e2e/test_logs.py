"""Logs as people read them, in a real browser over real tasks."""

import re
import sys
from collections.abc import Callable
from statistics import median
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import LabPage, wait_for
from tests.lab import Lab

WRITER = """
import sys, time
for n in range(1, 3001):
    print(f"line {n}")
print("ERROR it broke <b>here</b>")
print("Traceback (most recent call last):")
for n in range(12):
    print(f'  File "model.py", line {n}, in forward')
print("RuntimeError: out of memory")
for n in range(813):
    print(f"epoch 1: {n}/812", end="\\r")
print(flush=True)
while True:
    print(f"INFO live {time.time():.3f}", flush=True)
    time.sleep(0.5)
"""
DRAWN = """() => {
  window.delays = [];
  const known = new Set();
  const look = () => document.querySelectorAll('.aiplat-LogText').forEach(({ textContent }) => {
    const written = /live ([\\d.]+)/.exec(textContent)?.[1];
    if (written && !known.has(written)) {
      known.add(written);
      window.delays.push(Date.now() / 1000 - Number(written));
    }
  });
  look();
  window.delays = [];
  new MutationObserver(() => requestAnimationFrame(look)).observe(document.querySelector('.aiplat-LogContent'), {
    subtree: true, childList: true, characterData: true
  });
}"""

Run = Callable[[str], str]


@pytest.fixture
def run(lab: Lab) -> Run:
    """Run Python code as a task and return its uid."""

    def start(code: str) -> str:
        task = {"project": "p", "name": "writer", "kind": "command", "command": [sys.executable, "-u", "-c", code]}
        made: dict[str, Any] = lab.api("tasks", "POST", task)
        uid = str(made["uid"])
        wait_for(lambda: lab.api(f"tasks/{uid}/logs?n=1")["total"] > 3015, "the task's output", timeout=40)
        return uid

    return start


class LogPage:
    """The log in front."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.lines = page.get_by_role("log")
        self.rows = page.locator(".aiplat-LogRow")
        self.marked = page.locator(".aiplat-LogRow.aiplat-mod-marked")
        self.foot = page.locator(".aiplat-LogFoot")

    def line(self, number: int) -> Locator:
        return self.page.locator(f'.aiplat-LogRow[data-line="{number}"]')

    def press(self, key: str) -> None:
        self.lines.focus()
        self.page.keyboard.press(key)


def line_at_rest(page: Page, log: LogPage) -> str | None:
    """Return the first line once the wheel has run out; lines come in meanwhile."""
    before, first = "", log.rows.first.get_attribute("data-line")
    while first != before:
        page.wait_for_timeout(500)
        before, first = first, log.rows.first.get_attribute("data-line")
    return first


def test_a_log_is_read_while_it_is_written(page: Page, lab: Lab, run: Run) -> None:
    uid = run(WRITER)
    LabPage(page, lab).open(f"lab?aiplat-log={uid}")
    log = LogPage(page)
    expect(log.foot).to_contain_text("live, following")
    expect(page.get_by_text("813 updates")).to_be_visible()
    page.evaluate(DRAWN)
    wait_for(lambda: page.evaluate("window.delays.length") >= 8, "further lines")
    assert median(page.evaluate("window.delays")) < 0.7

    page.mouse.move(600, 400)
    page.mouse.wheel(0, -4000)
    expect(log.foot).to_contain_text("not following")
    first = line_at_rest(page, log)
    more = page.get_by_title("To the end (End)")
    expect(more).to_have_text(re.compile(r"([4-9]|\d\d) new"))
    assert log.rows.first.get_attribute("data-line") == first
    assert log.rows.count() < 300
    more.click()
    expect(log.foot).to_contain_text("live, following")

    log.press("e")
    expect(log.marked).to_contain_text("ERROR it broke <b>here</b>")
    log.press("e")
    expect(log.marked).to_have_attribute("data-line", "3002")
    page.get_by_text("7 more lines of this traceback").click()
    expect(log.line(3010)).to_contain_text("line 7")


def test_a_log_is_searched_filtered_and_linked_to(page: Page, lab: Lab, run: Run) -> None:
    uid = run(WRITER)
    lab_page = LabPage(page, lab)
    lab_page.open(f"lab?aiplat-log={uid}")
    log = LogPage(page)
    expect(log.rows.first).to_be_visible()
    log.press("/")
    page.keyboard.type("line 99")
    expect(page.get_by_text("11 of 11")).to_be_visible()
    page.keyboard.press("Enter")
    expect(log.marked).to_have_attribute("data-line", "99")
    page.keyboard.press("Escape")

    page.get_by_role("radio", name="ERROR").click()
    expect(page.locator(".aiplat-LogHidden")).to_contain_text("lines hidden")
    expect(log.line(3001)).to_be_visible()
    assert log.line(3000).count() == 0
    with page.expect_download() as download:
        page.locator(".aiplat-LogHidden a").click()
    text = download.value.path().read_text()
    assert text.startswith("ERROR it broke <b>here</b>\n")
    page.get_by_role("button", name="Show all").click()

    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    log.line(3001).get_by_role("button", name="3001", exact=True).click()
    expect(log.foot).to_contain_text("Link to line 3001 copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.endswith("#L3001")
    page.goto("about:blank")
    page.goto(link)
    lab_page.wait_until_ready()
    expect(log.marked).to_have_attribute("data-line", "3001")


def test_a_notebook_shows_a_log_while_a_cell_runs(page: Page, lab: Lab, run: Run) -> None:
    uid = run(WRITER)
    lab.write_notebook(
        "log.ipynb", f"import aiplat_jupyter as aiplat\naiplat.LogViewer('{uid}')", "import time; time.sleep(600)"
    )
    notebook = LabPage(page, lab).notebook("log.ipynb")
    notebook.run(0)
    log = LogPage(page)
    expect(log.foot).to_contain_text("live, following", timeout=60_000)
    notebook.run(1)
    assert notebook.is_busy()
    before = int(log.rows.last.get_attribute("data-line") or 0)
    wait_for(lambda: int(log.rows.last.get_attribute("data-line") or 0) > before + 3, "lines while a cell runs")
    assert notebook.is_busy()
