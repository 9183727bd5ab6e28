"""Panels under a hand: a selection feeds a curve, drags zoom it, controls answer, both outlive the kernel."""

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import CurvePanel, LabPage, NotebookPage, wait_for
from tests.lab import Lab

CELLS = (
    """\
import aiplat_jupyter as aiplat
for name in ("first", "second"):
    with aiplat.init(project="panels", name=name) as exp:
        for step in range(1000):
            exp.log({"loss": 900 if step == 500 else 1 + 50 / (step + 50)}, step=step)
projects = aiplat.ProjectList("project:panels")
projects""",
    "aiplat.LossCurve(projects)",
)


def y_ticks(curve: CurvePanel) -> list[str]:
    return curve.root.locator(".axis").nth(1).locator(".tick text").all_text_contents()


@pytest.mark.timeout(180)
def test_panels_under_a_hand(lab: Lab, page: Page) -> None:
    lab.write_notebook("panels.ipynb", *CELLS)
    shell = LabPage(page, lab)
    notebook = shell.notebook("panels.ipynb")
    notebook.run(0, 2)
    curve = notebook.curve()
    expect(curve.root).to_contain_text("Nothing selected")
    select(notebook, curve)
    zoom(curve)
    show_alone_and_cut(curve)
    outlive_the_kernel(shell, notebook)


def select(notebook: NotebookPage, curve: CurvePanel) -> None:
    rows = notebook.panel.locator(".aiplat-row-experiment")
    rows.filter(has_text="first").click()
    curve.wait_until_drawn()
    curve.root.evaluate("panel => { panel.dataset.kept = 'yes' }")
    rows.filter(has_text="second").click(modifiers=["Control"])
    expect(curve.root.locator(".aiplat-legend-entry")).to_have_count(2)
    curve.page.wait_for_timeout(500)
    expect(curve.root).to_have_attribute("data-kept", "yes")


def zoom(curve: CurvePanel) -> None:
    whole = curve.total()
    curve.drag(0.2, 0.8)
    wait_for(lambda: 0 < curve.total() < whole, "the points of a range")
    some = curve.total()
    curve.drag(0.2, 0.8)
    wait_for(lambda: 0 < curve.total() < some, "the points of a range within it")
    curve.plot.dblclick()
    wait_for(lambda: curve.total() == whole, "everything")
    before = y_ticks(curve)
    drag_a_box(curve)
    wait_for(lambda: y_ticks(curve) != before and 0 < curve.total() < whole, "a zoom of both axes")
    curve.page.keyboard.press("Control+z")
    wait_for(lambda: y_ticks(curve) == before and curve.total() == whole, "its undoing")


def drag_a_box(curve: CurvePanel) -> None:
    box = curve.plot.bounding_box()
    assert box
    mouse = curve.page.mouse
    mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.4 * box["height"])
    mouse.down()
    mouse.move(box["x"] + 0.9 * box["width"], box["y"] + 0.99 * box["height"], steps=8)
    mouse.up()


def show_alone_and_cut(curve: CurvePanel) -> None:
    first = curve.root.get_by_role("button", name="first")
    first.click(modifiers=["Alt"])
    expect(curve.root.get_by_role("button", name="second")).to_have_attribute("aria-pressed", "false")
    expect(first).to_have_attribute("aria-pressed", "true")
    first.click(modifiers=["Alt"])
    expect(curve.root.get_by_role("button", name="second")).to_have_attribute("aria-pressed", "true")
    curve.root.get_by_role("checkbox", name="cut outliers").check()
    expect(curve.root).to_contain_text("cut off")
    assert "800" not in y_ticks(curve)


def outlive_the_kernel(shell: LabPage, notebook: NotebookPage) -> None:
    notebook.select(0)
    notebook.save()
    shell.menu("Kernel", "Shut Down All Kernels…")
    shell.answer("Shut Down All")
    shell.page.goto("about:blank")
    shell.open("lab/tree/panels.ipynb")
    notebook.saved_curve()
    expect(notebook.panel.get_by_role("cell", name="second").first).to_be_visible()
