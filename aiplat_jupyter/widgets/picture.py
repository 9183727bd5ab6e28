"""A picture of the curves for hosts that know neither our form nor widgets (code hosts, mail, PDF): PNG on white."""

import base64
import io
import math
import struct
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct

from aiplat_jupyter.widgets import words
from aiplat_jupyter.widgets.domains import Range
from aiplat_jupyter.widgets.drawing import Drawing
from aiplat_jupyter.widgets.figure import BANDS, EDGE, Row
from aiplat_jupyter.widgets.looks import Look
from aiplat_jupyter.widgets.series import Floats

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

SIZE: Final = (1440, 640)
"""Pixels: more than are shown, for fine screens and print."""
LOW: Final = 300
"""The height of a chart that stands below another."""
SHOWN_WIDTH: Final = 900
"""How wide it is on a page."""
BOX: Final = (130, 64, 1410, 556)
_FONT_SIZE: Final = 38
_CJK: Final = ("NotoSansCJK-Regular.ttc", "NotoSansSC-Regular.otf", "msyh.ttc", "PingFang.ttc", "wqy-microhei.ttc")
_DASH: Final = {"dashed": (14, 10), "dotted": (3, 8), "dash_dotted": (14, 6)}
_TEXT, _GRID, _WARN = "#616161", "#e0e0e0", "#f57c00"
_MARK: Final = 9
_ASCII: Final = str.maketrans({"≤": "<=", "±": "", "∞": "inf", "−": "-", "–": "-"})
"""For what the font that Pillow brings has no glyphs."""


class Part(Struct, frozen=True):
    """A chart of a picture: what is drawn, what its values are, and its height in pixels."""

    drawn: Drawing
    look: Look
    label: str = ""
    height: int = SIZE[1]


def picture(parts: Sequence[Part], caption: str = "") -> str:
    """Return charts, one below the other, as a PNG file in base64; `caption` says what is shown."""
    from PIL import Image

    whole = Image.new("RGB", (SIZE[0] * 2, sum(part.height for part in parts) * 2), "white")
    top = 0
    for part in parts:
        whole.paste(_image(part, caption if part is parts[-1] else ""), (0, top))
        top += part.height * 2
    return _encoded(whole)


def shown_size(png: str) -> tuple[int, int]:
    """Return width and height on a page of a picture in base64."""
    width, height = struct.unpack(">II", base64.b64decode(png[:32])[16:24])
    return SHOWN_WIDTH, round(height * SHOWN_WIDTH / width)


