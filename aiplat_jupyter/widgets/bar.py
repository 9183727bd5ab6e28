"""The row of controls under a panel and the status line below it."""

from typing import Any

import anywidget
import traitlets as t

from aiplat_jupyter.widgets import scripts, words


class Bar(anywidget.AnyWidget):
    """Controls and status. The browser sends messages, never traits.

    ``{kind: "set", name, value}`` · ``{kind: "stop"}`` · ``{kind: "acknowledge", uid}``
    """

    _esm = scripts.module("page", "bar")
    _css = scripts.style("page", "bar")

    controls: t.List[Any] = t.List(
        help="Per control: name, kind (choice, range, check), label and, for a choice, options."
    ).tag(sync=True)
    values = t.Dict(help="Per control: value, and where they change min, max, step, disabled.").tag(sync=True)
    status = t.Dict(help="kind, icon, and what the kind needs: age, at, word, cause, cut, stop.").tag(sync=True)
    alert = t.Dict(
        default_value=None, allow_none=True, help="An open alert: uid, level, icon, word or text, about, at, more."
    ).tag(sync=True)
    heard = t.Int(0, help="How many messages of the browser have arrived.").tag(sync=True)
    seen = t.Int(0, help="How many of them what is shown answers.").tag(sync=True)
    words = t.Dict(help="The strings that the browser shows.").tag(sync=True)

    def __init__(self, controls: list[dict[str, Any]], values: dict[str, Any]) -> None:
        state = {"controls": controls, "values": values, "status": {"kind": "loading"}}
        super().__init__(**state, words=words.for_browser())
        if not controls:
            self.add_class("aiplat-bar-bare")
