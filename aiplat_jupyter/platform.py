"""Composition root: configuration → database, services and background work; started in order, stopped in reverse."""

import asyncio
import contextlib
import getpass
import os
import socket
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Final, NamedTuple

import psutil
from msgspec import Struct, field

from aiplat_jupyter import executors
from aiplat_jupyter.client.process import this_process
from aiplat_jupyter.core.alert_presets import PRESETS
from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.core.gpu import Sample
from aiplat_jupyter.core.ports import Executor, Launch
from aiplat_jupyter.core.records import Identity, ServerInfo
from aiplat_jupyter.core.tasks import TaskCheck, TaskSpec
from aiplat_jupyter.executors import command, environment
from aiplat_jupyter.gpu.sampling import Sampling
from aiplat_jupyter.services.adoption import Adoption
from aiplat_jupyter.services.agents import Agents
from aiplat_jupyter.services.alert_replay import Replay
from aiplat_jupyter.services.alert_watch import AlertWatch
from aiplat_jupyter.services.alerts import Alerts
from aiplat_jupyter.services.attribution import Attribution
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.dispatcher import Dispatcher
from aiplat_jupyter.services.experiments import Experiments
from aiplat_jupyter.services.gpu_monitor import GpuMonitor, Keeping
from aiplat_jupyter.services.gpus import Gpus
from aiplat_jupyter.services.journals import Journals
from aiplat_jupyter.services.kernels import Kernels
from aiplat_jupyter.services.links import Notebooks
from aiplat_jupyter.services.log_keeping import LogKeeping
from aiplat_jupyter.services.log_watch import LogWatch
from aiplat_jupyter.services.logs import Logs
from aiplat_jupyter.services.metrics import Metrics
from aiplat_jupyter.services.notices import Notices
from aiplat_jupyter.services.outputs import Outputs
from aiplat_jupyter.services.projects import Projects
from aiplat_jupyter.services.replays import Replays
from aiplat_jupyter.services.schedules import Schedules
from aiplat_jupyter.services.tasks import Tasks
from aiplat_jupyter.services.tokens import Tokens
from aiplat_jupyter.services.users import Users
from aiplat_jupyter.store import agents, alert_rules
from aiplat_jupyter.store.claims import Claims
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles
from aiplat_jupyter.store.logs.opened import OpenLogs
from aiplat_jupyter.store.queue import Starting
from aiplat_jupyter.store.task_folders import TaskFolders

API: Final = 1
"""Number of the REST API; raised when an older page could no longer work with it."""


class Settings(Struct, frozen=True, kw_only=True):
    """What an operator may choose.

    Attributes
    ----------
    data_dir : absolute folder of database, journals, server files and backups.
    db_url : SQLAlchemy's form; empty: an SQLite file in `data_dir`.
    journal_days : how long a journal file stays after it was closed.
    local : the account of this machine.
    root_dir : absolute folder that relative paths of tasks count from: the server's.
    task_slots : how many slots the tasks of this machine share; 0: one for each core.
    gpu_busy_mib : a GPU of which others use more memory than that is not given to tasks.
    log_compress_days, log_keep_days : how long after its attempt has ended a log stays as it is, and stays at all (0:
        for ever).
    stop_tasks_at_shutdown : whether tasks are asked to end when the server ends in order.
    alert_keep_days : how long alerts that are over are kept (0: for ever).
    gpu_history_hours, gpu_history_days : how long the GPUs' history is kept in steps of 10 s, and at all (0: for ever).
    """

    data_dir: Path
    db_url: str = ""
    journal_days: float = 7.0
    local: Identity
    root_dir: Path = field(default_factory=Path.cwd)
    task_slots: int = 0
    gpu_busy_mib: float = 500.0
    log_compress_days: float = 7.0
    log_keep_days: float = 0.0
    alert_keep_days: float = 90.0
    stop_tasks_at_shutdown: bool = False
    gpu_history_hours: float = 48.0
    gpu_history_days: float = 30.0


@dataclass(kw_only=True)
class Platform:
    """The running services."""

    info: ServerInfo
    projects: Projects
    experiments: Experiments
    metrics: Metrics
    journals: Journals
    tokens: Tokens
    users: Users
    replays: Replays
    bus: Bus
    kernels: Kernels
    tasks: Tasks
    agents: Agents
    schedules: Schedules
    dispatcher: Dispatcher
    logs: Logs
    outputs: Outputs
    alerts: Alerts
    gpu: GpuMonitor


