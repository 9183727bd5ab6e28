"""The list that a browser shows: search field, order, rows of a tree."""

from typing import Any

import anywidget
import traitlets as t

from aiplat_jupyter.widgets import scripts, words


class ListView(anywidget.AnyWidget):
    """The list. The kernel writes its traits; the browser only sends messages.

    ``{kind: "search", q}`` · ``{kind: "sort", sort}`` · ``{kind: "open", uid, open}`` ·
    ``{kind: "page", section, way: 1 | -1}`` · ``{kind: "select", uids}`` · ``{kind: "act", verb, uid}`` ·
    ``{kind: "retry"}``
    """

    _esm = scripts.module("page", "list")
    _css = scripts.style("page", "list")

    rows: t.List[Any] = t.List(
        help="Rows from top to bottom: kind (project, experiment, task, pager, note), key, and its cells."
    ).tag(sync=True)
    sorts: t.List[Any] = t.List(help="Orders to choose from.").tag(sync=True)
    look = t.Dict(help="q, sort: as the rows were asked for.").tag(sync=True)
    selected: t.List[Any] = t.List(help="Uids of the selected experiments.").tag(sync=True)
    notice = t.Dict(default_value=None, allow_none=True, help="What stands in place of rows.").tag(sync=True)
    heard = t.Int(0, help="How many messages of the browser have arrived.").tag(sync=True)
    seen = t.Int(0, help="How many of them what is shown answers.").tag(sync=True)
    words = t.Dict(help="The strings that the browser shows.").tag(sync=True)
    texts = t.Dict(help="Which of the words name the list and its search field.").tag(sync=True)

    def __init__(self, sorts: list[str], *, name: str = "list_name", search: str = "search") -> None:
        notice = {"kind": "loading", "key": "loading"}
        texts = {"name": name, "search": search}
        super().__init__(sorts=sorts, notice=notice, words=words.for_browser(), texts=texts)
