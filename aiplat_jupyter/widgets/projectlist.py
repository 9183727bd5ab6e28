"""A searchable, sortable, paged list of projects and their experiments; what is selected in it feeds other panels."""

import threading
from collections import defaultdict
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import traitlets as t
from msgspec import Struct
from msgspec.structs import replace

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.core.errors import AiplatError, InvalidInput
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery
from aiplat_jupyter.core.records import Change, ExperimentRow, Page
from aiplat_jupyter.core.states import EXPERIMENT, LIVE
from aiplat_jupyter.widgets.bar import Bar
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.listview import ListView
from aiplat_jupyter.widgets.messages import Message
from aiplat_jupyter.widgets.panel import PANEL_MIME, Panel
from aiplat_jupyter.widgets.rows import Row, experiment_row, note_row, pager_row, project_row, spark
from aiplat_jupyter.widgets.status import failing
from aiplat_jupyter.widgets.table import table
from aiplat_jupyter.widgets.targets import Target

PAGE: Final = 25
PACE: Final = 1.0
"""Seconds between updates: rows are read, not watched."""
SPARK_WIDTH: Final = 50
MAX_OPEN: Final = 8
"""Projects that may be open at once, so that a refresh stays small; the one opened first closes."""
SORTS: Final = {
    "sort_updated": ("-updated", "-updated"),
    "sort_name": ("name", "name"),
    "sort_created": ("-created", "-created"),
    "sort_loss": ("-updated", "metric.loss.min"),
}
"""Order → how projects, and how experiments are sorted."""


class View(Struct, frozen=True):
    """What is looked at: search, order, open projects, and per section the cursors of the pages up to the shown one."""

    q: str = ""
    sort: str = "sort_updated"
    open: tuple[str, ...] = ()
    pages: dict[str, tuple[str, ...]] = {}


