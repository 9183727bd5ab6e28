"""The sidebar in the browser: by mouse, by keyboard, from the menus, in two languages, and when something is wrong."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.e2e.pages import LabPage, wait_for
from tests.lab import Lab

SERVER = re.compile(r"/aiplat/api/v1/server(\?|$)")
ANYTHING = re.compile(r"/aiplat/")
EXPERIMENTS = re.compile(r"/aiplat/api/v1/experiments(\?|$)")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """A server with the demonstration's projects, in English and Chinese."""
    with Lab(tmp_path_factory.mktemp("sidebar")) as lab:
        subprocess.run(
            [sys.executable, "-m", "aiplat_jupyter.cli", "demo"], env=lab.environment(), check=True, capture_output=True
        )
        yield lab


@pytest.fixture
def shell(demo: Lab, page: Page) -> LabPage:
    demo.set("@jupyterlab/translation-extension/plugin", {"locale": "en"})
    shell = LabPage(page, demo)
    shell.open("lab?reset")
    shell.sidebar.show()
    return shell


def classifier(shell: LabPage) -> Locator:
    """Open the project of the classifiers, and return its first experiment."""
    shell.sidebar.expand(shell.sidebar.row("image classifier").first)
    return shell.sidebar.row("resnet18 adam").first


def test_a_restored_page_and_the_open_projects_are_there_after_a_reload(shell: LabPage) -> None:
    classifier(shell).dblclick()
    page = shell.page.locator(".aiplat-PageWidget:visible")
    expect(page.get_by_role("heading", name="resnet18 adam")).to_be_visible()
    page.get_by_role("checkbox", name="y log").check()
    shell.page.wait_for_timeout(2500)  # Lab saves its layout a moment after it has changed
    shell.reload()
    expect(page.get_by_role("heading", name="resnet18 adam")).to_be_visible()
    expect(page.get_by_role("checkbox", name="y log")).to_be_checked()
    expect(shell.sidebar.row("resnet18 adam").first).to_be_visible()


def test_the_context_menu_renames_archives_restores_and_copies(shell: LabPage) -> None:
    page, sidebar = shell.page, shell.sidebar
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])

    def choose(row: Locator, item: str) -> None:
        row.click(button="right")
        page.get_by_role("menuitem", name=item, exact=True).click()

    row = classifier(shell)
    choose(row, "Rename…")
    page.get_by_role("textbox", name="New name").fill("renamed")
    page.keyboard.press("Enter")
    choose(sidebar.row("renamed").first, "Copy Code")
    copied = wait_for(lambda: page.evaluate("navigator.clipboard.readText()"), "code in the clipboard")
    assert "aiplat.LossCurve(" in copied
    choose(sidebar.row("renamed").first, "Archive")
    expect(sidebar.row("renamed")).to_have_count(0)
    sidebar.expand(sidebar.section("Archive"))
    choose(sidebar.row("renamed").first, "Restore")
    sidebar.section("Archive").click()
    choose(sidebar.row("renamed").first, "Rename…")
    page.get_by_role("textbox", name="New name").fill("resnet18 adam")
    page.keyboard.press("Enter")
    choose(sidebar.row("resnet18 adam").first, "Open")
    expect(page.locator(".aiplat-PageWidget:visible").get_by_role("heading", name="resnet18 adam")).to_be_visible()


