"""A log of ten million lines in the browser: how soon a line is seen, how smoothly it scrolls, how fast it jumps.

``python -m benchmarks.logview [--lines 10000000]`` writes the log of `benchmarks.logs` (about 90 bytes a line, twice:
into a temporary folder, from where a task copies it to its output). The task then goes on with a line a second, while
Chromium shows its log. Frames are counted against those of the same page at rest; waits begin with the key.
"""

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.logs import KEYWORD, write
from tests.e2e.conftest import ARGUMENTS, chromium
from tests.e2e.pages import LabPage, LogPanel, wait_for
from tests.lab import Lab

LIVE_LINES = 20
SECONDS = 4.0
JUMPS = 10
PATIENCE = 300.0
TASK = """\
import random, shutil, sys, time
with open(sys.argv[1], "rb") as log:
    shutil.copyfileobj(log, sys.stdout.buffer, 1 << 20)
while True:
    print(f"INFO - live {time.time():.3f}", flush=True)
    time.sleep(0.5 + random.random())"""
OBSERVE = """() => {
  const known = new Set();
  const look = () => document.querySelectorAll('.aiplat-LogText').forEach(({ textContent }) => {
    const written = /live ([\\d.]+)/.exec(textContent)?.[1];
    if (written && !known.has(written)) {
      known.add(written);
      window.delays_.push(Date.now() / 1000 - Number(written));
    }
  });
  window.delays_ = [];
  look();
  window.delays_ = [];
  const observer = new MutationObserver(() => requestAnimationFrame(look));
  const lines = document.querySelector('.aiplat-LogContent');
  observer.observe(lines, { subtree: true, childList: true, characterData: true });
}"""
WHEEL = """([deltaY, seconds]) => new Promise(done => {
  const lines = document.querySelector('.aiplat-LogLines');
  const end = performance.now() + 1000 * seconds;
  const step = now => {
    if (now > end) return done();
    lines.dispatchEvent(new WheelEvent('wheel', { deltaY, bubbles: true, cancelable: true }));
    requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
})"""
RECORD = """() => {
  const content = document.querySelector('.aiplat-LogContent');
  const record = window.record_ = { times: [], places: [], rows: [], blank: [] };
  const step = now => {
    record.times.push(now);
    record.places.push(content.querySelector('.aiplat-LogNumber')?.textContent + content.style.transform);
    record.rows.push(content.querySelectorAll('.aiplat-LogRow').length);
    record.blank.push(content.querySelectorAll('.aiplat-LogRow.aiplat-mod-blank').length);
    if (window.record_ === record) requestAnimationFrame(step);
  };
  requestAnimationFrame(step);
}"""
STOP = "() => { const record = window.record_; window.record_ = null; return record; }"


class Frames(NamedTuple):
    """What a page drew in some seconds: each frame's time in ms, place in the log, rows, and rows without text yet."""

    times: list[float]
    places: list[str]
    rows: list[int]
    blank: list[int]

    @property
    def rate(self) -> float:
        """Frames a second."""
        return 1000 * (len(self.times) - 1) / (self.times[-1] - self.times[0])

    def told(self, rest: "Frames") -> str:
        """Say how many they were, beside those of the page at rest."""
        longest = max(later - time for time, later in pairwise(self.times))
        moved = sum(place != later for place, later in pairwise(self.places))
        return (
            f"{self.rate:.0f} fps = {self.rate / rest.rate:.2f} x the page at rest, longest frame {longest:.0f} ms; "
            f"moved in {moved} of {len(self.times) - 1} frames; at most {max(self.rows)} rows, "
            f"{sum(self.blank) / sum(self.rows):.0%} without text yet"
        )


