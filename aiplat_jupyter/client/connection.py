"""One kept-alive HTTP connection to a server."""

from __future__ import annotations

import os
from contextlib import suppress
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from aiplat_jupyter.client.discover import Server
from aiplat_jupyter.client.forks import uncut
from aiplat_jupyter.core.errors import Unavailable

if TYPE_CHECKING:
    from http.client import HTTPConnection, HTTPResponse
    from socket import socket


class Connection:
    """Sends requests one after the other; not for several threads at once.

    A connection that the server closed while it was idle is opened again, so every request must be one that may be
    sent twice. A forked child connects anew. ``http.client`` costs tens of milliseconds to import, so that happens with
    the first connection.
    """

    def __init__(self, server: Server, timeout: float = 30.0) -> None:
        self._http: HTTPConnection | None = None
        with uncut:
            import encodings.idna  # noqa: F401  # as every look-up of a host does
            import http.client  # noqa: F401  # here, where no fork can cut it
        self._owner = os.getpid()
        self.server = server
        self._timeout = timeout
        self._url = urlsplit(server.api)
        self._socket: socket | None = None

    def request(self, method: str, path: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes, str]:
        """Return status, body and content type. Raise `Unavailable` if the server does not answer."""
        response = self.open(method, path, body, **headers)
        from http.client import HTTPException

        try:
            return response.status, response.read(), response.headers.get_content_type()
        except (OSError, HTTPException) as error:
            self.close()
            raise _unavailable(self.server, error) from error

    def open(self, method: str, path: str, body: bytes | None = None, **headers: str) -> HTTPResponse:
        """Send a request and return the response before its body is read."""
        from http.client import HTTPException

        was_open = self._http is not None
        try:
            return self._send(method, path, body, headers)
        except (OSError, HTTPException) as error:
            self.close()
            if was_open and not isinstance(error, TimeoutError):
                return self.open(method, path, body, **headers)
            raise _unavailable(self.server, error) from error

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> HTTPResponse:
        if self._http is None or self._owner != os.getpid():
            self._http, self._owner = self._connect(), os.getpid()
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        names["Authorization"] = f"Bearer {self.server.token}"
        self._http.request(method, f"{self._url.path}/{path}", body, names)
        self._socket = self._http.sock  # getresponse() forgets it when the server is going to close
        return self._http.getresponse()

    def _connect(self) -> HTTPConnection:
        from http.client import HTTPConnection, HTTPSConnection

        kind = HTTPSConnection if self._url.scheme == "https" else HTTPConnection
        return kind(self._url.hostname or "", self._url.port, timeout=self._timeout)

    def close(self) -> None:
        """Let go of the socket; the next request opens another."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def __del__(self) -> None:
        self.close()

    def shut(self) -> None:
        """End a read that another thread is blocked in."""
        if self._socket is not None:
            from socket import SHUT_RDWR  # imported by `http.client` already

            with suppress(OSError):
                self._socket.shutdown(SHUT_RDWR)


def _unavailable(server: Server, error: Exception) -> Unavailable:
    return Unavailable(f"The server {server.web} does not answer: {error}.", hint="Is Jupyter running there?")
