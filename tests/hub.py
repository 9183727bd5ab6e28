"""A real JupyterHub, whose people's servers share one database."""

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from playwright.sync_api import Page, expect

from tests.lab import free_port

PROXY = Path(__file__).parents[1] / "labextension/node_modules/.bin/configurable-http-proxy"
PASSWORD = "one for all of them"
CONFIG = """
c.JupyterHub.bind_url = c.JupyterHub.public_url = "{address}"
c.JupyterHub.hub_port = {hub_port}
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{proxy_port}"
c.ConfigurableHTTPProxy.command = ["{proxy}"]
c.JupyterHub.authenticator_class = "dummy"
c.DummyAuthenticator.password = "{password}"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{home}/{{username}}"
c.Spawner.default_url = "/lab"
c.Spawner.args = ["--allow-root", "--AiplatApp.db_url=sqlite:///{home}/team.db"]
c.Spawner.http_timeout = c.Spawner.start_timeout = 60
"""


class Hub:
    """Runs a hub below a base URL; each of its people has a home in the folder `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.address = f"http://127.0.0.1:{free_port()}/hub-of-a-team"
        self._log = home / "hub.log"

    def __enter__(self) -> "Hub":
        ports = {"hub_port": free_port(), "proxy_port": free_port()}
        texts = {"address": self.address, "proxy": PROXY, "password": PASSWORD, "home": self.home}
        config = self.home / "jupyterhub_config.py"
        config.write_text(CONFIG.format(**ports, **texts))
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        environment = {"HOME": str(self.home), "PATH": path, "LANG": "C.UTF-8"}
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", config],
                cwd=self.home,
                env=environment,
                stdout=log,
                stderr=log,
            )
        self._wait_until_it_answers()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)

    def _wait_until_it_answers(self) -> None:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                urllib.request.urlopen(f"{self.address}/hub/api", timeout=5).close()
            except (URLError, ConnectionError):
                time.sleep(0.2)
            else:
                return
        raise AssertionError(f"The hub did not start:\n{self.log()}")

    def log(self) -> str:
        """Return what hub, proxy and servers have logged."""
        return self._log.read_text()

    def server_of(self, name: str) -> "PersonalServer":
        """Return a person's server, which need not run."""
        return PersonalServer(self, name)


class PersonalServer:
    """The server of one person, at the address of `LabPage`."""

    token = ""

    def __init__(self, hub: Hub, name: str) -> None:
        self.hub = hub
        self.name = name
        self.url = f"{hub.address}/user/{name}"
        self.root = hub.home / name
        self.root.mkdir(exist_ok=True)

    def sign_in(self, page: Page) -> None:
        """Sign in at the hub, which starts the server."""
        page.goto(f"{self.hub.address}/hub/login")
        page.get_by_label("Username").fill(self.name)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        self._wait(page)

    def start(self, page: Page) -> None:
        """Start it once more."""
        page.goto(f"{self.hub.address}/hub/spawn/{self.name}")
        self._wait(page)

    def stop(self, page: Page) -> None:
        """Stop it from the hub's own page."""
        page.goto(f"{self.hub.address}/hub/home")
        button = page.get_by_role("button", name="Stop My Server")
        button.click()
        expect(button).to_be_hidden()

    def _wait(self, page: Page) -> None:
        page.wait_for_url(f"{self.url}/lab**", timeout=90_000)
        expect(page.locator("#main")).to_be_visible(timeout=60_000)

    def secret(self) -> str:
        """Return the token of ours that its kernels and scripts use."""
        [file] = (self.root / ".local/share/jupyter/aiplat/servers").glob("*.json")
        token: str = json.loads(file.read_text())["token"]
        return token

    def ask(self, path: str, secret: str, body: Any = None) -> tuple[int, Any]:
        """Ask its API with a token of ours."""
        headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/aiplat/api/v1/{path}", data, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)
