"""Logs that are hard to show, and their ties to curves, in a real browser over real tasks."""

import re
import sys
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, Route, expect

from tests.e2e.pages import LabPage, LogPanel, Picture, wait_for
from tests.lab import Lab

MANY = """
import sys, time
for thousand in range(400):
    print("\\n".join(f"{'WARNING' if n % 50 == 0 else 'INFO'} step {n} loss {1 / (n + 1):.6f}"
        for n in range(thousand * 1000, thousand * 1000 + 1000)))
print("a" * 60 + "!", flush=True)
while True:
    print("INFO live", flush=True)
    time.sleep(1)
"""
TRAIN = """
import time
import aiplat_jupyter as aiplat
exp = aiplat.init()
for step in range(600):
    exp.log({"loss": 1 / (step + 1)}, step=step)
    print(f"INFO step {step}", flush=True)
    time.sleep(0.25)
"""
REWRITER = """
import os, sys, time
path = os.path.join(os.environ["AIPLAT_TASK_DIR"], "out.log")
def until(name):
    while not os.path.exists(name):
        time.sleep(0.1)
for n in range(500):
    print(f"first {n}", flush=True)
until("truncate")
os.truncate(path, 0)
for n in range(40):
    print(f"second {n}", flush=True)
until("rotate")
os.rename(path, path + ".1")
with open(path, "a") as log:
    for n in range(30):
        print(f"third {n}", file=log, flush=True)
    time.sleep(600)
"""

RANKS = """
import multiprocessing, os, random, sys, time
print("W1126 10:00:00.000 torch/distributed/run.py:792] Setting OMP_NUM_THREADS for each process to be 1", flush=True)

def rank(number):
    folder = os.path.join(os.environ["AIPLAT_TASK_DIR"], "torch", "none_x1y2z3", "attempt_0", str(number))
    os.makedirs(folder)
    out = open(os.path.join(folder, "stdout.log"), "w", buffering=1)
    err = open(os.path.join(folder, "stderr.log"), "w", buffering=1)
    for step in range(60):
        time.sleep(0.1 + random.random() / 10)
        print(f"INFO step {step} loss {1 / (step + 1):.4f}", file=out)
        if step % 20 == number:
            print("WARNING the gradient overflowed, the step is skipped", file=err)
    if number == 2:
        print("Traceback (most recent call last):", file=err)
        for line in range(4):
            time.sleep(0.3)
            print(f'  File "model.py", line {line}, in forward', file=err)
        print("RuntimeError: CUDA out of memory", file=err)
    print(f"INFO done {number}", file=out)
    while True:
        time.sleep(0.5)
        print(f"INFO live {time.time():.3f}", file=out)

ranks = [multiprocessing.Process(target=rank, args=(number,), daemon=True) for number in range(4)]
for each in ranks:
    each.start()
for each in ranks:
    each.join()
"""

COLOURFUL = """
import logging, sys
logging.basicConfig(level=10, stream=sys.stdout, format="%(asctime)s %(levelname)s %(message)s")
for n in range(3000):
    logging.info("epoch %d loss %.4f", n, 1 / (n + 1))
logging.warning("the learning rate is high")
print("\\x1b[32mgreen\\x1b[0m \\x1b[1;31mred\\x1b[0m \\x1b[33myellow\\x1b[0m")
for n in range(100):
    print(f"{n}/100", end="\\r")
print(flush=True)
raise ValueError("loss is not finite")
"""


def start(lab: Lab, code: str, **more: Any) -> str:
    """Run Python code as a task and return its uid."""
    command = [sys.executable, "-u", "-c", code]
    task = {"project": "p", "name": "writer", "kind": "command", "command": command} | more
    uid: str = lab.api("tasks", "POST", task)["uid"]
    return uid


def lines(lab: Lab, uid: str) -> int:
    total: int = lab.api(f"tasks/{uid}/logs?n=1")["total"]
    return total


def opened(page: Page, lab: Lab, uid: str) -> LogPanel:
    """Open a log's own page."""
    LabPage(page, lab).open(f"lab?aiplat-log={uid}")
    log = LogPanel(page, page.locator(".aiplat-Log:visible"))
    wait_for(log.shown, "lines")
    return log


