"""Tasks and the experiments that they log, as journals tell."""

import asyncio
from pathlib import Path

import pytest

from aiplat_jupyter.core import frames
from aiplat_jupyter.core.errors import Conflict
from aiplat_jupyter.core.queries import TaskQuery
from aiplat_jupyter.core.records import ExperimentPatch, NewMember
from aiplat_jupyter.core.tasks import Progress, StopTask
from aiplat_jupyter.services.journals import Journals
from aiplat_jupyter.services.kernels import Kernels
from aiplat_jupyter.services.links import Notebooks
from aiplat_jupyter.store.database import Database
from tests.services.frames import AT, ended, opening, point, run, shape
from tests.services.house import House, Waiting
from tests.services.people import ADA, BOB
from tests.services.yard import Yard


@pytest.fixture
def yard(database: Database, tmp_path: Path) -> Yard:
    return Yard(database, tmp_path)


@pytest.fixture
def journals(yard: Yard) -> Waiting:
    return Waiting(Journals(yard.database, Notebooks(yard.agent.id, "here", yard.folders)))


def progressed(done: float, total: float | None = None, text: str = "") -> bytes:
    return frames.encode(frames.Progressed(done=done, total=total, text=text, wall=AT))


def test_an_experiment_belongs_to_the_attempt_that_began_it(yard: Yard, journals: Waiting) -> None:
    task = yard.queue()
    yard.round(2)
    journals.append(ADA, "j1", 0, run("j1", task=task.attempt))
    found = yard.get(task)
    assert (found.experiment, found.experiment_name, found.lineage[0].experiment) == ("exp", "mlp", "exp")
    assert [row.uid for row in yard.tasks.list(ADA, TaskQuery(experiment="exp")).items] == [task.uid]
    journals.append(BOB, "j2", 0, run("j2", experiment="other", task=task.attempt))
    assert yard.get(task).experiment == "exp"
    journals.append(ADA, "j3", 0, run("j3", experiment="third", task="no such attempt"))


def test_progress_of_the_program_counts_before_what_is_guessed(yard: Yard, journals: Waiting) -> None:
    task = yard.queue()
    yard.round(2)
    head = opening("j1", task=task.attempt)
    journals.append(ADA, "j1", 0, head + progressed(2, 10, "epoch 2"))
    assert yard.get(task).progress == Progress(done=2, total=10, text="epoch 2")
    status = yard.machine.statuses[task.attempt]
    yard.machine.statuses[task.attempt] = frames.msgspec.structs.replace(status, progress=Progress(done=1, total=2))
    yard.round()
    assert yard.get(task).progress == Progress(done=2, total=10, text="epoch 2")


def test_a_live_notebook_is_a_task(yard: Yard, journals: Waiting, house: House) -> None:
    opened = opening("j1", console="nb1", provenance={"notebook": "work/train.ipynb"})
    journals.append(ADA, "j1", 0, opened + shape("loss") + point(0, 1.0))
    task = yard.tasks.get(ADA, "nb1")
    assert (task.kind, task.name, task.state, task.experiment) == ("notebook-live", "train.ipynb", "running", "exp")
    assert (task.lineage[0].directory, task.project_name) == (str(yard.folders.path("nb1", 1)), "digits")
    yard.round(2)
    assert (yard.tasks.get(ADA, "nb1").state, yard.agents.list(ADA)[0].slots_taken) == ("running", 0)
    house.projects.apply(ADA, task.project, "trash")  # as before there were tasks
    house.projects.apply(ADA, task.project, "restore")
    yard.tasks.stop(ADA, "nb1", StopTask())
    assert house.experiments.get(ADA, "exp").stop_requested
    journals.append(ADA, "j1", len(opened + shape("loss") + point(0, 1.0)), ended("stopped", cause="by the user"))
    found = yard.tasks.get(ADA, "nb1")
    assert (found.state, found.detail, found.ended_at) == ("cancelled", "by the user", AT)
    for act in (yard.tasks.retry, yard.tasks.clone):
        with pytest.raises(Conflict):
            act(ADA, "nb1")


def test_a_cell_that_failed_does_not_end_the_notebook(yard: Yard, journals: Waiting) -> None:
    opened = opening("j1", console="nb1") + ended("failed", cause="ValueError", final=False)
    journals.append(ADA, "j1", 0, opened)
    assert yard.tasks.get(ADA, "nb1").state == "running"
    asyncio.run(journals._service.end("j1", Kernels(), AT + 5))
    found = yard.tasks.get(ADA, "nb1")
    assert (found.state, found.name) == ("failed", "mlp")


@pytest.mark.parametrize(
    ("status", "state"), [("finished", "succeeded"), ("failed", "failed"), ("stopped", "cancelled")]
)
def test_the_notebooks_task_ends_as_its_experiment(
    yard: Yard, journals: Waiting, house: House, status: str, state: str
) -> None:
    journals.append(ADA, "j1", 0, opening("j1", console="nb1"))
    house.experiments.update(ADA, "exp", ExperimentPatch(status=status))
    assert yard.tasks.get(ADA, "nb1").state == state


def test_a_notebook_of_another_machine_has_no_log_here(yard: Yard, journals: Waiting) -> None:
    there = frames.Process(machine="there", boot_id="b", pid=1, start_time=1.0)
    journals.append(ADA, "j1", 0, opening("j1", console="nb1", process=there))
    journals.append(ADA, "j2", 0, opening("j2", experiment="e2", console="../nb"))
    assert yard.states() == {}


def test_a_tasks_uid_is_not_taken_over(yard: Yard, journals: Waiting, house: House) -> None:
    task = yard.queue()
    house.projects.set_member(ADA, task.project, "bob", NewMember(role="viewer"))
    journals.append(BOB, "j1", 0, opening("j1", console=task.uid))
    assert (yard.get(task).kind, yard.get(task).experiment) == ("command", None)
    journals.append(BOB, "j2", 0, opening("j2", experiment="e2", task=task.attempt))
    assert yard.get(task).experiment is None
