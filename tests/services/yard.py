"""Tasks on one database, for tests: the services, a dispatcher that is told when to look, and pretended machines."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aiplat_jupyter.core.errors import NotStarted
from aiplat_jupyter.core.gpu import GpuDevice, GpuStatus, MonitorState, Reading
from aiplat_jupyter.core.ports import Capabilities, Job, JobStatus, Launch
from aiplat_jupyter.core.queries import TaskQuery
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.tasks import NewTask, Task, TaskCheck
from aiplat_jupyter.executors import command
from aiplat_jupyter.services.agents import Agents
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.dispatcher import Dispatcher
from aiplat_jupyter.services.gpus import Gpus
from aiplat_jupyter.services.tasks import Tasks
from aiplat_jupyter.store import agents
from aiplat_jupyter.store.claims import Claims
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.queue import Starting
from aiplat_jupyter.store.task_folders import TaskFolders
from tests.services.house import Waiting
from tests.services.people import ADA


class Machine:
    """An executor whose jobs do what the test says."""

    name = "local"

    def __init__(self, *, has_own_queue: bool = False) -> None:
        self.capabilities = Capabilities(has_own_queue=has_own_queue)
        self.launches: list[Launch] = []
        self.statuses: dict[str, JobStatus] = {}
        self.stops: list[tuple[str, bool]] = []
        self.refuses = ""
        self.is_away = False

    def submit(self, launch: Launch) -> None:
        if self.is_away:
            raise ConnectionError("away")
        if self.refuses:
            raise NotStarted(self.refuses)
        self.launches.append(launch)
        self.statuses.setdefault(launch.key, JobStatus(state="running", pid=1, started_at=1_000.0))

    def poll(self, jobs: Sequence[Job]) -> dict[str, JobStatus]:
        if self.is_away:
            raise ConnectionError("away")
        return {job.key: self.statuses.get(job.key, JobStatus(state="unknown")) for job in jobs}

    def stop(self, job: Job, *, now: bool = False) -> None:
        if self.is_away:
            raise ConnectionError("away")
        self.stops.append((job.key, now))
        if job.key in self.statuses:
            self.end(job.key, reason="stopped", signal="SIGKILL" if now else "SIGTERM")

    def owned(self, root: Path) -> list[Job]:
        return [Job(key=key, directory=f"{root}/{key}") for key in self.statuses]

    def forget(self, job: Job) -> None:
        self.statuses.pop(job.key, None)

    def end(self, key: str, **how: Any) -> None:
        """Let a job end."""
        self.statuses[key] = JobStatus(state="ended", pid=1, started_at=1_000.0, ended_at=1_001.0, **how)


class Yard:
    """One agent of four slots, with the GPUs that `see` names."""

    def __init__(self, database: Database, folder: Path, machine: Machine | None = None, username: str = "ada") -> None:
        self.database = database
        self.folder = folder
        self.machine = machine or Machine()
        self.folders = TaskFolders(folder / "tasks")
        self.agent = database.write_now(lambda tx: agents.enlist(tx, "here", username, 4))
        self.gpus = Gpus(500, lambda: None)
        self.service = Tasks(
            database,
            self.folders,
            self.agent.uid,
            {"local": self.machine},
            gpus=self.gpus.count,
            paths=lambda spec: command.paths(spec, Path("/home")),
            check=lambda spec: TaskCheck(argv=spec.command, cwd="/"),
        )
        self.tasks = Waiting(self.service)
        self.dispatcher = self.another_dispatcher()
        self.agents = Waiting(Agents(database, self.agent.uid, lambda: self.dispatcher.unknown))

    def another_dispatcher(self, **more: Any) -> Dispatcher:
        """Return the dispatcher of a further server."""
        engines, claims = {"local": self.machine}, Claims(self.folder / "claims")
        return Dispatcher(
            self.database, Bus(self.database), self.agent.id, engines, self.folders, claims, self.gpus, launched, **more
        )

    def another_account(self, username: str) -> "Yard":
        """Return the agent of another account of this machine."""
        return Yard(self.database, self.folder / username, username=username)

    def see(self, *used_mib: int) -> None:
        """Let the driver tell of GPUs of which so much is in use."""
        self.tell(
            [
                GpuDevice(uuid=f"GPU-{number}", index=number, name="H200", memory_used=Reading(mib * 2.0**20))
                for number, mib in enumerate(used_mib)
            ]
        )

    def tell(self, devices: list[GpuDevice], state: MonitorState = "ok") -> None:
        """Let the monitor tell of GPUs."""
        facts = {"agent": self.agent.uid, "host": "here", "username": "ada", "at": time.time(), "interval": 1.0}
        self.gpus.observe(GpuStatus(state=state, total=len(devices), devices=devices, **facts))

    def round(self, times: int = 1) -> None:
        """Let the dispatcher look."""
        for _ in range(times):
            asyncio.run(self.dispatcher.round())

    def queue(self, who: Identity = ADA, **more: Any) -> Task:
        """Queue a task."""
        given: dict[str, Any] = {"project": "digits", "kind": "command", "command": ["train"]} | more
        task: Task = self.tasks.create(who, NewTask(**given))[0]
        return task

    def get(self, task: Task) -> Task:
        """Return a task as it is now."""
        found: Task = self.tasks.get(ADA, task.uid)
        return found

    def states(self) -> dict[str, str]:
        """Return the state of each task by its name."""
        return {row.name: row.state for row in self.tasks.list(ADA, TaskQuery(limit=200)).items}

    def why(self, task: Task) -> tuple[str, str]:
        """Return reason and detail of a task."""
        found = self.get(task)
        return found.reason, found.detail

    def end(self, task: Task, **how: Any) -> None:
        """Let the newest attempt of a task end; without words, well."""
        self.machine.end(self.get(task).attempt, **(how or {"exit_code": 0}))


def launched(starting: Starting) -> Launch:
    """Return the orders for an attempt, in short."""
    env = {**starting.spec.env, "CUDA_VISIBLE_DEVICES": ",".join(starting.gpus)}
    return Launch(key=starting.attempt, argv=starting.spec.command, cwd="/", env=env, directory=starting.directory)
