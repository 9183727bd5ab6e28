"""The server extension: configuration, start and stop."""

import asyncio
import contextlib
import os
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from jupyter_core.paths import jupyter_data_dir
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.serverapp import WILDCARD_IPS, ServerApp
from traitlets import Bool, Float, Int, TraitError, Unicode, default, validate

from aiplat_jupyter.core.errors import AiplatError, Unavailable
from aiplat_jupyter.server.activity import kept_alive
from aiplat_jupyter.server.call import Services
from aiplat_jupyter.server.kernels import watched
from aiplat_jupyter.server.presence import announced
from aiplat_jupyter.server.throttle import Guesses

if TYPE_CHECKING:
    from aiplat_jupyter import platform

PATIENCE: Final = 10.0
"""Seconds that a request waits for the platform to start."""


class AiplatApp(ExtensionApp):
    """Projects, experiments and live curves in a Jupyter server."""

    name = "aiplat_jupyter"

    data_dir = Unicode(
        help="""Folder of the database, the journals, the server files and the backups. Must be absolute. Default: the
        environment variable AIPLAT_DATA_DIR, else the folder aiplat in Jupyter's data directory."""
    ).tag(config=True)
    db_url = Unicode(
        help="""The database, in SQLAlchemy's form, such as postgresql+psycopg://user@host/name (a password is better
        kept in ~/.pgpass). Default: empty, which means the SQLite file aiplat.db in data_dir."""
    ).tag(config=True)
    journal_days = Float(
        7.0,
        min=0.0,
        help="""Days that the journal of a finished process stays on disk after it is in the database. A database that
        was restored from a backup is refilled from the journals that are still there. Default: 7.""",
    ).tag(config=True)

    task_slots = Int(
        0,
        min=0,
        help="""How many slots the tasks of this machine and account share; a task takes one unless it asks for more.
        Default: 0, which means one for each core.""",
    ).tag(config=True)
    gpu_busy_mib = Float(
        500.0,
        min=0.0,
        help="""A GPU that no task holds is not given to one while others use more MiB of its memory. Default: 500.""",
    ).tag(config=True)
    log_compress_days = Float(
        7.0,
        min=0.0,
        help="""Days after the end of a task's attempt until its logs are compressed; they are read as before. Default:
        7.""",
    ).tag(config=True)
    log_keep_days = Float(
        0.0,
        min=0.0,
        help="""Days after the end of a task's attempt until its logs are removed. Default: 0, they stay as long as the
        task.""",
    ).tag(config=True)
    stop_tasks_at_shutdown = Bool(
        False,
        help="""Whether running tasks are asked to end when the server is shut down. Default: False, they go on.""",
    ).tag(config=True)
    gpu_history_hours = Float(
        48.0,
        min=1.0,
        help="""Hours that what GPUs and machine did is kept in steps of 10 seconds; older times are told in steps of 5
        minutes. Default: 48.""",
    ).tag(config=True)
    gpu_history_days = Float(
        30.0,
        min=0.0,
        help="""Days that what GPUs and machine did is kept at all. Default: 30; 0: for ever.""",
    ).tag(config=True)
    alert_keep_days = Float(
        90.0,
        min=0.0,
        help="""Days that an alert is kept after it is over. Default: 90; 0 keeps them all (20,000 at most).""",
    ).tag(config=True)
    keep_alive_for_tasks = Bool(
        True,
        help="""Whether running tasks count as activity, so that a culler does not shut the server down. Default:
        True.""",
    ).tag(config=True)

    @default("data_dir")
    def _default_data_dir(self) -> str:
        return str(
            Path(os.environ.get("AIPLAT_DATA_DIR") or Path(jupyter_data_dir(), "aiplat")).expanduser().absolute()
        )

    @validate("data_dir")
    def _check_data_dir(self, proposal: dict[str, Any]) -> str:
        path = Path(proposal["value"]).expanduser()
        if not path.is_absolute():
            raise TraitError(f"AiplatApp.data_dir must be an absolute path, not {proposal['value']!r}.")
        return str(path)

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.guesses = Guesses()
        self._exit = contextlib.AsyncExitStack()
        self._platform: platform.Platform | None = None
        self._reason = Unavailable("The platform is still starting.", hint="Try again in some seconds.")
        self._decided = asyncio.Event()
        self._changing = asyncio.Lock()

    def initialize_handlers(self) -> None:
        """Add the route table's handlers."""
        from aiplat_jupyter.server.routes import handlers

        self.handlers.extend(handlers())

    async def services(self) -> Services:
        """Return the running platform; raise `Unavailable` with the reason if it does not run."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                await self._decided.wait()
        if self._platform is None:
            raise type(self._reason)(self._reason.detail, hint=self._reason.hint)
        return self._platform

    async def _start_jupyter_server_extension(self, serverapp: ServerApp) -> None:
        """Start the platform. If that fails Jupyter goes on, and every route of ours tells why."""
        async with self._changing:
            try:
                await self._start(serverapp)
            except AiplatError as error:
                self.log.error("aiplat_jupyter does not run: %s %s", error.detail, error.hint)
                await self._fail(error)
            except Exception as error:
                self.log.exception("aiplat_jupyter does not run.")
                await self._fail(error)
            finally:
                self._decided.set()

    async def _start(self, serverapp: ServerApp) -> None:
        await asyncio.to_thread(import_module, "aiplat_jupyter.platform")
        from aiplat_jupyter import platform

        self.local = platform.local_account()
        settings = platform.Settings(
            data_dir=Path(self.data_dir),
            db_url=self.db_url,
            journal_days=self.journal_days,
            local=self.local,
            root_dir=Path(serverapp.root_dir),
            task_slots=self.task_slots,
            gpu_busy_mib=self.gpu_busy_mib,
            log_compress_days=self.log_compress_days,
            log_keep_days=self.log_keep_days,
            stop_tasks_at_shutdown=self.stop_tasks_at_shutdown,
            alert_keep_days=self.alert_keep_days,
            gpu_history_hours=self.gpu_history_hours,
            gpu_history_days=self.gpu_history_days,
        )
        started = await self._exit.enter_async_context(platform.running(settings))
        servers = settings.data_dir / "servers"
        urls = _url(serverapp), _public_url(serverapp)
        file = await self._exit.enter_async_context(announced(started, self.local, *urls, servers))
        self._exit.enter_context(_environment(AIPLAT_SERVER_FILE=str(file), AIPLAT_DATA_DIR=self.data_dir))
        self._exit.enter_context(watched(serverapp, started.kernels))
        if self.keep_alive_for_tasks:
            await self._exit.enter_async_context(kept_alive(serverapp, lambda: started.dispatcher.running))
        self._platform = started
        self.log.info("aiplat_jupyter runs: %s database, data in %s", started.info.database, self.data_dir)

    async def _fail(self, error: Exception) -> None:
        await self._exit.aclose()
        if not isinstance(error, Unavailable):
            error = Unavailable("The platform did not start.", hint="The Jupyter server's log says why.")
        self._reason = error

    async def stop_extension(self) -> None:
        """Stop in reverse; harmless if the platform never started."""
        async with self._changing:
            self._platform = None
            self._reason = Unavailable("The platform is shutting down.", hint="Try again when it is back.")
            await self._exit.aclose()


def _url(serverapp: ServerApp) -> str:
    """Return where processes of this machine reach the server."""
    parts = urlsplit(serverapp.connection_url)
    if serverapp.ip in WILDCARD_IPS:
        parts = parts._replace(netloc=f"{'[::1]' if ':' in serverapp.ip else '127.0.0.1'}:{serverapp.port}")
    return parts.geturl()


def _public_url(serverapp: ServerApp) -> str:
    """Return where people open the server; empty unless JupyterHub or ``ServerApp.custom_display_url`` tell."""
    told = urlsplit(os.environ.get("JUPYTERHUB_PUBLIC_URL") or serverapp.custom_display_url)
    known = {name: part for name, part in told._asdict().items() if part}
    return urlsplit(serverapp.connection_url)._replace(**known).geturl() if known else ""


@contextlib.contextmanager
def _environment(**variables: str) -> Iterator[None]:
    """Set variables for kernels and terminals, which inherit the server's environment."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
