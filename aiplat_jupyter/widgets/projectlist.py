"""A searchable, sortable, paged list of projects and their experiments; what is selected in it feeds other panels."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, ClassVar, Final

import traitlets as t
from msgspec.structs import replace

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.queries import ExperimentQuery, ProjectQuery
from aiplat_jupyter.core.records import ExperimentRow
from aiplat_jupyter.core.states import EXPERIMENT, LIVE
from aiplat_jupyter.widgets.feed import Feed
from aiplat_jupyter.widgets.listview import ListView
from aiplat_jupyter.widgets.messages import Message
from aiplat_jupyter.widgets.paging import PAGE, ListPanel, View
from aiplat_jupyter.widgets.panel import PANEL_MIME
from aiplat_jupyter.widgets.rows import Row, experiment_row, note_row, project_row, spark
from aiplat_jupyter.widgets.table import table
from aiplat_jupyter.widgets.targets import Target

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


class ProjectList(ListPanel):
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
    sorts: ClassVar[tuple[str, ...]] = (*SORTS,)

    selected: Any = t.Tuple(help="Uids of the selected experiments.")
    value: Any = t.Unicode(None, allow_none=True, help="The first selected experiment.")

    def __init__(self, q: str = "", *, source: Feed | None = None) -> None:
        self._experiments: dict[str, ExperimentRow] = {}
        self._saved: list[tuple[str, str]] = []
        self._sparks: dict[str, tuple[int, list[float | None]]] = {}
        super().__init__(q, ListView(list(SORTS)), "", source)
        self.pace = PACE
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
            case {"kind": "open", "uid": uid, "open": wanted}:
                others = tuple(each for each in self._view.open if each != uid)
                self._look(open=(*others, uid)[-MAX_OPEN:] if wanted else others)
            case _:
                super()._on_message(message)

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

    # Asking

    def _tree(self, api: Api, view: View) -> list[Row]:
        by_project, _ = SORTS[view.sort]
        cursor, _ = view.place("projects")
        page = api.list_projects(ProjectQuery(sort=by_project, limit=PAGE, cursor=cursor, count=True))
        rows: list[Row] = []
        for project in page.items:
            is_open = project.uid in view.open
            rows.append(project_row(project, is_open=is_open))
            if is_open:
                rows += self._inside(api, view, project.uid)
        return rows + self._pager("projects", page, view)

    def _inside(self, api: Api, view: View, project: str) -> list[Row]:
        rows = self._section(api, view, project, ExperimentQuery(project=[project]), level=2)
        return rows or [note_row(project, "no_experiments")]

    def _found(self, api: Api, view: View) -> list[Row]:
        return self._section(api, view, "found", ExperimentQuery(q=view.q), level=1)

    def _section(self, api: Api, view: View, section: str, query: ExperimentQuery, level: int) -> list[Row]:
        cursor, _ = view.place(section)
        sort = SORTS[view.sort][1]
        page = api.list_experiments(replace(query, sort=sort, limit=PAGE, cursor=cursor, count=True))
        self._experiments |= {row.uid: row for row in page.items}
        sparks = self._draw_sparks(api, page.items)
        rows = [
            experiment_row(row, sparks.get(row.uid, []), level=level, with_project=section == "found")
            for row in page.items
        ]
        return rows + self._pager(section, page, view)

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
