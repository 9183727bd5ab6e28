"""The log of a task, to read while it is written."""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, Final
from urllib.parse import quote, urlencode

import msgspec

from aiplat_jupyter.client.answers import to_error
from aiplat_jupyter.client.api import Api
from aiplat_jupyter.client.connection import Connection
from aiplat_jupyter.core.alerts import AlertQuery
from aiplat_jupyter.core.errors import AiplatError, InvalidInput, Unavailable
from aiplat_jupyter.core.logs import LogHits, LogPage, LogQuery, LogSearch
from aiplat_jupyter.core.records import Change
from aiplat_jupyter.core.states import TASK_LIVE
from aiplat_jupyter.core.tasks import Task
from aiplat_jupyter.widgets import words
from aiplat_jupyter.widgets.alertline import MOST, AlertLine
from aiplat_jupyter.widgets.bar import Bar
from aiplat_jupyter.widgets.feed import ALERTS, Feed
from aiplat_jupyter.widgets.logpane import LogPane
from aiplat_jupyter.widgets.messages import Message, listen
from aiplat_jupyter.widgets.panel import Panel

_log = logging.getLogger(__name__)

WORKERS: Final = 3
"""Questions of the browser that are answered at once, so that a search does not hold up reading."""


class LogViewer(Panel):
    """The log.

    Parameters
    ----------
    task : a task, or its uid.
    line : the line to open it at; None: the end, which it follows.

    Raises
    ------
    TypeError
        If `task` is neither.
    """

    kind: ClassVar[str] = "logviewer"

    def __init__(self, task: Any, *, line: int | None = None, source: Feed | None = None) -> None:
        self.task = _uid_of(task)
        self.pane = LogPane(task=self.task, line=line)
        self._row: Task | None = None
        self._is_old = True
        self._is_asked = False
        self._searches: dict[int, Connection] = {}
        self._lock = threading.Lock()
        self._workers = ThreadPoolExecutor(WORKERS, "aiplat-log")
        self.bar = Bar([], {})
        self.bar.add_class("aiplat-bar-alone")
        super().__init__([self.pane, self.bar], self.task, source=source)
        listen(self.pane, self._on_message)
        self.talk(self.bar, self._on_message)
        self.tell_alerts(AlertLine(self.bar, self._alerts_asked, lambda about: about.task == self.task))
        self.start()

    # For the feed

    @property
    def topics(self) -> frozenset[str]:
        """The task; and growth of its log, if the browser cannot hear of it by itself."""
        return frozenset({f"task:{self.task}", ALERTS} | ({f"log:{self.task}"} if self._is_asked else set()))

    @property
    def is_live(self) -> bool:
        """Whether more may be written, and the browser depends on the kernel to see it."""
        return self._is_asked and self.is_watched and (self._row is None or self._row.state in TASK_LIVE)

    def peek(self) -> None:
        """Note nothing: the browser asks for what it shows."""

    def changed(self, change: Change | None) -> bool:
        """Refresh on any change."""
        self._is_old = self._is_old or change is None or change.topic.startswith("task:")
        return True

    def update(self, api: Api) -> None:
        """Learn how the task is, and let the browser ask again."""
        if self._is_old:
            self._is_old = False
            self._row = api.get(f"tasks/{quote(self.task, safe='')}", Task)
            self.write(self.pane, changed=self.pane.changed + 1, server=_facts(api))
        self.write(self.pane, grown=self.pane.grown + 1)

    def _alerts_asked(self) -> AlertQuery:
        return AlertQuery(open=True, task=self.task, limit=MOST)

    def show_failure(self, _error: AiplatError) -> None:
        """Note that the task is not known; the browser says it where it asks."""
        self._is_old = True

    # What the browser asks

    def _on_message(self, message: Message) -> None:
        match message:
            case {"kind": "ask", "id": int(number), "what": what, "query": dict(query)}:
                if not self._is_asked:
                    self._is_asked = True
                    self._feed.retune()
                self._workers.submit(self._answer, number, str(what), query)
            case {"kind": "cancel", "id": int(number)}:
                self._cancel(number)

    def _answer(self, number: int, what: str, query: dict[str, Any]) -> None:
        """Send the answer, or what is wrong. Runs on a thread of this panel."""
        try:
            for part, is_last in self._parts(number, what, query):
                self.pane.send({"id": number, "part": msgspec.to_builtins(part), "isLast": is_last})
        except AiplatError as error:
            self._refuse(number, error)
        except Exception as error:
            _log.exception("A question about a log could not be answered.")
            self._refuse(number, AiplatError(f"{type(error).__name__}: {error}"))

    def _parts(self, number: int, what: str, query: dict[str, Any]) -> Iterator[tuple[Any, bool]]:
        api, path = self._feed.api(), f"tasks/{quote(self.task, safe='')}"
        if what == "owner":
            yield _owner(api.get(path, Task)), True
        elif what == "page":
            yield api.get(f"{path}/logs", LogPage, **_given(_read(query, LogQuery))), True
        elif what == "search":
            yield from self._search(number, api, f"{path}/logs/search", _read(query, LogSearch))
        else:
            raise InvalidInput("That is no question about a log.", fields={"what": "owner, page or search"})

    def _search(self, number: int, api: Api, path: str, query: LogSearch) -> Iterator[tuple[LogHits, bool]]:
        connection = Connection(api.server)
        with self._lock:
            self._searches[number] = connection
        try:
            response = connection.open("GET", f"{path}?{urlencode(_given(query))}")
            if response.status != 200:
                raise to_error(response.status, response.read())
            for line in iter(response.readline, b""):
                hits = msgspec.json.decode(line, type=LogHits)
                yield hits, hits.state != "running"
        except (OSError, ValueError, AttributeError) as error:
            # ValueError and AttributeError: a cancel took the socket away from under a blocked read.
            raise Unavailable(f"The search broke off: {error}") from error
        finally:
            with self._lock:
                self._searches.pop(number, None)
            connection.close()

    def _cancel(self, number: int) -> None:
        with self._lock:
            connection = self._searches.get(number)
        if connection is not None:
            connection.shut()

    def _refuse(self, number: int, error: AiplatError) -> None:
        problem = {"code": error.code, "status": error.status, "detail": error.detail, "hint": error.hint}
        self.pane.send({"id": number, "problem": problem})
        if isinstance(error, Unavailable):
            self.wake(at_once=True)

    def close(self) -> None:
        """Stop, and close every model that the panel is made of."""
        if hasattr(self, "_feed"):  # not of one whose making failed
            self._workers.shutdown(wait=False, cancel_futures=True)
        super().close()

    def __repr__(self) -> str:
        if self._row is None:
            return f"LogViewer({self.task})"
        return f"LogViewer({self._row.name}, {words.say('lines', n=self._row.log.lines)})"