def local_account() -> Identity:
    """Return the account of everyone whom Jupyter's stock identity providers let in, and of this machine's scripts.

    It is named after the machine's user and administers; in a server of JupyterHub it is the hub's user.
    """
    if hub_user := os.environ.get("JUPYTERHUB_USER"):
        return Identity(username=hub_user, display_name=hub_user)
    try:
        name = getpass.getuser()
    except (KeyError, OSError):  # the user has no entry on this machine, as in some containers
        name = f"user-{os.getuid()}"
    return Identity(username=name, display_name=name, is_admin=True)


@contextlib.asynccontextmanager
async def running(settings: Settings) -> AsyncIterator[Platform]:
    """Open the database, run what works in the background, and yield the services.

    Raise `Unavailable` (or `SchemaTooNew`) if the database cannot be used.
    """
    async with contextlib.AsyncExitStack() as stack:
        database = await asyncio.to_thread(_open, settings)
        stack.push_async_callback(asyncio.to_thread, database.close)
        bus = await stack.enter_async_context(Bus(database))
        files, folders = JournalFiles(settings.data_dir / "journals"), TaskFolders(settings.data_dir / "tasks")
        agent = await _enlisted(settings, database)
        journals = Journals(database, Notebooks(agent.id, os.uname().nodename, folders))
        kernels, users = Kernels(), Users(database)
        await users.seen(settings.local)
        await database.write(lambda tx: alert_rules.seed(tx, PRESETS))
        adoption = Adoption(journals, files, kernels, settings.local, keep_days=settings.journal_days)
        await stack.enter_async_context(adoption)
        work = await stack.enter_async_context(_at_work(settings, database, bus, folders, agent))
        watch = await stack.enter_async_context(_alert_watch(settings, database, bus, agent, kernels, work, adoption))
        gpu = await stack.enter_async_context(_gpus(settings, database, bus, agent, kernels, work, watch))
        logs = await stack.enter_async_context(_logs(settings, database, bus))
        yield Platform(
            info=_info(settings, database),
            projects=Projects(database, files, folders),
            experiments=Experiments(database, files),
            metrics=Metrics(database),
            journals=journals,
            tokens=Tokens(database),
            users=users,
            replays=Replays(database),
            bus=bus,
            kernels=kernels,
            tasks=work.tasks,
            agents=work.agents,
            schedules=work.schedules,
            dispatcher=work.dispatcher,
            logs=logs,
            outputs=Outputs(database),
            alerts=Alerts(database, settings.local, Replay(database, gpu.history)),
            gpu=gpu,
        )


class _Work(NamedTuple):
    tasks: Tasks
    agents: Agents
    schedules: Schedules
    dispatcher: Dispatcher
    gpus: Gpus


async def _enlisted(settings: Settings, database: Database) -> agents.Found:
    slots = settings.task_slots or psutil.cpu_count() or 1
    machine, username = socket.gethostname(), settings.local.username
    return await database.write(lambda tx: agents.enlist(tx, machine, username, slots))


@contextlib.asynccontextmanager
async def _at_work(
    settings: Settings, database: Database, bus: Bus, folders: TaskFolders, agent: agents.Found
) -> AsyncIterator[_Work]:
    """Dispatch the tasks of this machine and account."""
    engines = {name: executors.load(name) for name in executors.names()}
    gpus = Gpus(settings.gpu_busy_mib, lambda: dispatcher.wake())
    root = settings.root_dir
    tasks = Tasks(
        database,
        folders,
        agent.uid,
        engines,
        gpus=gpus.count,
        paths=partial(command.paths, root=root),
        check=partial(_check, root),
    )
    schedules = Schedules(database, tasks, agent.uid, settings.local)
    dispatcher = Dispatcher(
        database,
        bus,
        agent.id,
        engines,
        folders,
        Claims(settings.data_dir / "servers"),
        gpus,
        partial(_launch, settings, engines),
        each_round=[schedules.queue_due],
        stop_at_end=settings.stop_tasks_at_shutdown,
    )
    async with dispatcher:
        yield _Work(tasks, Agents(database, agent.uid, lambda: dispatcher.unknown), schedules, dispatcher, gpus)


