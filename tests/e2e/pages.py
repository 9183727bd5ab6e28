"""What a person sees and does in the browser, by role and name."""

import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from playwright.sync_api import Locator, Page, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.hub import PersonalServer
from tests.lab import Lab

T = TypeVar("T")
Picture = Callable[[str], None]
"""Takes a picture of the page, under this name."""


def wait_for(value: Callable[[], T], what: str, *, timeout: float = 40.0) -> T:
    """Return the first true result of `value()`; fail saying what did not come about."""
    deadline = time.monotonic() + timeout
    while not (found := value()):
        assert time.monotonic() < deadline, f"{what}: not within {timeout:.0f} s"
        time.sleep(0.1)
    return found


class LabPage:
    """JupyterLab in a browser tab."""

    def __init__(self, page: Page, lab: Lab | PersonalServer) -> None:
        self.page = page
        self.lab = lab
        self.sidebar = Sidebar(page)

    def open(self, path: str = "lab") -> None:
        """Open a path of the server and wait until Lab's shell is there."""
        query = f"{'&' if '?' in path else '?'}token={self.lab.token}" if self.lab.token else ""
        self.page.goto(f"{self.lab.url}/{path}{query}")
        self.wait_until_ready()

    def reload(self) -> None:
        """Reload, as with F5."""
        self.page.reload()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait for the end of the splash screen, and until what Lab then opens has taken the focus, for good."""
        expect(self.page.locator("#main")).to_be_visible(timeout=60_000)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=60_000)
        expect(self.page.locator("#jp-main-dock-panel :focus:not(.jp-Spinner)")).to_have_count(1, timeout=60_000)

    def call_places_as_at_home(self) -> None:
        """Write a user's folder for the test's own in the texts that are on the page, for a picture of it."""
        places = {str(self.lab.root): "/home/ada", f"{Path(sys.prefix)}/bin/": "/usr/bin/"}
        self.page.evaluate(
            """places => {
                const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
                while (texts.nextNode()) {
                    const node = texts.currentNode;
                    for (const [own, usual] of Object.entries(places)) {
                        if (node.data.includes(own)) node.data = node.data.replaceAll(own, usual);
                    }
                }
            }""",
            places,
        )

    def menu(self, *names: str) -> None:
        """Choose an item from the main menu: ``menu("Kernel", "Interrupt Kernel")``."""
        top, *items = names
        self.page.get_by_role("menubar").get_by_role("menuitem", name=top, exact=True).click()
        for item in items:
            self.page.get_by_role("menuitem", name=re.compile(f"^{re.escape(item)}")).click()

    def answer(self, button: str) -> None:
        """Press a button of the dialog that is open."""
        self.page.locator(".jp-Dialog").get_by_role("button", name=button).click()

    def activate(self, title: str) -> None:
        """Bring the tab with this title to the front."""
        self.page.locator("#jp-main-dock-panel").get_by_role("tab", name=title).first.click()

    def tasks(self) -> "TasksPage":
        """Open the page of all tasks from the status bar."""
        self.page.get_by_role("button", name=re.compile("^Tasks: ")).click()
        return TasksPage(self.page)

    def palette(self, query: str, label: str, *, run: bool = False) -> None:
        """Type into the command palette until it offers this command, or has chosen it, and then run it.

        Lab closes the palette when something else takes the focus, as a page does that is restored: then it is opened
        again.
        """
        palette = self.page.locator(".lm-CommandPalette")
        item = palette.locator(".lm-CommandPalette-item").filter(has=self.page.get_by_text(label, exact=True))
        wanted = item.and_(palette.locator(".lm-mod-active")) if run else item

        def is_offered() -> bool:
            if not palette.is_visible():
                self.page.keyboard.press("Control+Shift+c")
            with suppress(PlaywrightTimeout):
                palette.locator("input").fill(query, timeout=1000)
                wanted.wait_for(timeout=1000)
            return wanted.is_visible()

        wait_for(is_offered, f"{label} in the palette")
        if run:
            self.page.keyboard.press("Enter")

    def alerts(self) -> "AlertsPage":
        """Show the page of alerts, as the palette does."""
        self.palette("alerts", "Alerts", run=True)
        return AlertsPage(self.page)

    def notification(self, text: str) -> Locator:
        """Return the notifications on the screen that contain `text`."""
        return self.page.locator(".Toastify__toast").filter(has_text=text)

    def close(self, notification: Locator) -> None:
        """Close a notification by its cross."""
        notification.get_by_role("button", name="Hide notification").click()

    def notebook(self, path: str) -> "NotebookPage":
        """Open a notebook and wait until its kernel is ready."""
        self.open(f"lab/tree/{path}")
        notebook = NotebookPage(self.page)
        notebook.wait_until_idle()
        return notebook


class NotebookPage:
    """The notebook in front."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
        self.kernel = self.panel.locator(".jp-Notebook-ExecutionIndicator")
        self.pending = self.panel.locator(".jp-InputPrompt", has_text="[*]")

    def wait_until_idle(self, timeout: float = 60.0) -> None:
        """Wait until no cell runs and the kernel is ready, and a little more: Lab drops keys that come earlier."""
        expect(self.pending).to_have_count(0, timeout=timeout * 1000)
        expect(self.kernel).to_have_attribute("data-status", "idle", timeout=timeout * 1000)
        self.page.wait_for_timeout(1500)

    def is_busy(self) -> bool:
        """Tell whether a cell is running. (The kernel's own status is idle whenever it has answered a widget.)"""
        return self.pending.count() > 0

    def select(self, index: int) -> None:
        """Make the cell with this index the active one, in command mode."""
        self.panel.locator(".jp-Notebook .jp-Cell").first.locator(".jp-InputPrompt").first.click()
        self.page.keyboard.press("Escape")
        for _ in range(index):
            self.page.keyboard.press("j")

    def run(self, index: int, count: int = 1) -> None:
        """Run the code cell with this index, as with Shift-Enter, and the following ones."""
        prompt = self.panel.locator(".jp-Notebook .jp-Cell").nth(index).locator(".jp-InputPrompt")
        for _ in range(3):
            self.select(index)
            self.page.keyboard.press("Shift+Enter")
            self.page.wait_for_timeout(1000)
            if prompt.inner_text() != "[ ]:":
                break
        for _ in range(count - 1):
            self.page.keyboard.press("Shift+Enter")
            self.page.wait_for_timeout(50)

    def insert_and_run(self, source: str) -> None:
        """Type `source` into a new cell below the active one and run it."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")

    def save(self) -> None:
        """Save, and wait until it is saved."""
        self.page.get_by_role("menubar").get_by_role("menuitem", name="File", exact=True).click()
        self.page.get_by_role("menuitem", name=re.compile("^Save Notebook(?! As)")).click()
        expect(self.page.locator(".jp-mod-dirty")).to_have_count(0)

    def curve(self) -> "CurvePanel":
        """Return the last live panel."""
        return CurvePanel(self.page, self.panel.locator(".aiplat-panel").last)

    def saved_curve(self) -> Locator:
        """Wait for the curve that an output shows while its widget is not there, and return it."""
        saved = self.panel.locator(".aiplat-SavedCurve").first
        saved.scroll_into_view_if_needed()
        expect(saved.get_by_role("img", name=re.compile("last [0-9.]+")).first).to_be_visible()
        return saved


class CurvePanel:
    """A `LossCurve` under a cell."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.page = page
        self.root = root
        curve = page.get_by_role("application", name=re.compile("^(?!Machine)"))
        self.figure = root.locator(".aiplat-stage").filter(has=curve)
        self.plot = self.figure.get_by_role("application")

    def outline(self) -> str:
        """Return the drawn lines as SVG paths; empty while there is none."""
        curves = self.figure.locator(".bqplot")
        paths = curves.locator("path.line").evaluate_all("all => all.map(path => path.getAttribute('d'))")
        return "".join(path for path in paths if path)

    def wait_until_drawn(self, timeout: float = 60.0) -> None:
        """Wait for a line with at least two points."""
        wait_for(lambda: "L" in self.outline(), "a drawn curve", timeout=timeout)

    def wait_until_moved(self, timeout: float = 40.0) -> None:
        """Wait until the lines are others than now."""
        before = self.outline()
        wait_for(lambda: self.outline() != before, "a moving curve", timeout=timeout)

    def center(self) -> None:
        """Scroll it into the middle of the window."""
        self.root.evaluate("panel => panel.scrollIntoView({block: 'center'})")

    def ticks(self) -> list[str]:
        """Return the labels of the x axis."""
        return self.figure.locator(".axis").first.locator(".tick text").all_text_contents()

    def total(self) -> int:
        """Return the number of points in the range that is shown, as the badge says it."""
        found = re.search(r"of ([\d,]+) points", self.root.inner_text())
        return int(found[1].replace(",", "")) if found else 0

    def drag(self, start: float, end: float) -> None:
        """Drag over the plot from one fraction of its width to another."""
        self.plot.scroll_into_view_if_needed()
        box = self.plot.bounding_box()
        assert box
        self.page.mouse.move(box["x"] + start * box["width"], box["y"] + box["height"] / 2)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + end * box["width"], box["y"] + box["height"] / 2, steps=8)
        self.page.mouse.up()

    def status(self) -> str:
        """Return the status line."""
        return self.root.locator(".aiplat-foot").inner_text()


