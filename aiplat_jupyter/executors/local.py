"""Runs jobs on this machine, each under a supervisor of its own that outlives the server.

What is known of a job lies in its folder (see `executors.supervisor`), so any later process can answer for it.
A process is taken for the one that is meant if the machine was not restarted, its pid is there, and it started
when the folder says.
"""

import json
import logging
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec
import psutil

from aiplat_jupyter.core.errors import NotStarted
from aiplat_jupyter.core.ports import Capabilities, Job, JobStatus, Launch
from aiplat_jupyter.core.states import TaskReason
from aiplat_jupyter.core.tasks import Progress
from aiplat_jupyter.executors import supervisor

COOKIE: Final = "AIPLAT_JOB"
"""Variable by which the processes of a job are found when its supervisor is gone."""
STARTING_S: Final = 10.0
"""A job that nobody has started after so many seconds is not known: whoever wants it submits it again."""
T = TypeVar("T")
_log = logging.getLogger(__name__)
_ABSENT: Final = (FileNotFoundError, NotADirectoryError)
_KEPT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR")


class State(msgspec.Struct, frozen=True):
    """``state.json``: which processes a job and its supervisor are. Starts are in ticks; 0: not known."""

    key: str
    boot_id: str
    supervisor: int
    supervisor_start: int
    pid: int
    start: int
    started_at: float
    grace_s: float
    timeout_s: float | None = None
    stopping: bool = False


class End(msgspec.Struct, frozen=True):
    """``exit.json``: how a job ended."""

    reason: TaskReason
    detail: str
    exit_code: int | None
    signal: str | None
    started_at: float | None
    ended_at: float


class StopRequest(msgspec.Struct, frozen=True):
    """``stop.json``: that a job is to end, with `now` at once; `is_late`: because its time is over."""

    now: bool
    is_late: bool = False


class Named(msgspec.Struct, frozen=True):
    """What ``launch.json`` and ``state.json`` have in common."""

    key: str


class LocalExecutor:
    """Runs jobs as processes of this machine and account."""

    name = "local"
    capabilities = Capabilities()

    def __init__(self) -> None:
        self._children: set[int] = set()
        self._submitted: set[str] = set()
        self._silent: set[str] = set()

    def submit(self, launch: Launch) -> None:
        """Start the job's supervisor, unless the job was started before."""
        self._reap()
        folder = Path(launch.directory).absolute()
        if (folder / "state.json").exists() or (folder / "exit.json").exists():
            return
        facts = {**msgspec.to_builtins(launch), "env": {**launch.env, COOKIE: launch.key}}
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write(folder / "launch.json", json.dumps(facts))
            self._children.add(_spawn(folder))
            self._submitted.add(launch.key)
        except OSError as error:
            raise NotStarted(f"{error.filename or folder}: {error.strerror}") from error

    def poll(self, jobs: Sequence[Job]) -> dict[str, JobStatus]:
        """Return how each job is."""
        self._reap()
        boot_id = supervisor.boot_id()
        told = {job.key: status for job in jobs if (status := self._asked(job, boot_id))}
        self._submitted -= {key for key, status in told.items() if status.state == "ended"}
        return told

    def _asked(self, job: Job, boot_id: str) -> JobStatus | None:
        try:
            status = self._told(job, boot_id)
        except OSError as error:
            if job.key not in self._silent:
                _log.warning("How the job in %s is cannot be told now: %s", job.directory, error)
            self._silent.add(job.key)
            return None
        self._silent.discard(job.key)
        return status

    def _told(self, job: Job, boot_id: str) -> JobStatus:
        status = _status(job, boot_id)
        if status.state != "unknown":
            return status
        if any(_bearers(job.key)):  # its folder was removed, by the job itself perhaps
            return JobStatus(state="running", is_supervised=False)
        if job.key in self._submitted and not Path(job.directory, "launch.json").exists():
            return JobStatus(state="lost", reason="unsupervised", is_supervised=False)
        return status

    def stop(self, job: Job, *, now: bool = False) -> None:
        """Ask the supervisor to end the job; if that is gone, end the job's processes from here."""
        folder = Path(job.directory)
        if (folder / "exit.json").exists():
            return
        if not folder.exists():
            _signal_bearers(job.key, signal.SIGKILL if now else signal.SIGTERM)
            return
        try:
            _request(folder, StopRequest(now))
        except OSError as error:
            _log.warning("%s: %s; signals must do", folder, error)
        state = _read(folder / "state.json", State)
        if state is None or state.boot_id != supervisor.boot_id():
            return
        if _is_alive(state.supervisor, state.supervisor_start):
            _signal(state.supervisor, signal.SIGUSR1 if now else signal.SIGTERM)
        else:
            _signal_all(state, signal.SIGKILL if now else signal.SIGTERM)

    def owned(self, root: Path) -> list[Job]:
        """Return the jobs in the folders ``{root}/{task}/{number}``."""
        return [Job(key=key, directory=str(folder)) for folder in root.glob("*/*") if (key := _key(folder))]

    def forget(self, job: Job) -> None:
        """Do nothing: all there is lies in the job's folder."""

    def _reap(self) -> None:
        for pid in list(self._children):
            try:
                if os.waitpid(pid, os.WNOHANG)[0]:
                    self._children.discard(pid)
            except ChildProcessError:
                self._children.discard(pid)


