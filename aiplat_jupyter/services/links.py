"""What ties tasks to the experiments that they log, as journals tell."""

from pathlib import PurePath
from typing import Final, NamedTuple

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import AiplatError
from aiplat_jupyter.core.frames import Opened, Progressed
from aiplat_jupyter.core.ids import is_uid, new_uid
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.states import ExperimentStatus, TaskState
from aiplat_jupyter.core.tasks import Progress, TaskSpec
from aiplat_jupyter.services import access, endings, limits
from aiplat_jupyter.store import changes, experiments, task_attempts, tasks, tombstones
from aiplat_jupyter.store.task_attempts import Ending
from aiplat_jupyter.store.task_folders import TaskFolders

_ENDS: Final[dict[ExperimentStatus, TaskState]] = {
    "finished": "succeeded",
    "failed": "failed",
    "interrupted": "cancelled",
    "stopped": "cancelled",
    "lost": "lost",
}


class Notebooks(NamedTuple):
    """Where the console output of this machine's notebooks is kept, and the agent (row) that their tasks belong to."""

    agent_id: int
    machine: str
    folders: TaskFolders


def follow(
    tx: Connection, who: Identity, opened: Opened, experiment: experiments.Found, notebooks: Notebooks | None
) -> None:
    """Tie an experiment to the task that its process is part of, or to one that stands for its notebook."""
    if opened.task:
        _link(tx, who, opened.task, experiment.uid)
    elif notebooks and opened.console and opened.process.machine == notebooks.machine:
        _begin(tx, who, opened, experiment, notebooks)


def _link(tx: Connection, who: Identity, attempt: str, experiment: str) -> None:
    found = task_attempts.find(tx, attempt)
    if found is None:
        return
    uid = tasks.uid_of(tx, found.task_id)
    try:
        task = access.task(tx, who, uid, "editor")
    except AiplatError:  # somebody else's task is none of this journal's
        return
    task_attempts.link(tx, found, experiment)
    changes.of_task(tx, "updated", uid, task.project.uid)


def _begin(tx: Connection, who: Identity, opened: Opened, experiment: experiments.Found, notebooks: Notebooks) -> None:
    uid = opened.console
    if uid is None or not is_uid(uid) or tasks.is_taken(tx, uid) or tombstones.is_buried(tx, uid):
        return
    path = limits.flat(str(opened.provenance.get("notebook") or ""))
    spec = TaskSpec(kind="notebook-live", notebook=path, slots=0)
    more = {"name": PurePath(path).name or experiment.name, "owner": who.username, "executor": "", "uid": uid}
    row = tasks.create(tx, experiment.project.id, notebooks.agent_id, spec, **more, experiment=experiment.uid)
    directory = str(notebooks.folders.path(uid, 1))
    runs = {"state": "running", "started_at": opened.wall, "pid": opened.process.pid, "directory": directory}
    task_attempts.begin(tx, row, new_uid(), 1, **runs, experiment=experiment.uid)
    changes.of_task(tx, "created", uid, experiment.project.uid)


def progress(tx: Connection, experiment: str, told: Progressed) -> None:
    """Note how far the task is that logs an experiment."""
    found = tasks.logging(tx, experiment)
    if found is None:
        return
    total = told.total if told.total is None or told.total > 0 else None
    if tasks.note_progress(tx, found.id, Progress(done=told.done, total=total, text=limits.flat(told.text)), "journal"):
        endings.tell(tx, [found.id], "points")


def end(tx: Connection, experiment: str, status: ExperimentStatus, cause: str, at: float) -> None:
    """Let the task of a notebook that someone ran by hand end as its experiment did."""
    found = tasks.logging(tx, experiment)
    if found and found.kind == "notebook-live" and status in _ENDS:
        endings.end(tx, found.id, found.attempt_id, Ending(_ENDS[status], "", limits.flat(cause)), at)
