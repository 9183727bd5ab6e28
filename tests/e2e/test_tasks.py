"""Tasks in the browser: queued from the form, read while they run, outliving their server, stopped, retried."""

import json
import os
import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.pages import LabPage, Picture, TaskForm, TaskPage, TasksPage, wait_for
from tests.lab import Lab

EPOCHS = 600
EVALUATE = """\
import logging
import time

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger("evaluate")


def ratio(hits, images):
    return hits / images


for batch in range(500):
    log.info("batch %d of 500", batch + 1)
    if batch % 100 == 99:
        log.warning("batch %d is slow", batch + 1)
    if batch == 320:
        try:
            ratio(0, 0)
        except ZeroDivisionError:
            log.exception("batch %d has no images", batch + 1)
time.sleep(600)
"""
FAIL = """\
for step in range(200):
    print("INFO step", step)
raise ValueError("loss is not finite")
"""
SLEEP = ["sleep", "600"]


def queue(lab: Lab, name: str, **what: Any) -> str:
    """Queue a task by REST and return its uid."""
    uid: str = lab.api("tasks", "POST", {"project": "digits", "name": name, **what})["uid"]
    return uid


def task(lab: Lab, uid: str) -> dict[str, Any]:
    found: dict[str, Any] = lab.api(f"tasks/{uid}")
    return found


def only_task(lab: Lab, name: str) -> dict[str, Any]:
    [row] = [row for row in lab.api("tasks")["items"] if row["name"] == name]
    return task(lab, row["uid"])


def end_all(lab: Lab) -> None:
    """Kill what still runs: tasks outlive their server."""
    live = lab.api("tasks?limit=200&state=queued&state=starting&state=running&state=stopping")["items"]
    for row in live:
        lab.api(f"tasks/{row['uid']}/stop", "POST", {"now": True})
    wait_for(lambda: all(task(lab, row["uid"])["ended_at"] for row in live), "the end of all tasks")


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    with Lab(tmp_path) as lab:
        yield lab
        end_all(lab)


@pytest.mark.timeout(240)
def test_a_task_from_the_form_through_a_killed_server_to_its_end(lab: Lab, page: Page, picture: Picture) -> None:
    shell = LabPage(page, lab)
    train = queue_from_the_file_browser(shell, picture)
    watch_log_and_curve(shell, train, picture)
    kill_the_server(shell, train, picture)
    evaluate = find_the_error(shell, picture)
    stop_it(shell)
    find_all_after_a_reload(shell, train, evaluate)


def queue_from_the_file_browser(shell: LabPage, picture: Picture) -> TaskPage:
    page = shell.page
    shell.open("lab/tree/notebooks")
    page.locator(".jp-DirListing-item", has_text="train.py").click(button="right")
    page.get_by_role("menuitem", name="Run as Task…").click()
    form = TaskForm(page)
    form.fill("Project", "digits")
    form.fill("Arguments", f"--epochs {EPOCHS}")
    expect(form.outcome).to_contain_text(f"train.py --epochs {EPOCHS}")
    shell.call_places_as_at_home()
    picture("20-form")
    return form.submit()


def watch_log_and_curve(shell: LabPage, train: TaskPage, picture: Picture) -> None:
    expect(train.header.get_by_text("running")).to_be_visible()
    wait_for(lambda: any("epoch 3 " in text for text in train.log.shown().values()), "lines of the log", timeout=60)
    expect(train.log.status).to_contain_text("live, following")
    shell.sidebar.show()
    before = wait_for(lambda: shell.sidebar.sparkline("train"), "the sparkline of its experiment")
    wait_for(lambda: shell.sidebar.sparkline("train") != before, "a moving sparkline")
    expect(train.header.get_by_role("button", name="experiment train")).to_be_visible()
    picture("21-task")


