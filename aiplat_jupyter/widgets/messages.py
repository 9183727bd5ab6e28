"""What browsers send to panels: small messages instead of traits, answered while a cell runs where the kernel can."""

from collections.abc import Callable
from typing import Any

from ipywidgets import Widget

Message = dict[str, Any]


def keep_frontend_subshell(widget: Widget) -> bool:
    """Let replies of the browser run where the browser asked: beside the cell, in a subshell.

    ipykernel 7.4 sends them to the shell that last wrote to the widget, which is the busy main one for widgets made by
    a cell. It decides in a private method of the comm, overridden here for this one widget. Other versions have no
    such method: 7.0 to 7.3 need nothing, 6.x answers when the cell is done.

    Returns
    -------
    bool
        Whether there was something to override.
    """
    comm = widget.comm
    if not hasattr(comm, "_reply_subshell_for"):
        return False
    comm._reply_subshell_for = _as_asked
    return True


def _as_asked(_data: object, default: str | None) -> str | None:
    return default


def listen(widget: Widget, act: Callable[[Message], None]) -> None:
    """Call `act` with each message that a browser sends to `widget`; it must be quick and must not write traits."""
    keep_frontend_subshell(widget)
    widget.on_msg(lambda _widget, content, _buffers: act(content) if isinstance(content, dict) else None)