@contextlib.asynccontextmanager
async def _alert_watch(
    settings: Settings,
    database: Database,
    bus: Bus,
    agent: agents.Found,
    kernels: Kernels,
    work: _Work,
    adoption: Adoption,
) -> AsyncIterator[AlertWatch]:
    """Let rules look at what happens, and do what they say when they fire.

    They wait for what was left behind while no server ran: a run that ended then is not one that falls silent now.
    """
    async with Notices(database, work.tasks, kernels.interrupt, settings.local) as notices:
        watch = AlertWatch(
            database,
            bus,
            agent.id,
            agent.uid,
            is_leading=lambda: adoption.has_looked and work.dispatcher.is_leading,
            tell=notices.hear,
            keep_days=settings.alert_keep_days,
        )
        async with watch:
            yield watch


@contextlib.asynccontextmanager
async def _gpus(
    settings: Settings,
    database: Database,
    bus: Bus,
    agent: agents.Found,
    kernels: Kernels,
    work: _Work,
    watch: AlertWatch,
) -> AsyncIterator[GpuMonitor]:
    """Sample the GPUs of this machine, for whoever watches and for the tasks that want some."""
    here = this_process()
    monitor = GpuMonitor(
        database,
        bus,
        agent,
        Attribution(database, kernels, here.machine, here.boot_id),
        order=lambda interval, details: sampling.order(interval, details),
        is_leading=lambda: work.dispatcher.is_leading,
        each_sample=[watch.observe],
        keeping=Keeping(settings.gpu_history_hours, settings.gpu_history_days),
    )

    async def observe(sample: Sample) -> None:
        work.gpus.observe(await monitor.observe(sample))

    sampling = Sampling(observe, settings.data_dir)
    async with monitor, sampling:
        yield monitor


@contextlib.asynccontextmanager
async def _logs(settings: Settings, database: Database, bus: Bus) -> AsyncIterator[Logs]:
    """Watch the logs that are written now, and keep the others."""
    opened = OpenLogs()
    days = {"compress_days": settings.log_compress_days, "keep_days": settings.log_keep_days}
    try:
        async with (
            Logs(database, opened) as logs,
            LogWatch(database, bus, opened),
            LogKeeping(database, opened, **days),
        ):
            yield logs
    finally:
        await asyncio.to_thread(opened.close)


def _check(root: Path, spec: TaskSpec) -> TaskCheck:
    runs = command.command(spec, root)
    return TaskCheck(fields=command.check(spec, root), argv=runs.argv, cwd=runs.cwd)


def _launch(settings: Settings, engines: Mapping[str, Executor], starting: Starting) -> Launch:
    spec = starting.spec
    runs = command.command(spec, settings.root_dir)
    env = environment.environment(
        spec,
        task=starting.task,
        attempt=starting.attempt,
        project=starting.project,
        name=starting.name,
        directory=starting.directory,
        data_dir=str(settings.data_dir),
        gpus=None if engines[starting.executor].capabilities.has_own_queue else starting.gpus,
    )
    return Launch(
        key=starting.attempt,
        argv=runs.argv,
        cwd=runs.cwd,
        env=env,
        directory=starting.directory,
        gpus=spec.gpus,
        timeout_s=spec.timeout_s,
        grace_s=spec.grace_s,
    )


def _open(settings: Settings) -> Database:
    try:
        for folder in (settings.data_dir, settings.data_dir / "journals", settings.data_dir / "tasks"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise Unavailable(
            f"The data folder {settings.data_dir} cannot be used: {error.strerror}.",
            hint="Name another with AiplatApp.data_dir or AIPLAT_DATA_DIR.",
        ) from error
    url = settings.db_url or f"sqlite:///{settings.data_dir / 'aiplat.db'}"
    return Database.open(url, backups=settings.data_dir / "backups")


def _info(settings: Settings, database: Database) -> ServerInfo:
    return ServerInfo(
        version=version("aiplat_jupyter"),
        api=API,
        user=settings.local,
        machine=socket.gethostname(),
        database=database.kind,
        data_dir=str(settings.data_dir),
    )
