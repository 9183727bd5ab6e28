"""Finding the server: what the environment says, else a server of this machine that is alive."""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from aiplat_jupyter.core.errors import InvalidInput

API_PATH = "/aiplat/api/v1"


class Server(msgspec.Struct, frozen=True):
    """Where a server's API is, and the secret that opens it.

    Attributes
    ----------
    url : the Jupyter server's URL with its base path, or the API's own; with or without a slash at the end.
    token : an aiplat token ``aip_…``.
    pid, machine, database : of the server; 0 and empty where only the environment names it.
    public_url : where people open it, if that is known to be elsewhere.
    """

    url: str
    token: str
    pid: int = 0
    machine: str = ""
    database: str = ""
    public_url: str = ""

    @property
    def api(self) -> str:
        """URL of the API without a slash at the end."""
        url = self.url.rstrip("/")
        return url if url.endswith(API_PATH) else url + API_PATH

    @property
    def web(self) -> str:
        """URL of the Jupyter server without a slash at the end."""
        return self.api.removesuffix(API_PATH)

    @property
    def page(self) -> str:
        """URL that a browser opens, without a slash at the end."""
        return self.public_url.rstrip("/") or self.web

    def __repr__(self) -> str:
        return f"Server({self.web})"


def data_dir() -> Path:
    """Return the folder of database, journals and server files; it may not exist yet."""
    if configured := os.environ.get("AIPLAT_DATA_DIR"):
        return Path(configured).expanduser().absolute()
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "aiplat"


def find_server() -> Server | None:
    """Return the server to talk to, or None.

    In this order: the file that ``AIPLAT_SERVER_FILE`` names (kernels get it from their server), the address in
    ``AIPLAT_SERVER_URL`` with ``AIPLAT_TOKEN``, then the youngest living server of the data folder: of this machine,
    else of another that shares the folder.
    """
    return next(servers(), None)


def servers() -> Iterator[Server]:
    """Yield the servers that may be talked to, the best first."""
    if (named := os.environ.get("AIPLAT_SERVER_FILE")) and (server := read_server(Path(named))) and is_alive(server):
        yield server
    if url := os.environ.get("AIPLAT_SERVER_URL"):
        if urlsplit(url).scheme not in ("http", "https"):
            raise InvalidInput(f"AIPLAT_SERVER_URL must be a URL such as http://localhost:8888/, not {url!r}.")
        yield Server(url, os.environ.get("AIPLAT_TOKEN", ""))
    paths = sorted((data_dir() / "servers").glob("*.json"), key=_age)
    living = [server for path in paths if (server := read_server(path)) and is_alive(server)]
    yield from sorted(living, key=_is_elsewhere)


def read_server(path: Path) -> Server | None:
    """Return the server that the file describes; None if it is gone, half-written or not ours to read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Server)
    except (OSError, msgspec.MsgspecError):
        return None


def is_alive(server: Server) -> bool:
    """Tell whether the server's process lives; one of another machine is believed to."""
    if _is_elsewhere(server):
        return True
    try:
        os.kill(server.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _is_elsewhere(server: Server) -> bool:
    return server.machine not in ("", os.uname().nodename)


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:
        return 0.0
