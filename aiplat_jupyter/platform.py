"""Composition root: configuration → database, services and background work; started in order, stopped in reverse."""

import asyncio
import contextlib
import getpass
import os
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final

from msgspec import Struct

from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.core.records import Identity, ServerInfo
from aiplat_jupyter.services.adoption import Adoption
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.experiments import Experiments
from aiplat_jupyter.services.journals import Journals
from aiplat_jupyter.services.kernels import Kernels
from aiplat_jupyter.services.metrics import Metrics
from aiplat_jupyter.services.projects import Projects
from aiplat_jupyter.services.replays import Replays
from aiplat_jupyter.services.tokens import Tokens
from aiplat_jupyter.services.users import Users
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles

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
    """

    data_dir: Path
    db_url: str = ""
    journal_days: float = 7.0
    local: Identity


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
        files = JournalFiles(settings.data_dir / "journals")
        journals, kernels, users = Journals(database), Kernels(), Users(database)
        await users.seen(settings.local)
        adoption = Adoption(journals, files, kernels, settings.local, keep_days=settings.journal_days)
        await stack.enter_async_context(adoption)
        yield Platform(
            info=_info(settings, database),
            projects=Projects(database, files),
            experiments=Experiments(database, files),
            metrics=Metrics(database),
            journals=journals,
            tokens=Tokens(database),
            users=users,
            replays=Replays(database),
            bus=bus,
            kernels=kernels,
        )


def _open(settings: Settings) -> Database:
    try:
        for folder in (settings.data_dir, settings.data_dir / "journals"):
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
