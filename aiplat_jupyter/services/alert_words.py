"""An alert in plain English, for channels that show text. Pages and panels put it into words of their own."""

from typing import Final

from aiplat_jupyter.core.alert_rules import Kind
from aiplat_jupyter.core.alerts import Alert, Condition

_HEADS: Final[dict[Kind, str]] = {
    "fired": "",
    "worsened": "Worse: ",
    "eased": "Eased: ",
    "reminded": "Still: ",
    "resolved": "Resolved: ",
}
_CONDITIONS: Final[dict[Condition, str]] = {
    "above": "{metric} is {value}, above {threshold}",
    "below": "{metric} is {value}, below {threshold}",
    "not_finite": "{metric} is {kind}",
    "silent": "{metric} has no new point since {value} s",
    "diverges": "{metric} is {value} times its best value",
    "plateau": "{metric} has not improved for {value} steps",
    "failed": "it failed",
    "waits": "it waits since {value} s",
    "overdue": "it runs {value} times as long as usual",
}
_KINDS: Final = {"nan": "NaN", "inf": "infinite", "-inf": "minus infinite"}


def title(kind: Kind, alert: Alert) -> str:
    """Return one line: how bad, what, and of whom."""
    return f"{_HEADS[kind]}[{alert.severity}] {alert.title or alert.name} ({alert.target.label})"


def text(alert: Alert) -> str:
    """Return why, in a sentence; of an alert from code its own text."""
    if alert.condition is None:
        return alert.text or alert.title
    kind = _KINDS.get(alert.text, "NaN or infinite")
    words = {"metric": alert.metric or "it", "value": _number(alert.value), "threshold": _number(alert.threshold)}
    sentence = _CONDITIONS[alert.condition].format(**words, kind=kind)
    for_s = f" for {alert.for_s:g} {'steps' if alert.condition == 'diverges' else 's'}" if alert.for_s else ""
    return f"{alert.target.label}: {sentence}{for_s}."


def _number(value: float | None) -> str:
    return "unknown" if value is None else f"{value:.6g}"
