"""Projects to look at: curves shaped like those of real training, computed by rule and labelled as a demonstration.

They are written the way a training process writes, as journals, so a running server gets them from here and one that
starts later adopts them.
"""

import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from aiplat_jupyter.client.api import Api, connect
from aiplat_jupyter.client.discover import data_dir
from aiplat_jupyter.client.journal import Journal
from aiplat_jupyter.client.process import this_process
from aiplat_jupyter.core import frames
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.core.records import Bulk, BulkResult, ExperimentRow
from aiplat_jupyter.core.states import ExperimentStatus, Lifecycle

TAG: Final = "demo"
NOTES: Final = "Made by `aiplat demo`: computed by rule, nothing was trained. `aiplat demo --remove` takes it away."
_LIFECYCLES: Final[tuple[Lifecycle, ...]] = ("active", "archived", "trashed")


class Course(NamedTuple):
    """The course of a loss: from `start` towards `floor` over `tau` steps, with noise, and what may befall it."""

    start: float
    floor: float
    tau: float
    noise: float = 0.15
    overfits: float = 0.0
    """By how much the validation loss has risen again at the end."""
    spike: float | None = None
    """Where, as a fraction of the run, the loss jumps for a while."""
    diverges: float | None = None
    """From where on it grows, until it is NaN."""


class Run(NamedTuple):
    """One experiment of the demonstration."""

    project: str
    name: str
    config: dict[str, Any]
    course: Course
    steps: int
    hours_ago: float
    seconds_per_step: float
    status: ExperimentStatus = "finished"
    cause: str = ""
    task_type: str = "classification"
    base_model: str = ""


def _runs() -> Iterator[Run]:
    vision, text = "demo: image classifier", "demo: language model"
    for lr, floor, tau in ((3e-2, 0.31, 300.0), (1e-2, 0.12, 700.0), (3e-3, 0.09, 1600.0), (1e-3, 0.16, 4200.0)):
        config = {"lr": lr, "batch": 128, "optimizer": "sgd", "depth": 18}
        yield Run(
            vision, f"resnet18 lr={lr}", config, Course(2.3, floor, tau, overfits=0.2), 12_000, 50 + lr * 100, 0.4
        )
    adam = {"lr": 1e-3, "batch": 128, "optimizer": "adam", "depth": 18}
    yield Run(vision, "resnet18 adam", adam, Course(2.3, 0.07, 500.0, spike=0.45), 12_000, 28, 0.4)
    wild = {"lr": 0.3, "batch": 128, "optimizer": "sgd", "depth": 18}
    yield Run(
        vision, "resnet18 lr=0.3", wild, Course(2.3, 0.9, 250.0, diverges=0.6), 3_000, 27, 0.4, "failed", "loss is NaN"
    )
    for rank, floor in ((8, 1.31), (16, 1.24), (64, 1.19)):
        config = {"lr": 2e-4, "lora": {"rank": rank, "alpha": 2 * rank}, "warmup": 500}
        course = Course(2.6, floor, 9_000.0, noise=0.06)
        yield Run(text, f"lora r{rank}", config, course, 60_000, 20 - rank / 8, 0.6, task_type="lora", base_model="7B")
    config = {"lr": 1e-4, "warmup": 2000}
    course = Course(3.1, 1.12, 15_000.0, noise=0.06, spike=0.7)
    yield Run(text, "full", config, course, 41_500, 9, 0.7, "interrupted", "KeyboardInterrupt", "full", "7B")


def seed(folder: Path | None = None) -> int:
    """Write the demonstration's journals into the data folder and return how many; 0 if they are there already."""
    folder = folder or data_dir()
    marker = _marker(folder)
    if marker.exists():
        return 0
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    uids = [_write(run, folder / "journals", seed=number) for number, run in enumerate(_runs())]
    marker.write_bytes(msgspec.json.encode(uids))
    return len(uids)


