"""What all panels share: one per place in a notebook, kept up to date by the feed, closed to the last model."""

import threading
import time
from collections.abc import Callable, Hashable, Iterator
from contextlib import suppress
from typing import Any, ClassVar, Final

from IPython.core.getipython import get_ipython
from IPython.display import display, update_display
from ipywidgets import Layout, VBox, Widget

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.errors import AiplatError
from aiplat_jupyter.core.gpu import GpuStatus
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.records import Change
from aiplat_jupyter.widgets.alertline import AlertLine
from aiplat_jupyter.widgets.feed import PACE, Feed, feed
from aiplat_jupyter.widgets.messages import Message, listen
from aiplat_jupyter.widgets.picture import shown_size

Key = tuple[str, Hashable, str]
_open: dict[Key, "Panel"] = {}
_lock = threading.Lock()

PATIENCE: Final = 60.0
"""Seconds for which a panel that nobody sees goes on by itself: a notebook tab may come back."""
PANEL_MIME: Final = "application/vnd.aiplat.panel+json"
VIEW_MIME: Final = "application/vnd.jupyter.widget-view+json"


class Panel(VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A widget that shows something of the server and stays true to it.

    Making one closes, with all their models, the panel of the same kind for the same target in the same cell, and those
    that an earlier run of the cell made.
    """

    kind: ClassVar[str]

    def __init__(self, children: list[Widget], target: Hashable, *, source: Feed | None = None) -> None:
        super().__init__(children, layout=Layout(width="100%", margin="0", overflow="visible"))
        self.add_class("aiplat-panel")
        self.pace = PACE
        self.error: AiplatError | None = None
        self.fresh_at = time.time()
        self._display_id = new_uid()
        self._taken: dict[Widget, int] = {}
        self._alerts: AlertLine | None = None
        self._refreshed = threading.Condition()
        self._rounds = 0
        self._alone_since = time.monotonic()
        self._key, self._run = (self.kind, target, current_cell()), current_run()
        self._feed = source or feed()
        replace(self._key, self)

    def talk(self, widget: Widget, act: Callable[[Message], None]) -> None:
        """Let `act` take the messages of `widget`, and tell the browser that they arrived."""

        def take(message: Message) -> None:
            if self._alerts and message.get("kind") == "acknowledge":
                self._alerts.acknowledge(str(message["uid"]))
            else:
                act(message)
            self._taken[widget] = self._taken.get(widget, 0) + 1
            self.wake(at_once=message.get("kind") == "retry")

        listen(widget, take)

    def tell_alerts(self, line: AlertLine) -> None:
        """Let `line` tell of alerts from now on; the topics must name them too."""
        self._alerts = line

    def start(self) -> None:
        """Keep the panel up to date from now on."""
        self._view_count = 0
        self.observe(self._viewed, "_view_count")
        self._feed.join(self)

    def _viewed(self, _: object) -> None:
        self._alone_since = time.monotonic()
        self.wake()

    def wake(self, *, at_once: bool = False) -> None:
        """Refresh soon; callable from any thread."""
        self._feed.wake(self, at_once=at_once)

    def settle(self, timeout: float = 3.0) -> bool:
        """Wait until the panel shows what the server knows now; tell whether it came to that in time."""
        # Twice: a refresh that is under way may have asked too early.
        return self._refreshes_within(timeout) and self._refreshes_within(timeout)

    def _refreshes_within(self, timeout: float) -> bool:
        with self._refreshed:
            wanted = self._rounds + 1
            self.changed(None)
            self.wake(at_once=True)
            return self._refreshed.wait_for(lambda: self._rounds >= wanted, timeout)

    @property
    def is_watched(self) -> bool:
        """Whether a browser shows the panel, or did a moment ago."""
        return bool(self._view_count) or time.monotonic() - self._alone_since < PATIENCE

    # For the feed

    @property
    def topics(self) -> frozenset[str]:
        """What the server shall tell about."""
        raise NotImplementedError

    @property
    def is_live(self) -> bool:
        """Whether more is expected by itself, and someone looks."""
        raise NotImplementedError

    def peek(self) -> None:
        """Note that what is live may have changed unheard."""
        raise NotImplementedError

    def changed(self, change: Change | None) -> bool:
        """Note that something changed (None: anything may have); tell whether to refresh."""
        raise NotImplementedError

    def sampled(self, _status: GpuStatus) -> bool:
        """Note what GPUs do now; tell whether to refresh."""
        return False

    def alerted(self) -> bool:
        """Note that alerts changed; tell whether to refresh."""
        if self._alerts:
            self._alerts.forget()
        return self.is_watched

    def refresh(self, api: Api) -> None:
        """Ask the server, write traits, and acknowledge what the browser sent."""
        taken = self._taken.copy()
        for widget, count in taken.items():
            self.write(widget, heard=count)
        self.update(api)
        if self._alerts:
            self.write(self._alerts.bar, alert=self._alerts.update(api))
        self.error, self.fresh_at = None, time.time()
        self._acknowledge(taken)
        with self._refreshed:
            self._rounds += 1
            self._refreshed.notify_all()

    def update(self, api: Api) -> None:
        """Ask the server and write traits."""
        raise NotImplementedError

    def fail(self, error: AiplatError) -> None:
        """Write that a refresh failed, and acknowledge what the browser sent."""
        self.error = error
        self.show_failure(error)
        self._acknowledge(self._taken.copy())

    def show_failure(self, error: AiplatError) -> None:
        """Write that the last refresh failed."""
        raise NotImplementedError

    def _acknowledge(self, taken: dict[Widget, int]) -> None:
        for widget, count in taken.items():
            self.write(widget, heard=count, seen=count)

    @staticmethod
    def write(widget: Widget, **state: Any) -> None:
        """Set what differs, as one message."""
        with widget.hold_sync():
            for name, value in state.items():
                if getattr(widget, name) != value:
                    setattr(widget, name, value)

    # As an output

    def bundle(self) -> dict[str, Any]:
        """Return the output's forms by MIME type."""
        view = {"version_major": 2, "version_minor": 0, "model_id": self.model_id}
        return {"text/plain": repr(self), VIEW_MIME: view}

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return self.bundle()

    def _ipython_display_(self) -> None:
        self._put(display)

    def renew_output(self) -> None:
        """Replace the output in the notebook by what the panel would show if it were displayed now."""
        if get_ipython() is not None:
            self._put(update_display)

    def _put(self, show: Callable[..., object]) -> None:
        forms = self.bundle()
        show(forms, raw=True, metadata=_metadata(forms), display_id=self._display_id)

    def close(self) -> None:
        """Stop, and close every model that the panel is made of."""
        feed_left, self._feed_left = getattr(self, "_feed_left", False), True
        if feed_left or not hasattr(self, "_feed"):
            return
        self._feed.leave(self)
        with _lock:
            if _open.get(self._key) is self:
                del _open[self._key]
        for widget in list(tree(self)):
            Widget.close(widget)


def _metadata(forms: dict[str, Any]) -> dict[str, Any]:
    """Return how large the picture is shown, and what it says to those who do not see it."""
    if "image/png" not in forms:
        return {}
    width, height = shown_size(forms["image/png"])
    return {"image/png": {"alt": forms["text/plain"], "width": width, "height": height}}


def tree(root: Widget) -> Iterator[Widget]:
    """Yield `root` and every widget that it is made of: children, marks, scales, layouts, styles."""
    found: dict[int, Widget] = {}
    waiting: list[Any] = [root]
    while waiting:
        value = waiting.pop()
        if isinstance(value, Widget):
            if id(value) not in found:
                found[id(value)] = value
                waiting.extend(value._trait_values.values())
        elif isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, (list, tuple)):
            waiting.extend(value)
    yield from found.values()


def replace(key: Key, panel: Panel) -> None:
    """Register `panel`, closing those whose outputs it replaces."""
    with _lock:
        replaced = [each for at, each in _open.items() if at == key or is_rerun(each, panel)]
        _open[key] = panel
    for each in replaced:
        each.close()


def is_rerun(before: Panel, after: Panel) -> bool:
    """Tell whether the cell that made `before` has run again and made `after`."""
    cell = after._key[2]
    return bool(cell) and before._key[2] == cell and before._run != after._run


def open_panels() -> list[Panel]:
    """Return the panels that are not closed."""
    with _lock:
        return list(_open.values())


def current_cell() -> str:
    """Return the id of the cell that is running, or an empty string outside of notebooks."""
    shell = get_ipython()
    with suppress(AttributeError, TypeError):
        return str(shell.get_parent()["metadata"].get("cellId", ""))  # type: ignore[union-attr]  # suppressed above
    return ""


def current_run() -> int:
    """Return the number of the execution that is going on, or 0 outside of IPython."""
    shell = get_ipython()
    return int(shell.execution_count) if shell else 0
