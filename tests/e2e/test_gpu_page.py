"""GPUs in JupyterLab, over a pretended driver: sidebar, status bar, and the page with history and who holds what."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.pages import LabPage, Picture
from tests.lab import Lab
from tests.nvml import GIB, LOST, Nvidia, h100

HOLD = "import os, pathlib\npathlib.Path('pid').write_text(str(os.getpid()))"


@pytest.mark.timeout(300)
def test_gpus_are_shown_everywhere_and_for_whom(tmp_path: Path, page: Page, picture: Picture) -> None:
    driver = Nvidia(tmp_path / "driver", *h100(2))
    with Lab(tmp_path, env=driver.environment()) as lab:
        lab.write_notebook("train.ipynb", HOLD)
        shell = LabPage(page, lab)
        shell.notebook("train.ipynb").run(0)
        shell.sidebar.show()
        rows = shell.sidebar.root.get_by_role("list", name=re.compile("^GPUs of")).get_by_role("listitem")
        pid = int((lab.root / "pid").read_text())
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
        shut_down(shell)
        driver.fail(LOST, gpu=1)
        expect(rows.nth(1)).to_contain_text("✕ lost")
        expect(rows.nth(1)).not_to_contain_text("%")
        driver.change(0, util=12)
        expect(rows.first).to_contain_text("12 %")
        shell.reload()
        expect(card).to_be_visible()


def shut_down(shell: LabPage) -> None:
    """Shut the notebook's kernel down from the table of processes."""
    shell.page.get_by_role("button", name="Shut down kernel: train.ipynb").click()
    expect(shell.page.locator(".jp-Dialog")).to_contain_text("train.ipynb")
    shell.answer("Shut down")
    expect(shell.page.get_by_role("button", name="Shut down kernel: train.ipynb")).to_have_count(0)