class Sidebar:
    """The platform's sidebar on the left."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator("#aiplat-sidebar")
        self.tree = self.root.get_by_role("tree")

    def show(self) -> None:
        """Bring it to the front."""
        if not self.root.is_visible():
            self.page.locator('.jp-SideBar [data-id="aiplat-sidebar"]').click()
        expect(self.root).to_be_visible()

    def row(self, text: str) -> Locator:
        """Return the rows of projects and experiments that contain `text`."""
        return self.tree.get_by_role("treeitem").filter(has_text=text)

    def section(self, title: str) -> Locator:
        """Return a section's heading."""
        return self.tree.locator('[role="treeitem"][data-kind="section"]').filter(has_text=title)

    def expand(self, row: Locator) -> None:
        """Open a section or project."""
        if row.get_attribute("aria-expanded") != "true":
            row.click()
        expect(row).to_have_attribute("aria-expanded", "true")

    def sparkline(self, text: str) -> str:
        """Return the outline of a row's sparkline; empty while there is none."""
        path = self.row(text).locator(".aiplat-Sparkline path").first
        return path.get_attribute("d") or "" if path.count() else ""


class AlertsPage:
    """The page of alerts and their rules."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".aiplat-AlertsPage:visible")
        self.open = self.root.get_by_role("list", name="Open alerts")
        self.history = self.root.get_by_role("list", name="History")

    def new_rule(self) -> "RuleForm":
        """Open the form of a new rule."""
        self.root.get_by_role("button", name="New rule…").click()
        return RuleForm(self.page)

    def rule(self, name: str) -> Locator:
        """Show the rules, and return the row of the one with this name."""
        self.root.get_by_role("tab", name="Rules").click()
        return self.root.locator(".aiplat-RuleRow").filter(has_text=name)

    def do(self, row: Locator, item: str) -> None:
        """Choose from the menu of a row."""
        row.get_by_role("button", name="More").click()
        self.page.get_by_role("menuitem", name=item, exact=True).click()


class RuleForm:
    """The form of a rule, with its preview."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".aiplat-RulePage:visible")
        self.verdict = self.root.locator(".aiplat-RuleVerdict")

    def fill(self, label: str, text: str) -> None:
        """Type into the field with this label."""
        self.root.get_by_label(label, exact=True).fill(text)

    def choose(self, label: str, choice: str) -> None:
        """Choose from the list with this label."""
        self.root.get_by_label(label, exact=True).select_option(label=choice)

    def watch(self, label: re.Pattern[str]) -> None:
        """Let it watch not all, but the one with this label."""
        self.root.get_by_text(re.compile("^Watches ")).click()
        self.root.get_by_role("checkbox", name=label).check()

    def save(self) -> None:
        """Save it; the page of rules comes to the front."""
        self.root.get_by_role("button", name="Save rule").click()
        expect(self.root).to_have_count(0)


