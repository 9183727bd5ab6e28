"""The bqplot figure: built once with a mark per kind of line; afterwards only data change.

bqplot draws int64 wrong, redraws every mark for an automatic scale, and cannot keep up beyond 1,000 points a line:
so x is float64, scales are fixed by us, and lines of one kind share one mark with 2-D data.
"""

from typing import Any, Final

import bqplot
import numpy as np
from ipywidgets import Box, Layout
from msgspec import Struct

from aiplat_jupyter.widgets.colours import DASHES, PALETTE
from aiplat_jupyter.widgets.domains import Range
from aiplat_jupyter.widgets.overlay import Overlay
from aiplat_jupyter.widgets.series import Floats

MARGIN: Final = {"top": 26, "right": 64, "bottom": 34, "left": 58}
HEIGHT: Final = 320
NO_TICKS: Final = 1
"""bqplot draws none then: the overlay sets them, once it knows how much room there is."""
LINE: Final = 1.0
RAW: Final = 0.25
BAND: Final = 0.15
EDGE: Final = 0.2
"""Of a band's outline: a spike of one pixel column would be too faint to see without."""
ABANDONED: Final = 0.35
BANDS: Final = tuple(f"band{slot}" for slot in range(len(PALETTE)))
_KINDS: Final = (*BANDS, "raw", *DASHES)
_WIDTH: Final = 1.5
_EDGE_WIDTH: Final = 1.0


class Row(Struct, frozen=True):
    """One line: which kind of mark draws it, its points, and its looks."""

    kind: str
    x: Floats
    y: Floats
    colour: str
    opacity: float = LINE


Place = tuple[int, int]
"""Index of a mark and the row within it."""


class Canvas:
    """The figure with the overlay over it, as one box.

    A canvas that is made `beside` another shares its x axis: a zoom or the crosshair of one is in both. One that
    `is_bare` does not draw the axis.
    """

    def __init__(
        self,
        *,
        height: int = HEIGHT,
        beside: "Canvas | None" = None,
        margin: dict[str, int] = MARGIN,
        is_bare: bool = False,
    ) -> None:
        self._x: bqplot.LinearScale = beside._x if beside else bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
        self._y = bqplot.LinearScale(min=0.0, max=1.0, allow_padding=False)
        x_axis = bqplot.Axis(scale=self._x, grid_lines="none", num_ticks=NO_TICKS)
        y_axis = bqplot.Axis(scale=self._y, side="left", num_ticks=NO_TICKS)
        self._marks = [self._mark(kind) for kind in _KINDS]
        figure = bqplot.Figure(
            marks=self._marks,
            axes=[y_axis] if is_bare else [x_axis, y_axis],
            fig_margin=margin,
            display_toolbar=False,
            layout=Layout(width="100%", height="100%", min_width="0"),
        )
        parts = {"x_scale": self._x, "y_scale": self._y, "x_axis": x_axis, "y_axis": y_axis, "marks": self._marks}
        self.overlay = Overlay(parts=parts, margin=margin)
        self.box = Box([figure, self.overlay], layout=Layout(width="100%", height=f"{height}px", display="block"))
        self.box.add_class("aiplat-stage")

    def _mark(self, kind: str) -> bqplot.Lines:
        extra: dict[str, Any] = {"fill": "between"} if kind in BANDS else {}
        if kind in DASHES:
            extra["line_style"] = kind
        return bqplot.Lines(
            x=np.empty(0),
            y=np.empty(0),
            scales={"x": self._x, "y": self._y},
            preserve_domain={"x": True, "y": True},
            stroke_width=_EDGE_WIDTH if kind in BANDS else _WIDTH,
            enable_hover=False,
            **extra,
        )

    def show_range(self, x: Range, y: Range) -> None:
        """Set both scales."""
        for scale, (low, high) in ((self._x, x), (self._y, y)):
            with scale.hold_sync():
                scale.min, scale.max = float(low), float(high)

    def draw(self, rows: list[Row]) -> tuple[list[Place | None], int]:
        """Draw `rows`; return where each went (None: nothing to draw in it), and the size of what was sent in bytes.

        Rows of a kind of `BANDS` come as a pair with gaps at the same places: the upper edge, then the lower.
        """
        places: list[Place | None] = [None] * len(rows)
        sent = 0
        for number, kind in enumerate(_KINDS):
            chosen = [i for i, row in enumerate(rows) if row.kind == kind and np.isfinite(row.y).any()]
            for at, i in enumerate(chosen):
                places[i] = (number, at)
            sent += _fill(self._marks[number], [rows[i] for i in chosen], band=kind in BANDS)
        return places, sent


def _fill(mark: bqplot.Lines, rows: list[Row], *, band: bool) -> int:
    x, y = _stacked(rows)
    state: dict[str, Any] = {"colors": [row.colour for row in rows] or ["#000000"]}
    if band:
        state |= {
            "opacities": [EDGE],
            "fill_opacities": [row.opacity if i % 2 == 0 else 0.0 for i, row in enumerate(rows)],
        }
    else:
        state["opacities"] = [row.opacity for row in rows] or [1.0]
    if not _equal(mark.x, x) or not _equal(mark.y, y):
        state |= {"x": x, "y": y}
    with mark.hold_sync():
        for name, value in state.items():
            setattr(mark, name, value)
    return x.nbytes + y.nbytes if "x" in state else 0


def _stacked(rows: list[Row]) -> tuple[Floats, Floats]:
    """Return x and y as rows of equal length, each ended by repeating its last finite point.

    bqplot places a hidden label at the last point of each line and cannot do that at a NaN; and it squeezes
    arrays, so there are always two columns or more.
    """
    if not rows:
        return np.empty(0), np.empty(0)
    width = max(len(row.x) for row in rows) + 1
    x, y = np.empty((len(rows), width)), np.empty((len(rows), width))
    for i, row in enumerate(rows):
        last = np.flatnonzero(np.isfinite(row.y))[-1]
        x[i, : len(row.x)], x[i, len(row.x) :] = row.x, row.x[last]
        y[i, : len(row.y)], y[i, len(row.y) :] = row.y, row.y[last]
    return x.squeeze(), y.squeeze()


def _equal(before: Floats, after: Floats) -> bool:
    return np.shape(before) == np.shape(after) and np.array_equal(before, after, equal_nan=True)