def kill_the_server(shell: LabPage, train: TaskPage, picture: Picture) -> None:
    lab, page = shell.lab, shell.page
    page.add_locator_handler(page.locator(".jp-Dialog"), lambda: shell.answer("Close"))
    before, seen, curve = only_task(lab, "train"), train.log.last(), shell.sidebar.sparkline("train")
    bar = train.header.get_by_role("progressbar")
    done = bar.get_attribute("aria-valuetext") or ""
    lab.kill()
    expect(train.root.locator(".aiplat-Notice")).to_contain_text("stale since")
    expect(train.log.status).to_contain_text("stale since")
    lab.start()
    expect(train.root.locator(".aiplat-Notice")).to_have_count(0)
    expect(train.log.status).to_contain_text("live, following")
    wait_for(lambda: train.log.last() > seen, "further lines")
    wait_for(lambda: shell.sidebar.sparkline("train") != curve, "the curve that goes on")
    expect(bar).not_to_have_attribute("aria-valuetext", done)
    now = only_task(lab, "train")
    pid = now["lineage"][-1]["pid"]
    assert (now["state"], now["attempts"], pid) == ("running", 1, before["lineage"][-1]["pid"])
    assert Path(f"/proc/{pid}").exists()
    shown = train.log.shown()
    assert sorted(shown) == list(range(min(shown), max(shown) + 1))
    epochs = [int(found[1]) for text in shown.values() if (found := re.search(r"epoch (\d+) ", text))]
    assert epochs == list(range(epochs[0], epochs[-1] + 1)), "no line twice and none missing"
    page.mouse.move(0, 0)
    picture("22-after-restart")


def find_the_error(shell: LabPage, picture: Picture) -> str:
    lab, page = shell.lab, shell.page
    (lab.root / "evaluate.py").write_text(EVALUATE)
    uid = queue(lab, "evaluate", kind="script", script="evaluate.py")
    log = shell.tasks().open("evaluate").log
    expect(log.level("ERROR")).not_to_have_text("ERROR 0")
    log.search("is slow")
    expect(log.root.get_by_role("search")).to_contain_text("of 5")
    log.lines.press("n")
    expect(log.marked).to_contain_text("is slow")
    log.search("")
    log.level("WARN").click()
    expect(log.root).to_contain_text("500 lines hidden")
    wait_for(lambda: not any(" INFO " in text for text in log.shown().values()), "no line below the level")
    log.level("ALL").click()
    log.lines.press("e")
    expect(log.marked).to_contain_text("batch 321 has no images")
    expect(log.root.get_by_text("ZeroDivisionError: division by zero")).to_be_visible()
    page.mouse.move(0, 0)
    shell.call_places_as_at_home()
    picture("23-error")
    return uid


def stop_it(shell: LabPage) -> None:
    tasks = shell.tasks()
    tasks.row("evaluate").get_by_role("button", name="Stop").click()
    row = tasks.ended.get_by_role("listitem").filter(has_text="evaluate")
    expect(row).to_contain_text("cancelled")
    expect(row).to_contain_text("stopped by ")


def find_all_after_a_reload(shell: LabPage, train: TaskPage, evaluate: str) -> None:
    shell.reload()
    tasks = shell.tasks()
    expect(tasks.ended.get_by_role("listitem").filter(has_text="evaluate")).to_contain_text("stopped by ")
    expect(tasks.queue.get_by_role("listitem").filter(has_text="train")).to_contain_text("running")
    log = tasks.open("evaluate").log
    expect(log.level("ERROR")).not_to_have_text("ERROR 0")
    expect(log.status).to_contain_text("ended")
    assert task(shell.lab, evaluate)["reason"] == "stopped"
    shell.activate("train")
    wait_for(lambda: train.log.last() > 0, "the log of the other task")
    seen = train.log.last()
    wait_for(lambda: train.log.last() > seen, "further lines")


@pytest.mark.timeout(120)
def test_a_failure_is_told_and_leads_to_its_first_error(lab: Lab, page: Page) -> None:
    shell = LabPage(page, lab)
    shell.open()
    (lab.root / "fail.py").write_text(FAIL)
    queue(lab, "fail", kind="script", script="fail.py", retries=1, retry_wait_s=0)
    told = page.locator(".Toastify__toast", has_text="fail")
    expect(told).to_contain_text("exit code 1")
    told.get_by_role("button", name="First error").click()
    shown = TaskPage(page)
    log = shown.log
    expect(log.marked).to_contain_text("Traceback")
    assert set(log.shown()) >= {199, 200, 201}, "with what came before it"
    expect(log.marked).to_be_in_viewport()
    compare_attempts(shown)


