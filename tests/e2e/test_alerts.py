"""Alerts in the browser: told once, seen, and over; rules and what can be done to them; what a rule does by itself."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import AlertsPage, LabPage, NotebookPage, Picture, RuleForm, wait_for
from tests.lab import Lab
from tests.nvml import GIB, Nvidia, h100

HOLD = "import os\nprint('pid', os.getpid())"
LOW = "Training has stalled"


@pytest.mark.timeout(300)
def test_a_notebook_that_stops_using_its_gpu(tmp_path: Path, page: Page, picture: Picture) -> None:
    driver = Nvidia(tmp_path / "driver", *h100(2))
    with Lab(tmp_path, env=driver.environment()) as lab:
        lab.write_notebook("train.ipynb", HOLD)
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
        driver.change(1, xid=79, xid_number=1)
        expect(centre.open.get_by_role("listitem").filter(has_text="XID 79")).to_contain_text("GPU 1")
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


DISK = "Disk of the lab"
NEVER = {"subject": "host", "metric": "cpu", "condition": "above", "warning": 1000.0}
MEMORY = "GPU memory almost full"


@pytest.mark.timeout(180)
def test_rules_are_silenced_copied_reset_and_removed_with_a_way_back(lab: Lab, page: Page, picture: Picture) -> None:
    lab.api("alerts/rules", "POST", {"name": DISK, **NEVER})
    shell = LabPage(page, lab)
    shell.open()
    centre = shell.alerts()
    expect(centre.root).to_contain_text("All is well")
    silence_and_end_it(shell, centre)
    copy_and_remove(shell, centre)
    picture("alert-rules")
    change_and_reset(shell, centre)
    remove_and_leave(shell, centre)


def rules(lab: Lab, name: str) -> list[dict[str, Any]]:
    """Return the rules with this name."""
    return [rule for rule in lab.api("alerts/rules") if rule["name"] == name]


def silence_and_end_it(shell: LabPage, centre: AlertsPage) -> None:
    row = centre.rule(DISK)
    expect(row).to_contain_text("CPU above 1,000 %")
    centre.do(row, "Silence for 1 Hour")
    expect(row).to_contain_text("silent until")
    toast = shell.notification("is silent until")
    assert rules(shell.lab, DISK)[0]["silenced_until"] > 0
    toast.get_by_role("button", name="Undo").click()
    expect(row).not_to_contain_text("silent until")
    assert rules(shell.lab, DISK)[0]["silenced_until"] == 0
    centre.do(row, "Silence Until…")
    shell.answer("Silence")
    expect(row).to_contain_text("9:00:00")
    centre.do(row, "End the Silence")
    expect(row).to_contain_text("✓ nothing")


def copy_and_remove(shell: LabPage, centre: AlertsPage) -> None:
    lab, copy = shell.lab, f"{DISK} (copy)"
    centre.do(centre.rule(DISK), "Duplicate…")
    form = RuleForm(shell.page)
    expect(form.root.get_by_label("Warning %", exact=True)).to_have_value("1000")
    form.fill("Warning %", "2000")
    form.save()
    row = centre.rule(copy)
    expect(row).to_contain_text("CPU above 2,000 %")
    centre.do(row, "Remove")
    expect(row).to_have_count(0)
    removed = shell.notification(f"“{copy}” is removed")
    removed.get_by_role("button", name="Undo").click()
    expect(row).to_be_visible()
    expect(removed).to_have_count(0)
    assert len(rules(lab, copy)) == 1
    centre.do(row, "Remove")
    shell.close(removed)
    wait_for(lambda: not rules(lab, copy), "the end of the rule, once it cannot be undone")
    expect(row).to_have_count(0)
    assert len(rules(lab, DISK)) == 1


def change_and_reset(shell: LabPage, centre: AlertsPage) -> None:
    row = centre.rule(MEMORY)
    row.get_by_role("button", name="Edit").click()
    form = RuleForm(shell.page)
    form.fill("Warning %", "80")
    over = form.root.get_by_label("Warning is over at %", exact=True)
    expect(over).to_be_visible()
    expect(over).to_have_attribute("aria-invalid", "true")
    over.fill("")
    expect(over).to_have_attribute("aria-invalid", "false")
    form.save()
    expect(row).to_contain_text("memory above 80 %")
    centre.do(row, "Reset to Default")
    expect(row).to_contain_text("memory above 95 %")
    reset = shell.notification("is as it was shipped")
    reset.get_by_role("button", name="Undo").click()
    expect(row).to_contain_text("memory above 80 %")
    assert [rule["spec"]["warning"] for rule in rules(shell.lab, MEMORY)] == [80.0]


def remove_and_leave(shell: LabPage, centre: AlertsPage) -> None:
    """When the page goes, nobody can undo it any more."""
    centre.do(centre.rule(DISK), "Remove")
    expect(centre.rule(DISK)).to_have_count(0)
    assert len(rules(shell.lab, DISK)) == 1
    shell.page.goto("about:blank")
    wait_for(lambda: not rules(shell.lab, DISK), "the end of the rule")


TRAIN = """\
import time
import aiplat_jupyter as aiplat

