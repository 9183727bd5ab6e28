"""The line in a panel's foot that tells of an open alert about what the panel shows."""

from collections.abc import Callable
from typing import Any, Final

from aiplat_jupyter.client.api import Api
from aiplat_jupyter.core.alert_presets import PRESETS
from aiplat_jupyter.core.alerts import Alert, AlertQuery, Severity, Target
from aiplat_jupyter.core.errors import NotFound
from aiplat_jupyter.widgets.bar import Bar

MOST: Final = 50
MOST_SUBJECTS: Final = 100
"""Of so many experiments a list of alerts can be asked for at once."""
ICONS: Final[dict[Severity, str]] = {"info": "ℹ", "warning": "⚠", "critical": "✕"}
_ORDER: Final[tuple[Severity, ...]] = ("critical", "warning", "info")


class AlertLine:
    """What a bar says of alerts: the worst and newest that nobody has acknowledged yet, and how many more there are.

    `query` names what may be of interest, `concerns` tells whether an alert's target is really shown.
    """

    def __init__(self, bar: Bar, query: Callable[[], AlertQuery], concerns: Callable[[Target], bool]) -> None:
        self.bar = bar
        self._query, self._concerns = query, concerns
        self._asked: AlertQuery | None = None
        self._is_stale = True
        self._seen: list[str] = []

    def forget(self) -> None:
        """Ask again at the next refresh."""
        self._is_stale = True

    def acknowledge(self, uid: str) -> None:
        """Acknowledge an alert at the next refresh."""
        self._seen.append(uid)
        self._is_stale = True

    def update(self, api: Api) -> dict[str, Any] | None:
        """Return what the bar is to say; None: nothing. Ask only if something may have changed."""
        while self._seen:
            api.acknowledge(self._seen[0])
            self._seen.pop(0)
        query = self._query()
        if not self._is_stale and query == self._asked:
            return dict(self.bar.alert) if self.bar.alert else None
        self._is_stale, self._asked = False, query
        return _line([alert for alert in _open(api, query) if self._concerns(alert.target)])


def _open(api: Api, query: AlertQuery) -> list[Alert]:
    try:
        found = api.list_alerts(query).items
    except NotFound:  # a server from before there were alerts
        return []
    return [alert for alert in found if alert.acknowledged_at is None]


def _line(alerts: list[Alert]) -> dict[str, Any] | None:
    if not alerts:
        return None
    worst = min(alerts, key=lambda alert: (_ORDER.index(alert.severity), -alert.fired_at))
    return {
        "uid": worst.uid,
        "level": worst.severity,
        "icon": ICONS[worst.severity],
        "word": f"alert_{worst.preset}" if worst.preset in PRESETS and not worst.title else "",
        "text": worst.title or worst.name,
        "about": _about(worst),
        "why": worst.text if worst.rule is None else "",
        "at": worst.fired_at,
        "over": worst.state == "resolved",
        "more": len(alerts) - 1,
    }


def _about(alert: Alert) -> str:
    label = alert.target.label
    return f"{label} · {alert.metric}" if alert.subject == "experiment" and alert.metric else label
