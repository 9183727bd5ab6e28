"""What GPUs do now and did in the last hours, and who holds them; without one, the same of CPU and memory."""

import time
from collections.abc import Callable
from typing import Any, ClassVar, Final

from ipywidgets import Box, Layout
from msgspec import Struct

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.alerts import AlertQuery, Target
from aiplat_jupyter.core.errors import AiplatError, InvalidInput, NotFound
from aiplat_jupyter.core.gpu import GpuQuery, GpuStatus
from aiplat_jupyter.core.records import Change
from aiplat_jupyter.core.states import EXPERIMENT
from aiplat_jupyter.widgets import gpurows, gpuseries, looks, words
from aiplat_jupyter.widgets.alertline import MOST, AlertLine
from aiplat_jupyter.widgets.bar import Bar
from aiplat_jupyter.widgets.drawing import Drawing
from aiplat_jupyter.widgets.feed import ALERTS, GPU, PACE, Feed
from aiplat_jupyter.widgets.figure import Canvas
from aiplat_jupyter.widgets.gpucards import GpuCards
from aiplat_jupyter.widgets.gpupast import Past, Scope
from aiplat_jupyter.widgets.looks import Look
from aiplat_jupyter.widgets.losscurve import BYTES_PER_SECOND, MAX_DRAWN, MAX_POINTS
from aiplat_jupyter.widgets.messages import Message
from aiplat_jupyter.widgets.panel import PANEL_MIME, Panel
from aiplat_jupyter.widgets.picture import Part, picture
from aiplat_jupyter.widgets.status import failing

HEIGHT: Final = 190
SPANS: Final = {"span_15m": 0.25, "span_1h": 1.0, "span_6h": 6.0, "span_24h": 24.0, "span_7d": 168.0, "span_30d": 720.0}
"""What the control offers, in hours."""
KEPT: Final = max(SPANS.values())
"""Hours of history that a server keeps."""
SILENCE: Final = 3.0
"""Intervals without a sample after which the panel asks by itself."""
BANDS: Final = 4
"""Curves up to which the range within each pixel column is shown: more of them would cover one another."""
FIRST: Final = 2.0
"""Seconds for which the first picture may hold up the end of a cell."""
_COLUMNS: Final = "repeat(auto-fit, minmax(min(100%, 380px), 1fr))"
"""Both charts side by side where there is room."""


