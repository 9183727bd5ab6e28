"""A real Jupyter server in a process of its own, with folders of its own."""

import io
import json
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
OTHERS = ("jupyterlab", "notebook", "notebook_shim", "jupyter_lsp", "jupyter_server_terminals")
"""Extensions that a server without pages has no use for: they take most of its start."""


class Lab:
    """Starts `jupyter lab` (or another app) over a temporary folder with copies of the tutorials; stops at exit.

    The app `jupyter_server` has this extension alone.
    `python` and `path` name the environment it runs in (this one), `options` are for its command line,
    `env` for its environment.
    The same `home` may be given to a second one after the first has stopped: it then has its database and settings.
    """

    def __init__(
        self,
        home: Path,
        app: str = "jupyterlab",
        *,
        options: tuple[str, ...] = (),
        token: str | None = None,
        python: str = sys.executable,
        path: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.home.mkdir(parents=True, exist_ok=True)
        self.root = home / "work"
        self.data_dir = home / "aiplat"
        self.token = secrets.token_hex(16) if token is None else token
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._app = app
        self._log = home / f"{app}-{self.port}.log"
        self._python = python
        self._env = dict(env or {})
        self._path = path if path is not None else os.environ["PATH"]
        self._command = [python, "-m", app, *self._options(), *options]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> "Lab":
        if not (self.root / "notebooks").exists():
            shutil.copytree(NOTEBOOKS, self.root / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
        self.set("@jupyterlab/apputils-extension/notification", {"fetchNews": "false", "checkForUpdates": False})
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(5)
        self._end_jobs()

    def _end_jobs(self) -> None:
        """Tasks outlive the server, but not the test."""
        for state in self.data_dir.glob("tasks/*/*/state.json"):
            told = json.loads(state.read_text())
            with suppress(ProcessLookupError):
                if not state.with_name("exit.json").exists():
                    os.killpg(told["pid"], signal.SIGKILL)

    def start(self) -> None:
        """Start the server; after `kill` once more, at the same address, as someone does whose pages are still open."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self.root, env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_it_answers()

    @property
    def pid(self) -> int:
        """The server's process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """End the server without a warning, and its kernels with it."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(5)

    def environment(self) -> dict[str, str]:
        """Return the environment of the server, and of a script beside it."""
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(("AIPLAT_", "JUPYTER", "JPY_"))
        }
        own = {
            "HOME": self.home,
            "AIPLAT_DATA_DIR": self.data_dir,
            "IPYTHONDIR": self.home / "ipython",
            "JUPYTER_CONFIG_DIR": self.home / "config",
            "JUPYTER_DATA_DIR": self.home / "data",
            "JUPYTER_RUNTIME_DIR": self.home / "runtime",
            "JUPYTERLAB_SETTINGS_DIR": self.home / "settings",
            "JUPYTERLAB_WORKSPACES_DIR": self.home / "workspaces",
        }
        path = os.pathsep.join([str(Path(self._python).parent), self._path])
        return inherited | {key: str(value) for key, value in own.items()} | {"PATH": path} | self._env

    def set(self, plugin: str, settings: dict[str, Any]) -> None:
        """Write settings as the settings editor does; ``plugin`` is ``package/name``."""
        path = self.home / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings))

    def write_notebook(self, name: str, *sources: str) -> None:
        """Write a notebook with these code cells into the server's folder."""
        self.root.mkdir(parents=True, exist_ok=True)
        write_notebook(self.root / name, *sources)

    def api(self, path: str, method: str = "GET", body: Any = None) -> Any:
        """Ask our REST API as the server's owner; the platform starts after Jupyter answers, which is waited for."""
        deadline = time.monotonic() + 60
        while True:
            try:
                return self._ask(f"/aiplat/api/v1/{path}", method, body)
            except HTTPError as error:
                told = error.read()
                if b"still starting" not in told or time.monotonic() > deadline:
                    raise HTTPError(error.url, error.code, error.msg, error.headers, io.BytesIO(told)) from None
                time.sleep(0.2)

    def kernels(self) -> list[dict[str, Any]]:
        """Return the kernels that Jupyter runs."""
        found: list[dict[str, Any]] = self._ask("/api/kernels")
        return found

    def start_kernel(self, notebook: str) -> str:
        """Start a kernel for a notebook, as opening it does; return its id."""
        session = {"path": notebook, "type": "notebook", "name": "", "kernel": {"name": "python3"}}
        uid: str = self._ask("/api/sessions", "POST", session)["kernel"]["id"]
        return uid

    def end_kernel(self, uid: str) -> None:
        """Shut a kernel down."""
        self._ask(f"/api/kernels/{uid}", "DELETE")

    def log(self) -> str:
        """Return what the server wrote."""
        return self._log.read_text(errors="replace")

    def _options(self) -> list[str]:
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": self.port,
            "ServerApp.port_retries": 0,
            "ServerApp.open_browser": False,
            "ServerApp.root_dir": self.root,
            "IdentityProvider.token": self.token,
        }
        root = ["--allow-root"] if os.getuid() == 0 else []
        off = [f"--ServerApp.jpserver_extensions={name}=False" for name in OTHERS if self._app == "jupyter_server"]
        return root + off + [f"--{name}={value}" for name, value in options.items()]

    def _ask(self, path: str, method: str = "GET", body: Any = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        if self.token:
            headers["Authorization"] = f"token {self.token}"
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as response:
            return json.loads(response.read() or b"null")

    def _wait_until_it_answers(self, patience: float = 60.0) -> None:
        assert self._process is not None
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            try:
                return self._ask("/api")
            except HTTPError:  # an answer, though below another base URL
                return None
            except (URLError, ConnectionError):
                if self._process.poll() is not None:
                    break
                time.sleep(0.2)
        raise AssertionError(f"The server did not start:\n{self.log()}")


def write_notebook(path: Path, *sources: str) -> None:
    """Write a notebook with these code cells."""
    notebook = new_notebook(metadata={"kernelspec": {"name": "python3", "display_name": "Python 3 (ipykernel)"}})
    notebook.cells = [new_code_cell(source) for source in sources]
    nbformat.write(notebook, path)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
