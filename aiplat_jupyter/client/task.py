"""Tasks: jobs that the server's machine runs in the background."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Self, TypedDict, Unpack
from urllib.parse import quote

import msgspec
from msgspec import Struct

from aiplat_jupyter.client import task_log
from aiplat_jupyter.client.api import Api, connect
from aiplat_jupyter.client.own_task import own_task
from aiplat_jupyter.core import tasks as core
from aiplat_jupyter.core.errors import AiplatError, InvalidInput, Unauthenticated, Unavailable
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.logs import LogChunk, LogEnd, LogGap
from aiplat_jupyter.core.queries import MAX_LIMIT
from aiplat_jupyter.core.records import Change, Experiment, Page
from aiplat_jupyter.core.states import REASONS, TASK_LIVE, TaskState

POLL: Final = 20.0
"""Seconds that the server holds back an answer while nothing changes."""
PAUSE: Final = 1.0
"""Seconds between two looks for a server that is gone."""


class TaskFailed(AiplatError):
    """A task that was waited for has not succeeded."""

    code, status, title = "task_failed", 500, "Task failed"


class Changes(Struct, frozen=True, kw_only=True):
    """What the long poll answers."""

    items: list[Change]
    next: int
    resync: bool = False


class More(TypedDict, total=False):
    """Further fields of `core.tasks.NewTask`, which says what they mean."""

    gpus: int
    env: dict[str, str]
    priority: int
    timeout_s: float
    grace_s: float
    retries: int
    retry_wait_s: float
    rerun_lost: bool
    slots: int
    interpreter: str
    kernel: str
    agent: str
    executor: str


class Task:
    """A task as it was when it was last asked for (`refresh`, `wait`).

    `record` has all that is known of it: a `core.tasks.Task`; of one that `tasks` found, until `refresh`, a `TaskRow`.
    It goes on when this process ends, and when the server is restarted: then this finds the server again.
    """

    def __init__(self, api: Api, record: core.TaskRow) -> None:
        self.record = record
        self._api = api

    @classmethod
    def of(cls, uid: str) -> Self:
        """Return the task with this uid. Raise `NotFound` if there is none."""
        api = connect()
        return cls(api, api.get(_path(uid), core.Task))

    @property
    def uid(self) -> str:
        """The task's identifier."""
        return self.record.uid

    @property
    def name(self) -> str:
        """Its name."""
        return self.record.name

    @property
    def state(self) -> TaskState:
        """Its state, which is that of its newest attempt."""
        return self.record.state

    @property
    def has_ended(self) -> bool:
        """Whether it is in a state in which it stays unless someone retries it."""
        return self.state not in TASK_LIVE

    @property
    def why(self) -> str:
        """Why it waits, or how it ended: ``exit code 1``."""
        return REASONS[self.record.reason].en.format(detail=self.record.detail)

    @property
    def exit_code(self) -> int | None:
        """Exit code of the newest attempt; None while it runs, or if a signal ended it."""
        return self.record.exit_code

    @property
    def experiment(self) -> Experiment | None:
        """The experiment that it logs; None as long as there is none."""
        return self._api.experiment(self.record.experiment) if self.record.experiment else None

    def refresh(self) -> Self:
        """Ask the server how it is."""
        self.record = self._api.get(_path(self.uid), core.Task)
        return self

    def wait(self, timeout: float | None = None, *, check: bool = False) -> Self:
        """Wait until it has ended, also while the server is restarted.

        Parameters
        ----------
        timeout : seconds; None: as long as it takes.
        check : raise `TaskFailed` unless it has succeeded.

        Raises
        ------
        TimeoutError : it has not ended in time.
        """
        deadline = None if timeout is None else time.monotonic() + timeout
        seen = self._look(None, 0.0)
        while not self.has_ended:
            patience = POLL if deadline is None else min(POLL, deadline - time.monotonic())
            if patience <= 0:
                raise TimeoutError(f"Task {self.uid} is {self.state} after {timeout:g} s.")
            seen = self._look(seen, patience)
        if check and self.state != "succeeded":
            raise TaskFailed(f"Task {self.name!r} has not succeeded: {self.state}, {self.why}.")
        return self

    def logs(self, *, follow: bool = False) -> Iterator[str]:
        """Yield the lines of the newest attempt's log; with `follow` also those that come, until the task has ended."""
        if not follow:
            whole = task_log.download(self._api, _path(self.uid), self.record.attempt)
            return task_log.lines(task_log.decoded(whole))
        return task_log.lines(self._texts())

    def follow(self) -> Iterator[LogChunk | LogGap | LogEnd]:
        """Yield what the task writes: all so far, then as it comes, then how each attempt ended.

        It goes on where it was when the server has been restarted, and with the next attempt of a task that is retried.
        """
        for attempt in self._attempts():
            yield from self._follow(attempt)

    def stop(self, *, now: bool = False) -> Self:
        """Ask it to end (SIGTERM, and its grace later SIGKILL); with `now` kill it."""
        self.record = self._api.post(f"{_path(self.uid)}/stop", core.Task, core.StopTask(now=now))
        return self

    def retry(self) -> Self:
        """Queue a further attempt of a task that has ended."""
        self.record = self._api.post(f"{_path(self.uid)}/retry", core.Task)
        return self

    def _attempts(self) -> Iterator[str]:
        """Yield the newest attempt, and each that follows when one has ended."""
        attempt = ""
        while self.record.attempt != attempt:
            attempt = self.record.attempt
            yield attempt
            while self._look(None, 0.0) is None:
                pass

    def _texts(self) -> Iterator[str | None]:
        """Yield all that the task writes, and None when a log has ended or begins anew."""
        for attempt in self._attempts():
            for news in self._follow(attempt):
                match news:
                    case LogChunk():
                        yield news.text
                    case LogGap() if news.to > news.start:
                        yield from task_log.decoded(self._missing(attempt, news.start, news.to))
                    case _:
                        yield None

    def _missing(self, attempt: str, at: int, end: int) -> Iterator[bytes]:
        """Yield the bytes of a log between two places, as far as they are still there."""
        while at < end:
            try:
                for piece in task_log.download(self._api, _path(self.uid), attempt, at):
                    yield piece[: end - at]
                    at += len(piece)
                    if at >= end:
                        return
                return
            except (Unavailable, Unauthenticated):
                self._find_server()

    def _follow(self, attempt: str) -> Iterator[LogChunk | LogGap | LogEnd]:
        offset = 0
        while True:
            try:
                for news in task_log.follow(self._api, _path(self.uid), attempt, offset):
                    offset = task_log.behind(news)
                    yield news
                return
            except (Unavailable, Unauthenticated):
                self._find_server()

    def _look(self, seen: int | None, patience: float) -> int | None:
        """Wait for news behind change number `seen` (None: there is some). Return the last number; None: no server."""
        wait = 0.0 if seen is None else patience
        try:
            changes = self._api.get("events", Changes, topics=[f"task:{self.uid}"], after=seen, wait=wait)
            if seen is None or changes.items or changes.resync:
                self.refresh()
        except (Unavailable, Unauthenticated):
            self._find_server()
            return None
        return changes.next

    def _find_server(self) -> None:
        time.sleep(PAUSE)
        with suppress(Unavailable):
            self._api = connect()

    def __repr__(self) -> str:
        return f"Task({self.name!r}, {self.state}, uid={self.uid!r})"


