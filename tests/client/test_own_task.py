"""Experiments that a task begins, and how far it says it is."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aiplat_jupyter.client import own_task, progress
from aiplat_jupyter.client.experiment import Experiment
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import Opened, Progressed
from tests.client.fake_server import records


class Process:
    """Stands for another process of the task: it knows nothing of what this one took."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self._monkeypatch = monkeypatch
        self._folder = folder

    def begins(self, attempt: int = 1) -> None:
        directory = self._folder / "tasks" / "t1" / str(attempt)
        directory.mkdir(parents=True, exist_ok=True)
        names = {"TASK_OF": "t1", "TASK": f"a{attempt}", "PROJECT": "digits", "NAME": "first", "TASK_DIR": directory}
        for name, value in names.items():
            self._monkeypatch.setenv(f"AIPLAT_{name}", str(value))
        self._monkeypatch.setattr(own_task, "_taken", set())


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch, data_dir: Path) -> Process:
    return Process(monkeypatch, data_dir)


def written(exp: Experiment) -> list[Any]:
    journal = exp._recording.journal
    assert journal is not None
    return records((Path(os.environ["AIPLAT_DATA_DIR"]) / "journals" / f"{journal.uid}.journal").read_bytes())


def test_a_task_names_project_and_experiment(process: Process) -> None:
    process.begins()
    exp = init()
    opened = written(exp)[0]
    assert isinstance(opened, Opened)
    assert (opened.project, opened.name, opened.task, opened.console) == ("digits", "first", "a1", None)


def test_the_script_may_name_others(process: Process) -> None:
    process.begins()
    exp = init("mine", "own")
    assert (exp.project, exp.name) == ("mine", "own")


def test_outside_of_tasks_nothing_is_known_of_one(data_dir: Path) -> None:
    exp = init()
    assert exp.project == "default"
    assert written(exp)[0].task is None


def test_a_retry_goes_on_with_its_experiment(process: Process) -> None:
    process.begins(attempt=1)
    first = init(config={"lr": 1, "deep": {"b": 1, "a": [2.0]}})
    process.begins(attempt=2)
    again = init(config={"deep": {"a": [2.0], "b": 1}, "lr": 1})
    assert again.uid == first.uid
    assert again.attempt != first.attempt
    assert written(again)[0].task == "a2"


def test_other_settings_are_another_experiment(process: Process) -> None:
    process.begins()
    uids = {init(config={"lr": lr}).uid for lr in (1, 2)} | {init(name="other", config={"lr": 1}).uid}
    assert len(uids) == 3


def test_what_begins_several_alike_has_several_and_finds_them_again(process: Process) -> None:
    process.begins(attempt=1)
    ours = [init().uid, init().uid]
    process.begins(attempt=1)
    ours.append(init().uid)
    assert len(set(ours)) == 3
    process.begins(attempt=2)
    assert [init().uid for _ in range(3)] == ours


def test_a_folder_that_cannot_be_written_still_tells_them_apart(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.begins()
    monkeypatch.setenv("AIPLAT_TASK_DIR", "/proc/nowhere")
    assert init().uid != init().uid


def test_an_experiment_named_by_the_environment_comes_first(process: Process, monkeypatch: pytest.MonkeyPatch) -> None:
    process.begins()
    monkeypatch.setenv("AIPLAT_EXPERIMENT", "e1")
    assert init().uid == "e1"


@pytest.mark.parametrize("value", ["", "a b", "../x"])
def test_a_strange_environment_is_no_task(process: Process, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    process.begins()
    monkeypatch.setenv("AIPLAT_TASK_OF", value)
    assert written(init())[0].task is None


RANK = """
import os, sys
import aiplat_jupyter as aiplat
exp = aiplat.init(all_ranks=True)
print(exp.uid, exp.attempt)
"""


def launched(task: str, *arguments: str) -> list[list[str]]:
    """Return experiment and attempt of each of two ranks, started by one launcher."""
    launcher = f"""
import os, subprocess, sys
ranks = [dict(os.environ, RANK=str(n), WORLD_SIZE="2", LOCAL_WORLD_SIZE="2") for n in range(2)]
for n, env in enumerate(ranks):
    subprocess.run([sys.executable, "-c", {RANK!r}, f"--local_rank={{n}}", *sys.argv[1:]], env=env, check=True)
"""
    env = {**os.environ, "AIPLAT_TASK_OF": task, "AIPLAT_TASK": "a1", "AIPLAT_TASK_DIR": os.environ["AIPLAT_DATA_DIR"]}
    done = subprocess.run(
        [sys.executable, "-c", launcher, *arguments], env=env, capture_output=True, text=True, check=True
    )
    return [line.split() for line in done.stdout.splitlines()]


def test_ranks_agree_and_a_retry_finds_their_experiment(data_dir: Path) -> None:
    first, again, other = launched("t1"), launched("t1"), launched("t1", "--lr=2")
    assert first[0] == first[1]
    assert again[0][0] == first[0][0]
    assert again[0][1] != first[0][1]
    assert other[0][0] != first[0][0]


# Progress


def progress_of(exp: Experiment) -> list[tuple[float, float | None, str]]:
    return [(each.done, each.total, each.text) for each in written(exp) if isinstance(each, Progressed)]


def test_progress_is_written_at_most_four_times_a_second(data_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 10_000, 1))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock) / 100)
    exp = init()
    for step in range(100):
        exp.progress(step + 1, 1000, f"epoch {step // 50}")
    told = progress_of(exp)
    assert told[0] == (1.0, 1000.0, "epoch 0")
    assert len(told) <= 6
    exp.finish()
    assert progress_of(exp)[-1] == (100.0, 1000.0, "epoch 1")


def test_the_end_is_told_at_once(data_dir: Path) -> None:
    exp = init()
    exp.progress(1, 2)
    exp.progress(2, 2)
    assert progress_of(exp) == [(1.0, 2.0, ""), (2.0, 2.0, "")]


@pytest.mark.parametrize("wrong", [("x",), (float("nan"),), (1, "y"), (None,), (1, float("inf"))])
def test_what_is_no_number_is_one_warning(data_dir: Path, caplog: pytest.LogCaptureFixture, wrong: Any) -> None:
    exp = init()
    for _ in range(3):
        exp.progress(*wrong)
    assert progress_of(exp) == []
    assert len([record for record in caplog.records if "progress() takes numbers" in record.message]) == 1
    with pytest.raises(InvalidInput):
        init(strict=True).progress(*wrong)


def test_any_number_and_text_will_do(data_dir: Path) -> None:
    import numpy as np

    exp = init()
    exp.progress(np.int64(3), np.float32(4), "x" * 1000)
    assert progress_of(exp) == [(3.0, 4.0, "x" * progress.LONGEST_TEXT)]
    exp.finish()
    exp.progress(4, 4)
