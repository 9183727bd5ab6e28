"""Tasks from Python, with a real server in a process of its own."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import nbformat
import pytest

from aiplat_jupyter.client import task as module
from aiplat_jupyter.client.api import connect
from aiplat_jupyter.client.task import Task, TaskFailed, submit, tasks
from aiplat_jupyter.core.errors import InvalidInput, NotFound, Unavailable
from aiplat_jupyter.core.logs import LogChunk, LogEnd, LogGap
from aiplat_jupyter.core.tasks import After
from tests.lab import Lab

PATIENCE = 40.0


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("server"), "jupyter_server") as lab:
        lab.api("server")
        yield lab


@pytest.fixture
def here(lab: Lab, data_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the present folder, on the machine of a server."""
    monkeypatch.setenv("AIPLAT_DATA_DIR", str(lab.data_dir))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def output(task: Task) -> list[str]:
    return list(task.wait(PATIENCE).logs())


def test_a_command_runs_here(here: Path) -> None:
    task = submit(["sh", "-c", 'pwd; echo "$AIPLAT_NAME"'], project="p", name="named")
    assert output(task) == [str(here), "named"]
    assert (task.state, task.exit_code, task.why, task.has_ended) == ("succeeded", 0, "", True)
    assert (task.record.project_name, task.experiment) == ("p", None)


def test_a_string_is_a_line_for_the_shell(here: Path) -> None:
    assert output(submit("echo a b | tr ' ' '-'", env={"X": "1"})) == ["a-b"]


def test_a_script_runs_in_its_folder(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "job.py").write_text("import sys, os; print(os.getcwd(), sys.argv[1:], sys.executable)")
    assert output(submit(script="sub/job.py", args=["-x", "1"]))[0].startswith(f"{here}/sub ['-x', '1'] ")


def test_a_notebook_runs_with_parameters(here: Path) -> None:
    cell = nbformat.v4.new_code_cell("print('lr', lr)")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), here / "book.ipynb")
    task = submit(notebook=here / "book.ipynb", parameters={"lr": 0.25})
    assert "lr 0.25" in output(task)
    assert task.record.progress is not None
    assert (task.record.progress.done, task.record.progress.total) == (2, 2)


TRAIN = """
import aiplat_jupyter as aiplat
exp = aiplat.init(config={"lr": 1})
for step in range(10):
    exp.log({"loss": 1 / (step + 1)}, step)
    exp.progress(step + 1, 10, "steps")
exp.finish()
print(exp.uid)
raise SystemExit(1)
"""


def test_a_task_and_its_retry_log_one_experiment(here: Path) -> None:
    (here / "train.py").write_text(TRAIN)
    task = submit(script="train.py", project="linked", name="digits")
    [first] = output(task)
    [second] = output(task.retry())
    assert first == second
    assert (task.state, task.why, task.record.attempts) == ("failed", "exit code 1", 2)
    experiment = task.refresh().experiment
    assert experiment is not None
    assert (experiment.uid, experiment.name, experiment.project_name) == (first, "digits", "linked")
    assert len(experiment.lineage) == 2
    assert task.record.progress is not None
    assert (task.record.progress.done, task.record.progress.text) == (10.0, "steps")


def test_waiting_may_check_and_may_run_out_of_time(here: Path) -> None:
    slow = submit(["sleep", "600"], grace_s=1)
    with pytest.raises(TimeoutError, match=r"after 0\.3 s"):
        slow.wait(0.3)
    assert slow.stop().record.stop_requested or slow.has_ended
    with pytest.raises(TaskFailed, match="cancelled"):
        slow.wait(PATIENCE, check=True)
    with pytest.raises(TaskFailed, match="failed, exit code 3"):
        submit("exit 3").wait(PATIENCE, check=True)
    assert submit("exit 0").wait(PATIENCE, check=True).state == "succeeded"