@pytest.mark.timeout(180)
def test_a_large_log_is_dragged_and_searched_from_anywhere(page: Page, lab: Lab, picture: Picture) -> None:
    uid = start(lab, MANY)
    wait_for(lambda: lines(lab, uid) > 400_001, "the task's output", timeout=60)
    log = opened(page, lab, uid)
    drag_through(log, picture)
    search_from_anywhere(log)
    search_for_what_never_ends(log)
    drag_through_a_level(log, picture)


def drag_through(log: LogPanel, picture: Picture) -> None:
    """Wherever the thumb is, there are rows with their numbers at once, and soon their text."""
    page = log.page
    bar = log.root.get_by_role("scrollbar").bounding_box()
    assert bar
    held: list[Route] = []
    page.route("**/logs?**", lambda route: held.append(route))
    page.mouse.move(bar["x"] + 7, bar["y"] + bar["height"] - 5)
    page.mouse.down()
    for share in (0.8, 0.6, 0.4, 0.5):
        page.mouse.move(bar["x"] + 7, bar["y"] + share * bar["height"])
        numbers = log.root.locator(".aiplat-LogRow .aiplat-LogNumber").all_inner_texts()
        assert len(numbers) > 20, "the view is never empty"
        assert abs(int(numbers[10]) - share * 400_000) < 20_000
        picture(f"log-dragged-{share}")
    expect(log.root.locator(".aiplat-LogThumbLine")).to_have_text(re.compile(r"^(19\d|20\d),\d\d\d$"))
    page.mouse.up()
    for route in held:
        route.continue_()
    page.unroute("**/logs?**")
    expect(log.root.locator(".aiplat-mod-blank")).to_have_count(0)
    expect(log.root.locator(".aiplat-LogThumbLine")).to_have_count(0)
    assert 190_000 < log.first() < 210_000


def search_from_anywhere(log: LogPanel) -> None:
    here = log.first()
    log.search("loss")
    found = log.root.get_by_role("search")
    expect(found).to_contain_text("of 400,000")
    wait_for(lambda: log.marked.count(), "the hit nearest to the reader")
    first = int(log.marked.get_attribute("data-line") or 0)
    assert 0 <= first - here < 40
    expect(found).to_contain_text(f"{first:,} of 400,000")
    log.lines.press("N")
    expect(log.marked).to_have_attribute("data-line", str(first - 1))
    log.lines.press("Home")
    wait_for(lambda: log.first() == 1, "the start")
    log.lines.press("n")
    expect(found).to_contain_text("1 of 400,000")
    log.lines.press("N")
    expect(found).to_contain_text("400,000 of 400,000, on from the end")
    expect(log.marked).to_have_attribute("data-line", "400000")


def search_for_what_never_ends(log: LogPanel) -> None:
    """An expression that backtracks for ever holds up neither the browser nor the server."""
    log.root.get_by_role("button", name="Regular expression").click()
    log.search("(a|aa)+$")
    found = log.root.get_by_role("search")
    expect(found).to_contain_text("no hits")
    log.lines.press("Home")
    wait_for(lambda: log.first() == 1, "the start", timeout=10)
    log.root.get_by_role("button", name="Regular expression").click()
    log.search("")


def drag_through_a_level(log: LogPanel, picture: Picture) -> None:
    """Nobody knows how many lines of a level are where the thumb is: the view has their shape all the same."""
    page = log.page
    log.level("WARN").click()
    expect(log.root).to_contain_text("lines hidden")
    wait_for(lambda: all("WARNING" in text for text in log.shown().values()), "lines of the level")
    bar = log.root.get_by_role("scrollbar").bounding_box()
    assert bar
    held: list[Route] = []
    page.route("**/logs?**", lambda route: held.append(route))
    page.mouse.move(bar["x"] + 7, bar["y"] + 0.7 * bar["height"])
    page.mouse.down()
    picture("log-dragged-level")
    shape = log.root.locator(".aiplat-mod-blank.aiplat-mod-below")
    assert shape.count() == 1
    assert shape.evaluate("row => parseFloat(getComputedStyle(row, '::after').height)") > 500
    page.mouse.up()
    for route in held:
        route.continue_()
    page.unroute("**/logs?**")
    expect(log.root.locator(".aiplat-mod-blank")).to_have_count(0)
    wait_for(lambda: 260_000 < log.first() < 300_000, "the lines there")


