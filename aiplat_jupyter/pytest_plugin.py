"""Fixtures for tests of this package and of what others build on it; they need ``pytest-jupyter[server]``.

``pytest_plugins = ["aiplat_jupyter.pytest_plugin"]`` in the root ``conftest.py`` switches them on.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlencode

import pytest

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from jupyter_server.serverapp import ServerApp
    from tornado.simple_httpclient import SimpleAsyncHTTPClient

    from aiplat_jupyter.server.app import AiplatApp


class Answer(NamedTuple):
    """What a route answered: `record` is the decoded JSON, None where there is no content."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def record(self) -> Any:
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
    ) -> Answer: ...


@pytest.fixture
def aiplat_config() -> dict[str, Any]:
    """Values of `AiplatApp`'s traits; override it in a test module."""
    return {}


@pytest.fixture
def jp_server_config(aiplat_config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a server with this extension, in which every handler must check who asks."""
    return {
        "ServerApp": {"jpserver_extensions": {"aiplat_jupyter": True}, "allow_unauthenticated_access": False},
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
    jp_asyncio_loop.run_until_complete(serverapp.extension_manager.start_extension("aiplat_jupyter"))
    [app] = serverapp.extension_manager.extension_apps["aiplat_jupyter"]
    return app


@pytest.fixture
def aiplat_ask(
    aiplat_app: "AiplatApp",
    http_server_client: "SimpleAsyncHTTPClient",
    jp_auth_header: dict[str, str],
    jp_base_url: str,
) -> Ask:
    """Return a function that asks the REST API, as Jupyter's owner unless `headers` have an ``Authorization``."""

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
            f"{jp_base_url}aiplat/api/v1/{path}?{urlencode(query, doseq=True)}",
            method=method,
            body=data,
            headers={**jp_auth_header, **(headers or {})},
            allow_nonstandard_methods=True,
            raise_error=False,
        )
        assert status in {None, response.code}, f"{method} {path} → {response.code} {response.body!r}"
        return Answer(response.code, response.headers, response.body)

    return ask
