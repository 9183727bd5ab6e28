"""The way of a first user, from the empty sidebar to a purged experiment, with a picture of each step."""

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import CurvePanel, LabPage, NotebookPage, Picture, wait_for
from tests.lab import Lab

QUICKSTART = "notebooks/01_quickstart.ipynb"
TRAINING = 6
"""Index of the cell that trains."""

RESUME = """\
import time
import aiplat_jupyter as aiplat
exp = aiplat.init(resume="{uid}", from_step=50)
display(aiplat.LossCurve(exp))
for step in range(50, 200):
    exp.log({{"loss": 50 / (step + 1)}}, step=step)
    time.sleep(0.01)
exp.finish()"""

COMPARE = """\
with aiplat.init(project="digits", name="other") as other:
    for step in range(200):
        other.log({{"loss": 80 / (step + 30)}}, step=step)
display(aiplat.LossCurve(["{uid}", other.uid]))"""


@pytest.mark.timeout(420)
def test_a_first_user_gets_from_an_empty_platform_to_a_purged_experiment(
    lab: Lab, page: Page, picture: Picture
) -> None:
    shell = LabPage(page, lab)
    find_out_what_to_do(shell, picture)
    notebook = shell.notebook(QUICKSTART)
    curve = watch_it_train(shell, notebook, picture)
    smooth_and_zoom(notebook, curve, picture)
    reload_while_it_trains(shell, notebook, picture)
    uid = interrupt(shell, notebook, picture)
    resume(shell, notebook, uid, picture)
    reopen_without_a_kernel(shell, picture)
    compare(shell, uid, picture)
    open_its_page(shell, picture)
    trash_undo_and_purge(shell, picture)


def experiment(lab: Lab, name: str) -> dict[str, Any]:
    rows = lab.api("experiments?limit=50")["items"]
    (found,) = [row for row in rows if row["name"] == name]
    full: dict[str, Any] = lab.api(f"experiments/{found['uid']}")
    return full


def find_out_what_to_do(shell: LabPage, picture: Picture) -> None:
    shell.open()
    shell.sidebar.show()
    expect(shell.sidebar.root).to_contain_text("aiplat.init")
    picture("01-empty")


def watch_it_train(shell: LabPage, notebook: NotebookPage, picture: Picture) -> CurvePanel:
    shell.sidebar.show()
    notebook.run(1, TRAINING)
    curve = notebook.curve()
    curve.wait_until_drawn(60)
    notebook.page.keyboard.press("Escape")
    curve.wait_until_moved()
    wait_for(lambda: shell.sidebar.sparkline("softmax"), "a sparkline")
    before = shell.sidebar.sparkline("softmax")
    wait_for(lambda: shell.sidebar.sparkline("softmax") != before, "a moving sparkline")
    wait_for(lambda: curve.total() > 300, "a longer curve", timeout=60)
    assert notebook.is_busy(), "all of this while the cell trains"
    curve.center()
    picture("02-training")
    return curve


def smooth_and_zoom(notebook: NotebookPage, curve: CurvePanel, picture: Picture) -> None:
    slider = curve.root.get_by_role("slider")
    lines = len(curve.outline())
    slider.focus()
    slider.press("End")
    wait_for(lambda: len(curve.outline()) > lines * 1.2, "a smoothed line over the raw one")
    assert notebook.is_busy(), "the slider answers while the cell trains"
    picture("03-smoothed")
    everything = curve.total()
    curve.drag(0.3, 0.6)
    wait_for(lambda: 0 < curve.total() < everything, "the points of the range alone")
    assert "0" not in curve.ticks()
    assert notebook.is_busy(), "a zoom answers while the cell trains"
    picture("04-zoomed")
    curve.plot.dblclick()
    wait_for(lambda: "0" in curve.ticks(), "the whole curve again")


def reload_while_it_trains(shell: LabPage, notebook: NotebookPage, picture: Picture) -> None:
    notebook.save()
    shell.reload()
    curve = notebook.saved_curve()
    before = curve.inner_text()
    wait_for(lambda: curve.inner_text() != before, "a curve that moves without its widget")
    assert experiment(shell.lab, "softmax")["status"] == "running"
    picture("05-reloaded")


