"""What a person sees and does in the browser, by role and name."""

import re
import time

from playwright.sync_api import Locator, Page, expect

from tests.lab import Lab


class LabPage:
    """JupyterLab in a browser tab."""

    def __init__(self, page: Page, lab: Lab) -> None:
        self.page = page
        self.lab = lab

    def open(self, path: str = "lab") -> None:
        """Open a path of the server and wait until Lab's shell is there."""
        self.page.goto(f"{self.lab.url}/{path}?token={self.lab.token}")
        self.wait_until_ready()

    def reload(self) -> None:
        """Reload, as with F5."""
        self.page.reload()
        self.wait_until_ready()

    def wait_until_ready(self) -> None:
        """Wait for the end of the splash screen."""
        expect(self.page.locator("#main, #jp-MainLogo").first).to_be_visible(timeout=60_000)
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=60_000)

    def menu(self, *names: str) -> None:
        """Choose an item from the main menu: ``menu("Kernel", "Interrupt Kernel")``."""
        top, *items = names
        self.page.get_by_role("menubar").get_by_role("menuitem", name=top, exact=True).click()
        for item in items:
            self.page.get_by_role("menuitem", name=re.compile(f"^{re.escape(item)}")).click()

    def dialog(self, button: str) -> None:
        """Press a button of the dialog that is open."""
        self.page.locator(".jp-Dialog").get_by_role("button", name=button).click()

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

    def wait_until_idle(self, timeout: float = 60.0) -> None:
        """Wait until the kernel has nothing to do, and a little more: Lab drops keys that come earlier."""
        indicator = self.panel.locator(".jp-Notebook-ExecutionIndicator")
        expect(indicator).to_have_attribute("data-status", "idle", timeout=timeout * 1000)
        self.page.wait_for_timeout(1500)

    def select(self, index: int) -> None:
        """Make the cell with this index the active one, in command mode."""
        self.panel.locator(".jp-Notebook .jp-Cell").first.locator(".jp-InputPrompt").first.click()
        self.page.keyboard.press("Escape")
        for _ in range(index):
            self.page.keyboard.press("j")

    def run(self, count: int = 1) -> None:
        """Run the active cell and the next ones, as with Shift-Enter."""
        for _ in range(count):
            self.page.keyboard.press("Shift+Enter")
            self.page.wait_for_timeout(50)

    def cell(self, text: str) -> Locator:
        """Return the code cell whose source contains `text`."""
        return self.panel.locator(".jp-CodeCell").filter(has=self.page.locator(".jp-InputArea", has_text=text))

    def insert_and_run(self, source: str) -> None:
        """Type `source` into a new cell below the active one and run it."""
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        self.page.keyboard.press("Enter")
        self.page.keyboard.insert_text(source)
        self.page.keyboard.press("Shift+Enter")

    def save(self) -> None:
        """Save, and wait until it is saved."""
        self.page.keyboard.press("Control+s")
        expect(self.page.locator(".jp-mod-dirty")).to_have_count(0)


def wait_for(condition, *, timeout: float = 20.0, what: str = "the condition"):  # type: ignore[no-untyped-def]
    """Return the first true value of `condition()`."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come true within {timeout} s")
