"""A browser, and pages that fail the test when something goes wrong in the console."""

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from tests.e2e.pages import Picture
from tests.lab import Lab

PATIENCE_MS = 40_000
"""Everything comes within a second on an idle machine of two cores; this is for busy ones."""
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--force-device-scale-factor=1",
]


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """Keep pytest-jupyter's loop out of the tests that drive a browser: Playwright runs one of its own."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """The servers here are processes of their own."""


def chromium() -> str:
    """Return the path of the system's browser."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert path, "No Chromium: `make test` installs it, or apt-get install chromium"
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1440, "height": 960}, locale="en-US", reduced_motion="reduce")
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Take a picture of the page where a test fails."""
    report = yield
    page = getattr(item, "funcargs", {}).get("page")
    if report.when == "call" and report.failed and page:
        page.screenshot(path=results() / f"failed-{item.name}.png")
    return report


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page; uncaught errors and errors that name our extension in its console fail the test."""
    page = context.new_page()
    wrong: list[str] = []

    def listen(message: ConsoleMessage) -> None:
        is_ours = "aiplat" in message.text + message.location.get("url", "")
        if message.type == "error" and is_ours and not message.text.startswith("Failed to load resource"):
            wrong.append(message.text)

    page.on("console", listen)
    page.on("pageerror", lambda error: "aiplat" in (error.stack or "") and wrong.append(str(error)))
    yield page
    assert not wrong, wrong


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab


@pytest.fixture(scope="session")
def pictures() -> Path:
    """Where screenshots go: AIPLAT_SCREENSHOTS (`make screenshots`), else the results folder that git ignores."""
    return results()


@pytest.fixture
def picture(page: Page, pictures: Path) -> Picture:
    def take(name: str) -> None:
        page.screenshot(path=pictures / f"{name}.png")

    return take


def results() -> Path:
    folder = Path(os.environ.get("AIPLAT_SCREENSHOTS", "test-results"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
