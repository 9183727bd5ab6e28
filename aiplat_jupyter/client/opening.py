"""`init`: beginning an experiment, or a further attempt at one."""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from aiplat_jupyter.client import capture, notebook, session, system
from aiplat_jupyter.client.cell import Cell
from aiplat_jupyter.client.complaints import Complaints, say
from aiplat_jupyter.client.console import new_console
from aiplat_jupyter.client.discover import data_dir
from aiplat_jupyter.client.entries import plain_entries
from aiplat_jupyter.client.experiment import Experiment
from aiplat_jupyter.client.fields import check_name, check_notes, check_step, check_tags
from aiplat_jupyter.client.own_task import OwnTask, experiment_of, own_task
from aiplat_jupyter.client.process import this_process
from aiplat_jupyter.client.recording import Recording
from aiplat_jupyter.core.errors import InvalidInput, NotFound, Unauthenticated, Unavailable
from aiplat_jupyter.core.frames import Opened
from aiplat_jupyter.core.ids import is_uid, new_uid


def init(
    project: str = "",
    name: str = "",
    config: Any = None,
    *,
    tags: Iterable[str] = (),
    notes: str = "",
    base_model: str = "",
    task_type: str = "",
    resume: str | None = None,
    from_step: int | None = None,
    all_ranks: bool = False,
    console: bool = True,
    system_metrics: bool = True,
    strict: bool = False,
) -> Experiment:
    """Begin an experiment. Talks to no server (unless it resumes one): everything goes into a journal on this machine.

    A task that is retried goes on with the experiment that it began with the same project, name and config.

    Parameters
    ----------
    project, name : project's name (created if missing) and the experiment's own; empty: those of the task that runs
        this, else ``default`` and one made up from the script's.
    config : settings: a dict, an `argparse.Namespace` or a data class.
    resume : uid of an experiment to go on with, as a further attempt.
    from_step : with `resume`: the first step to be done anew; None: go on behind the last one.
    all_ranks : in a distributed run, let ranks other than 0 log too (as context ``rank=n``); else theirs do nothing.
    console : in a notebook, keep what its cells print until the experiment ends, as its log.
    system_metrics : keep what GPUs, CPU and memory do meanwhile as metrics ``system/…``. In a distributed
        run that is for rank 0's machine; with `all_ranks` for each machine. ``AIPLAT_SYSTEM_METRICS=0`` turns it off.
    strict : raise what is otherwise one warning (for tests).

    Raises
    ------
    InvalidInput : a parameter is wrong.
    NotFound, Gone : the experiment to resume is not known, or was purged.
    Unavailable : the folder for journals cannot be written.
    """
    cell = notebook.current_cell()
    _finish_earlier(cell)
    task = own_task()
    project = check_name("project", project) or (task.project if task else "") or "default"
    name = check_name("name", name) or (task.name if task else "")
    entries = plain_entries({} if config is None else config)
    uid = resume or os.environ.get("AIPLAT_EXPERIMENT") or _new_experiment(task, project, name, entries)
    if not is_uid(uid):
        raise InvalidInput(f"{uid!r} is no experiment's uid.", fields={"resume": "an experiment's uid"})
    opened = Opened(
        journal=new_uid(),
        experiment=uid,
        attempt=new_uid(),
        process=this_process(),
        wall=time.time(),
        project=project,
        name=name or ("" if resume else _made_up_name(uid)),
        resume=resume is not None,
        from_step=None if from_step is None else check_step("from_step", from_step),
        config=entries,
        tags=check_tags(tags),
        notes=check_notes(notes),
        base_model=check_name("base_model", base_model),
        task_type=check_name("task_type", task_type),
        provenance=plain_entries(capture.at_once(cell)),
        kernel=notebook.kernel_id(),
        task=task.attempt if task else None,
    )
    if resume:
        session.current().converter.drain(session.PATIENCE)
    opened, last_step = _behind_earlier_attempts(opened) if resume else (opened, -1)
    log = new_console(console)
    opened = replace(_among_ranks(opened, all_ranks), console=log.uid if log else None)
    recording = _record(opened, all_ranks, strict)
    recording.step, recording.cell = last_step if opened.from_step is None else opened.from_step - 1, cell
    if log:
        log.follow(recording)
    if system_metrics:
        _watch_system(recording)
    return Experiment(recording)


