"""The queue of tasks and those that have ended, to follow, stop and retry in a notebook."""

from typing import Any, ClassVar, Final
from urllib.parse import quote

import traitlets as t
from msgspec.structs import replace

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.alerts import AlertQuery, Target
from aiplat_jupyter.core.queries import ProjectQuery, TaskQuery
from aiplat_jupyter.core.states import TASK, TASK_LIVE, TaskState
from aiplat_jupyter.core.tasks import StopTask, Task
from aiplat_jupyter.widgets.alertline import MOST, AlertLine
from aiplat_jupyter.widgets.feed import ALERTS, Feed
from aiplat_jupyter.widgets.listview import ListView
from aiplat_jupyter.widgets.messages import Message
from aiplat_jupyter.widgets.paging import PAGE, ListPanel, View
from aiplat_jupyter.widgets.rows import Row, note_row
from aiplat_jupyter.widgets.taskrows import task_row

PACE: Final = 0.5
SORTS: Final = {"sort_ended": "-ended", "sort_created": "-created", "sort_name": "name"}
"""Order of those that have ended → how the server calls it. The queue is in its own order."""
_LIVE: Final[list[TaskState]] = [state for state in TASK if state in TASK_LIVE]
_ENDED: Final[list[TaskState]] = [state for state in TASK if state not in TASK_LIVE]


class TaskList(ListPanel):
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
    sorts: ClassVar[tuple[str, ...]] = (*SORTS,)

    value: Any = t.Unicode(None, allow_none=True, help="The selected task.")

    def __init__(self, q: str = "", *, project: str = "", source: Feed | None = None) -> None:
        self._project = project
        self._asked: list[tuple[str, str]] = []
        self._live = 0
        view = ListView(list(SORTS), name="tasks_name", search="search_tasks")
        super().__init__(q, view, project, source)
        self.pace = PACE
        self.talk(self.bar, self._on_message)
        self.tell_alerts(AlertLine(self.bar, _alerts_asked, self._is_about))
        self.start()

    # What the browser sends: sets plain fields only

    def _on_message(self, message: Message) -> None:
        match message:
            case {"kind": "select", "uids": uids}:
                self.value = str(uids[-1]) if uids else None
            case {"kind": "act", "verb": "stop" | "retry" as verb, "uid": str(uid)}:
                with self._fields:
                    self._asked.append((verb, uid))
            case _:
                super()._on_message(message)

    # For the feed

    @property
    def topics(self) -> frozenset[str]:
        """Rows of tasks."""
        return frozenset({"tasks", ALERTS})

    @property
    def is_live(self) -> bool:
        """Whether a task has not ended, and someone looks."""
        return self.is_watched and self._live > 0

    def update(self, api: Api) -> None:
        """Do what was asked for, ask for the shown pages and write their rows."""
        self._act(api)
        view = self._view
        project = _uid_of(api, self._project) if self._project else []
        shared = TaskQuery(q=view.q, project=project, limit=PAGE, count=True)
        queue = self._section(api, view, "queue", replace(shared, state=_LIVE, sort="queue"))
        ended = self._section(api, view, "ended", replace(shared, state=_ENDED, sort=SORTS[view.sort]))
        over = {row["key"] for row in ended}
        queue = [row for row in queue if row["key"] not in over]  # one may end between the two answers
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

    # Asking

    def _is_about(self, target: Target) -> bool:
        return any(row.get("uid") == target.task for row in self.list.rows if row["kind"] == "task")

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
        page = api.list_tasks(replace(query, cursor=view.place(section)[0]))
        if section == "queue":
            self._live = page.total or 0
        return [task_row(row) for row in page.items] + self._pager(section, page, view)

    def __repr__(self) -> str:
        told = [f"{row['name']} {row['word']['en']}" for row in self.list.rows if row["kind"] == "task"]
        return f"TaskList({', '.join(told[:8])})"


def _alerts_asked() -> AlertQuery:
    return AlertQuery(open=True, subject=["task"], limit=MOST)


def _uid_of(api: Api, name: str) -> list[str]:
    """Return the uids of the projects of this name, or one that nothing has."""
    found = api.list_projects(ProjectQuery(q=name, limit=200)).items
    return [project.uid for project in found if project.name == name] or ["none"]


def _emptiness(view: View) -> dict[str, Any]:
    key = "no_task_matches" if view.q.strip() else "no_tasks"
    return {"kind": "empty", "key": key, "hint": f"{key}_hint", "values": {"q": view.q.strip()}}