def test_the_keyboard_alone(shell: LabPage) -> None:
    page, sidebar = shell.page, shell.sidebar
    classifier(shell)
    focused = page.locator("#aiplat-sidebar [role=treeitem]:focus")
    sidebar.section("Projects").click()
    sidebar.section("Projects").click()
    page.keyboard.press("ArrowDown")
    expect(focused).to_contain_text("image classifier")
    assert focused.evaluate("row => getComputedStyle(row).outlineStyle") == "solid", "a focus that can be seen"
    page.keyboard.press("ArrowRight")
    name = focused.inner_text()
    page.keyboard.press("F2")
    expect(page.get_by_role("textbox", name="New name")).to_be_focused()
    page.keyboard.press("Escape")
    expect(focused).to_have_text(name, use_inner_text=True)
    page.keyboard.press("ContextMenu")
    expect(page.get_by_role("menuitem", name="Move to Trash", exact=True)).to_be_visible()
    page.keyboard.press("Escape")
    sidebar.row("image classifier").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(page.locator(".aiplat-PageWidget:visible").get_by_role("heading").first).to_be_visible()
    sidebar.section("Projects").focus()
    page.keyboard.press("/")
    expect(sidebar.root.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("config.optimizer=adam")
    expect(sidebar.row("resnet18 adam").first).to_be_visible()
    expect(sidebar.row("resnet18 lr=0.01")).to_have_count(0)
    page.keyboard.press("Escape")
    expect(sidebar.root.get_by_role("searchbox")).to_have_count(0)


def test_commands_and_launcher(shell: LabPage) -> None:
    page = shell.page
    for command in ("Show Projects and Experiments", "AI Platform Quickstart", "New Project…"):
        shell.palette("AI Platform", command)
    shell.palette("New Project", "New Project…", run=True)
    page.locator(".jp-Dialog input").fill("made by command")
    shell.answer("Create")
    expect(shell.sidebar.row("made by command").first).to_be_visible()
    card = page.locator(".jp-LauncherCard", has_text="Quickstart")
    expect(page.locator(".jp-Launcher-sectionTitle", has_text="AI Platform")).to_be_visible()
    card.click()
    expect(page.locator(".jp-NotebookPanel")).to_contain_text("aiplat.init", timeout=30_000)


def test_an_empty_platform_helps_to_begin(lab: Lab, page: Page) -> None:
    lab.write_notebook("mine.ipynb", "1 + 1")
    shell = LabPage(page, lab)
    notebook = shell.notebook("mine.ipynb")
    shell.sidebar.show()
    notebook.select(0)
    shell.sidebar.root.get_by_role("button", name="Insert into notebook").click()
    expect(notebook.panel.locator(".jp-Cell")).to_have_count(2)
    expect(notebook.panel.locator(".jp-Cell").last).to_contain_text("exp = aiplat.init(")
    shell.sidebar.root.get_by_role("button", name="Open quickstart").click()
    expect(page.locator(".lm-TabBar-tabLabel", has_text="01_quickstart.ipynb").first).to_be_visible()


def problem(status: int, detail: str, hint: str) -> str:
    return json.dumps({"type": "", "title": "", "status": status, "code": "x", "detail": detail, "hint": hint})


def test_what_is_said_when_the_server_part_is_missing_old_or_broken(demo: Lab, page: Page) -> None:
    shell = LabPage(page, demo)
    page.route(ANYTHING, lambda route: route.fulfill(status=404, body="<html>404</html>"))
    shell.open("lab?reset")
    shell.sidebar.show()
    root = shell.sidebar.root
    expect(root).to_contain_text("jupyter server extension enable aiplat_jupyter")
    page.unroute_all()
    page.route(SERVER, older)
    root.get_by_role("button", name="Retry").click()
    expect(root).to_contain_text("The server part (0.0.1) speaks API 0, this page 1")
    expect(shell.sidebar.row("image classifier").first).to_be_visible()
    page.unroute_all()
    broken = problem(500, "A lock is held.", "Try again.")
    page.route(
        EXPERIMENTS, lambda route: route.fulfill(status=500, content_type="application/problem+json", body=broken)
    )
    shell.reload()
    shell.sidebar.show()
    expect(root.get_by_role("alert").first).to_contain_text("A lock is held.")
    expect(shell.sidebar.row("image classifier").first).to_be_visible()
    page.unroute_all()
    root.get_by_role("button", name="Retry").first.click()
    expect(root.get_by_role("alert")).to_have_count(0)


def older(route: Route) -> None:
    info = route.fetch()
    route.fulfill(response=info, json=info.json() | {"version": "0.0.1", "api": 0})


@pytest.mark.parametrize("width", [250, 300, 640, 1200])
def test_no_row_is_wider_than_the_sidebar(shell: LabPage, width: int) -> None:
    shell.page.set_viewport_size({"width": 1440, "height": 900})
    classifier(shell)
    expect(shell.sidebar.tree.locator("[data-kind=experiment] .aiplat-Value")).to_have_count(6)
    resize(shell, width)
    too_wide = shell.page.evaluate(
        "[...document.querySelectorAll('.aiplat-Row')].filter(row => row.scrollWidth > row.clientWidth).length"
    )
    assert too_wide == 0
    ends = shell.page.evaluate(
        """[...document.querySelectorAll('.aiplat-Row[data-kind=experiment] .aiplat-Value')]
            .map(value => Math.round(value.getBoundingClientRect().right))"""
    )
    assert len(ends) == 6
    assert len(set(ends)) == 1, "numbers stand below each other"


def resize(shell: LabPage, width: int) -> None:
    box = shell.sidebar.root.bounding_box()
    assert box
    edge = box["x"] + box["width"] + 1
    shell.page.mouse.move(edge, 500)
    shell.page.mouse.down()
    shell.page.mouse.move(edge + width - box["width"], 500, steps=4)
    shell.page.mouse.up()


def test_what_comes_while_one_reads_further_down_is_announced_and_moves_nothing(shell: LabPage) -> None:
    for number in range(60):
        shell.lab.api("experiments", "POST", {"project": "long", "name": f"run {number}"})
    sidebar = shell.sidebar
    sidebar.section("Running").click()
    sidebar.expand(sidebar.tree.locator("[data-kind=project]", has_text="long"))
    expect(sidebar.row("run 59")).to_be_visible()
    shell.page.locator(".aiplat-Scroll").evaluate("box => box.scrollTop = 480")
    row = sidebar.row("run 40")
    before = row.bounding_box()
    shell.lab.api("experiments", "POST", {"project": "long", "name": "the newest"})
    pill = sidebar.root.get_by_role("button", name="1 new")
    expect(pill).to_be_visible()
    assert row.bounding_box() == before
    pill.click()
    expect(sidebar.row("the newest").first).to_be_in_viewport()
    expect(pill).to_have_count(0)


def test_settings_in_chinese(demo: Lab, page: Page, pictures: Path) -> None:
    demo.set("@jupyterlab/translation-extension/plugin", {"locale": "zh_CN"})
    shell = LabPage(page, demo)
    shell.open("lab?reset")
    page.keyboard.press("Control+,")
    page.locator(".jp-PluginList").get_by_text("AI 平台").first.click()
    form = page.locator(".jp-SettingsPanel, .jp-SettingsEditor").first
    expect(form).to_contain_text("图表打开时使用的平滑方式。")
    expect(form.locator("select").first).to_be_visible()
    demo.set("@jupyterlab/translation-extension/plugin", {"locale": "en"})
