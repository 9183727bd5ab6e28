"""The layer over a bqplot figure that does what bqplot cannot: gestures, crosshair, tooltip, legend, end labels.

It lies over the figure with known margins, reads what is drawn from bqplot's own models in the browser, and sends the
kernel small messages, never traits, so the kernel's one writer thread stays the only writer:

``{kind: "interval", interval: [low, high] | null}`` · ``{kind: "size", width, zone}`` (pixels, IANA time zone) ·
``{kind: "toggle", key}`` · ``{kind: "hover", key | null}`` · ``{kind: "retry"}``
"""

from pathlib import Path
from typing import Any, Final

import anywidget
import traitlets as t
from ipywidgets import widget_serialization

STATIC: Final = Path(__file__).parent / "static"


class Overlay(anywidget.AnyWidget):
    """The layer. The kernel writes its traits; the browser only sends messages."""

    _esm = STATIC / "overlay.mjs"
    _css = STATIC / "overlay.css"

    parts: dict[str, Any] = t.Dict(help="x_scale, y_scale, x_axis, y_axis and marks of the figure.").tag(
        sync=True, **widget_serialization
    )
    margin: dict[str, int] = t.Dict(help="The figure's margins in pixels.").tag(sync=True)
    axes: dict[str, Any] = t.Dict(help="x: kind, label, log; y: log.").tag(sync=True)
    curves: list[dict[str, Any]] = t.List(help="Per curve: key, name, colour, and the rows of marks it lies in.").tag(
        sync=True
    )
    badge: dict[str, int] = t.Dict(help="shown, total, nan, infinite and left_out counts of points.").tag(sync=True)
    interval: list[float] | None = t.List(t.Float(), default_value=None, allow_none=True, help="Zoomed range of x; None: all.").tag(
        sync=True
    )
    notice: dict[str, str] | None = t.Dict(default_value=None, allow_none=True, help="kind, text and hint in place of curves.").tag(
        sync=True
    )
    words: dict[str, str] = t.Dict(help="The strings that the browser shows.").tag(sync=True)
