"""GPUs in JupyterLab, over a pretended driver: sidebar, status bar, and the page with history and who holds what."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import LabPage, Picture, wait_for
from tests.lab import Lab
from tests.nvml import GIB, LOST, Nvidia, h100

HOLD = "import os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))"


def holder(lab: Lab) -> int:
    """Return the process of the notebook's kernel."""
    told = lab.root / "pid"
    return int(wait_for(lambda: told.exists() and told.read_text(), "the kernel's process"))


@pytest.mark.timeout(300)
def test_gpus_are_shown_everywhere_and_for_whom(tmp_path: Path, page: Page, picture: Picture) -> None:
    driver = Nvidia(tmp_path / "driver", *h100(2))
    with Lab(tmp_path, env=driver.environment()) as lab:
        lab.write_notebook("train.ipynb", HOLD)
        shell = LabPage(page, lab)
        shell.notebook("train.ipynb").run(0)
        shell.sidebar.show()
        rows = shell.sidebar.root.get_by_role("list", name=re.compile("^GPUs of")).get_by_role("listitem")
        pid = holder(lab)
        driver.change(0, util=87, used=61 * GIB, temperature=64, power=612_000, throttle=0, processes={pid: 60 * GIB})
        expect(rows.first).to_contain_text("87 %")
        expect(rows.first).to_contain_text("61/80 G")
        expect(rows.first).to_contain_text("train.ipynb")
        gauge = page.get_by_role("button", name=re.compile(r"^GPU \d+ % · "))
        expect(gauge).to_have_text(re.compile(r"GPU 44 % · 61/160 G"))
        gauge.click()
        card = page.get_by_role("listitem", name="0 NVIDIA H100 80GB HBM3", exact=True)
        expect(card).to_contain_text("612 / 700 W")
        drawn = page.get_by_role("img", name=re.compile("^Utilization, %; time from .*last 87"))
        expect(drawn).to_be_visible()
        expect(page.get_by_role("button", name="Shut down kernel: train.ipynb")).to_be_visible()
        expect(card).to_contain_text("not held back")
        picture("gpu-page")
        page.get_by_role("button", name="Details of GPU 0").click()
        driver.change(0, received=2_500_000)
        expect(card).to_contain_text("PCIe received2.5 GB/s")
        driver.fail(LOST, gpu=1)
        expect(rows.nth(1)).to_contain_text("✕ lost")
        expect(rows.nth(1)).not_to_contain_text("%")
        driver.change(0, util=12)
        expect(rows.first).to_contain_text("12 %")
        shell.reload()
        expect(card).to_be_visible()


@pytest.mark.timeout(300)
def test_what_holds_a_gpu_is_opened_and_ended(tmp_path: Path, page: Page, picture: Picture) -> None:
    driver = Nvidia(tmp_path / "driver", *h100(2))
    with Lab(tmp_path, env=driver.environment()) as lab:
        lab.write_notebook("train.ipynb", HOLD)
        shell = LabPage(page, lab)
        notebook = shell.notebook("train.ipynb")
        notebook.run(0)
        pid = holder(lab)
        driver.change(0, util=87, used=61 * GIB, processes={pid: 60 * GIB})
        notebook.save()
        wanted = {"project": "digits", "name": "finetune", "kind": "command", "command": ["sleep", "600"], "gpus": 1}
        uid = lab.api("tasks", "POST", wanted)["uid"]
        page.get_by_role("button", name=re.compile(r"^GPU \d+ % · ")).click()
        page.locator("#jp-main-dock-panel").get_by_role("tab", name="train.ipynb").get_by_title("Close").click()
        table = page.get_by_role("table", name="Processes")
        table.get_by_role("button", name="Open notebook: train.ipynb").click()
        expect(page.locator(".jp-NotebookPanel:visible")).to_contain_text("getpid")
        shell.activate("GPUs")
        expect(table.get_by_role("row").filter(has_text="finetune")).to_contain_text("reserved by the queue")
        picture("gpu-processes")
        shut_down(shell, lab)
        stop_task(shell, lab, uid)


def shut_down(shell: LabPage, lab: Lab) -> None:
    """Shut the notebook's kernel down from the table of processes."""
    shell.page.get_by_role("button", name="Shut down kernel: train.ipynb").click()
    expect(shell.page.locator(".jp-Dialog")).to_contain_text("train.ipynb")
    shell.answer("Shut down")
    expect(shell.page.get_by_role("button", name="Shut down kernel: train.ipynb")).to_have_count(0)
    assert lab.kernels() == []


def stop_task(shell: LabPage, lab: Lab, uid: str) -> None:
    """Stop a task from the table of processes; its GPU is free again."""
    stop = shell.page.get_by_role("button", name="Stop task: finetune")
    stop.click()
    wait_for(lambda: lab.api(f"tasks/{uid}")["state"] == "cancelled", "the end of the task")
    expect(stop).to_have_count(0)