def compare_attempts(shown: TaskPage) -> None:
    first, second = (shown.root.get_by_role("button", name=f"#{number} failed") for number in (1, 2))
    chosen = shown.log.root.get_by_role("combobox", name="Attempt")
    expect(second).to_have_attribute("aria-pressed", "true")
    first.click()
    expect(chosen.locator("option:checked")).to_have_text("attempt 1")
    wait_for(lambda: 200 in shown.log.shown(), "its lines")
    chosen.select_option("attempt 2")
    expect(second).to_have_attribute("aria-pressed", "true")
    expect(first).to_have_attribute("aria-pressed", "false")


@pytest.mark.timeout(120)
def test_a_paused_queue_is_put_in_order_and_goes_on(lab: Lab, page: Page) -> None:
    shell = LabPage(page, lab)
    shell.open()
    tasks = shell.tasks()
    expect(tasks.root).to_contain_text("Nothing is queued")
    tasks.root.get_by_role("button", name="Pause queue").click()
    expect(tasks.root.get_by_role("button", name="Resume queue")).to_be_visible()
    for name in ("first", "second", "third"):
        queue(lab, name, kind="command", command=["true"], slots=lab.api("agents")[0]["slots"])
    wait_for(lambda: tasks.queued() == ["first", "second", "third"], "the queue, the oldest on top")
    expect(tasks.row("third")).to_contain_text("the queue is paused")
    tasks.row("third").focus()
    tasks.row("third").press("Alt+ArrowUp")
    wait_for(lambda: tasks.queued() == ["first", "third", "second"], "the third moved up")
    expect(tasks.row("third")).to_be_focused()
    tasks.root.get_by_role("button", name="Resume queue").click()
    expect(tasks.ended.get_by_role("listitem").filter(has_text="succeeded")).to_have_count(3)
    started = {name: only_task(lab, name)["started_at"] for name in ("first", "second", "third")}
    assert sorted(started, key=lambda name: started[name]) == ["first", "third", "second"]


@pytest.mark.timeout(120)
def test_the_form_says_what_is_wrong_where_it_is(lab: Lab, page: Page) -> None:
    shell = LabPage(page, lab)
    shell.open()
    shell.tasks().root.get_by_role("button", name="New task…").click()
    form = TaskForm(page)
    form.fill("Project", "digits")
    form.fill("File", "notebooks/tain.py")
    field = form.root.get_by_label("File", exact=True)
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(form.root.locator('[data-field="path"]')).to_contain_text("a file that exists")
    form.root.get_by_role("button", name="Queue task").click()
    expect(form.outcome).to_contain_text("1 field needs a change")
    assert lab.api("tasks")["items"] == []
    form.fill("File", "notebooks/train.py")
    expect(form.outcome).to_contain_text("train.py")
    expect(field).to_have_attribute("aria-invalid", "false")


@pytest.mark.timeout(120)
def test_a_schedule_is_made_run_changed_and_deleted(lab: Lab, page: Page, picture: Picture) -> None:
    shell = LabPage(page, lab)
    shell.open()
    tasks = shell.tasks()
    tasks.root.get_by_role("button", name="New task…").click()
    far = (datetime.now(UTC).hour + 12) % 24
    make_a_schedule(TaskForm(page), f"30 {far} * * 1-5")
    row = tasks.root.get_by_role("list", name="Schedules").get_by_role("listitem")
    expect(row).to_contain_text(f"30 {far} * * 1-5")
    expect(row).to_contain_text(re.compile(r"next in \d+ (hr|day)"))
    row.get_by_role("button", name="Run “nightly” now").click()
    expect(row.get_by_role("button", name="last one succeeded")).to_be_visible()
    picture("schedules")
    row.get_by_role("switch").press("Space")
    expect(row).to_contain_text("off")
    expect(row.get_by_role("switch")).to_be_focused()
    change_it(tasks, row, f"0 {far} * * *")
    row.get_by_role("button", name="More actions").press("Enter")
    page.get_by_role("menuitem", name="Delete…").click()
    shell.answer("Delete")
    expect(row).to_have_count(0)
    assert lab.api("schedules")["items"] == []
    assert [one["name"] for one in lab.api("tasks")["items"]] == ["nightly"], "what it queued stays"


