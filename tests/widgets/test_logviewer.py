"""The log in a notebook: what the kernel answers where the browser has no Lab around it."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.client.discover import Server
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.logviewer import LogViewer
from aiplat_jupyter.widgets.panel import open_panels
from tests.widgets.conftest import eventually, send

PAGE = {
    "attempt": "a1", "stream": "out", "generation": 0, "total": 2, "matching": 2, "size": 9, "indexed": 9, "levels": {},
    "is_complete": False,
    "lines": [{"number": 1, "offset": 0, "text": "<b>one"}, {"number": 2, "offset": 7, "text": "2"}],
}  # fmt: skip
SPEC = {"kind": "command", "command": ["true"]}
ATTEMPT = {"uid": "a1", "number": 1, "state": "running", "created_at": 1.0}
TASK = {
    "uid": "t1", "name": "train", "project": "p", "project_name": "p", "owner": "ada", "kind": "command",
    "executor": "local", "agent": "g", "machine": "box", "state": "running", "lifecycle": "active", "priority": 0,
    "gpus": 0, "created_at": 1.0, "updated_at": 1.0, "started_at": 1.0, "ended_at": None, "attempts": 1,
    "attempt": "a1", "experiment": "x1", "log": {"lines": 2}, "spec": SPEC, "after": [], "lineage": [ATTEMPT],
    "role": "owner",
}  # fmt: skip
INFO = {
    "version": "0", "api": 1, "machine": "box", "database": "sqlite", "data_dir": "/data",
    "user": {"username": "ada", "display_name": "Ada", "is_admin": True, "scopes": []},
}  # fmt: skip
ALERT = {
    "uid": "alert1", "rule": "r1", "name": "Waits long", "severity": "critical", "state": "firing", "subject": "task",
    "target": {"key": "t1", "label": "<b>train", "task": "t1"}, "fired_at": 1.0, "updated_at": 1.0,
}  # fmt: skip


class Backend:
    """A server of one task, at the edge of HTTP."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.released = threading.Event()
        self.left = threading.Event()
        self.events: list[dict[str, Any]] = []
        self.alerts: list[dict[str, Any]] = []
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.http.daemon_threads = True
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    @property
    def server(self) -> Server:
        url = f"http://127.0.0.1:{self.http.server_port}/"
        return Server(url=url, token="aip_test")

    def queries(self, path: str) -> list[dict[str, list[str]]]:
        return [query for asked, query in self.asked if asked == path]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        backend = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                url = urlsplit(self.path)
                path = url.path.split("/aiplat/api/v1/")[1]
                backend.asked.append((path, parse_qs(url.query)))
                backend.answer(self, path, parse_qs(url.query))

            def do_POST(self) -> None:
                path = urlsplit(self.path).path.split("/aiplat/api/v1/")[1]
                backend.asked.append((path, {}))
                backend.alerts.clear()
                write(self, 200, ALERT)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        return Handler

    def answer(self, to: BaseHTTPRequestHandler, path: str, query: dict[str, list[str]]) -> None:
        known = {"server": INFO, "tasks/t1": TASK, "tasks/t1/logs": PAGE}
        if path in known:
            write(to, 200, known[path])
        elif path == "alerts/events":
            write(to, 200, {"items": self.alerts, "next_cursor": None})
        elif path == "tasks/t1/logs/search":
            self._search(to, query)
        elif path == "events":
            self._listen(to)
        else:
            write(to, 404, {"type": "", "title": "", "status": 404, "code": "not_found", "detail": "There is no task."})

    def _search(self, to: BaseHTTPRequestHandler, query: dict[str, list[str]]) -> None:
        open_answer(to, "application/x-ndjson")
        hits = {"offsets": [0], "scanned": 4, "size": 9}
        tell(to, {"lines": [1], "count": 1, "state": "running", **hits})
        if query["q"] == ["slow"]:
            try:
                while not self.released.wait(0.05):
                    tell(to, {"lines": [], "count": 1, "state": "running", **hits})
            except OSError:
                self.left.set()
                return
        tell(to, {"lines": [2], "count": 2, "state": "done", **hits})

    def _listen(self, to: BaseHTTPRequestHandler) -> None:
        open_answer(to, "text/event-stream")
        to.wfile.write(b"id: 1\n\n")
        while not self.released.wait(0.02):
            while self.events:
                to.wfile.write(b"event: change\ndata: " + msgspec.json.encode(self.events.pop()) + b"\n\n")


def write(to: BaseHTTPRequestHandler, status: int, answer: Any) -> None:
    body = msgspec.json.encode(answer)
    to.send_response(status)
    to.send_header("Content-Type", "application/problem+json" if status >= 400 else "application/json")
    to.send_header("Content-Length", str(len(body)))
    to.end_headers()
    to.wfile.write(body)


def open_answer(to: BaseHTTPRequestHandler, kind: str) -> None:
    to.send_response(200)
    to.send_header("Content-Type", kind)
    to.end_headers()


def tell(to: BaseHTTPRequestHandler, record: Any) -> None:
    to.wfile.write(msgspec.json.encode(record) + b"\n")
    to.wfile.flush()


@pytest.fixture
def backend() -> Iterator[Backend]:
    made = Backend()
    yield made
    made.released.set()
    made.http.shutdown()
    made.http.server_close()


@pytest.fixture
def source(backend: Backend) -> Iterator[Feed]:
    made = Feed(lambda: Api(backend.server))
    yield made
    for panel in open_panels():
        panel.close()
    made.stop()


