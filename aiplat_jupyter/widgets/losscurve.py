"""The curves of experiments' metrics, live, over all points."""

import threading
from collections.abc import Sequence
from typing import Any, ClassVar, Final

from ipywidgets import Widget

from aiplat_jupyter.client import session
from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.alerts import AlertQuery
from aiplat_jupyter.core.curves import CurveQuery, Smoothing
from aiplat_jupyter.core.errors import AiplatError, InvalidInput, NotFound, Unavailable
from aiplat_jupyter.core.records import Change
from aiplat_jupyter.core.states import LIVE
from aiplat_jupyter.widgets import alertline, looks
from aiplat_jupyter.widgets.alertline import AlertLine
from aiplat_jupyter.widgets.answers import Answers
from aiplat_jupyter.widgets.bar import Bar
from aiplat_jupyter.widgets.drawing import Drawing, drawing
from aiplat_jupyter.widgets.feed import ALERTS, PACE, Feed
from aiplat_jupyter.widgets.figure import Canvas
from aiplat_jupyter.widgets.looks import Look
from aiplat_jupyter.widgets.messages import Message
from aiplat_jupyter.widgets.panel import Panel, open_panels, tree
from aiplat_jupyter.widgets.picture import Part, picture
from aiplat_jupyter.widgets.projectlist import ProjectList
from aiplat_jupyter.widgets.series import Series
from aiplat_jupyter.widgets.status import caption, failing, label, names, plain, status
from aiplat_jupyter.widgets.strip import Strip
from aiplat_jupyter.widgets.targets import MOST, Roster, Target, target_of

CURVE_MIME: Final = "application/vnd.aiplat.curve+json"
MAX_POINTS: Final = 1000
"""Buckets of a line: bqplot draws more too slowly."""
MAX_DRAWN: Final = 16_000
"""Buckets of all lines together."""
BYTES_PER_SECOND: Final = 400_000
"""Well below what a Jupyter server lets a kernel send before it drops messages."""