class TasksPage:
    """The page of all tasks."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".aiplat-TasksPage:visible")
        self.queue = self.root.get_by_role("list", name="Queue")
        self.ended = self.root.get_by_role("list", name="Ended")

    def row(self, name: str) -> Locator:
        """Return the row of the task with this name."""
        return self.root.get_by_role("listitem").filter(has_text=name)

    def queued(self) -> list[str]:
        """Return the names in the queue, from top to bottom."""
        names = self.queue.locator(".aiplat-TaskName").all_inner_texts()
        return [name.split()[0] for name in names]

    def open(self, name: str) -> "TaskPage":
        """Open the page of one of them."""
        self.row(name).locator(".aiplat-TaskName").click()
        return TaskPage(self.page)


class TaskForm:
    """The form of a new task."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".aiplat-Form:visible")
        self.outcome = self.root.get_by_role("status")

    def fill(self, label: str, text: str) -> None:
        """Type into the field with this label."""
        self.root.get_by_label(label, exact=True).fill(text)

    def submit(self) -> "TaskPage":
        """Queue the task; its page opens."""
        self.root.get_by_role("button", name="Queue task").click()
        expect(self.root).to_have_count(0)
        return TaskPage(self.page)


class TaskPage:
    """The page of one task."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".aiplat-TaskPage:visible")
        self.header = self.root.locator(".aiplat-PageHeader")
        self.log = LogPanel(page, self.root.locator(".aiplat-Log"))


class LogPanel:
    """A log in a page or under a cell."""

    def __init__(self, page: Page, root: Locator) -> None:
        self.page = page
        self.root = root
        self.lines = root.get_by_role("log")
        self.marked = root.locator(".aiplat-LogRow.aiplat-mod-marked")
        self.status = root.locator(".aiplat-LogFoot")

    def shown(self) -> dict[int, str]:
        """Return the lines that are in view, by number."""
        rows = self.root.locator(".aiplat-LogRow[data-line]").evaluate_all(
            "all => all.map(row => [row.dataset.line, row.querySelector('.aiplat-LogText').textContent.trimEnd()])"
        )
        return {int(number): text for number, text in rows}

    def first(self) -> int:
        """Return the number of the first line in view; 0 while there is none."""
        return min(self.shown(), default=0)

    def last(self) -> int:
        """Return the number of the last line in view; 0 while there is none."""
        return max(self.shown(), default=0)

    def search(self, text: str) -> None:
        """Type into the field that searches all of the log."""
        self.root.get_by_role("textbox", name="Search the log").fill(text)

    def level(self, name: str) -> Locator:
        """Return the chip that shows the lines of this level and above."""
        return self.root.get_by_role("radio", name=re.compile(f"^{name} "))
