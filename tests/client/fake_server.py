"""The edge of a server, as the shipper sees it: commits whole frames by compare-and-set, or fails as it is told to."""

import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qs, urlsplit

import msgspec

from aiplat_jupyter.client.experiment import Experiment
from aiplat_jupyter.core import frames


class Point(NamedTuple):
    step: int
    wall: float
    values: dict[str, float]


def records(data: bytes) -> list[frames.Record]:
    """Return the records of a journal, without its points."""
    return [frames.decode(data[a:b]) for a, b in frames.whole_frames(data) if data[a] != 0]


def points(data: bytes) -> list[Point]:
    """Return the points of a journal in the order of their writing."""
    found, shapes = [], {}
    for start, end in frames.whole_frames(data):
        payload = data[start:end]
        if payload[0] == 0:
            _, number, step, wall = frames.POINTS_HEAD.unpack_from(payload)
            values = memoryview(payload[frames.POINTS_HEAD.size :]).cast("d").tolist()
            found.append(Point(step, wall, dict(zip(shapes[number], values, strict=True))))
        elif isinstance(record := frames.decode(payload), frames.Shape):
            shapes[record.number] = record.keys
    return found


def journal_of(exp: Experiment) -> bytes:
    """Return what was written of an experiment."""
    journal = exp._recording.journal
    assert journal is not None
    return journal.path.read_bytes()


def logged(exp: Experiment) -> list[tuple[int, dict[str, float]]]:
    """Return its points, in the order of their writing."""
    return [(point.step, point.values) for point in points(journal_of(exp))]


class FakeServer:
    """Keeps journals in memory.

    `refusals` holds (status, code) to answer to the next posts instead of committing; `ceiling` is the largest body.
    """

    def __init__(self, token: str = "aip_first") -> None:
        self.token = token
        self.journals: dict[str, bytearray] = {}
        self.refusals: list[tuple[int, str]] = []
        self.ceiling = 1 << 30
        self.stop = False
        self.posts: list[tuple[str, int, int]] = []
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_port}/"
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def announce(self, data_dir: Path) -> Path:
        """Write the file by which clients find a server."""
        path = data_dir / "servers" / f"{os.getpid()}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        machine = os.uname().nodename
        path.write_text(json.dumps({"url": self.url, "token": self.token, "pid": os.getpid(), "machine": machine}))
        return path

    def close(self) -> None:
        self._http.shutdown()
        self._http.server_close()

    def of(self, uid: str) -> bytes:
        """Return the journal of the experiment's first process."""
        return self.of_all(uid)[0]

    def of_all(self, uid: str) -> list[bytes]:
        opened = [(records(bytes(data))[0], bytes(data)) for data in list(self.journals.values()) if data]
        return [data for record, data in opened if isinstance(record, frames.Opened) and record.experiment == uid]

    def commit(self, uid: str, offset: int, data: bytes) -> tuple[int, dict[str, Any]]:
        self.posts.append((uid, offset, len(data)))
        if self.refusals:
            status, code = self.refusals.pop(0)
            return status, {"type": "", "title": "", "status": status, "code": code, "detail": f"It is {code}."}
        if len(data) > self.ceiling:
            return 413, {"type": "", "title": "", "status": 413, "code": "too_large", "detail": "Too large."}
        journal = self.journals.setdefault(uid, bytearray())
        if offset != len(journal):
            problem = {"type": "", "title": "", "status": 409, "code": "offset_conflict", "detail": "Elsewhere."}
            return 409, {**problem, "offset": len(journal)}
        journal += data[: max((end for _, end in frames.whole_frames(data)), default=0)]
        return 200, {"offset": len(journal), "stop": self.stop}


def _handler(server: FakeServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            data = self.rfile.read(size)
            if len(data) < size:  # the client ended in the middle of it
                return
            url = urlsplit(self.path)
            base, _, uid = url.path.removesuffix("/frames").rpartition("/")
            if self.headers["Authorization"] != f"Bearer {server.token}":
                self._answer(401, {"type": "", "title": "", "status": 401, "code": "unauthenticated", "detail": "Who?"})
            elif base != "/aiplat/api/v1/journals":
                self._answer(404, {"type": "", "title": "", "status": 404, "code": "not_found", "detail": "Where?"})
            else:
                self._answer(*server.commit(uid, int(parse_qs(url.query)["offset"][0]), data))

        def do_GET(self) -> None:
            self._answer(404, {"type": "", "title": "", "status": 404, "code": "not_found", "detail": "Where?"})

        def _answer(self, status: int, record: dict[str, Any]) -> None:
            good = status == 200
            body = msgspec.msgpack.encode(record) if good else msgspec.json.encode(record)
            self.send_response(status)
            self.send_header("Content-Type", "application/msgpack" if good else "application/problem+json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    return Handler
