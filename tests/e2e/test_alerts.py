"""Alerts in the browser, over a pretended driver: a rule fires, is told once, seen, and over; also across a restart."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import LabPage, NotebookPage, Picture, RuleForm, wait_for
from tests.lab import Lab
from tests.nvml import GIB, Nvidia, h100

TRAIN = "import os\nprint('pid', os.getpid())"
LOW = "Training has stalled"


@pytest.mark.timeout(300)
def test_a_notebook_that_stops_using_its_gpu(tmp_path: Path, page: Page, picture: Picture) -> None:
    driver = Nvidia(tmp_path / "driver", *h100(2))
    with Lab(tmp_path, env=driver.environment()) as lab:
        lab.write_notebook("train.ipynb", TRAIN)
        shell = LabPage(page, lab)
        notebook = shell.notebook("train.ipynb")
        notebook.run(0)
        pid = kernel(notebook)
        driver.change(0, util=95, used=20 * GIB, processes={pid: 20 * GIB})
        wait_for(lambda: "train.ipynb" in notebooks(lab, 0), "the notebook beside its GPU")
        assert notebooks(lab, 1) == []
        add_rule(shell.alerts().new_rule())
        driver.change(0, util=1)
        toast = shell.notification(LOW_TEXT)
        expect(toast).to_be_visible()
        expect(toast).to_contain_text("GPU 0")
        expect(toast).not_to_contain_text("GPU 1")
        centre = shell.alerts()
        row = centre.open.get_by_role("listitem").filter(has_text=LOW)
        expect(row).to_contain_text("GPU 0")
        expect(row.get_by_role("button", name="train.ipynb")).to_be_visible()
        picture("alerts-fired")
        outlive_the_server(shell, toast)
        row.get_by_role("button", name=re.compile("^Acknowledge")).click()
        expect(row).to_contain_text("acknowledged by")
        expect(row.get_by_role("button", name=re.compile("^Acknowledge"))).to_have_count(0)
        driver.change(0, util=95)
        past = centre.history.get_by_role("listitem").filter(has_text=LOW)
        expect(past).to_contain_text("acknowledged by")
        expect(row).to_have_count(0)
        assert [one["state"] for one in alerts(lab)] == ["resolved"]
        picture("alerts-over")


LOW_TEXT = "utilization at 1 %"


def kernel(notebook: NotebookPage) -> int:
    """Return the kernel's process, as the cell has printed it."""
    output = notebook.panel.locator(".jp-OutputArea-output", has_text="pid ")
    return int(output.inner_text().split()[1])


def notebooks(lab: Lab, index: int) -> list[str]:
    """Return the notebooks that the processes on a GPU are attributed to."""
    devices = lab.api("gpu/status")["devices"]
    holders = [one["holder"] for one in devices[index]["processes"]] if len(devices) > index else []
    return [holder["notebook"] for holder in holders if holder]


def alerts(lab: Lab) -> list[dict[str, Any]]:
    """Return what the rule has said, the newest first."""
    return [one for one in lab.api("alerts/events")["items"] if one["name"] == LOW]


def add_rule(form: RuleForm) -> None:
    """Watch one of the two GPUs, of which the other one idles all the time."""
    form.fill("Name", LOW)
    form.choose("Value", "utilization")
    form.fill("Warning %", "20")
    form.fill("For at least", "2s")
    form.watch(re.compile("^0 · "))
    form.save()


def outlive_the_server(shell: LabPage, toast: Locator) -> None:
    """What was told and closed is not told again, to this page or another one, when the server has begun anew."""
    shell.close(toast)
    expect(toast).to_have_count(0)
    before = alerts(shell.lab)
    assert [one["state"] for one in before] == ["firing"]
    offline = shell.page.locator(".jp-Dialog").filter(has_text="Server Connection Error")
    shell.page.add_locator_handler(offline, lambda: shell.answer("Close"))
    shell.lab.kill()
    shell.lab.start()
    sampled = shell.lab.api("gpu/status")["at"]
    wait_for(lambda: shell.lab.api("gpu/status")["at"] > sampled + 5, "more samples than the rule's time", timeout=40)
    expect(shell.page.locator(".aiplat-AlertsPage[data-link=connected]")).to_be_visible(timeout=60_000)
    assert [one["uid"] for one in alerts(shell.lab)] == [one["uid"] for one in before]
    expect(toast).to_have_count(0)
    shell.reload()
    shell.alerts()
    shell.page.wait_for_timeout(2000)
    expect(toast).to_have_count(0)