def _encoded(image: "Image") -> str:
    from PIL import Image

    file = io.BytesIO()
    half = (image.width // 2, image.height // 2)
    image.resize(half, Image.Resampling.LANCZOS).quantize(128).save(file, "PNG", optimize=True)
    return base64.b64encode(file.getvalue()).decode("ascii")


def _image(part: Part, caption: str) -> "Image":
    """Return a chart at twice the size of a picture."""
    from PIL import Image, ImageDraw

    drawn = part.drawn
    image = Image.new("RGB", (SIZE[0] * 2, part.height * 2), "white")
    pen = _Pen(ImageDraw.Draw(image), part)
    pen.axes(part.look, part.label)
    for upper, lower in _bands(drawn.rows):
        pen.band(upper, lower)
    for row in drawn.rows:
        if row.kind not in BANDS:
            pen.line(row)
    shown = [entry for entry in drawn.entries if not entry["hidden"]]
    pen.marks(shown)
    pen.legend(shown)
    pen.caption(" · ".join(filter(None, [caption, counts(drawn.badge)])))
    return image


def _bands(rows: list[Row]) -> list[tuple[Row, Row]]:
    edges = [row for row in rows if row.kind in BANDS]
    return list(zip(edges[::2], edges[1::2], strict=True))


def counts(badge: dict[str, Any]) -> str:
    """Return what the badge says."""
    n = {name: f"{value:,}" for name, value in badge.items()}
    left_out = "badge_left_out" if badge["exact"] else "badge_left_out_least"
    keys = {
        "badge": badge["total"],
        "badge_nan": badge["nan"],
        "badge_infinite": badge["infinite"],
        left_out: badge["left_out"],
        "badge_clipped": badge["clipped"],
    }
    return " · ".join(words.say(key, **n) for key, count in keys.items() if count)


class _Pen:
    """Draws at twice the size, which is then halved: smooth lines without another library."""

    def __init__(self, draw: "ImageDraw", part: Part) -> None:
        self._draw, self._x, self._y = draw, part.drawn.x, part.drawn.y
        left, top, right, bottom = BOX
        self._box = left, top, right, bottom - SIZE[1] + part.height

    def _pixels(self, x: Floats, y: Floats) -> Floats:
        (left, top, right, bottom), (x0, x1), (y0, y1) = self._box, self._x, self._y
        across = left + (x - x0) / (x1 - x0) * (right - left)
        y = np.where(np.isfinite(y), y, np.nan)
        down = bottom - (y - y0) / (y1 - y0) * (bottom - top)
        return np.column_stack([np.clip(across, left, right), np.clip(down, top, bottom)]) * 2

    def axes(self, look: Look, y_label: str) -> None:
        """Draw grid, ticks and what the axes are of."""
        left, top, right, bottom = (edge * 2 for edge in self._box)
        for value in (log_ticks if look.y_log else ticks)(*self._y):
            across = float(self._pixels(np.array([self._x[0]]), np.array([value]))[0, 1])
            self._draw.line([(left, across), (right, across)], _GRID, 2)
            self._text((left - 16, across), number(10**value if look.y_log else value), "rm")
        for value in (log_ticks if look.x_log else ticks)(*self._x):
            along = float(self._pixels(np.array([value]), np.array([self._y[0]]))[0, 0])
            self._draw.line([(along, bottom), (along, bottom + 8)], _TEXT, 2)
            self._text((along, bottom + 14), _x_label(10**value if look.x_log else value, look, self._x), "ma")
        x_label = look.x.removeprefix("metric:")
        x_label = words.say(x_label) if x_label in words.EN else x_label
        for at, text, log, anchor in (
            ((right, bottom + 60), x_label, look.x_log, "ra"),
            ((24, top - 66), y_label, look.y_log, "lm"),
        ):
            self._text(at, " · ".join(filter(None, [text, words.say("log") if log else ""])), anchor)

    def line(self, row: Row) -> None:
        """Draw a line, broken where it has no value."""
        points = self._pixels(row.x, row.y)
        known = np.isfinite(points.sum(axis=1))
        colour = mixed(row.colour, row.opacity)
        for run in np.split(np.arange(len(points)), np.flatnonzero(np.diff(known)) + 1):
            if len(run) and known[run[0]]:
                self._run(points[run], colour, _DASH.get(row.kind))

    def _run(self, points: Floats, colour: str, dash: tuple[int, int] | None) -> None:
        if len(points) == 1:
            (x, y), r = points[0], 4
            self._draw.ellipse([x - r, y - r, x + r, y + r], colour)
        for part in dashes(points, dash) if dash else [points]:
            self._draw.line([tuple(point) for point in part], colour, 5, joint="curve")

    def band(self, upper: Row, lower: Row) -> None:
        """Fill between two lines."""
        edge, floor = self._pixels(upper.x, upper.y), self._pixels(lower.x, lower.y)
        known = np.isfinite(edge).all(axis=1) & np.isfinite(floor).all(axis=1)
        if known.sum() > 1:
            outline = np.concatenate([edge[known], floor[known][::-1]])
            self._draw.polygon([tuple(point) for point in outline], mixed(upper.colour, upper.opacity))
            for side in (edge, floor):
                self._draw.line([tuple(point) for point in side[known]], mixed(upper.colour, upper.opacity + EDGE), 2)

    def marks(self, entries: list[dict[str, Any]]) -> None:
        """Mark NaN on the x axis, infinities and what is cut off at the edges."""
        for entry in entries:
            for kind, places in entry["odd"].items():
                across = self._pixels(np.array(places), np.full(len(places), self._y[0]))[:, 0]
                for x in across:
                    self._mark(kind, float(x), entry["color"])

    def _mark(self, kind: str, x: float, colour: str) -> None:
        top, bottom, r = self._box[1] * 2, self._box[3] * 2, _MARK
        if kind == "nan":
            self._draw.ellipse([x - r, bottom - r, x + r, bottom + r], "white", colour, 3)
        elif kind in ("above", "below"):
            self._draw.line(
                [(x, top), (x, top + 2 * r)] if kind == "above" else [(x, bottom - 2 * r), (x, bottom)], _WARN, 4
            )
        else:
            tip, base = (top, top + 2 * r) if kind == "posinf" else (bottom, bottom - 2 * r)
            self._draw.polygon([(x, tip), (x - r, base), (x + r, base)], "white", colour, 3)

    def legend(self, entries: list[dict[str, Any]]) -> None:
        """Name the curves in one line, with their last values."""
        along = BOX[0] * 2
        for place, entry in enumerate(entries):
            last = f" {number(entry['last'])}" if entry["last"] is not None else ""
            text = f"{entry['name'][:48]}{last}"
            rest = words.say("more", n=len(entries) - place)
            room = BOX[2] * 2 - along - (self._length(rest) if place + 1 < len(entries) else 0)
            if place and 56 + self._length(text) + 40 > room:
                self._text((along, 62), rest, "lm")
                return
            self._draw.line([(along, 62), (along + 44, 62)], entry["color"], 6)
            along += 56 + self._text((along + 56, 62), text, "lm", "#212121") + 40

    def caption(self, text: str) -> None:
        """Say in the bottom line what is shown."""
        self._text((24, self._box[3] * 2 + 60), text, "la")

    def _length(self, text: str) -> int:
        return int(self._draw.textlength(text.translate(_ASCII), _font(text)))

    def _text(self, at: tuple[float, float], text: str, anchor: str, colour: str = _TEXT) -> int:
        self._draw.text(at, text.translate(_ASCII), colour, _font(text), anchor)
        return self._length(text)


def _font(text: str) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    if any(ord(letter) > 0x2E80 for letter in text):
        for name in _CJK:
            try:
                return ImageFont.truetype(name, _FONT_SIZE)
            except OSError:
                continue
    return ImageFont.load_default(_FONT_SIZE)


def mixed(colour: str, opacity: float) -> str:
    """Return `colour` (#rrggbb) on white as an opaque colour."""
    channels = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return "#" + "".join(f"{round(255 - (255 - channel) * opacity):02x}" for channel in channels)


def dashes(points: Floats, pattern: tuple[int, int]) -> list[Floats]:
    """Cut a polyline into dashes of `pattern` (on, off) × 2 pixels."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    along = np.concatenate([[0.0], np.cumsum(steps)])
    on, period = pattern[0] * 2, sum(pattern) * 2
    cuts = []
    for start in np.arange(0.0, along[-1], period):
        inside = (along > start) & (along < start + on)
        ends = [start, min(start + on, along[-1])]
        where = np.sort(np.concatenate([along[inside], ends]))
        cuts.append(np.column_stack([np.interp(where, along, points[:, 0]), np.interp(where, along, points[:, 1])]))
    return cuts


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return round numbers between `low` and `high`, at most `most`."""
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= raw)
    first = math.ceil(low / step - 1e-9)
    return [round(n * step, 12) for n in range(first, math.floor(high / step + 1e-9) + 1)]


def log_ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Return the decadic logarithms of round numbers between 10**`low` and 10**`high`, at most `most`."""
    if high - low < 0.5:
        return [math.log10(value) for value in ticks(10**low, 10**high, most)]
    decades = range(math.floor(low), math.ceil(high) + 1)
    for factors in ((1, 2, 5), (1, 3), (1,)):
        found = [n + math.log10(factor) for n in decades for factor in factors]
        found = [value for value in found if low <= value <= high]
        if len(found) <= most:
            return found
    return found[:: math.ceil(len(found) / most)]


def number(value: float) -> str:
    """Return `value` with four significant digits."""
    if value == int(value) and abs(value) < 1e6:
        return f"{int(value):,}"
    return f"{value:.4g}"


def _x_label(value: float, look: Look, span: Range) -> str:
    if look.x == "wall":
        style = "%H:%M" if span[1] - span[0] < 86400 else "%b %d"
        return datetime.fromtimestamp(value).astimezone().strftime(style)
    return number(value) + (" s" if look.x == "relative" else "")