def main() -> None:
    """Print the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--lines", type=int, default=10_000_000)
    lines = options.parse_args().lines
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        log = Path(home, "written.log")
        write(log, lines)
        print(f"log of {log.stat().st_size / 1e6:,.0f} MB, {lines:,} lines; load {os.getloadavg()[0]:.1f}")
        with Lab(Path(home, "lab")) as lab, running(lab, log, lines) as uid:
            browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
            measure(browser.new_page(viewport={"width": 1440, "height": 960}), lab, uid)
            browser.close()
    print(f"load {os.getloadavg()[0]:.1f} at the end")


@contextmanager
def running(lab: Lab, log: Path, lines: int) -> Iterator[str]:
    """Run the task; it has written the log, and all of it is indexed."""
    command = [sys.executable, "-c", TASK, str(log)]
    uid = lab.api("tasks", "POST", {"project": "logview", "name": "live", "kind": "command", "command": command})["uid"]
    try:
        wait_for(lambda: lab.api(f"tasks/{uid}/logs?n=1")["total"] > lines, "an indexed log", timeout=PATIENCE)
        yield uid
    finally:
        lab.api(f"tasks/{uid}/stop", "POST", {"now": True})
        wait_for(lambda: lab.api(f"tasks/{uid}")["ended_at"], "the task's end", timeout=PATIENCE)


def measure(page: Page, lab: Lab, uid: str) -> None:
    """Do what a reader does, and print how long it took."""
    LabPage(page, lab).open(f"lab?aiplat-log={uid}")
    log = LogPanel(page, page.locator(".aiplat-Log"))
    expect(log.status).to_contain_text("live, following", timeout=PATIENCE * 1000)
    arrivals(page)
    rest = frames(page, lambda: page.wait_for_timeout(SECONDS * 1000))
    print(f"at rest, with lines coming: {rest.rate:.0f} fps, {max(rest.rows)} rows")
    for name, pixels in {"a notch of 120": -120, "700": -700}.items():
        drawn = frames(page, partial(page.evaluate, WHEEL, [pixels, SECONDS]))
        print(f"wheel, {name} px in each frame: {drawn.told(rest)}")
    print(f"scrollbar dragged from end to start: {frames(page, lambda: drag(log)).told(rest)}")
    errors = lab.api(f"tasks/{uid}/logs?n=1&min_level=ERROR")["matching"]
    jumps(page, log, min(JUMPS, errors))
    search(page, log, KEYWORD)
    search(page, log, "loss=0.5")


def arrivals(page: Page) -> None:
    page.evaluate(OBSERVE)
    page.wait_for_function(f"window.delays_.length >= {LIVE_LINES}", timeout=PATIENCE * 1000)
    delays = sorted(page.evaluate("window.delays_"))
    print(
        f"line written to line on screen: median {statistics.median(delays):.2f} s, "
        f"p90 {delays[int(len(delays) * 0.9)]:.2f} s, at most {delays[-1]:.2f} s of {len(delays)}"
    )


def frames(page: Page, act: Callable[[], object]) -> Frames:
    """Return what the page draws while something is done."""
    page.evaluate(RECORD)
    act()
    return Frames(**page.evaluate(STOP))


def drag(log: LogPanel) -> None:
    """Drag the thumb to the top."""
    bar = log.root.get_by_role("scrollbar").bounding_box()
    thumb = log.root.locator(".aiplat-LogThumb").bounding_box()
    assert bar
    assert thumb
    x, start, mouse = thumb["x"] + thumb["width"] / 2, thumb["y"] + thumb["height"] / 2, log.page.mouse
    mouse.move(x, start)
    mouse.down()
    begin = time.monotonic()
    while (share := (time.monotonic() - begin) / SECONDS) < 1:
        mouse.move(x, start + share * (bar["y"] - start))
    mouse.up()


def jumps(page: Page, log: LogPanel, count: int) -> None:
    """Go from one error to the next."""
    log.lines.focus()
    page.evaluate("window.marked_ = () => document.querySelector('.aiplat-mod-marked[data-level=ERROR]')?.dataset.line")
    taken = []
    for _ in range(count):
        before = json.dumps(page.evaluate("window.marked_()"))
        begin = time.perf_counter()
        page.keyboard.press("e")
        page.wait_for_function(f"window.marked_() && window.marked_() !== {before}", timeout=PATIENCE * 1000)
        taken.append(time.perf_counter() - begin)
    print(f"jump to the next error: median {statistics.median(taken):.2f} s, at most {max(taken):.2f} s of {count}")


def search(page: Page, log: LogPanel, text: str) -> None:
    """Look for `text` from the start: until the first hit stands in the page, and until all are counted."""
    log.lines.press("Escape")
    log.lines.press("Home")
    log.search(text)
    begin = time.perf_counter()
    page.keyboard.press("Enter")
    hit = f"document.querySelector('.aiplat-mod-marked')?.textContent.includes({json.dumps(text)})"
    page.wait_for_function(hit, timeout=PATIENCE * 1000)
    first = time.perf_counter() - begin
    found = log.root.locator(".aiplat-LogFound")
    page.wait_for_function("!document.querySelector('.aiplat-LogFound').textContent.includes('so far')", timeout=60_000)
    seconds = time.perf_counter() - begin
    print(f"search for {text!r}: a hit on screen after {first:.2f} s, {found.inner_text()} after {seconds:.2f} s")


if __name__ == "__main__":
    main()
