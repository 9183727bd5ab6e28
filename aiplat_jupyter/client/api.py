"""The REST API, typed: the same records and the same errors as in the server."""

import threading
from collections.abc import Iterable, Iterator
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from aiplat_jupyter.client.answers import MSGPACK, to_error
from aiplat_jupyter.client.connection import Connection
from aiplat_jupyter.client.discover import Server, find_server
from aiplat_jupyter.client.events import events
from aiplat_jupyter.core import errors
from aiplat_jupyter.core.alerts import Alert, AlertQuery
from aiplat_jupyter.core.curves import CurveAnswer, CurveQuery, History
from aiplat_jupyter.core.gpu import GpuHistory, GpuHistoryQuery, GpuQuery, GpuStatus
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery, TaskQuery
from aiplat_jupyter.core.records import (
    Change,
    Experiment,
    ExperimentPatch,
    ExperimentRow,
    Page,
    Project,
    SeriesSummary,
    ServerInfo,
)
from aiplat_jupyter.core.tasks import Agent, TaskRow

T = TypeVar("T")


class Resync(Struct, frozen=True):
    """So much was missed that everything shown should be asked for again; the stream goes on from `after`."""

    after: int


class Api:
    """A server's API. Safe for several threads: each has its own connection.

    Every method raises a `core.errors.AiplatError`: `Unavailable` when the server does not answer, `Unauthenticated`
    when it was restarted and minted another token (then `connect()` again).
    """

    def __init__(self, server: Server, *, timeout: float = 30.0) -> None:
        self.server = server
        self._timeout = timeout
        self._local = threading.local()

    def get(self, path: str, type: type[T], **query: Any) -> T:
        """GET `path` (below the API's base). Lists in `query` repeat, None and empty lists are left out."""
        return self._call("GET", path, type, None, query)

    def post(self, path: str, type: type[T], body: Struct | None = None, **query: Any) -> T:
        """POST `body` as MessagePack and return the answer."""
        return self._call("POST", path, type, body, query)

    def patch(self, path: str, type: type[T], body: Struct) -> T:
        """PATCH with the fields that `body` sets."""
        return self._call("PATCH", path, type, body, {})

    def delete(self, path: str) -> None:
        """DELETE `path`."""
        self._request("DELETE", path, None, {})

    def info(self) -> ServerInfo:
        """Return which server part answers, and as whom."""
        return self.get("server", ServerInfo)

    def list_projects(self, query: ProjectQuery = ProjectQuery()) -> Page[Project]:
        """Return one page of projects."""
        return self.get("projects", Page[Project], **msgspec.structs.asdict(query))

    def list_experiments(self, query: ExperimentQuery = ExperimentQuery()) -> Page[ExperimentRow]:
        """Return one page of experiments."""
        return self.get("experiments", Page[ExperimentRow], **msgspec.structs.asdict(query))

    def list_tasks(self, query: TaskQuery = TaskQuery()) -> Page[TaskRow]:
        """Return one page of tasks."""
        return self.get("tasks", Page[TaskRow], **msgspec.structs.asdict(query))

    def experiment(self, uid: str) -> Experiment:
        """Return one experiment with config, summary and lineage."""
        return self.get(f"experiments/{quote(uid, safe='')}", Experiment)

    def update(self, uid: str, patch: ExperimentPatch) -> Experiment:
        """Set what `patch` names."""
        return self.patch(f"experiments/{quote(uid, safe='')}", Experiment, patch)

    def stop(self, uid: str) -> Experiment:
        """Ask the experiment to stop: its process sees `should_stop`."""
        return self.post(f"experiments/{quote(uid, safe='')}/stop", Experiment)

    def summaries(self, uid: str) -> list[SeriesSummary]:
        """Return what is known of each metric."""
        return self.get(f"experiments/{quote(uid, safe='')}/metrics", list[SeriesSummary])

    def curves(self, query: CurveQuery) -> CurveAnswer:
        """Return at most one bucket per pixel column for each experiment and metric."""
        return self.get("metrics/query", CurveAnswer, **msgspec.structs.asdict(query))

    def history(self, uid: str, metrics: Iterable[str] = (), limit: int = 50_000) -> Iterator[History]:
        """Yield all points of the metrics (none named: of all that have steps) page by page."""
        path, cursor = f"experiments/{quote(uid, safe='')}/history", None
        while True:
            page = self.get(path, History, metrics=list(metrics), limit=limit, cursor=cursor)
            yield page
            if (cursor := page.next_cursor) is None:
                return

    def agents(self) -> list[Agent]:
        """Return the machines and accounts that run tasks."""
        return self.get("agents", list[Agent])

    def gpu_status(self, query: GpuQuery = GpuQuery()) -> GpuStatus:
        """Return what the GPUs and the machine of an agent do now."""
        return self.get("gpu/status", GpuStatus, **msgspec.structs.asdict(query))

    def gpu_history(self, query: GpuHistoryQuery = GpuHistoryQuery()) -> GpuHistory:
        """Return what they did, at most `query.width` points for each metric."""
        return self.get("gpu/history", GpuHistory, **msgspec.structs.asdict(query))

    def list_alerts(self, query: AlertQuery = AlertQuery()) -> Page[Alert]:
        """Return one page of what rules and code have said, the newest first."""
        return self.get("alerts/events", Page[Alert], **msgspec.structs.asdict(query))

    def acknowledge(self, uid: str) -> Alert:
        """Note that someone has seen an alert: it reminds no more."""
        return self.post(f"alerts/events/{quote(uid, safe='')}/acknowledge", Alert)

    def changes(self, topics: Iterable[str], after: int | None = None) -> "Changes":
        """Follow what changes; `after` is the last sequence number seen, None: from now on."""
        return Changes(self.server, tuple(topics), after)

    def _call(self, method: str, path: str, type: type[T], body: Struct | None, query: dict[str, Any]) -> T:
        answer, kind = self._request(method, path, body, query)
        return _decode(answer, kind, type)

    def _request(self, method: str, path: str, body: Struct | None, query: dict[str, Any]) -> tuple[bytes, str]:
        headers = {"Accept": MSGPACK}
        if method != "GET":
            headers["Idempotency_Key"] = new_uid()
        data = None
        if body is not None:
            data, headers["Content_Type"] = msgspec.msgpack.encode(body), MSGPACK
        status, answer, kind = self._connection().request(method, path + encode_query(query), data, **headers)
        if status >= 400:
            raise to_error(status, answer)
        return answer, kind

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = Connection(self.server, self._timeout)
        return connection


