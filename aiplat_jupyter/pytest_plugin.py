"""Fixtures for tests of this package and of what others build on it; they need ``pytest-jupyter[server]``.

``pytest_plugins = ["aiplat_jupyter.pytest_plugin"]`` in the root ``conftest.py`` switches them on.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from jupyter_server.serverapp import ServerApp
    from tornado.simple_httpclient import SimpleAsyncHTTPClient

    from aiplat_jupyter.server.app import AiplatApp


class Answer(NamedTuple):
    """What a route answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def record(self) -> Any:
        """The decoded JSON; None where there is no content."""
        return json.loads(self.body) if self.body else None


class Ask(Protocol):
    """Asks a route, which must answer `status` (None: whatever)."""

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        status: int | None = 200,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send `body` (bytes as they are, else as JSON) and return the answer."""
        ...


@pytest.fixture
def aiplat_config() -> dict[str, Any]:
    """Values of `AiplatApp`'s traits; override it in a test module."""
    return {}


@pytest.fixture
def jp_server_config(aiplat_config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a server with this extension, in which every handler must check who asks."""
    return {
        "ServerApp": {
            "jpserver_extensions": {"aiplat_jupyter": True, "jupyter_server_terminals": False},
            "allow_unauthenticated_access": False,
        },
        "AiplatApp": aiplat_config,
    }


@pytest.fixture
def aiplat_app(
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    jp_asyncio_loop: "AbstractEventLoop",
) -> "AiplatApp":
    """Return the started extension. `jp_serverapp` loads extensions, but does not start them."""
    for variable in ("AIPLAT_DATA_DIR", "AIPLAT_SERVER_FILE", "AIPLAT_SERVER_URL", "AIPLAT_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    serverapp: ServerApp = request.getfixturevalue("jp_serverapp")
    app: AiplatApp = serverapp.extension_manager.extension_points["aiplat_jupyter"].app
    jp_asyncio_loop.run_until_complete(app._start_jupyter_server_extension(serverapp))
    return app


@pytest.fixture
def aiplat_ask(aiplat_app: "AiplatApp", http_server_client: "SimpleAsyncHTTPClient") -> Ask:
    """Return a function that asks the REST API, as Jupyter's owner unless `headers` have an ``Authorization``."""
    assert aiplat_app.serverapp is not None
    base = f"{aiplat_app.serverapp.base_url}aiplat/api/v1/"
    own = {"Authorization": f"token {aiplat_app.serverapp.identity_provider.token}"}

    async def ask(
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        status: int | None = 200,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        response = await http_server_client.fetch(
            base + path + ("?" + urlencode(query, doseq=True) if query else ""),
            method=method,
            body=data,
            headers={**own, **(headers or {})},
            allow_nonstandard_methods=True,
            raise_error=False,
        )
        assert status in {None, response.code}, f"{method} {path} → {response.code} {response.body!r}"
        return Answer(response.code, response.headers, response.body)

    return ask