def interrupt(shell: LabPage, notebook: NotebookPage, picture: Picture) -> str:
    notebook.select(0)
    shell.menu("Kernel", "Interrupt Kernel")
    notebook.wait_until_idle()
    shell.sidebar.expand(shell.sidebar.row("digits").first)
    expect(shell.sidebar.row("softmax").get_by_role("img", name="interrupted").first).to_be_visible()
    picture("06-interrupted")
    found = experiment(shell.lab, "softmax")
    assert found["status"] == "interrupted"
    return str(found["uid"])


def resume(shell: LabPage, notebook: NotebookPage, uid: str, picture: Picture) -> None:
    shell.menu("Kernel", "Restart Kernel…")
    shell.answer("Confirm Kernel Restart")
    notebook.wait_until_idle()
    notebook.insert_and_run(RESUME.format(uid=uid))
    notebook.wait_until_idle()
    wait_for(lambda: experiment(shell.lab, "softmax")["status"] == "finished", "the end of the second attempt")
    found = experiment(shell.lab, "softmax")
    assert [(attempt["number"], attempt["from_step"]) for attempt in found["lineage"]] == [(1, None), (2, 50)]
    loss = shell.lab.api(f"experiments/{uid}/loss")
    assert [point["step"] for point in loss] == list(range(200)), "the line follows the descent"
    notebook.curve().wait_until_drawn()
    picture("07-resumed")


def reopen_without_a_kernel(shell: LabPage, picture: Picture) -> None:
    NotebookPage(shell.page).save()
    shell.menu("Kernel", "Shut Down All Kernels…")
    shell.answer("Shut Down All")
    shell.page.goto("about:blank")
    shell.open(f"lab/tree/{QUICKSTART}")
    NotebookPage(shell.page).saved_curve()
    picture("08-reopened")


def compare(shell: LabPage, uid: str, picture: Picture) -> None:
    notebook = shell.notebook(QUICKSTART)
    notebook.select(0)
    notebook.insert_and_run("import aiplat_jupyter as aiplat\n" + COMPARE.format(uid=uid))
    notebook.wait_until_idle()
    curve = notebook.curve()
    curve.wait_until_drawn()
    for name in ("softmax", "other"):
        expect(curve.root.get_by_role("button", name=name).first).to_be_visible()
    picture("09-compared")


def open_its_page(shell: LabPage, picture: Picture) -> None:
    sidebar = shell.sidebar
    sidebar.show()
    sidebar.expand(sidebar.row("digits").first)
    sidebar.row("softmax").first.dblclick()
    page = shell.page.locator(".aiplat-PageWidget:visible")
    expect(page.get_by_role("heading", name="softmax")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("img", name="loss").first).to_be_visible()
    expect(page.get_by_role("complementary")).to_contain_text("batch")
    page.get_by_role("heading", name="Provenance").click()  # it names a folder of the test
    picture("10-page")


def trash_undo_and_purge(shell: LabPage, picture: Picture) -> None:
    sidebar, page = shell.sidebar, shell.page
    sidebar.row("other").first.click()
    page.keyboard.press("Delete")
    expect(sidebar.row("other")).to_have_count(0)
    undo = page.get_by_role("button", name="Undo")
    undo.hover()
    picture("11-trashed")
    undo.click()
    sidebar.row("other").first.click()
    assert experiment(shell.lab, "other")["lifecycle"] == "active"
    page.keyboard.press("Delete")
    expect(sidebar.row("other")).to_have_count(0)
    sidebar.expand(sidebar.section("Trash"))
    sidebar.row("other").first.click()
    page.keyboard.press("Delete")
    shell.answer("Delete")
    expect(sidebar.row("other")).to_have_count(0)
    page.get_by_text("Deleted for good").first.hover()
    picture("12-purged")
    assert not shell.lab.api("experiments?lifecycle=trashed")["items"]