class LossCurve(Panel):
    """Curves of one or several experiments' metrics: live, zoomable, smoothed, each pixel over all points.

    Parameters
    ----------
    target : an experiment, its uid, a list of these, a DataFrame of `aiplat_jupyter.experiments`, a query such as
        ``"config.lr<1e-3"`` (whatever matches, now and later), or a `ProjectList` (what is selected in it).
    metric : name of a metric, or several.
    x : ``step``, ``relative``, ``wall``, ``metric:epoch`` or another ``metric:<name>``.
    smoothing, weight : method and its parameter, as in `core.curves.CurveQuery`; None: the method's usual one.
    band : whether the range from min to max within each pixel column is shown.
    x_log, y_log : logarithmic axes.
    cut_outliers : whether the y axis shows the 5th to the 95th percentile only; what it cuts off is marked and counted.

    Raises
    ------
    TypeError
        If `target` names no experiments.
    InvalidInput
        If a method or x axis is unknown, or no metric is named.
    """

    kind: ClassVar[str] = "losscurve"
    strip: Strip | None = None
    """What the machine of the one experiment did; one whose construction failed is closed without."""

    def __init__(
        self,
        target: Any,
        metric: str | Sequence[str] = "loss",
        *,
        x: str = "step",
        smoothing: Smoothing = "twema",
        weight: float | None = None,
        band: bool = True,
        x_log: bool = False,
        y_log: bool = False,
        cut_outliers: bool = False,
        source: Feed | None = None,
    ) -> None:
        self.metrics = [metric] if isinstance(metric, str) else list(metric)
        if not self.metrics:
            raise InvalidInput("There is no metric to show.", fields={"metric": "the name of one, or several"})
        aim = target.aim if isinstance(target, ProjectList) else target_of(target)
        self._look = looks.changed(
            Look(), x=x, smoothing=smoothing, weight=weight, band=band, x_log=x_log, y_log=y_log,
            cut_outliers=cut_outliers,
        )  # fmt: skip
        self._target = aim
        self._roster = Roster(aim, max(1, MOST // len(self.metrics)))
        self._answers = Answers()
        self._points_changed = True
        self._drawn: Drawing | None = None
        self._drawn_look = self._look
        self._pictured = self._is_held = False
        self._stops: set[str] = set()
        self._fields = threading.Lock()
        self._canvas = Canvas()
        self.overlay = self._canvas.overlay
        self.strip = Strip(self._canvas, is_coming=_is_watched_here(aim)) if aim.names_one else None
        self._saved = self._shown()
        self.bar = Bar(looks.controls(self._look), looks.values(self._look))
        self.overlay.title = {"text": ", ".join(self.metrics)}
        self.overlay.notice = {"kind": "loading", "key": "loading"}
        super().__init__(self._parts(), (aim, tuple(self.metrics)), source=source)
        self.talk(self.overlay, self._on_gesture)
        self.talk(self.bar, self._on_control)
        self.tell_alerts(AlertLine(self.bar, self._alerts_asked, lambda about: about.experiment in self.experiments))
        if self.strip:
            self.talk(self.strip.overlay, self._on_strip)
        if isinstance(target, ProjectList):
            target.observe(lambda _: self._aim(target.aim), "selected")
        if complete_outputs not in (followers := session.current().followers):
            followers.append(complete_outputs)
        self.start()

    # What a user may read and set

    @property
    def look(self) -> Look:
        """How the curves are looked at."""
        return self._look

    @property
    def experiments(self) -> list[str]:
        """Uids of the experiments that are shown."""
        return self._roster.uids

    def change(self, **what: Any) -> None:
        """Look at the curves in another way: keyword arguments of the constructor, `interval` and `y_interval`."""
        with self._fields:
            self._look = looks.changed(self._look, **what)
        self.wake()

    def _aim(self, target: Target) -> None:
        self._target = target
        self.wake()

    def close(self) -> None:
        """Stop, and close every model, also those of a strip that was never shown."""
        super().close()
        for widget in list(tree(self.strip.canvas.box)) if self.strip else ():
            Widget.close(widget)

    # What the browser sends: sets plain fields only

    def _on_control(self, message: Message) -> None:
        if message["kind"] == "stop":
            self._stops.update(uid for uid, row in self._roster.rows.items() if row.status in LIVE)
        elif message["kind"] == "set":
            self.change(**{message["name"]: message["value"]})

    def _on_strip(self, message: Message) -> None:
        assert self.strip
        self.strip.take(message)
        if message["kind"] == "interval":
            self.change(interval=message["x"])

    def _on_gesture(self, message: Message) -> None:
        match message:
            case {"kind": "interval", "x": interval, "y": y_interval}:
                self.change(interval=interval, y_interval=y_interval)
            case {"kind": "size", "width": width}:
                self.change(width=min(MAX_POINTS, max(50, int(width))))
            case {"kind": "toggle" | "keep" as kind, "key": key}:
                name = "hidden" if kind == "toggle" else "kept"
                self.change(**{name: getattr(self._look, name) ^ {key}})
            case {"kind": "solo", "key": key}:
                others = frozenset(self._answers.series) - {key}
                self.change(hidden=frozenset() if self._look.hidden >= others else others)
            case {"kind": "hover", "key": key}:
                self.change(hovered=key)

    # For the feed

    @property
    def topics(self) -> frozenset[str]:
        """The experiments, and for a query the list of all."""
        return self._roster.topics | {ALERTS}

    @property
    def is_live(self) -> bool:
        """Whether an experiment runs, and someone looks."""
        return self._roster.is_live and self.is_watched

    def peek(self) -> None:
        """Ask again for points, and for the rows of what runs."""
        self._points_changed = True
        self._roster.forget_live()

    def changed(self, change: Change | None) -> bool:
        """Note what to ask for again. Unseen, only what ends an experiment matters: it completes the saved output."""
        if change is None or change.kind == "points":
            self._points_changed = True
        if change is None:
            self._roster.forget()
        elif change.kind != "points":
            self._roster.forget(change.uid)
        return self.is_watched or change is None or change.kind != "points"

    def update(self, api: Api) -> None:
        """Stop what was asked to stop, ask for rows and points that may have changed, and draw."""
        for uid in sorted(self._stops):
            api.stop(uid)
            self._stops.discard(uid)
            self._roster.forget(uid)
        topics = self._roster.topics
        if self._target != self._roster.target:
            self._roster.aim(self._target)
        self._roster.refresh(api)
        if self._roster.topics != topics:
            self._feed.retune()
        look = self._look
        if self._roster.rows:
            self._ask(api, look)
        else:
            self._answers.forget()
        self._show(look)
        self._finish_output()

    def _ask(self, api: Api, look: Look) -> None:
        start, end = look.bounds()
        uids = self._roster.uids
        width = max(50, min(look.width, MAX_DRAWN // (len(uids) * len(self.metrics))))
        weight = look.weight if look.smoothing != "none" else 0.6
        query = CurveQuery(
            experiments=uids, metrics=self.metrics, x=look.x, start=start, end=end, width=width,
            smoothing=look.smoothing, weight=weight,
        )  # fmt: skip
        is_due, self._points_changed = self._points_changed, False
        try:
            self._answers.ask(api, query, is_due=is_due)
            if self.strip:
                uid = None if self._roster.is_query else uids[0]
                self.strip.ask(api, uid, look, is_live=self._roster.is_live, is_due=is_due)
        except AiplatError:
            self._points_changed = True
            raise

    def show_failure(self, error: AiplatError) -> None:
        """Keep the curves and say since when they stand; without curves say what is wrong."""
        if isinstance(error, NotFound) and self._is_on_its_way():
            self.write(self.overlay, notice=self._emptiness())
            return
        if self._drawn is None or isinstance(error, NotFound):
            notice = {"kind": "error", "key": "failed", "text": f"{error.detail} {error.hint}".strip()}
            self.write(self.overlay, notice=notice)
        self.write(self.bar, status=failing(error, self.fresh_at if self._drawn else None))
        self._points_changed = True

    def _alerts_asked(self) -> AlertQuery:
        about = list(self.experiments)[: alertline.MOST_SUBJECTS]
        return AlertQuery(open=True, subject=["experiment"], experiment=about, limit=alertline.MOST)

    def _is_on_its_way(self) -> bool:
        """Whether this process logs one of the experiments, which the server then has not heard of yet."""
        return any(each.opened.experiment in self.experiments for each in session.current().recordings.copy())

    # Writing

    def _parts(self) -> list[Any]:
        strips = [self.strip.canvas.box] if self.strip and self.strip.is_there else []
        return [self._canvas.box, *strips, self.bar]

    def _ordered(self) -> list[Series]:
        place = {uid: i for i, uid in enumerate(self._roster.rows)}
        known = [each for each in self._answers.series.values() if each.experiment in place]
        order = {metric: i for i, metric in enumerate(self.metrics)}
        return sorted(known, key=lambda each: (place[each.experiment], order.get(each.metric, 0), each.context))

    def _show(self, look: Look) -> None:
        series = self._ordered()
        growing = self._roster.is_live
        before = self._drawn.y if self._drawn and look.same_y(self._drawn_look) else None
        drawn = drawing(series, names(series, self._roster.rows), look, growing=growing, y_before=before)
        places, sent = self._canvas.draw(drawn.rows)
        for entry, links in zip(drawn.entries, drawn.links, strict=True):
            entry |= {role: places[row] for role, row in links.items()}
        self._canvas.show_range(drawn.x, drawn.y)
        self.write(
            self.overlay,
            axes=looks.axes(look, label(series)),
            curves=drawn.entries,
            badge=drawn.badge,
            interval=list(look.interval) if look.interval else None,
            y_interval=list(look.y_interval) if look.y_interval else None,
            notice=self._notice(series),
        )
        self.write(self.bar, values=looks.values(look), status=status(self._roster.rows, self._roster.total, series))
        if self.strip and self.strip.is_there:
            self.write(self.strip.overlay, **self.strip.draw(drawn.x, look))
            self.write(self, children=tuple(self._parts()))
        self._drawn, self._drawn_look = drawn, look
        self.pace = max(PACE, sent / BYTES_PER_SECOND)

    def _notice(self, series: list[Series]) -> dict[str, Any] | None:
        if not self._roster.rows:
            key = "nothing" if self._roster.is_query else "nothing_selected"
            return {"kind": "empty", "key": key, "hint": f"{key}_hint"}
        if not any(each.summary.count for each in series):
            return self._emptiness()
        if not any(each.extent for each in series):
            values = {"metric": self._look.x.removeprefix("metric:")}
            return {"kind": "empty", "key": "no_x", "hint": "no_x_hint", "values": values}
        return None

    def _emptiness(self) -> dict[str, Any]:
        values = {"metric": ", ".join(self.metrics)}
        return {"kind": "empty", "key": "empty", "hint": "empty_hint", "values": values}

    # As an output

    def bundle(self) -> dict[str, Any]:
        """Return the widget, our own form that outlives it, and a picture for hosts that know neither."""
        own = {
            "version": 1,
            "experiments": self._roster.uids,
            "metrics": self.metrics,
            "options": looks.saved(self._look),
            "machine": self.strip.metrics if self.strip else [],
            "widget": {"model_id": self.model_id},
        }
        forms = {CURVE_MIME: own, **super().bundle()}
        if self._drawn and self._drawn.rows:
            series = self._ordered()
            parts = [Part(self._drawn, self._drawn_look, label(series))]
            parts += self.strip.pictured() if self.strip else []
            forms["image/png"] = picture(parts, caption(self._roster.rows))
        return forms

    def complete_output(self) -> None:
        """Bring what is saved with the notebook up to date before the running cell ends, from its own thread."""
        self._is_held = True
        self.settle()
        self._is_held = False
        self.renew_output()

    def _finish_output(self) -> None:
        """Bring what is saved with the notebook up to date once the experiments have ended, or others are shown."""
        ended = not self._roster.is_live and bool(self._answers.series)
        is_due = (ended and not self._pictured) or self._saved != self._shown()
        if is_due and not self._is_held:
            self.renew_output()
        self._pictured, self._saved = ended, self._shown()

    def _shown(self) -> tuple[list[str], list[str]]:
        """Return of which experiments, and of which readings of a machine, there are curves."""
        return self._roster.uids, self.strip.metrics if self.strip else []

    def __repr__(self) -> str:
        return plain("LossCurve", self._roster.rows, self._ordered(), self.metrics)


def complete_outputs(uid: str) -> None:
    """Let the saved outputs that show this experiment, which has just ended, show its end."""
    for panel in open_panels():
        if isinstance(panel, LossCurve) and uid in panel.experiments and not isinstance(panel.error, Unavailable):
            panel.complete_output()


def _is_watched_here(aim: Target) -> bool:
    """Tell whether this process keeps what the machine does beside the one experiment."""
    return any(session.current().system.watches(uid) for uid in (*aim.uids, aim.text) if uid)