class Browser:
    """Asks as the bundle does, and keeps the answers."""

    def __init__(self, viewer: LogViewer, monkeypatch: pytest.MonkeyPatch) -> None:
        self.viewer = viewer
        self.answers: list[dict[str, Any]] = []
        monkeypatch.setattr(type(viewer.pane), "send", lambda _pane, content: self.answers.append(content))

    def ask(self, number: int, what: str, **query: object) -> None:
        send(self.viewer.pane, kind="ask", id=number, what=what, query=query)

    def to(self, number: int) -> list[dict[str, Any]]:
        return [answer for answer in self.answers if answer["id"] == number]


@pytest.fixture
def browser(source: Feed, monkeypatch: pytest.MonkeyPatch) -> Browser:
    viewer = LogViewer("t1", source=source)
    return Browser(viewer, monkeypatch)


def test_pages_are_passed_on_as_they_were_asked(backend: Backend, browser: Browser) -> None:
    browser.ask(1, "page", line=1, n=200, min_level="ERROR")
    eventually(lambda: browser.to(1))
    (answer,) = browser.to(1)
    assert [line["text"] for line in answer["part"]["lines"]] == ["<b>one", "2"]
    assert answer["isLast"]
    assert backend.queries("tasks/t1/logs") == [{"line": ["1"], "min_level": ["ERROR"]}]


def test_the_owner_is_the_task(browser: Browser) -> None:
    browser.ask(2, "owner")
    eventually(lambda: browser.to(2))
    assert browser.to(2)[0]["part"] == {
        "task": "t1", "name": "train", "isLive": True, "experiment": "x1", "attempts": [{"uid": "a1", "number": 1}],
    }  # fmt: skip


def test_hits_come_in_parts(backend: Backend, browser: Browser) -> None:
    browser.ask(3, "search", q="a b", regex=True, attempt="")
    eventually(lambda: len(browser.to(3)) == 2)
    assert [(each["part"]["lines"], each["isLast"]) for each in browser.to(3)] == [([1], False), ([2], True)]
    assert backend.queries("tasks/t1/logs/search") == [{"q": ["a b"], "regex": ["true"]}]


def test_a_search_that_is_cancelled_leaves_the_server(backend: Backend, browser: Browser) -> None:
    browser.ask(4, "search", q="slow")
    eventually(lambda: browser.to(4))
    browser.ask(5, "page", tail=200)  # is not held up
    eventually(lambda: browser.to(5))
    send(browser.viewer.pane, kind="cancel", id=4)
    eventually(backend.left.is_set)


@pytest.mark.parametrize(
    ("what", "query", "code"),
    [("page", {"min_level": "LOUD"}, "invalid"), ("page", {"n": "x"}, "invalid"), ("dance", {}, "invalid")],
)
def test_what_cannot_be_answered_says_why(browser: Browser, what: str, query: dict[str, str], code: str) -> None:
    browser.ask(6, what, **query)
    eventually(lambda: browser.to(6))
    problem = browser.to(6)[0]["problem"]
    assert (code in problem["code"], bool(problem["detail"])) == (True, True)


def test_a_task_that_is_not_there_is_told_to_the_browser(source: Feed, monkeypatch: pytest.MonkeyPatch) -> None:
    browser = Browser(LogViewer("gone", source=source), monkeypatch)
    browser.ask(7, "owner")
    eventually(lambda: browser.to(7))
    assert browser.to(7)[0]["problem"]["detail"] == "There is no task."


def test_growth_is_heard_once_the_browser_needs_the_kernel(backend: Backend, browser: Browser) -> None:
    assert browser.viewer.topics == {"task:t1", "alerts"}
    browser.ask(8, "page", tail=1)
    eventually(lambda: any("log:t1" in query.get("topics", []) for query in backend.queries("events")))
    before = browser.viewer.pane.grown
    backend.events.append({"seq": 0, "topic": "log:t1", "kind": "grew", "uid": "t1", "at": 1.0})
    eventually(lambda: browser.viewer.pane.grown > before)


def test_an_alert_about_the_task_stands_under_it_until_it_is_acknowledged(backend: Backend, browser: Browser) -> None:
    viewer = browser.viewer
    eventually(lambda: backend.queries("alerts/events") and backend.queries("events"))
    assert backend.queries("alerts/events")[0].items() >= {"open": ["true"], "task": ["t1"]}.items()
    assert viewer.bar.alert is None
    backend.alerts = [ALERT, ALERT | {"uid": "alert2", "target": {"key": "t2", "label": "other", "task": "t2"}}]
    change = {"seq": 0, "topic": "alerts", "kind": "created", "uid": "alert1", "at": 1.0}
    eventually(lambda: viewer.bar.alert or backend.events.append(change))  # the stream may be a later one
    told = viewer.bar.alert
    assert (told["uid"], told["icon"], told["text"], told["about"]) == ("alert1", "✕", "Waits long", "<b>train")
    assert (told["over"], told["more"]) == (False, 0)
    send(viewer.bar, kind="acknowledge", uid="alert1")
    eventually(lambda: viewer.bar.alert is None)
    assert len(backend.queries("alerts/events/alert1/acknowledge")) == 1


def test_the_pane_tells_of_which_server_it_is(browser: Browser) -> None:
    eventually(lambda: browser.viewer.pane.server)
    assert browser.viewer.pane.server == {"machine": "box", "data_dir": "/data"}
    assert repr(browser.viewer).startswith("LogViewer(train, 2")


@pytest.mark.parametrize("task", [None, 3, "", SimpleNamespace(uid=4)])
def test_only_tasks_have_logs(task: object) -> None:
    with pytest.raises(TypeError, match="task or its uid"):
        LogViewer(task)


def test_a_task_object_is_named_by_its_uid(source: Feed) -> None:
    assert LogViewer(SimpleNamespace(uid="t1"), line=7, source=source).pane.line == 7