def make_a_schedule(form: TaskForm, when: str) -> None:
    form.root.get_by_role("radio", name="Command").check()
    for label, text in {"Command": "echo done", "Project": "digits", "Name": "nightly"}.items():
        form.root.get_by_role("textbox", name=label, exact=True).or_(
            form.root.get_by_role("combobox", name=label, exact=True)
        ).fill(text)
    form.root.get_by_text("Folder, environment, schedule").click()
    form.fill("Repeat (cron)", "whenever")
    save = form.root.get_by_role("button", name="Save schedule")
    save.click()
    cron = form.root.get_by_label("Repeat (cron)", exact=True)
    expect(cron).to_be_focused()
    expect(form.root.locator('[data-field="cron"]')).to_contain_text("five fields: minute, hour")
    cron.fill(when)
    save.click()
    expect(form.root).to_have_count(0)


def change_it(tasks: TasksPage, row: Locator, when: str) -> None:
    row.get_by_role("button", name="More actions").press("Enter")
    tasks.page.get_by_role("menuitem", name="Edit…").click()
    form = TaskForm(tasks.page)
    form.fill("Repeat (cron)", when)
    form.root.get_by_role("button", name="Save schedule").click()
    expect(row).to_contain_text(when)


TASK_LIST = """\
import time
import aiplat_jupyter as aiplat
display(aiplat.TaskList())
time.sleep(60)"""


@pytest.mark.timeout(120)
def test_a_list_in_a_notebook_stops_a_task_while_a_cell_runs(lab: Lab, page: Page) -> None:
    other = queue(lab, "other", kind="command", command=SLEEP)
    uid = queue(lab, "asleep", kind="command", command=SLEEP)
    lab.write_notebook("tasks.ipynb", TASK_LIST)
    notebook = LabPage(page, lab).notebook("tasks.ipynb")
    notebook.run(0)
    row = notebook.panel.locator(".aiplat-panel .aiplat-row", has_text="asleep")
    expect(row).to_contain_text("running")
    stop = row.get_by_role("button", name="Stop")
    stop.focus()
    lab.api(f"tasks/{other}", "PATCH", {"name": "renamed"})
    expect(notebook.panel.locator(".aiplat-panel .aiplat-row", has_text="renamed")).to_be_visible()
    expect(stop).to_be_focused()
    page.keyboard.press("Enter")
    expect(row).to_contain_text("cancelled")
    expect(row.get_by_role("button", name="Retry")).to_be_focused()
    assert notebook.is_busy(), "while the cell runs"
    assert task(lab, uid)["reason"] == "stopped"


@pytest.mark.timeout(120)
def test_a_task_without_its_supervisor_says_so(lab: Lab, page: Page, picture: Picture) -> None:
    lab.set("@jupyterlab/translation-extension/plugin", {"locale": "zh_CN"})
    shell = LabPage(page, lab)
    shell.open()
    spec = {"kind": "command", "command": SLEEP, "env": {"EPOCHS": "3"}, "retries": 2, "timeout_s": 7200}
    uid = queue(lab, "alone", **spec)
    wait_for(lambda: task(lab, uid)["state"] == "running", "its start")
    state = json.loads((lab.data_dir / "tasks" / uid / "1" / "state.json").read_text())
    os.kill(state["supervisor"], signal.SIGKILL)
    page.get_by_role("button", name=re.compile("^任务：")).click()
    row = page.locator(".aiplat-TasksPage:visible").get_by_role("listitem").filter(has_text="alone")
    expect(row).to_contain_text("无人监管，将无法得知退出码")
    picture("unsupervised-list")
    row.locator(".aiplat-TaskName").click()
    shown = page.locator(".aiplat-TaskPage:visible")
    expect(shown.locator(".aiplat-PageHeader")).to_contain_text("无人监管，将无法得知退出码")
    side = shown.get_by_role("complementary")
    expect(side).to_contain_text("环境变量 EPOCHS")
    expect(side).not_to_contain_text(re.compile("timeout|retries|kind|executor"))
    shell.sidebar.show()
    expect(shell.sidebar.row("alone").locator(".aiplat-TaskWarning")).to_be_visible()
    picture("unsupervised-page")
