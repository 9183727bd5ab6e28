"""The event stream: changes, and events that carry what they tell of."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import msgspec
import pytest

from aiplat_jupyter.client.api import Api, Resync
from aiplat_jupyter.client.discover import Server
from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.core.gpu import GpuStatus
from aiplat_jupyter.core.records import Change

STATUS = GpuStatus(state="no_gpu", agent="here", host="box", username="ada", at=7.0, interval=1.0, total=0, devices=[])
CHANGE = Change(seq=4, topic="tasks", kind="status", uid="t", at=1.0)


class Stream(BaseHTTPRequestHandler):
    """Sends a change, a sample and a resync, and ends."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        told = ((b"id: 4\n", b"change", CHANGE), (b"", b"gpu", STATUS), (b"id: 9\n", b"resync", {"seq": 9}))
        for number, name, data in told:
            self.wfile.write(number + b"event: " + name + b"\ndata: " + msgspec.json.encode(data) + b"\n\n")

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def api() -> Iterator[Api]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stream)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield Api(Server(url=f"http://127.0.0.1:{server.server_port}", token="t"))
    server.shutdown()
    server.server_close()


def test_a_sample_arrives_whole_and_has_no_number(api: Api) -> None:
    changes = api.changes(["tasks", "gpu"])
    events = iter(changes)
    assert [next(events), next(events)] == [CHANGE, STATUS]
    assert changes.after == 4
    assert next(events) == Resync(9)
    with pytest.raises(Unavailable, match="ended"):
        next(events)