def _uid_of(task: Any) -> str:
    uid = getattr(task, "uid", task)
    if not isinstance(uid, str) or not uid.strip():
        raise TypeError(f"A log is of a task or its uid, not {task!r}.")
    return uid.strip()


def _read(query: dict[str, Any], kind: Callable[..., Any]) -> Any:
    """Return the question as a record. Raise `InvalidInput`."""
    try:
        return msgspec.convert(query, type=kind)
    except msgspec.ValidationError as error:
        raise InvalidInput(f"The question about the log is not understood: {error}") from error


def _given(query: msgspec.Struct) -> dict[str, Any]:
    """Return what a question says beyond the defaults, for a URL."""
    blank = type(query)(**({"q": ""} if isinstance(query, LogSearch) else {}))
    given = {name: value for name, value in msgspec.structs.asdict(query).items() if value != getattr(blank, name)}
    return {name: str(value).lower() if isinstance(value, bool) else value for name, value in given.items()}


def _owner(task: Task) -> dict[str, Any]:
    """Return what the view knows of a task (`LogOwner` in ``labextension/src/logs/source.ts``)."""
    return {
        "task": task.uid,
        "name": task.name,
        "isLive": task.state in TASK_LIVE,
        "experiment": task.experiment,
        "attempts": [{"uid": each.uid, "number": each.number} for each in task.lineage],
    }


def _facts(api: Api) -> dict[str, str]:
    info = api.info()
    return {"machine": info.machine, "data_dir": info.data_dir}