def test_waiting_asks_seldom(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = submit("sleep 3")
    asked = 0
    look = task._look

    def counted(seen: int | None, patience: float) -> int | None:
        nonlocal asked
        asked += 1
        return look(seen, patience)

    monkeypatch.setattr(task, "_look", counted)
    task.wait(PATIENCE)
    assert asked < 10


def test_one_after_the_other(here: Path) -> None:
    bad = submit("exit 1")
    never, anyway = submit("true", after=[bad]), submit("echo ran", after=[After(task=bad.uid, on="any")])
    assert output(anyway) == ["ran"]
    assert never.wait(PATIENCE).state == "cancelled"


def test_tasks_are_found(here: Path) -> None:
    task = submit("echo xyzzy", name="findable").wait(PATIENCE)
    [found] = tasks("findable")
    assert found.uid == task.uid
    assert task.uid in {each.uid for each in tasks(state=["succeeded"], limit=500)}
    assert Task.of(task.uid).name == "findable"
    assert "findable" in repr(found)
    with pytest.raises(NotFound):
        Task.of("nothing")


def test_what_is_wrong_is_said_at_once(here: Path) -> None:
    with pytest.raises(InvalidInput) as both:
        submit(["ls"], script="a.py")
    assert set(both.value.fields) == {"command", "script", "notebook"}
    with pytest.raises(InvalidInput, match="gpu"):
        submit(["ls"], gpu=1)
    with pytest.raises(InvalidInput):
        submit(["ls"], gpus=-1)
    with pytest.raises(InvalidInput) as missing:
        submit(script="nowhere.py")
    assert set(missing.value.fields) == {"script"}


def test_a_log_is_followed_as_it_comes(here: Path) -> None:
    task = submit("echo one; sleep 0.5; printf two; exit 4")
    news = list(task.follow())
    assert "".join(each.text for each in news if isinstance(each, LogChunk)) == "one\ntwo"
    assert isinstance(news[-1], LogEnd)
    assert (task.state, task.exit_code) == ("failed", 4)
    assert list(task.logs(follow=True)) == ["one", "two"]


def test_the_attempts_of_a_retry_are_followed_too(here: Path) -> None:
    task = submit("printf again; exit 1", retries=1, retry_wait_s=0.1)
    assert list(task.logs(follow=True)) == ["again", "again"]
    assert task.record.attempts == 2


def test_no_line_is_left_out_of_a_log_that_is_longer_than_what_is_sent(here: Path) -> None:
    task = submit("echo é; seq 500000").wait(PATIENCE)
    assert any(isinstance(news, LogGap) for news in task.follow())
    heard = list(task.logs(follow=True))
    assert heard[0] == "é"
    assert heard[1:] == [str(number) for number in range(1, 500_001)]


def test_a_log_that_begins_anew_begins_a_line(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    task = submit("true").wait(PATIENCE)
    news = [
        LogChunk(offset=0, next=7, text="one\nold"), LogGap(start=7, to=0),
        LogChunk(offset=0, next=4, text="new\n"), LogEnd(state="succeeded", size=4),
    ]  # fmt: skip
    monkeypatch.setattr(module.task_log, "follow", lambda *place: iter(news))
    assert list(task.logs(follow=True)) == ["one", "old", "new"]


@pytest.mark.chaos
def test_waiting_and_following_outlive_the_server(
    tmp_path: Path, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "PAUSE", 0.2)
    home = tmp_path / "server"
    heard: list[str] = []
    with Lab(home, "jupyter_server") as first:
        first.api("server")
        monkeypatch.setenv("AIPLAT_DATA_DIR", str(first.data_dir))
        task = submit(["sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo line $i; sleep 1; done; exit 5"])
        follower = threading.Thread(target=lambda: heard.extend(Task.of(task.uid).logs(follow=True)))
        follower.start()
        while len(heard) < 2:
            time.sleep(0.05)
        first.kill()
        with Lab(home, "jupyter_server"):
            task.wait(PATIENCE)
            follower.join(PATIENCE)
    assert (task.state, task.exit_code) == ("failed", 5)
    assert heard == [f"line {i}" for i in range(1, 10)]


def test_without_a_server_nothing_is_queued(data_dir: Path) -> None:
    with pytest.raises(Unavailable):
        submit(["ls"])
    with pytest.raises(Unavailable):
        connect()