def submit(
    command: str | Sequence[str] | None = None,
    *,
    script: str | os.PathLike[str] | None = None,
    notebook: str | os.PathLike[str] | None = None,
    args: Sequence[str] = (),
    parameters: Mapping[str, Any] | None = None,
    project: str = "",
    name: str = "",
    after: Iterable[Task | core.After | str] = (),
    cwd: str | os.PathLike[str] = "",
    **more: Unpack[More],
) -> Task:
    """Queue a task on the server's machine, and return it at once.

    ::

        task = aiplat.submit(["python", "train.py"], project="digits", gpus=1)
        aiplat.submit(notebook="report.ipynb", parameters={"run": task.uid}, after=[task]).wait(check=True)

    Parameters
    ----------
    command : program and arguments, run in `cwd`; one string is a line for ``/bin/sh``.
    script, args : instead: a file, run by this server's Python (``.py``), by bash (``.sh``), or by itself.
    notebook, parameters : instead: a notebook, run from top to bottom with these variables set.
    project, name : project's name (created if missing; empty: that of the task that runs this, else ``default``) and
        the task's own.
    after : tasks that must have succeeded first; a `core.tasks.After` names another condition.
    cwd : folder to run a command in; empty: the present one if the server is on this machine, else its root folder.
    more : how: ``gpus=1``, ``env={...}``, ``priority=5``, ``timeout_s=3600``, ``retries=2``, ``kernel="python3"`` …

    Raises
    ------
    InvalidInput : a field is wrong, or names what is not there; `fields` says which.
    Forbidden : the agent is somebody else's.
    Unavailable : there is no server.
    """
    api = connect()
    is_here = api.server.machine == os.uname().nodename
    given = {"command": command, "script": script, "notebook": notebook}
    kinds = [kind for kind, value in given.items() if value is not None]
    if len(kinds) != 1:
        raise InvalidInput("Give one of command, script and notebook.", fields=dict.fromkeys(given, "one of the three"))
    if not cwd and is_here and command is not None:
        cwd = Path.cwd()
    own = own_task()
    what = {
        "kind": kinds[0],
        "uid": new_uid(),
        "project": project or (own.project if own else "") or "default",
        "name": name,
        "command": [command] if isinstance(command, str) else list(command or ()),
        "shell": isinstance(command, str),
        "script": _located(script, is_here),
        "notebook": _located(notebook, is_here),
        "args": list(args),
        "parameters": dict(parameters or {}),
        "cwd": _located(cwd, is_here),
        "after": [_after(each) for each in after],
    }
    return Task(api, api.post("tasks", core.Task, _checked({**what, **more})))


def tasks(query: str = "", *, limit: int = 50, **filters: Any) -> list[Task]:
    """Return tasks, the youngest first.

    Parameters
    ----------
    query : words that must all occur in name, command or project.
    filters : other fields of `core.queries.TaskQuery`: ``state=["running", "queued"]``, ``project=[uid]`` …
    """
    api = connect()
    found = api.get("tasks", Page[core.TaskRow], q=query, limit=min(limit, MAX_LIMIT), **filters)
    return [Task(api, row) for row in found.items]


def _path(uid: str) -> str:
    return f"tasks/{quote(uid, safe='')}"


def _located(path: str | os.PathLike[str] | None, is_here: bool) -> str:
    """Return a path as the server finds it: relative ones count from its root folder, which may be another one."""
    if path is None or path == "":
        return ""
    return str(Path(path).expanduser().absolute()) if is_here else os.fspath(path)


def _after(task: Task | core.After | str) -> core.After:
    if isinstance(task, core.After):
        return task
    return core.After(task=task.uid if isinstance(task, Task) else task)


def _checked(fields: dict[str, Any]) -> core.NewTask:
    """Return the fields as a record. Raise `InvalidInput` for one that does not exist, or holds the wrong thing."""
    try:
        return msgspec.convert(fields, core.NewTask)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The task cannot be queued: {error}.") from None
