"""All services on one database, for tests: blocking, one call after the other."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from aiplat_jupyter.services.experiments import Experiments
from aiplat_jupyter.services.journals import Journals
from aiplat_jupyter.services.metrics import Metrics
from aiplat_jupyter.services.projects import Projects
from aiplat_jupyter.services.replays import Replays
from aiplat_jupyter.services.tokens import Tokens
from aiplat_jupyter.services.users import Users
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles
from aiplat_jupyter.store.task_folders import TaskFolders

T = TypeVar("T")


class Waiting:
    """A service whose coroutines are awaited at once."""

    def __init__(self, service: Any) -> None:
        self._service = service

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Awaitable[Any]] = getattr(self._service, name)
        return lambda *given, **named: asyncio.run(method(*given, **named))


class House:
    """The services under test."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database = database
        self.files = JournalFiles(folder / "journals")
        self.files.directory.mkdir(exist_ok=True)
        self.folders = TaskFolders(folder / "tasks")
        self.projects = Waiting(Projects(database, self.files, self.folders))
        self.experiments = Waiting(Experiments(database, self.files))
        self.metrics = Waiting(Metrics(database))
        self.journals = Waiting(Journals(database))
        self.tokens = Waiting(Tokens(database))
        self.users = Waiting(Users(database))
        self.replays = Waiting(Replays(database))
