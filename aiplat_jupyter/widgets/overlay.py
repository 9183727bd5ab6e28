"""The layer over a bqplot figure that does what bqplot cannot: gestures, crosshair, tooltip, legend, end labels.

It lies over the figure with known margins, reads what is drawn from bqplot's own models in the browser, and sends the
kernel messages, never traits, so that the kernel's one writer thread stays the only writer:

``{kind: "interval", x: [low, high] | null, y: [low, high] | null}`` · ``{kind: "size", width, zone}`` (pixels, IANA
time zone) · ``{kind: "toggle" | "solo" | "keep" | "hover", key}`` · ``{kind: "retry"}``
"""

from typing import Any

import anywidget
import traitlets as t
from ipywidgets import widget_serialization

from aiplat_jupyter.widgets import scripts, words


class Overlay(anywidget.AnyWidget):
    """The layer. The kernel writes its traits; the browser only sends messages."""

    _esm = scripts.module("page", "ticks", "gestures", "legend", "overlay")
    _css = scripts.style("page", "overlay")

    parts = t.Dict(help="x_scale, y_scale, x_axis, y_axis and marks of the figure.").tag(
        sync=True, **widget_serialization
    )
    title = t.Dict(help="What the chart is called by a screen reader: text, or word, in `words`.").tag(sync=True)
    margin = t.Dict(help="The figure's margins in pixels.").tag(sync=True)
    axes = t.Dict(help="x: kind, label, log, bare (without numbers); y: label (or word, in `words`), log.").tag(
        sync=True
    )
    curves: t.List[Any] = t.List(help="Per curve: key, name, colour, and the rows of marks it lies in.").tag(sync=True)
    badge = t.Dict(help="Counts of points: shown, total, nan, infinite, left_out, exact, clipped.").tag(sync=True)
    interval: t.List[Any] | None = t.List(
        default_value=None, allow_none=True, help="Range of x looked at; None: all."
    ).tag(sync=True)
    y_interval: t.List[Any] | None = t.List(
        default_value=None, allow_none=True, help="Range of y looked at; None: all."
    ).tag(sync=True)
    notice = t.Dict(default_value=None, allow_none=True, help="What stands in place of curves.").tag(sync=True)
    heard = t.Int(0, help="How many messages of the browser have arrived.").tag(sync=True)
    seen = t.Int(0, help="How many of them what is shown answers.").tag(sync=True)
    words = t.Dict(help="The strings that the browser shows.").tag(sync=True)

    def __init__(self, **state: Any) -> None:
        axes = {"x": {"kind": "step", "label": "step", "log": False}, "y": {"label": "", "log": False}}
        super().__init__(axes=axes, words=words.for_browser(), **state)