@pytest.mark.timeout(120)
def test_log_and_curves_share_their_time(page: Page, lab: Lab, picture: Picture) -> None:
    uid = start(lab, TRAIN)
    wait_for(lambda: lines(lab, uid) > 60, "the task's output", timeout=60)
    experiment = wait_for(lambda: lab.api(f"tasks/{uid}")["experiment"], "its experiment")
    LabPage(page, lab).open(f"lab?aiplat-experiment={experiment}")
    shown = page.locator(".aiplat-PageWidget:visible")
    chart = shown.get_by_role("region", name="loss")
    log = LogPanel(page, shown.locator(".aiplat-Log"))
    wait_for(log.shown, "lines")
    options = log.root.get_by_role("button", name="Options")
    if options.is_visible():
        options.click()
    log.root.get_by_role("button", name="time", exact=True).click()
    lead_to_the_curve(log, chart, picture)
    follow_the_curve(log, chart, picture)


def lead_to_the_curve(log: LogPanel, chart: Locator, picture: Picture) -> None:
    """A click on a line's time puts the crosshair of the curves there."""
    crosshair = chart.locator(".aiplat-ChartCrosshair")
    expect(crosshair).to_have_count(0)
    log.lines.press("Home")
    row = log.root.locator('.aiplat-LogRow[data-line="10"]')
    row.locator("button.aiplat-LogTime").click()
    expect(crosshair).to_have_count(1)
    log.page.mouse.move(0, 0)
    picture("log-to-curve")
    early = left_of(crosshair)
    log.lines.press("g")
    log.page.keyboard.type("60")
    log.page.keyboard.press("Enter")
    log.root.locator('.aiplat-LogRow[data-line="60"] button.aiplat-LogTime').click()
    wait_for(lambda: left_of(crosshair) > early, "the crosshair further right")


def left_of(crosshair: Locator) -> float:
    box = crosshair.bounding_box()
    assert box
    return box["x"]


def follow_the_curve(log: LogPanel, chart: Locator, picture: Picture) -> None:
    """With the curves, the log shows what was written where the crosshair is."""
    log.root.get_by_role("button", name="with curves").click()
    box = chart.locator(".aiplat-ChartArea").bounding_box()
    assert box
    for share in (0.15, 0.6):
        log.page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2)
        tip = chart.locator(".aiplat-ChartTooltip, .aiplat-Tooltip").first
        wait_for(lambda tip=tip: re.search(r"\d+", tip.inner_text()), "a reading")
        step = int(re.findall(r"\d+", tip.inner_text())[0])
        wait_for(lambda step=step: abs(marked_step(log) - step) <= 12, f"the lines of step {step}")
        picture(f"curve-to-log-{share}")


def marked_step(log: LogPanel) -> int:
    found = re.search(r"step (\d+)", log.marked.inner_text()) if log.marked.count() else None
    return int(found[1]) if found else -1000


@pytest.mark.timeout(120)
def test_a_log_that_is_emptied_and_one_that_is_rotated(page: Page, lab: Lab, picture: Picture) -> None:
    uid = start(lab, REWRITER, cwd=str(lab.root))
    wait_for(lambda: lines(lab, uid) == 500, "the task's output", timeout=60)
    log = opened(page, lab, uid)
    log.lines.press("Home")
    wait_for(lambda: log.shown().get(1) == "first 0", "the start")
    (lab.root / "truncate").touch()
    expect(log.status).to_contain_text("The job emptied its log: this is the new one.")
    wait_for(lambda: log.shown().get(40) == "second 39", "the new lines")
    assert not any("first" in text for text in log.shown().values())
    picture("log-emptied")
    (lab.root / "rotate").touch()
    wait_for(lambda: log.shown().get(30) == "third 29", "the lines of the new file")
    assert not any("second" in text for text in log.shown().values())
    picture("log-rotated")
    log.root.get_by_role("combobox", name="Output of").select_option("out.log.1")
    wait_for(lambda: log.shown().get(40) == "second 39", "what was rotated")


