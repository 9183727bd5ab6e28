"""What is in order and what is not, with what to do about it."""

import os
import shutil
import sqlite3
import stat
import sys
from collections.abc import Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final, Literal, NamedTuple
from urllib.parse import quote

import msgspec

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.client.discover import data_dir, find_server
from aiplat_jupyter.client.sync import pending
from aiplat_jupyter.core.errors import AiplatError, Unauthenticated
from aiplat_jupyter.core.gpu import MonitorState
from aiplat_jupyter.core.records import ServerInfo

SCARCE: Final = 1 << 30
"""Bytes of free space below which a warning is due."""
NAME: Final = "aiplat_jupyter"


State = Literal["good", "look", "broken"]


class Finding(NamedTuple):
    """One line: good, worth a look, or broken; `fix` says what to do."""

    state: State
    what: str
    fix: str = ""


_MONITOR: Final[dict[MonitorState, tuple[State, str, str]]] = {
    "starting": ("look", "The GPU monitor is still starting", "Try again in some seconds."),
    "no_driver": ("good", "No NVIDIA driver and no AMD GPU; CPU and memory are watched", ""),
    "driver_mismatch": ("broken", "The GPU driver was upgraded under the running system", "Restart the machine."),
    "driver_stalled": ("broken", "The GPU driver does not answer", "See the machine's log (dmesg); restart it."),
    "failed": ("broken", "The GPU monitor has failed", "It tries again; the server's log says more."),
}


def examine() -> Iterator[Finding]:
    """Yield findings about this environment, the data folder, the server and the journals."""
    yield Finding("good", f"Python {sys.version.partition(' ')[0]}, {NAME} {version(NAME)}, in {sys.prefix}")
    yield from _jupyter()
    folder = data_dir()
    yield from _folder(folder)
    yield from _database(folder / "aiplat.db")
    api, findings = _server(folder)
    yield from findings
    if api is not None:
        yield from _gpus(api)
    yield from _journals(folder / "journals", api)
    yield _search()


def _jupyter() -> Iterator[Finding]:
    try:
        yield Finding("good", f"Jupyter Server {version('jupyter_server')} is in this environment")
    except PackageNotFoundError:
        yield Finding("look", "No Jupyter Server is in this environment", "Nothing, if Jupyter runs from another one.")
        return
    from jupyter_core.paths import jupyter_config_path, jupyter_path

    settings = [Path(folder, "jupyter_server_config.d", f"{NAME}.json") for folder in jupyter_config_path()]
    if any(_enables(path) for path in settings):
        yield Finding("good", "The server extension is enabled")
    else:
        yield Finding("broken", "The server extension is not enabled", f"jupyter server extension enable {NAME}")
    manifests = [Path(folder, "aiplat-jupyter", "package.json") for folder in jupyter_path("labextensions")]
    built = next((path for path in manifests if path.exists()), None)
    if built is None:
        yield Finding("broken", "The page's part is not installed", f"pip install --force-reinstall {NAME}")
    elif (found := msgspec.json.decode(built.read_bytes())["version"]) != version(NAME):
        yield Finding("broken", f"The page's part is of version {found}", f"pip install --force-reinstall {NAME}")
    else:
        yield Finding("good", f"The page's part is installed, version {found}")


def _enables(path: Path) -> bool:
    try:
        settings = msgspec.json.decode(path.read_bytes())
        return bool(settings["ServerApp"]["jpserver_extensions"][NAME])
    except (OSError, msgspec.MsgspecError, KeyError, TypeError):
        return False


def _folder(folder: Path) -> Iterator[Finding]:
    if not folder.exists():
        yield Finding("good", f"The data folder {folder} is made when it is needed")
        return
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = "Set AIPLAT_DATA_DIR to a folder that can be written."
        yield Finding("broken", f"The data folder {folder} cannot be written", fix)
        return
    if stat.S_IMODE(folder.stat().st_mode) & 0o077:
        yield Finding("look", f"The data folder {folder} is open to other users", f"chmod 700 {folder}")
    free = shutil.disk_usage(folder).free
    state: Literal["good", "look"] = "good" if free >= SCARCE else "look"
    yield Finding(state, f"The data folder is {folder}, {size(free)} are free", "Make room." if state == "look" else "")