Event = Change | GpuStatus | Resync


class Changes:
    """An endless iterator over changes (and `Resync`; of the topic ``gpu``: `GpuStatus`) on a connection of its own.

    Raises `Unavailable` when the connection ends; go on with ``api.changes(topics, after=this.after)``.
    """

    silence: Final = 60.0
    """Seconds without a byte (the server sends heartbeats) after which the connection is given up."""

    def __init__(self, server: Server, topics: tuple[str, ...], after: int | None) -> None:
        self.after = after
        self._topics = topics
        self._connection = Connection(server, self.silence)
        self._closed = threading.Event()

    def __iter__(self) -> Iterator[Event]:
        query = encode_query({"topics": list(self._topics), "after": self.after})
        response = self._connection.open("GET", "events" + query, Accept="text/event-stream")
        if response.status != 200:
            raise to_error(response.status, response.read())
        if self._closed.is_set():
            return
        from http.client import HTTPException

        try:
            yield from self._events(iter(response.readline, b""))
        except (OSError, HTTPException, ValueError, AttributeError) as error:
            # ValueError and AttributeError: close() took the socket away from under a blocked read.
            if not self._closed.is_set():
                raise errors.Unavailable(f"The event stream broke off: {error}") from error
            return
        if not self._closed.is_set():
            raise errors.Unavailable("The server ended the event stream.")

    def _events(self, lines: Iterator[bytes]) -> Iterator[Event]:
        for fields in events(lines):
            if b"id" in fields:
                self.after = int(fields[b"id"])
            if fields.get(b"event") == b"resync":
                yield Resync(self.after or 0)
            elif fields.get(b"event") == b"gpu":
                yield msgspec.json.decode(fields[b"data"], type=GpuStatus)
            elif b"data" in fields:
                yield msgspec.json.decode(fields[b"data"], type=Change)

    def close(self) -> None:
        """End the iteration, from any thread."""
        self._closed.set()
        self._connection.shut()


def connect() -> Api:
    """Return the API of the server that `discover.find_server` names. Raise `Unavailable` if there is none."""
    server = find_server()
    if server is None:
        raise errors.Unavailable(
            "No Jupyter server with aiplat_jupyter was found.",
            hint="Start Jupyter on this machine, or set AIPLAT_SERVER_URL and AIPLAT_TOKEN.",
        )
    return Api(server)


def encode_query(query: dict[str, Any]) -> str:
    """Return ``?a=1&b=2``: lists repeat, None and empty lists are left out."""
    pairs = [(key, value) for key, values in query.items() for value in _values(values)]
    return "?" + urlencode(pairs) if pairs else ""


def _values(value: Any) -> list[Any]:
    if value is None:
        return []
    if isinstance(value, bool):
        return [str(value).lower()]
    return value if isinstance(value, list) else [value]


def _decode(answer: bytes, kind: str, type: type[T]) -> T:
    if kind == MSGPACK:
        return msgspec.msgpack.decode(answer, type=type)
    return msgspec.json.decode(answer, type=type)