class View(Struct, frozen=True):
    """What of the past is looked at, and how each of both charts is."""

    hours: float
    looks: tuple[Look, Look]

    def scope(self, status: GpuStatus) -> Scope:
        """Return what to ask for."""
        look, lines = self.looks[0], max(1, len(status.devices))
        width = max(50, min(look.width, MAX_DRAWN // lines))
        return Scope(status.agent, _metrics(status), self.hours * 3600, look.interval, width)


class GpuMonitor(Panel):
    """GPUs: utilization and memory over time, and for each what it does now, and for whom.

    Parameters
    ----------
    agent : uid of an agent, or the name of its machine; None: the machine of the server.
    hours : how much of the past is shown, at most 720.

    Raises
    ------
    InvalidInput
        If `hours` makes no sense.
    """

    kind: ClassVar[str] = "gpumonitor"

    def __init__(self, agent: str | None = None, *, hours: float = 1, source: Feed | None = None) -> None:
        self._hours = _checked(hours)
        self._wanted, self._agent = agent or "", ""
        self._status: GpuStatus | None = None
        self._past = Past()
        self._is_behind, self._heard_at = True, time.monotonic()
        self._looks = (Look(x="wall", smoothing="none"),) * 2
        self._drawn: list[Drawing] = []
        self._is_pictured = self._is_displayed = False
        self._canvases = _canvases()
        self.cards = GpuCards()
        self.bar = Bar(_controls(self._hours), {"hours": {"value": _span(self._hours)}})
        super().__init__([self.cards, _side_by_side(self._canvases), self.bar], self._wanted, source=source)
        for number, canvas in enumerate(self._canvases):
            self.talk(canvas.overlay, self._gestures_of(number))
        self.talk(self.bar, self._on_control)
        self.tell_alerts(AlertLine(self.bar, _alerts_asked, self._is_about))
        self.start()

    # What a user may read and set

    @property
    def hours(self) -> float:
        """How much of the past is shown."""
        return self._hours

    def change(self, *, hours: float) -> None:
        """Show more or less of the past. Raise `InvalidInput`."""
        self._hours = _checked(hours)
        self._look(interval=None)
        self.wake()

    # What the browser sends: sets plain fields only

    def _on_control(self, message: Message) -> None:
        match message:
            case {"kind": "set", "name": "hours", "value": span} if span in SPANS:
                self.change(hours=SPANS[span])

    def _gestures_of(self, number: int) -> Callable[[Message], None]:
        def take(message: Message) -> None:
            match message:
                case {"kind": "interval", "x": interval, "y": y_interval}:
                    self._look(interval=interval)
                    self._look(number, y_interval=y_interval)
                case {"kind": "size", "width": width}:
                    self._look(width=min(MAX_POINTS, max(50, int(width))))
                case {"kind": "toggle" | "keep" as kind, "key": key}:
                    name = "hidden" if kind == "toggle" else "kept"
                    self._look(number, **{name: getattr(self._looks[number], name) ^ {key}})
                case {"kind": "solo", "key": key}:
                    self._show_alone(number, key)
                case {"kind": "hover", "key": key}:
                    self._look(number, hovered=key)

        return take

    def _show_alone(self, number: int, key: str) -> None:
        keys = {entry["key"] for entry in self._canvases[number].overlay.curves}
        others = frozenset(keys - {key})
        self._look(number, hidden=frozenset() if self._looks[number].hidden >= others else others)

    def _look(self, number: int | None = None, **what: Any) -> None:
        """Look at one chart, or both, in another way."""
        first, second = self._looks
        self._looks = (
            looks.changed(first, **what) if number != 1 else first,
            looks.changed(second, **what) if number != 0 else second,
        )

    # For the feed

    @property
    def topics(self) -> frozenset[str]:
        """Samples, while someone looks: the server then takes them more often. Of other agents nobody tells."""
        is_own = self._status is None or self._status.is_own
        return frozenset({ALERTS, GPU} if self.is_watched and is_own else {ALERTS})

    @property
    def is_live(self) -> bool:
        """Whether someone looks."""
        return self.is_watched

    def peek(self) -> None:
        """Note nothing: what was not heard in time is asked for."""

    def changed(self, change: Change | None) -> bool:
        """Ask for everything again after a gap."""
        if change is None:
            self._is_behind = True
            self._past.forget()
        return self.is_watched

    def sampled(self, status: GpuStatus) -> bool:
        """Take a sample of the agent that is shown."""
        if self._status is None or status.agent != self._status.agent:
            return False
        self._take(status)
        self._feed.retune()
        return self.is_watched

    def _take(self, status: GpuStatus) -> None:
        self._past.note(status)  # before the status: what the cards show is in the curves
        self._status, self._heard_at = status, time.monotonic()

    def update(self, api: Api) -> None:
        """Ask for what was not heard, and draw."""
        if self._wanted and not self._agent:
            self._agent = _uid_of(api, self._wanted)
        status = self._status
        if status is None or self._is_behind or time.monotonic() - self._heard_at > SILENCE * status.interval:
            self._is_behind = False
            self._take(api.gpu_status(GpuQuery(agent=self._agent)))
        assert self._status is not None
        view = View(self._hours, self._looks)  # gestures may change it meanwhile
        status = self._status
        self._past.refresh(api, view.scope(status), status.at)
        self._show(status, view)
        self._feed.retune()

    def _is_about(self, target: Target) -> bool:
        return self._status is not None and target.agent == self._status.agent

    def show_failure(self, error: AiplatError) -> None:
        """Keep what is shown and say since when it stands; else say what is wrong."""
        if self._status is None:
            notice = {"kind": "error", "key": "gpu_unread", "text": f"{error.detail} {error.hint}".strip()}
            for canvas in self._canvases:
                self.write(canvas.overlay, notice=notice)
        self.write(self.bar, status=failing(error, self.fresh_at if self._status else None))
        self._is_behind = True
        self._past.forget()

    # Writing

    def _show(self, status: GpuStatus, view: View) -> None:
        charts = self._charts(status, view)
        sent = sum(map(self._draw, self._canvases, charts, view.looks, (status, status), _metrics(status)))
        self._drawn = charts
        self.write(self.cards, head=gpurows.head(status), cards=gpurows.cards(status, _colours(charts)))
        self.write(self.bar, values={"hours": {"value": _span(view.hours)}}, status=self._bar_status(status))
        self.pace = max(PACE, sent / BYTES_PER_SECOND)
        self._finish_output()

    def _charts(self, status: GpuStatus, view: View) -> list[Drawing]:
        history = self._past.history
        assert history is not None
        names = gpuseries.short_names(history, status)
        curves = [self._past.curves(metric) for metric in _metrics(status)]
        x = gpuseries.window(gpuseries.first(curves), status.at, view.hours * 3600)
        charts = []
        for series, look, metric in zip(curves, view.looks, _metrics(status), strict=True):
            most = gpuseries.limit(history, status, metric)
            charts.append(gpuseries.drawn(series, names, looks.changed(look, band=len(series) <= BANDS), x, most))
        return charts

    def _draw(self, canvas: Canvas, drawn: Drawing, look: Look, status: GpuStatus, metric: str) -> int:
        places, sent = canvas.draw(drawn.rows)
        for entry, links in zip(drawn.entries, drawn.links, strict=True):
            entry |= {role: places[row] for role, row in links.items()}
        canvas.show_range(drawn.x, drawn.y)
        self.write(
            canvas.overlay,
            title={"word": f"gpu_axis_{metric}"},
            axes={
                "x": {"kind": "wall", "label": "", "log": False},
                "y": {"label": "", "word": f"gpu_axis_{metric}", "log": False},
            },
            curves=drawn.entries,
            interval=list(look.interval) if look.interval else None,
            y_interval=list(look.y_interval) if look.y_interval else None,
            notice=None if drawn.entries else gpurows.nothing(status, metric),
        )
        return sent

    def _bar_status(self, status: GpuStatus) -> dict[str, Any]:
        if status.state == "away":
            return {"kind": "ended", "icon": EXPERIMENT["lost"].icon, "word": "away", "at": status.at}
        if gpurows.is_troubled(status):
            return {"kind": "idle"}
        age = time.monotonic() - self._heard_at if status.is_own else max(0.0, time.time() - status.at)
        return {"kind": "live", "icon": EXPERIMENT["running"].icon, "age": age}

    # As an output

    def _ipython_display_(self) -> None:
        self.settle(FIRST / 2)  # so that it has its height, and the notebook a picture, from the first frame on
        self._is_displayed = True
        super()._ipython_display_()

    def bundle(self) -> dict[str, Any]:
        """Return the widget, and a picture for when it is gone."""
        forms = {PANEL_MIME: {"version": 1, "widget": {"model_id": self.model_id}}, **super().bundle()}
        status, charts = self._status, self._drawn
        if status and any(drawn.rows for drawn in charts):
            labels = [words.say(f"gpu_axis_{metric}") for metric in _metrics(status)]
            parts = list(map(Part, charts, self._looks, labels))
            forms["image/png"] = picture(parts, gpurows.plain(status))
        return forms

    def _finish_output(self) -> None:
        """Bring what is saved with the notebook up to date once there is something to show."""
        is_due = not self._is_pictured and any(drawn.rows for drawn in self._drawn)
        self._is_pictured = self._is_pictured or is_due
        if is_due and self._is_displayed:
            self.renew_output()

    def __repr__(self) -> str:
        return f"GpuMonitor({gpurows.plain(self._status) if self._status else self._wanted})"


def _canvases() -> tuple[Canvas, Canvas]:
    first = Canvas(height=HEIGHT)
    both = first, Canvas(height=HEIGHT, beside=first)
    for canvas in both:
        canvas.overlay.notice = {"kind": "loading", "key": "loading"}
    return both


def _side_by_side(canvases: tuple[Canvas, Canvas]) -> Box:
    layout = Layout(display="grid", grid_template_columns=_COLUMNS, grid_gap="4px 16px", width="100%")
    box = Box([canvas.box for canvas in canvases], layout=layout)
    box.add_class("aiplat-gpu-charts")
    return box


def _alerts_asked() -> AlertQuery:
    return AlertQuery(open=True, subject=["gpu", "host"], limit=MOST)


def _metrics(status: GpuStatus) -> tuple[gpuseries.Metric, gpuseries.Metric]:
    return gpuseries.GPU if status.devices else gpuseries.HOST


def _colours(drawings: list[Drawing]) -> dict[str, str]:
    """Return the colour of each GPU that has a curve."""
    return {entry["key"].partition("\n")[0]: entry["color"] for drawn in drawings for entry in drawn.entries}


def _controls(hours: float) -> list[dict[str, Any]]:
    options = [*SPANS, *([_span(hours)] if _span(hours) not in SPANS else [])]
    return [{"name": "hours", "kind": "choice", "label": "hours", "options": options}]


def _span(hours: float) -> str:
    """Return the option that stands for `hours`."""
    return next((span for span, each in SPANS.items() if each == hours), f"{hours:g} h")


def _checked(hours: float) -> float:
    if not 0 < hours <= KEPT:
        raise InvalidInput(f"{hours} hours cannot be shown.", fields={"hours": f"more than 0, at most {KEPT:g}"})
    return float(hours)


def _uid_of(api: Api, agent: str) -> str:
    """Return the uid of an agent that is named by it or by its machine; of its accounts the own. Raise `NotFound`."""
    known = sorted(api.agents(), key=lambda each: (each.is_own, each.is_alive), reverse=True)
    found = [each.uid for each in known if agent in (each.uid, each.machine)]
    if not found:
        machines = ", ".join(sorted({each.machine for each in known}))
        raise NotFound(f"There is no agent or machine {agent!r}.", hint=f"There are: {machines}." if machines else "")
    return found[0]