@pytest.mark.timeout(180)
def test_six_tabs_at_once(context: BrowserContext, lab: Lab, picture: Picture) -> None:
    """A browser has six connections for all tabs of a server: each goes on hearing news, and can ask."""
    uid = start(lab, "import time\nfor n in range(2000):\n    print('live', n, flush=True); time.sleep(0.5)")
    wait_for(lambda: lines(lab, uid) > 3, "the task's output", timeout=60)
    logs = [opened(context.new_page(), lab, uid) for _ in range(6)]
    for log in logs:
        expect(log.status).to_contain_text("live, following")
    before = [log.last() for log in logs]
    for log, seen in zip(logs, before, strict=True):
        wait_for(lambda log=log, seen=seen: log.last() > seen + 2, "further lines", timeout=15)
        log.search("live 1")
        expect(log.root.get_by_role("search")).to_contain_text("of ", timeout=5_000)
        assert asks(log.page) < 3, "seconds for a question while all are open"


def asks(page: Page) -> float:
    """Ask the server from a tab, and return how long that took."""
    return float(
        page.evaluate(
            """async () => {
                const begun = performance.now();
                await fetch('/api/contents?content=0');
                return (performance.now() - begun) / 1000;
            }"""
        )
    )


@pytest.mark.parametrize(
    ("theme", "locale"), [("JupyterLab Dark", "en"), ("JupyterLab Light", "zh_CN"), ("JupyterLab Dark", "zh_CN")]
)
def test_looks(page: Page, lab: Lab, picture: Picture, theme: str, locale: str) -> None:
    """The log in a theme and a language, wide and narrow."""
    lab.set("@jupyterlab/apputils-extension/themes", {"theme": theme})
    lab.set("@jupyterlab/translation-extension/plugin", {"locale": locale})
    uid = start(lab, COLOURFUL)
    wait_for(lambda: lab.api(f"tasks/{uid}")["ended_at"], "its end", timeout=40)
    log = opened(page, lab, uid)
    name = f"log-{theme.split()[-1].lower()}-{locale}"
    chinese = locale == "zh_CN"
    expect(log.status).to_contain_text("已结束" if chinese else "ended")
    log.lines.press("e")
    expect(log.marked).to_contain_text("Traceback")
    fits_all_widths(page, log, picture, name)


@pytest.mark.parametrize(("theme", "locale"), [("JupyterLab Light", "en"), ("JupyterLab Dark", "zh_CN")])
def test_the_lines_of_all_ranks(page: Page, lab: Lab, picture: Picture, theme: str, locale: str) -> None:
    """What torchrun's ranks write to their files is one log, live, with whose each line is; a launcher gives way."""
    lab.set("@jupyterlab/apputils-extension/themes", {"theme": theme})
    lab.set("@jupyterlab/translation-extension/plugin", {"locale": locale})
    uid = start(lab, RANKS)
    wait_for(lambda: lines(lab, uid), "the launcher's line", timeout=40)
    log = opened(page, lab, uid)
    wait_for(lambda: log.last() > 250, "the lines of all ranks, unasked", timeout=40)
    chosen = log.root.locator(".aiplat-LogOptions select option:checked")
    expect(chosen).to_contain_text("全部进程" if locale == "zh_CN" else "All ranks")
    ranks = log.root.locator(".aiplat-LogRank")
    wait_for(lambda: set(ranks.all_inner_texts()) == {"r0", "r1", "r2", "r3"}, "lines of each rank")
    last = log.last()
    wait_for(lambda: log.last() > last + 5, "growth")
    name = f"ranks-{theme.split()[-1].lower()}-{locale}"
    wait_for(lambda: log.last() >= 4 * 61 + 12 + 6, "the traceback")
    log.lines.press("e")
    expect(log.marked).to_contain_text("Traceback")
    first = int(log.marked.get_attribute("data-line") or 0)
    whole = [log.root.locator(f'.aiplat-LogRow[data-line="{first + n}"]') for n in range(6)]
    assert [row.locator(".aiplat-LogRank").inner_text() for row in whole] == ["r2"] * 6, "no rank comes between"
    fits_all_widths(page, log, picture, name)


def fits_all_widths(page: Page, log: LogPanel, picture: Picture, name: str) -> None:
    """Take pictures of a log as it is, wide and narrow, where nothing may be cut."""
    picture(name)
    page.set_viewport_size({"width": 1600, "height": 900})
    page.wait_for_timeout(300)
    picture(f"{name}-1600")
    page.evaluate("document.querySelector('.aiplat-Log').style.cssText += ';width: 300px; flex: none'")
    page.wait_for_timeout(300)
    picture(f"{name}-300")
    assert log.root.evaluate("log => log.scrollWidth <= log.clientWidth + 1"), "nothing is wider than the view"