exp = aiplat.init(project="digits", name={name!r})
display(exp)
exp.alert("Augmentation is off", level="info")
for step in range(6000):
    exp.log({{"loss": 1.0 if step < 50 else 40.0}}, step=step)
    time.sleep(0.1)
"""
ABOVE = {"subject": "experiment", "metric": "loss", "condition": "above", "warning": 20.0}
STOP = "Stop what diverges"
INTERRUPT = "Interrupt what diverges"


@pytest.mark.timeout(240)
def test_a_rule_ends_what_its_owner_chose_and_is_acknowledged_where_it_is_read(
    lab: Lab, page: Page, picture: Picture
) -> None:
    lab.write_notebook("train.ipynb", TRAIN.format(name="mlp"))
    shell = LabPage(page, lab)
    notebook = shell.notebook("train.ipynb")
    add_rule_that_interrupts(shell.alerts().new_rule())
    shell.activate("train.ipynb")
    notebook.run(0)
    output = notebook.panel.locator(".jp-OutputArea-output", has_text="KeyboardInterrupt")
    expect(output.first).to_be_visible(timeout=60_000)
    notebook.wait_until_idle()
    [run] = lab.api("experiments")["items"]
    assert (run["status"], run["name"]) == ("interrupted", "mlp")
    acknowledge_under_the_cell(notebook, picture)
    acknowledge_on_the_page(shell, run["uid"], picture)
    expect(shell.alerts().root.get_by_text("Interrupt the kernel done").first).to_be_visible()
    stop_a_task(shell)


def add_rule_that_interrupts(form: RuleForm) -> None:
    """Choose from the form, as its owner does."""
    form.root.get_by_role("radio", name="Experiment").check()
    form.fill("Name", INTERRUPT)
    form.fill("Metric", "loss")
    form.choose("Alert when it", "is above")
    form.fill("Warning", "20")
    form.root.get_by_role("button", name="+ message or action").click()
    form.choose("Do", "Interrupt the kernel")
    expect(form.root).to_contain_text("without a question")
    form.save()


def acknowledge_under_the_cell(notebook: NotebookPage, picture: Picture) -> None:
    """The panel's foot tells of the worst alert; when it has been seen, of the next."""
    told = notebook.panel.locator(".aiplat-foot-alert")
    expect(told).to_contain_text(INTERRUPT)
    notebook.curve().center()
    picture("alert-in-panel")
    told.get_by_role("button", name="Acknowledge").click()
    expect(told).to_contain_text("Augmentation is off")
    expect(told).not_to_contain_text(INTERRUPT)


def acknowledge_on_the_page(shell: LabPage, uid: str, picture: Picture) -> None:
    shell.sidebar.show()
    shell.sidebar.expand(shell.sidebar.row("digits").first)
    shell.sidebar.row("mlp").last.dblclick()
    banner = shell.page.locator(".aiplat-PageWidget:visible .aiplat-AlertBanner")
    expect(banner).to_contain_text("Augmentation is off")
    expect(banner).not_to_contain_text(INTERRUPT)
    picture("alert-banner")
    banner.get_by_role("button", name=re.compile("^Acknowledge")).click()
    expect(banner).not_to_contain_text("Augmentation is off")
    said = shell.lab.api(f"alerts/events?experiment={uid}")["items"]
    assert len(said) == 2
    assert all(one["acknowledged_at"] for one in said)


def stop_a_task(shell: LabPage) -> None:
    lab = shell.lab
    lab.api("alerts/rules", "POST", {"name": STOP, **ABOVE, "actions": [{"kind": "stop_task"}]})
    script = TRAIN.format(name="batch").replace("display(exp)\n", "")
    (lab.root / "diverge.py").write_text(script)
    spec = {"project": "digits", "name": "diverge", "kind": "script", "script": "diverge.py"}
    uid = lab.api("tasks", "POST", spec)["uid"]
    row = shell.tasks().ended.get_by_role("listitem").filter(has_text="diverge")
    expect(row).to_contain_text("cancelled", timeout=60_000)
    assert lab.api(f"tasks/{uid}")["reason"] == "stopped"
    [alert] = [one for one in lab.api("alerts/events")["items"] if one["name"] == STOP]
    assert [(one["kind"], one["problem"]) for one in alert["deliveries"]] == [("stop_task", "")]