def _watch_system(recording: Recording) -> None:
    """Keep the system metrics of this machine, unless that is another's to do, or was turned off."""
    if recording.muted or os.environ.get(system.VARIABLE) == "0":
        return
    pid = os.getpid()
    if _is_launched():
        from aiplat_jupyter.client import ranks

        if not ranks.is_first_here():
            return
        pid = os.getppid() if ranks.this_rank() else pid
    session.current().system.watch(recording, pid)


def _new_experiment(task: OwnTask | None, project: str, name: str, config: dict[str, Any]) -> str:
    return experiment_of(task, project, name, config) if task else new_uid()


def _record(opened: Opened, all_ranks: bool, strict: bool) -> Recording:
    here = session.current()
    complaints = Complaints(opened.name or opened.experiment, strict=strict)
    recording = Recording(opened, data_dir() / "journals", complaints, here.shipper, here.converter)
    if opened.rank and not (all_ranks and opened.joins):
        recording.muted = True
        return recording
    try:
        recording.open()
    except OSError as error:
        hint = "Set AIPLAT_DATA_DIR to a folder that can be written."
        raise Unavailable(f"The journal cannot be begun: {error}", hint=hint) from error
    here.recordings.add(recording)
    session.watch_for_the_end(notebook.shell() is not None)
    notebook.watch_cells()
    if not opened.joins:
        capture.in_background(recording)
    return recording


def _finish_earlier(cell: Cell | None) -> None:
    """End what an earlier execution of the same cell began."""
    for recording in session.current().live():
        if cell and recording.cell and cell.runs_again(recording.cell):
            recording.drain(session.PATIENCE)
            recording.settle("its cell was run again")


def _among_ranks(opened: Opened, all_ranks: bool) -> Opened:
    """Let all ranks of a distributed run speak of one experiment and one attempt."""
    if not _is_launched():
        return opened
    from aiplat_jupyter.client import ranks

    rank = ranks.this_rank()
    if rank is None:
        return opened
    here = session.current()
    uids = ranks.shared_uids(rank, here.opened)
    here.opened += 1
    if uids is None:
        if all_ranks and rank.number:
            say("aiplat: this rank cannot tell which run it belongs to. Set AIPLAT_EXPERIMENT alike for all ranks.")
        return replace(opened, rank=rank.number or None)
    return replace(
        opened,
        experiment=opened.experiment if opened.resume else uids.experiment,
        attempt=uids.attempt,
        rank=rank.number or None,
        joins=rank.number > 0,
        resume=opened.resume or rank.restarts > 0,
    )


def _is_launched() -> bool:
    return any(name in os.environ for name in ("RANK", "OMPI_COMM_WORLD_RANK", "PMI_RANK", "SLURM_PROCID"))


def _made_up_name(uid: str) -> str:
    source = notebook.notebook_path() or getattr(sys.modules["__main__"], "__file__", None) or "experiment"
    return f"{Path(source).stem}-{uid[-4:]}"


def _behind_earlier_attempts(opened: Opened) -> tuple[Opened, int]:
    """Return how the experiment is gone on with, and its last step (-1 if it has none).

    From the server and what it has not got yet of the journals here, else from these alone: then they name what this
    one continues, as it may arrive before them.
    """
    from aiplat_jupyter.client import api, journals
    from aiplat_jupyter.client.sync import committed

    here = journals.of_experiment(opened.experiment)
    try:
        server = api.connect()
        there = [one.last_step for one in server.summaries(opened.experiment) if one.last_step is not None]
        return opened, max([-1, *there, *(journals.last_step(path, committed(server, path.stem)) for path in here)])
    except NotFound:
        if not here:
            raise
    except (Unavailable, Unauthenticated):
        pass
    if origin := journals.origin(here):
        opened = replace(opened, project=origin.project, name=origin.name, parent=journals.last_attempt(here))
    return opened, max([-1, *map(journals.last_step, here)])