def _database(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding("good", "No SQLite database yet: a server makes it, or uses another one")
        return
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=2)) as connection:
            mode = connection.execute("PRAGMA journal_mode").fetchone()[0]
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    except sqlite3.DatabaseError as error:
        yield Finding("broken", f"{path} cannot be read: {error}", f"Restore it from {path.parent / 'backups'}.")
        return
    if mode == "wal":
        yield Finding("good", f"The database has {size(path.stat().st_size)}, in WAL mode")
    else:
        fix = "Nothing, on a network file system; it is slower there. AiplatApp.data_dir moves it to a local disk."
        yield Finding("look", f"The database has {size(path.stat().st_size)}, in {mode} mode instead of WAL", fix)


def _server(folder: Path) -> tuple[Api | None, list[Finding]]:
    try:
        server = find_server()
        if server is None:
            fix = "Start JupyterLab; or set AIPLAT_SERVER_URL and AIPLAT_TOKEN for one on another machine."
            return None, [Finding("look", f"No running server was found in {folder / 'servers'}", fix)]
        api = Api(server, timeout=5)
        return api, list(_described(api, api.info()))
    except Unauthenticated as error:
        return None, [Finding("broken", f"The server refuses: {error.detail}", "Make a token: aiplat token create")]
    except AiplatError as error:
        return None, [Finding("broken", error.detail, error.hint)]


def _described(api: Api, info: ServerInfo) -> Iterator[Finding]:
    what = f"{api.server.web} answers as {info.user.username}: version {info.version}, {info.database}"
    if info.version == version(NAME):
        yield Finding("good", what)
    else:
        fix = f"Install {NAME} {info.version} here, or upgrade the server."
        yield Finding("look", f"{what}, while {version(NAME)} is here", fix)


def _gpus(api: Api) -> Iterator[Finding]:
    """Say what the server's GPU monitor sees."""
    try:
        status = api.gpu_status()
    except AiplatError as error:
        yield Finding("look", f"The GPU monitor does not answer: {error.detail}", error.hint)
        return
    what = f"{status.total} GPUs, driver {status.driver or 'unknown'}" if status.devices else "No GPU"
    state, text, fix = _MONITOR.get(status.state, ("good", what, ""))
    yield Finding(state, f"{text} ({status.detail})" if status.detail and fix else text, fix)
    for device in status.devices:
        if device.state == "lost":
            fix = "The machine's log (dmesg) names the fault; a restart of the machine usually brings it back."
            yield Finding("broken", f"GPU {device.index} {device.name} has fallen off the bus", fix)
    if any(process.is_foreign for device in status.devices for process in device.processes):
        fix = "Nothing, in a container. If this driver tells the container's own pids: AIPLAT_GPU_PIDS=own."
        yield Finding("look", "Processes on GPUs are seen by number only, as they run outside of this container", fix)


def _journals(folder: Path, api: Api | None) -> Iterator[Finding]:
    count, left = pending(folder, api)
    if api is None and count:
        yield Finding("look", f"{count} journals wait for a server", "A server adopts them, or: aiplat sync")
    elif left:
        yield Finding("look", f"{size(left)} in {count} journals have not arrived", "If that lasts: aiplat sync")
    else:
        yield Finding("good", f"{count} journals, all in the database" if count else "No journals")


def _search() -> Finding:
    if shutil.which("rg") or Path(sys.executable).with_name("rg").exists():
        return Finding("good", "ripgrep is installed: searches in logs use it")
    fix = f'pip install "{NAME}[search]", in the environment of the Jupyter server.'
    return Finding("look", "ripgrep is not installed: searches in large logs take several times longer", fix)


def size(count: float) -> str:
    """Return a number of bytes as people read it."""
    unit, units = "B", iter(("KiB", "MiB", "GiB", "TiB"))
    while count >= 1024 and unit != "TiB":
        count, unit = count / 1024, next(units)
    return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
