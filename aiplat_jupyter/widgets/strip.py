"""What the machine of an experiment did, low, under its curves and on their x axis: shares in percent."""

import re
import time
from typing import Any, Final

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.core.frames import is_clock
from aiplat_jupyter.widgets import looks, words
from aiplat_jupyter.widgets.answers import Answers
from aiplat_jupyter.widgets.domains import Range
from aiplat_jupyter.widgets.drawing import Drawing, drawing
from aiplat_jupyter.widgets.figure import MARGIN, Canvas
from aiplat_jupyter.widgets.looks import Look
from aiplat_jupyter.widgets.messages import Message
from aiplat_jupyter.widgets.picture import LOW, Part
from aiplat_jupyter.widgets.series import Series

HEIGHT: Final = 112
SHARES: Final = (-1.5, 101.5)
"""Percent, with room for lines at both ends."""
_GPU: Final = re.compile(r"system/gpu\.([^.]+)\.(util|memory)")
_GPU_WORDS: Final = {"util": "strip_gpu_util", "memory": "strip_gpu_memory"}
_MACHINE: Final = {"system/cpu": "strip_cpu", "system/memory": "strip_memory"}
_MOST: Final = 16
"""Lines that can be told apart."""
_PAUSE: Final = 10.0
"""Seconds until it is asked again which series there are, while the experiment runs."""


class Strip:
    """The chart, which `beside` has its x axis. It `is_there` once something was read; from the start if `is_coming`.

    What is coming has its room at once, and keeps it, so that nothing below moves when it comes.
    """

    def __init__(self, beside: Canvas, *, is_coming: bool = False) -> None:
        self._is_coming = is_coming
        self.canvas = Canvas(height=HEIGHT, beside=beside, margin={**MARGIN, "bottom": 8}, is_bare=True)
        self.overlay = self.canvas.overlay
        self.overlay.title = {"word": "strip_title"}
        self.overlay.axes = {**self.overlay.axes, "x": {**self.overlay.axes["x"], "bare": True}}
        self.overlay.notice = {"kind": "empty", "key": "strip_comes"}
        self._look = Look(smoothing="none")
        self._answers = Answers()
        self._drawn: Drawing | None = None
        self._uid: str | None = None
        self.metrics: list[str] = []
        """What it shows of the machine."""
        self._learned = -_PAUSE
        self._is_complete = False

    @property
    def is_there(self) -> bool:
        """Whether there is something to show, or its room is kept."""
        return self._is_coming or bool(self.metrics)

    def take(self, message: Message) -> None:
        """Do what the reader asks of this chart alone."""
        match message:
            case {"kind": "interval", "y": y_interval}:
                self._look = looks.changed(self._look, y_interval=y_interval)
            case {"kind": "toggle", "key": key}:
                self._look = looks.changed(self._look, hidden=self._look.hidden ^ {key})
            case {"kind": "solo", "key": key}:
                others = frozenset(self._answers.series) - {key}
                hidden = frozenset() if self._look.hidden >= others else others
                self._look = looks.changed(self._look, hidden=hidden)

    def ask(self, api: Api, uid: str | None, look: Look, *, is_live: bool, is_due: bool) -> None:
        """Ask for what the machine of experiment `uid` did where `look` looks; None: there is not one experiment."""
        if uid != self._uid:
            self._uid, self.metrics, self._learned, self._is_complete = uid, [], -_PAUSE, False
            self._answers.forget()
        if uid is None:
            return
        is_early = is_live and time.monotonic() - self._learned < _PAUSE
        if not (is_early or self._is_complete):
            self._learned, self._is_complete = time.monotonic(), not is_live
            self.metrics = shown({one.metric for one in api.summaries(uid) if is_clock(one.context)})
        if self.metrics:
            start, end = look.bounds()
            query = CurveQuery(
                experiments=[uid], metrics=self.metrics, x=look.x, start=start, end=end, width=look.width,
                abandoned=False,
            )  # fmt: skip
            self._answers.ask(api, query, is_due=is_due)

    def draw(self, x: Range, look: Look) -> dict[str, Any]:
        """Draw it in the range `x` of what `look` looks at; return the state of the overlay."""
        self._look = looks.changed(self._look, x=look.x, x_log=look.x_log, interval=look.interval)
        series = sorted(self._answers.series.values(), key=lambda each: (self._order(each), each.context))
        drawn = drawing(series, [_name(each) for each in series], self._look, growing=False)
        self._drawn = drawn
        places, _ = self.canvas.draw(drawn.rows)
        for each, entry, links in zip(series, drawn.entries, drawn.links, strict=True):
            entry |= {role: places[row] for role, row in links.items()} | _words(each)
        self.canvas.show_range(x, self._look.y_interval or SHARES)
        axes = looks.axes(self._look, "%")
        interval, y_interval = self._look.interval, self._look.y_interval
        return {
            "title": {"word": _title(self.metrics)},
            "axes": {**axes, "x": {**axes["x"], "bare": True}},
            "curves": drawn.entries,
            "interval": list(interval) if interval else None,
            "y_interval": list(y_interval) if y_interval else None,
            "notice": None if any(each.extent for each in series) else {"kind": "empty", "key": self._nothing()},
        }

    def pictured(self) -> list[Part]:
        """Return the chart as a part of a picture, if something is drawn."""
        return [Part(self._drawn, self._look, "%", LOW)] if self._drawn and self._drawn.rows else []

    def _nothing(self) -> str:
        if self.metrics:
            return "unread"
        return "strip_none" if self._is_complete else "strip_comes"

    def _order(self, series: Series) -> int:
        return self.metrics.index(series.metric) if series.metric in self.metrics else len(self.metrics)


def shown(metrics: set[str]) -> list[str]:
    """Return which metrics are shown: utilization and memory of GPUs, else CPU and memory of the machine."""
    gpus = sorted((_number(found[1]), found[2] != "util", name) for name in metrics if (found := _GPU.fullmatch(name)))
    return [name for *_, name in gpus[:_MOST]] or [name for name in _MACHINE if name in metrics]


def _title(metrics: list[str]) -> str:
    if not metrics:
        return "strip_title"
    return "strip_title_host" if metrics[0] in _MACHINE else "strip_title_gpu"


def _number(gpu: str) -> list[int]:
    """Return the number of a GPU, and where it is an instance of one (``0:1``) its own."""
    return [int(part) if part.isdecimal() else 0 for part in gpu.split(":")]


def _name(series: Series) -> str:
    """Return what a picture calls it."""
    called = _words(series)
    return " · ".join(filter(None, [words.say(called["word"], **called["values"]), called["place"]]))


def _words(series: Series) -> dict[str, Any]:
    """Return what the browser calls it, in the reader's language."""
    place = _place(series)
    if found := _GPU.fullmatch(series.metric):
        return {"word": _GPU_WORDS[found[2]], "values": {"gpu": found[1]}, "place": place}
    return {"word": _MACHINE[series.metric], "values": {}, "place": place}


def _place(series: Series) -> str:
    """Return which rank it is of."""
    return ",".join(part for part in series.context.split(",") if not is_clock(part))
