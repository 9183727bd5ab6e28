"""The queue of tasks and those that have ended, to follow, stop and retry in a notebook."""

import threading
from typing import Any, ClassVar, Final
from urllib.parse import quote

import traitlets as t
from msgspec import Struct
from msgspec.structs import replace

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.errors import AiplatError
from aiplat_jupyter.core.queries import ProjectQuery, TaskQuery
from aiplat_jupyter.core.records import Change, Page
from aiplat_jupyter.core.states import TASK, TASK_LIVE, TaskState
from aiplat_jupyter.core.tasks import StopTask, Task, TaskRow
from aiplat_jupyter.widgets.bar import Bar
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.listview import ListView
from aiplat_jupyter.widgets.messages import Message
from aiplat_jupyter.widgets.panel import Panel
from aiplat_jupyter.widgets.rows import Row, note_row, pager_row
from aiplat_jupyter.widgets.status import failing
from aiplat_jupyter.widgets.taskrows import task_row

PAGE: Final = 25
PACE: Final = 0.5
SORTS: Final = {"sort_ended": "-ended", "sort_created": "-created", "sort_name": "name"}
"""Order of those that have ended → how the server calls it. The queue is in its own order."""
_LIVE: Final[list[TaskState]] = [state for state in TASK if state in TASK_LIVE]  # type: ignore[misc]
_ENDED: Final[list[TaskState]] = [state for state in TASK if state not in TASK_LIVE]  # type: ignore[misc]


class View(Struct, frozen=True):
    """What is looked at: search, order, and per section the cursors of the pages up to the shown one."""

    q: str = ""
    sort: str = "sort_ended"
    pages: dict[str, tuple[str, ...]] = {}


class TaskList(Panel):
    """The list.

    Parameters
    ----------
    q : a first search: words of names, commands and projects.
    project : name of the only project whose tasks are shown.

    Attributes
    ----------
    value : uid of the selected task, or None; observable. `LogViewer(tasks.value)` shows its log.
    """

    kind: ClassVar[str] = "tasklist"

    value: Any = t.Unicode(None, allow_none=True, help="The selected task.")

    def __init__(self, q: str = "", *, project: str = "", source: Feed | None = None) -> None:
        self._project = project
        self._view = View(q=q)
        self._fields = threading.Lock()
        self._next: dict[str, str] = {}
        self._asked: list[tuple[str, str]] = []
        self._live = 0
        self.list = ListView(list(SORTS), name="tasks_name", search="search_tasks")
        self.bar = Bar([], {})
        super().__init__([self.list, self.bar], project, source=source)
        self.pace = PACE
        self.talk(self.list, self._on_message)
        self.start()

    # What the browser sends: sets plain fields only

    def _on_message(self, message: Message) -> None:
        match message:
            case {"kind": "select", "uids": uids}:
                self.value = str(uids[-1]) if uids else None
            case {"kind": "search", "q": q}:
                self._look(q=str(q), pages={})
            case {"kind": "sort", "sort": sort} if sort in SORTS:
                self._look(sort=sort, pages={})
            case {"kind": "page", "section": section, "way": way}:
                self._turn(section, way)
            case {"kind": "act", "verb": "stop" | "retry" as verb, "uid": str(uid)}:
                with self._fields:
                    self._asked.append((verb, uid))

    def _look(self, **what: Any) -> None:
        with self._fields:
            self._view = replace(self._view, **what)

    def _turn(self, section: str, way: int) -> None:
        cursors = self._view.pages.get(section, ())
        if way < 0:
            cursors = cursors[:-1]
        elif section in self._next:
            cursors = (*cursors, self._next[section])
        self._look(pages={**self._view.pages, section: cursors})

    # For the feed

    @property
    def topics(self) -> frozenset[str]:
        """Rows of tasks."""
        return frozenset({"tasks"})

    @property
    def is_live(self) -> bool:
        """Whether a task has not ended, and someone looks."""
        return self.is_watched and self._live > 0

    def peek(self) -> None:
        """Note nothing: each update asks for all that is shown."""

    def changed(self, _change: Change | None) -> bool:
        """Refresh on any change while someone looks."""
        return self.is_watched

    def update(self, api: Api) -> None:
        """Do what was asked for, ask for the shown pages and write their rows."""
        self._act(api)
        view = self._view
        project = _uid_of(api, self._project) if self._project else []
        shared = TaskQuery(q=view.q, project=project, limit=PAGE, count=True)
        queue = self._section(api, view, "queue", replace(shared, state=_LIVE, sort="queue"))
        ended = self._section(api, view, "ended", replace(shared, state=_ENDED, sort=SORTS[view.sort]))
        note = [note_row("queue", "nothing_queued")] if ended and not queue else []
        rows = [*queue, *note, *ended]
        self.write(
            self.list,
            rows=rows,
            notice=None if rows else _emptiness(view),
            look={"q": view.q, "sort": view.sort},
            selected=[self.value] if self.value else [],
        )
        state = {"kind": "live", "icon": TASK["running"].icon, "age": None} if self._live else {"kind": "idle"}
        self.write(self.bar, status=state)

    def show_failure(self, error: AiplatError) -> None:
        """Keep the rows and say since when they stand; without rows say what is wrong."""
        if not self.list.rows:
            text = f"{error.detail} {error.hint}".strip()
            self.list.notice = {"kind": "error", "key": "list_failed", "text": text}
        self.bar.status = failing(error, self.fresh_at if self.list.rows else None)

    # Asking

    def _act(self, api: Api) -> None:
        with self._fields:
            asked, self._asked = self._asked, []
        for verb, uid in asked:
            path = f"tasks/{quote(uid, safe='')}/{verb}"
            if verb == "stop":
                api.post(path, Task, StopTask())
            else:
                api.post(path, Task)

    def _section(self, api: Api, view: View, section: str, query: TaskQuery) -> list[Row]:
        cursors = view.pages.get(section, ())
        page = api.list_tasks(replace(query, cursor=cursors[-1] if cursors else None))
        if section == "queue":
            self._live = page.total or 0
        return [task_row(row) for row in page.items] + self._pager(section, len(cursors), page)

    def _pager(self, section: str, number: int, page: Page[TaskRow]) -> list[Row]:
        self._next.pop(section, None)
        if page.next_cursor is not None:
            self._next[section] = page.next_cursor
        row = pager_row(section, number, PAGE, page)
        return [row] if row else []

    def __repr__(self) -> str:
        told = [f"{row['name']} {row['word']['en']}" for row in self.list.rows if row["kind"] == "task"]
        return f"TaskList({', '.join(told[:8])})"


def _uid_of(api: Api, name: str) -> list[str]:
    """Return the uids of the projects of this name, or one that nothing has."""
    found = api.list_projects(ProjectQuery(q=name, limit=200)).items
    return [project.uid for project in found if project.name == name] or ["none"]


def _emptiness(view: View) -> dict[str, Any]:
    key = "no_task_matches" if view.q.strip() else "no_tasks"
    return {"kind": "empty", "key": key, "hint": f"{key}_hint", "values": {"q": view.q.strip()}}
