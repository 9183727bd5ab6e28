"""The GPU monitor in a notebook, over a pretended driver: live, at any width, told of a lost GPU, left as a picture."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import LabPage, NotebookPage, Picture
from tests.lab import Lab
from tests.nvml import GIB, LOST, Nvidia, h100

CELL = "import aiplat_jupyter as aiplat\naiplat.GpuMonitor()"


@pytest.mark.timeout(240)
def test_the_monitor_shows_what_the_driver_tells(tmp_path: Path, page: Page, picture: Picture) -> None:
    driver = Nvidia(tmp_path / "driver", *h100(2))
    with Lab(tmp_path, env=driver.environment()) as lab:
        lab.write_notebook("gpus.ipynb", CELL)
        shell = LabPage(page, lab)
        notebook = shell.notebook("gpus.ipynb")
        notebook.run(0)
        first = notebook.panel.get_by_role("listitem").filter(has_text="GPU 0")
        for util in (87, 42):
            driver.change(0, util=util, used=61 * GIB)
            expect(first.get_by_role("meter", name="Utilization")).to_have_attribute("aria-valuenow", str(util))
        expect(first).to_contain_text("61 / 80 GiB")
        expect(notebook.panel.locator(".aiplat-end", has_text="61")).to_have_count(1)
        assert_that_curves_end_in_their_dots(notebook)
        picture("gpu-monitor")
        driver.fail(LOST, gpu=1)
        second = notebook.panel.get_by_role("listitem").filter(has_text="GPU 1")
        expect(second).to_contain_text("lost")
        expect(second).not_to_contain_text("Free")
        expect(notebook.panel.locator(".aiplat-foot-alert")).to_contain_text("GPU lost")
        page.keyboard.press("Control+b")
        page.set_viewport_size({"width": 460, "height": 1000})
        page.wait_for_timeout(1500)
        picture("gpu-monitor-narrow")
        expect(first.get_by_role("meter", name="Memory")).to_be_visible()
        page.set_viewport_size({"width": 1440, "height": 960})
        leave_a_picture(shell, notebook)


def assert_that_curves_end_in_their_dots(notebook: NotebookPage) -> None:
    """The layer over a figure and the figure itself have the same corners."""
    notebook.page.wait_for_timeout(500)
    for stage in notebook.panel.locator(".aiplat-stage").all():
        boxes = [stage.locator(css).first.bounding_box() for css in (":scope > .bqplot", ":scope > .aiplat-overlay")]
        assert boxes[0] == boxes[1]


def leave_a_picture(shell: LabPage, notebook: NotebookPage) -> None:
    """Save, end the kernel, open the notebook again: the saved picture stands in for the panel."""
    page = shell.page
    notebook.select(0)
    notebook.save()
    shell.menu("Kernel", "Shut Down All Kernels…")
    shell.answer("Shut Down All")
    page.goto("about:blank")
    shell.open("lab/tree/gpus.ipynb")
    expect(notebook.panel.locator(".jp-RenderedImage img")).to_be_visible()
