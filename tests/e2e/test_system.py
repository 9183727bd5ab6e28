"""What the machine did, under the curves of a run: on its page, in a live panel, and in a saved notebook."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import LabPage, Picture, wait_for
from tests.lab import Lab
from tests.nvml import GIB, Nvidia, nvidia

__all__ = ["nvidia"]

TRAIN = """\
import os, time
import aiplat_jupyter as aiplat
from aiplat_jupyter.client import system
system.DELAY, system.INTERVAL, system.EARLY = 0.1, 0.3, 0.0
exp = aiplat.init(project="machines", name="on a gpu", console=False)
print("pid", os.getpid())
aiplat.LossCurve(exp)"""
LOOP = """\
for step in range(700):  # longer than until the sampler looks again who uses the GPU
    exp.log({"loss": 1 / (step + 1)}, step=step)
    time.sleep(0.03)
exp.finish()"""


@pytest.fixture
def lab(tmp_path: Path, nvidia: Nvidia) -> Iterator[Lab]:
    with Lab(tmp_path, env=nvidia.environment()) as lab:
        yield lab


@pytest.mark.timeout(240)
def test_gpus_under_the_curve_share_its_axis_and_crosshair(
    lab: Lab, page: Page, nvidia: Nvidia, picture: Picture
) -> None:
    shell = LabPage(page, lab)
    lab.write_notebook("train.ipynb", TRAIN, LOOP)
    notebook = shell.notebook("train.ipynb")
    notebook.run(0)
    said = notebook.panel.locator(".jp-OutputArea-output", has_text="pid ")
    pid = int(said.first.inner_text().split()[-1])
    nvidia.change(0, util=77, used=20 * GIB, processes={pid: 3 * GIB})
    notebook.run(1)
    panel = notebook.panel.locator(".aiplat-panel:visible")
    curve, strip = (panel.get_by_role("application", name=name) for name in ("loss.", "Machine: GPU"))
    expect(panel.get_by_role("button", name="GPU 0 utilization")).to_be_visible()
    notebook.wait_until_idle()
    point(page, curve, 0.6)
    stand_at_the_same_place(curve.locator(".aiplat-crosshair"), strip.locator(".aiplat-crosshair"))
    expect(strip.locator(".aiplat-tooltip")).to_contain_text("GPU 0 utilization")
    picture("system-panel")
    point(page, strip, 0.4)
    expect(curve.locator(".aiplat-tooltip")).to_contain_text("loss")
    notebook.save()

    [uid] = [row["uid"] for row in lab.api("experiments")["items"]]
    shell.open(f"lab?reset&aiplat-experiment={uid}")
    shown = page.locator(".aiplat-PageWidget:visible")
    share_a_crosshair(page, shown)
    picture("system-page")

    shell.open("lab/tree/train.ipynb?reset")
    saved = page.locator(".aiplat-SavedCurve:visible")
    saved.scroll_into_view_if_needed()
    expect(saved.get_by_role("region", name="Machine: GPU 0")).to_be_visible()
    share_a_crosshair(page, saved)
    picture("system-saved")


def share_a_crosshair(page: Page, shown) -> None:
    loss = shown.get_by_role("region", name="loss").locator(".aiplat-ChartArea")
    gpu = shown.get_by_role("region", name="Machine: GPU 0")
    area = gpu.locator(".aiplat-ChartArea")
    point(page, area, 0.7)
    stand_at_the_same_place(*(each.locator(".aiplat-ChartCrosshair") for each in (loss, area)))
    last = wait_for(lambda: gpu.locator("output").first.inner_text(), "a value")
    assert last == "77 %"
    point(page, loss, 0.5)
    stand_at_the_same_place(*(each.locator(".aiplat-ChartCrosshair") for each in (loss, area)))
    area.dblclick()
    point(page, area, 0.2)
    page.mouse.down()
    point(page, area, 0.6)
    page.mouse.up()
    expect(shown.get_by_role("region", name="loss").get_by_role("button", name="Show all")).to_be_visible()
    page.keyboard.press("0")
    area.dblclick()
    expect(shown.get_by_role("button", name="Show all")).to_have_count(0)


def stand_at_the_same_place(*crosshairs: Locator) -> None:
    for each in crosshairs:
        expect(each).to_be_visible()
    one, other = (wait_for(each.bounding_box, "a crosshair")["x"] for each in crosshairs)
    assert abs(one - other) < 1


def point(page: Page, area, share: float) -> None:
    """Move the pointer to this share of the area's width, at half its height."""
    box = wait_for(area.bounding_box, "a chart")
    page.mouse.move(box["x"] + share * box["width"], box["y"] + box["height"] / 2, steps=4)