class ProjectList(Panel):
    """The list. `LossCurve(projects)` shows what is selected in it.

    Parameters
    ----------
    q : a first search: words, or conditions such as ``config.lr<1e-3``.

    Attributes
    ----------
    selected : uids of the selected experiments; observable.
    value : the first of them, or None; observable.
    """

    kind: ClassVar[str] = "projectlist"

    selected: Any = t.Tuple(help="Uids of the selected experiments.")
    value: Any = t.Unicode(None, allow_none=True, help="The first selected experiment.")

    def __init__(self, q: str = "", *, source: Feed | None = None) -> None:
        self._view = View(q=q)
        self._fields = threading.Lock()
        self._next: dict[str, str] = {}
        self._experiments: dict[str, ExperimentRow] = {}
        self._saved: list[tuple[str, str]] = []
        self._sparks: dict[str, tuple[int, list[float | None]]] = {}
        self.list = ListView(list(SORTS))
        self.bar = Bar([], {})
        super().__init__([self.list, self.bar], "", source=source)
        self.pace = PACE
        self.talk(self.list, self._on_message)
        self.start()

    @property
    def aim(self) -> Target:
        """What a curve of the selection is about."""
        return Target(uids=self.selected)

    @t.observe("selected")
    def _select(self, _: object) -> None:
        self.value = self.selected[0] if self.selected else None
        self.wake()

    # What the browser sends: sets plain fields only

    def _on_message(self, message: Message) -> None:
        match message:
            case {"kind": "select", "uids": uids}:
                self.selected = tuple(map(str, uids))
            case {"kind": "search", "q": q}:
                self._look(q=str(q), pages={})
            case {"kind": "sort", "sort": sort} if sort in SORTS:
                self._look(sort=sort, pages={})
            case {"kind": "open", "uid": uid, "open": wanted}:
                others = tuple(each for each in self._view.open if each != uid)
                self._look(open=(*others, uid)[-MAX_OPEN:] if wanted else others)
            case {"kind": "page", "section": section, "way": way}:
                self._turn(section, way)

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
        """Rows of lists, and the points of what runs."""
        live = {f"experiment:{uid}" for uid, row in self._experiments.items() if row.status in LIVE}
        return frozenset({"projects", "experiments"} | live)

    @property
    def is_live(self) -> bool:
        """Whether a shown experiment runs, and someone looks."""
        return self.is_watched and any(row.status in LIVE for row in self._experiments.values())

    def peek(self) -> None:
        """Note nothing: each update asks for all that is shown."""

    def changed(self, _change: Change | None) -> bool:
        """Refresh on any change while someone looks."""
        return self.is_watched

    def update(self, api: Api) -> None:
        """Ask for the shown pages and write their rows."""
        view, topics = self._view, self.topics
        self._experiments = {}
        try:
            rows = self._found(api, view) if view.q.strip() else self._tree(api, view)
        except InvalidInput as error:
            notice: dict[str, Any] | None = {"kind": "empty", "key": "bad_query", "text": error.detail}
            rows = []
        else:
            notice = None if rows else self._emptiness(view)
        self._write(rows, notice, view)
        if self.topics != topics:
            self._feed.retune()
        self._renew_still()

    def _renew_still(self) -> None:
        """Bring what is saved with the notebook up to date when other rows are shown, or one changed its state."""
        said = [(row["key"], row.get("status", "")) for row in self.list.rows]
        if said != self._saved:
            self._saved = said
            self.renew_output()

    def show_failure(self, error: AiplatError) -> None:
        """Keep the rows and say since when they stand; without rows say what is wrong."""
        if not self.list.rows:
            text = f"{error.detail} {error.hint}".strip()
            self.list.notice = {"kind": "error", "key": "list_failed", "text": text}
        self.bar.status = failing(error, self.fresh_at if self.list.rows else None)

    # Asking

    def _tree(self, api: Api, view: View) -> list[Row]:
        by_project, _ = SORTS[view.sort]
        cursor, number = self._place("projects", view)
        page = api.list_projects(ProjectQuery(sort=by_project, limit=PAGE, cursor=cursor, count=True))
        rows: list[Row] = []
        for project in page.items:
            is_open = project.uid in view.open
            rows.append(project_row(project, is_open=is_open))
            if is_open:
                rows += self._inside(api, view, project.uid)
        return rows + self._pager("projects", number, page)

    def _inside(self, api: Api, view: View, project: str) -> list[Row]:
        rows = self._section(api, view, project, ExperimentQuery(project=[project]), level=2)
        return rows or [note_row(project, "no_experiments")]

    def _found(self, api: Api, view: View) -> list[Row]:
        return self._section(api, view, "found", ExperimentQuery(q=view.q), level=1)

    def _section(self, api: Api, view: View, section: str, query: ExperimentQuery, level: int) -> list[Row]:
        cursor, number = self._place(section, view)
        sort = SORTS[view.sort][1]
        page = api.list_experiments(replace(query, sort=sort, limit=PAGE, cursor=cursor, count=True))
        self._experiments |= {row.uid: row for row in page.items}
        sparks = self._draw_sparks(api, page.items)
        rows = [
            experiment_row(row, sparks.get(row.uid, []), level=level, with_project=section == "found")
            for row in page.items
        ]
        return rows + self._pager(section, number, page)

    def _place(self, section: str, view: View) -> tuple[str | None, int]:
        cursors = view.pages.get(section, ())
        return (cursors[-1] if cursors else None), len(cursors)

    def _pager(self, section: str, number: int, page: Page[Any]) -> list[Row]:
        self._next.pop(section, None)
        if page.next_cursor is not None:
            self._next[section] = page.next_cursor
        row = pager_row(section, number, PAGE, page)
        return [row] if row else []

    def _draw_sparks(self, api: Api, rows: Iterable[ExperimentRow]) -> dict[str, list[float | None]]:
        """Return each experiment's small curve, asking only for those that have grown."""
        wanted: dict[str, list[ExperimentRow]] = defaultdict(list)
        shown = [row for row in rows if row.headline]
        for row in shown:
            if row.headline and self._sparks.get(row.uid, (-1,))[0] != row.headline.count:
                wanted[row.headline.metric].append(row)
        for metric, grown in wanted.items():
            uids = [row.uid for row in grown]
            query = CurveQuery(experiments=uids, metrics=[metric], width=SPARK_WIDTH, abandoned=False)
            lines = {curve.experiment: spark(curve.columns) for curve in api.curves(query).curves if not curve.context}
            counts = {row.uid: row.headline.count for row in grown if row.headline}
            self._sparks |= {uid: (counts[uid], lines.get(uid, [])) for uid in uids}
        return {row.uid: self._sparks[row.uid][1] for row in shown}

    # Writing

    def _emptiness(self, view: View) -> dict[str, Any]:
        key = "no_match" if view.q.strip() else "no_projects"
        return {"kind": "empty", "key": key, "hint": f"{key}_hint", "values": {"q": view.q.strip()}}

    def _write(self, rows: list[Row], notice: dict[str, Any] | None, view: View) -> None:
        self.write(
            self.list,
            rows=rows,
            notice=notice,
            look={"q": view.q, "sort": view.sort},
            selected=list(self.selected),
        )
        live = any(row.status in LIVE for row in self._experiments.values())
        state = {"kind": "live", "icon": EXPERIMENT["running"].icon, "age": None} if live else {"kind": "idle"}
        self.write(self.bar, status=state | {"selected": len(self.selected)})

    def bundle(self) -> dict[str, Any]:
        """Return the widget, and a table for when it is gone."""
        forms = {PANEL_MIME: {"version": 1, "widget": {"model_id": self.model_id}}, **super().bundle()}
        if self.list.rows:
            forms["text/html"] = table(self.list.rows, self._experiments)
        return forms

    def __repr__(self) -> str:
        names = [row["name"] for row in self.list.rows if row["kind"] == "project"]
        return f"ProjectList({', '.join(names)})"