def remove(folder: Path | None = None) -> int:
    """Purge the demonstration's experiments, and their projects where nothing else is in them; return how many.

    Raises `Unavailable` without a running server, as only servers write the database.
    """
    marker = _marker(folder or data_dir())
    api = connect()
    rows = [row for lifecycle in _LIFECYCLES for row in _labelled(api, lifecycle)]
    _purge(api, "experiments", [row.uid for row in rows])
    _purge(api, "projects", [project for project in {row.project for row in rows} if _is_empty(api, project)])
    marker.unlink(missing_ok=True)
    return len(rows)


def _marker(folder: Path) -> Path:
    return folder / "demo.json"


def _write(run: Run, folder: Path, seed: int) -> str:
    """Write the journal of `run` and return the experiment's uid."""
    uid, began = new_uid(), time.time() - run.hours_ago * 3600
    journal = Journal(folder, new_uid())
    values = _values(run, np.random.default_rng(seed))
    walls = began + np.arange(run.steps, dtype=np.float64) * run.seconds_per_step
    with journal.lock:
        journal.append(frames.encode(_opened(run, journal.uid, uid, began)))
        journal.append(b"".join(_points(values, walls)))
        journal.append(frames.encode(frames.Changed(summary=_summary(values), wall=float(walls[-1]))))
        end = frames.Status(status=run.status, wall=float(walls[-1]), cause=run.cause)
        journal.append(frames.encode(end))
    journal.close()
    return uid


def _opened(run: Run, journal: str, uid: str, wall: float) -> frames.Opened:
    return frames.Opened(
        journal=journal,
        experiment=uid,
        attempt=new_uid(),
        process=this_process(),
        wall=wall,
        project=run.project,
        name=run.name,
        config=run.config,
        tags=[TAG],
        notes=NOTES,
        base_model=run.base_model,
        task_type=run.task_type,
    )


def _values(run: Run, random: np.random.Generator) -> dict[str, npt.NDArray[np.float64]]:
    """Return the columns of the run, one value a step."""
    course, x = run.course, np.arange(run.steps, dtype=float)
    progress = x / run.steps
    smooth = course.floor + (course.start - course.floor) * np.exp(-np.sqrt(x / course.tau * 2))
    if course.spike is not None:
        smooth = smooth + 1.5 * np.exp(-np.maximum(progress - course.spike, 0) * 60) * (progress >= course.spike)
    if course.diverges is not None:
        smooth = smooth * np.exp(np.maximum(progress - course.diverges, 0) * 25)
        smooth[progress > course.diverges + 0.3] = np.nan
    loss = smooth * np.exp(random.normal(0, course.noise, run.steps))
    validation = smooth * 1.05 + course.overfits * progress**2
    epoch = np.floor(progress * 30)
    return {"loss": loss, "val/loss": validation, "val/accuracy": np.exp(-validation / 2), "epoch": epoch}


def _points(values: dict[str, npt.NDArray[np.float64]], walls: npt.NDArray[np.float64]) -> Iterator[bytes]:
    yield frames.encode(frames.Shape(number=0, keys=list(values)))
    rows = np.column_stack(list(values.values())).astype("<f8")
    for step, (wall, row) in enumerate(zip(walls.tolist(), rows, strict=True)):
        payload = frames.POINTS_HEAD.pack(0, 0, step, wall) + row.tobytes()
        yield frames.HEAD.pack(len(payload), zlib.crc32(payload)) + payload


def _summary(values: dict[str, npt.NDArray[np.float64]]) -> dict[str, float]:
    return {"best loss": float(np.nanmin(values["loss"])), "accuracy": float(np.nanmax(values["val/accuracy"]))}


def _labelled(api: Api, lifecycle: Lifecycle) -> list[ExperimentRow]:
    page = api.list_experiments(ExperimentQuery(tag=[TAG], lifecycle=lifecycle, limit=200))
    return [row for row in page.items if row.project_name.startswith("demo: ")]


def _is_empty(api: Api, project: str) -> bool:
    queries = (ExperimentQuery(project=[project], lifecycle=lifecycle, limit=1) for lifecycle in _LIFECYCLES)
    return not any(api.list_experiments(query).items for query in queries)


def _purge(api: Api, kind: str, uids: list[str]) -> None:
    for verb in ("trash", "purge") if uids else ():
        api.post(f"{kind}/bulk", BulkResult, Bulk(verb=verb, uids=uids))
