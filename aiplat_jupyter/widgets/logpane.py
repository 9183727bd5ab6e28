"""The log view in a notebook: the same component as in Lab's pages, bundled from ``labextension/src/logs``.

In a page of JupyterLab it asks the server itself. Elsewhere it asks the kernel, by messages:
``{kind: "ask", id, what: "owner" | "page" | "search", query}`` and ``{kind: "cancel", id}``; it is answered with
``{id, part, isLast}``, for a search several times, or ``{id, problem}``.
"""

from typing import Any

import anywidget
import traitlets as t

from aiplat_jupyter.widgets import scripts, words


class LogPane(anywidget.AnyWidget):
    """The view. The kernel writes its traits; the browser only sends messages."""

    _esm = scripts.built("logview.mjs")
    _css = scripts.built("logview.css")

    task = t.Unicode(help="Uid of the task whose log is shown.").tag(sync=True)
    line = t.Int(None, allow_none=True, help="The line to open it at; None: the end.").tag(sync=True)
    server = t.Dict(help="machine and data_dir of the kernel's server, to tell it from the page's.").tag(sync=True)
    grown = t.Int(0, help="Rises when the log has grown.").tag(sync=True)
    changed = t.Int(0, help="Rises when anything else may have changed.").tag(sync=True)
    language = t.Unicode(help="``en`` or ``zh`` where it is forced, else empty.").tag(sync=True)

    def __init__(self, **state: Any) -> None:
        super().__init__(language=words.chosen(), **state)