def _spawn(folder: Path) -> int:
    """Start a supervisor that inherits nothing: no signal's disposition, no environment, in a session of its own."""
    resettable = set(signal.valid_signals()) - {signal.SIGKILL, signal.SIGSTOP}
    return os.posix_spawn(
        sys.executable,
        [sys.executable, "-I", "-S", "-E", "-X", "utf8", supervisor.__file__, str(folder)],
        {name: os.environ[name] for name in _KEPT if name in os.environ},
        file_actions=[
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
            (os.POSIX_SPAWN_OPEN, 2, str(folder / "supervisor.txt"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600),
        ],
        setsid=True,
        setsigmask=[],
        setsigdef=resettable,
    )


def _status(job: Job, boot_id: str) -> JobStatus:
    folder = Path(job.directory)
    state = _read(folder / "state.json", State)
    if end := _read(folder / "exit.json", End):
        return _ended(end, state, folder)
    if state is None and _is_starting(folder):
        return JobStatus(state="starting")
    state = state or _read(folder / "state.json", State)
    if state is None:
        return JobStatus(state="unknown")
    facts: dict[str, Any] = {"pid": state.pid, "started_at": state.started_at}
    if state.boot_id != boot_id:
        return JobStatus(state="lost", reason="rebooted", **facts)
    is_supervised = _is_alive(state.supervisor, state.supervisor_start)
    if not is_supervised and (end := _read(folder / "exit.json", End)):
        return _ended(end, state, folder)
    stop = _read(folder / "stop.json", StopRequest)
    if not is_supervised:
        if not _is_alive(state.pid, state.start):
            _signal_all(state, signal.SIGKILL)
            return JobStatus(**_unseen_end(state, stop), is_supervised=False, **facts)
        stop = _attend(folder, state, stop)
    return JobStatus(
        state="stopping" if stop or state.stopping else "running",
        is_supervised=is_supervised,
        progress=_progress(folder),
        **facts,
    )


def _attend(folder: Path, state: State, stop: StopRequest | None) -> StopRequest | None:
    """Do for a job what its supervisor would have done: end it when its time is over, or its grace."""
    if stop and time.time() > (folder / "stop.json").stat().st_mtime + state.grace_s:
        _signal_all(state, signal.SIGKILL)
    if stop is None and state.timeout_s is not None and _age(state) > state.timeout_s:
        stop = StopRequest(now=False, is_late=True)
        _request(folder, stop)
        _signal_all(state, signal.SIGTERM)
    return stop


def _age(state: State) -> float:
    """Return for how many seconds a job has run, by a clock that nobody sets where there is one."""
    if not state.start or sys.platform != "linux":
        return time.time() - state.started_at
    return time.clock_gettime(time.CLOCK_BOOTTIME) - state.start / os.sysconf("SC_CLK_TCK")


def _unseen_end(state: State, stop: StopRequest | None) -> dict[str, Any]:
    if stop and stop.is_late and state.timeout_s is not None:
        return {"state": "ended", "reason": "timeout", "detail": supervisor.duration(state.timeout_s)}
    return {"state": "lost", "reason": "unsupervised"}


def _ended(end: End, state: State | None, folder: Path) -> JobStatus:
    return JobStatus(
        state="ended",
        reason=end.reason,
        detail=end.detail,
        exit_code=end.exit_code,
        signal=end.signal,
        pid=state.pid if state else None,
        started_at=end.started_at,
        ended_at=end.ended_at,
        progress=_progress(folder),
    )


def _progress(folder: Path) -> Progress | None:
    return _read(folder / "progress.json", Progress)


def _is_starting(folder: Path) -> bool:
    try:
        return abs(time.time() - (folder / "launch.json").stat().st_mtime) < STARTING_S
    except _ABSENT:
        return False


def _is_alive(pid: int, start: int) -> bool:
    """Tell whether that very process lives; one whose start is not known is believed by its pid."""
    return supervisor.start_time(pid) == start if start else psutil.pid_exists(pid)


def _signal_all(state: State, number: int) -> None:
    """Signal the job's group and, wherever they went, the processes that carry its cookie."""
    if _is_alive(state.pid, state.start):
        _signal(-state.pid, number)
    _signal_bearers(state.key, number)


def _signal_bearers(key: str, number: int) -> None:
    for pid in _bearers(key):
        _signal(pid, number)


def _bearers(key: str) -> Iterator[int]:
    for process in psutil.process_iter():
        try:
            if process.environ().get(COOKIE) == key:
                yield process.pid
        except psutil.Error:
            continue


def _signal(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def _request(folder: Path, stop: StopRequest) -> None:
    _write(folder / "stop.json", msgspec.json.encode(stop).decode())


def _key(folder: Path) -> str | None:
    try:
        named = _read(folder / "state.json", Named) or _read(folder / "launch.json", Named)
    except OSError:
        return None
    return named.key if named else None


def _read(path: Path, kind: type[T]) -> T | None:
    """Return what the file holds; None if it is not there, or not ours. Raise `OSError` if it cannot be read now."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (*_ABSENT, msgspec.MsgspecError):
        return None


def _write(path: Path, text: str) -> None:
    part = path.with_name(f"{path.name}.{os.getpid()}-{time.monotonic_ns()}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as file:
            file.write(text)
        part.replace(path)
    except OSError:
        part.unlink(missing_ok=True)
        raise
