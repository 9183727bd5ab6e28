"""What a rule of alerts may say, and how the addresses of its actions are shown."""

import hashlib
import importlib.util
import math
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from msgspec.structs import asdict, replace

from aiplat_jupyter.core.alert_rules import IN_STEPS, WORDLESS
from aiplat_jupyter.core.alert_signs import GPU_METRICS, HOST_METRICS
from aiplat_jupyter.core.alerts import Action, Condition, RuleSpec, Subject
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import MAX_KEY
from aiplat_jupyter.services import channel, limits

MASK: Final = "***"
"""Stands for what is secret of an address."""
MAX_ACTIONS: Final = 10
MAX_SCOPE: Final = 100
NEEDED: Final = "pip install 'aiplat_jupyter[notify]'"
_DAY: Final = 86_400.0
_STEPS: Final = 1e9
_CONDITIONS: Final[dict[Subject, tuple[Condition, ...]]] = {
    "gpu": ("above", "below"),
    "host": ("above", "below"),
    "experiment": ("above", "below", "not_finite", "silent", "diverges", "plateau"),
    "task": ("failed", "waits", "overdue"),
}
_SCOPES: Final[dict[Subject, tuple[str, ...]]] = {
    "gpu": ("agents", "gpus"),
    "host": ("agents",),
    "experiment": ("projects", "experiments"),
    "task": ("agents", "projects", "tasks"),
}
_ACTIONS: Final[dict[Subject, tuple[str, ...]]] = {
    "gpu": ("webhook", "channel", "stop_task", "interrupt_kernel"),
    "host": ("webhook", "channel"),
    "experiment": ("webhook", "channel", "stop_task", "interrupt_kernel"),
    "task": ("webhook", "channel", "stop_task"),
}


def checked(spec: RuleSpec, known: Sequence[Action] = ()) -> RuleSpec:
    """Return what a rule shall watch, with whole addresses in the place of masked ones of the `known` actions.

    Raise `InvalidInput` for what can never fire, never end, or not be done.
    """
    spec = replace(spec, actions=unmasked(spec.actions, known))
    if wrong := faults(spec):
        raise InvalidInput("The rule cannot be like this.", fields={f"spec.{name}": right for name, right in wrong})
    return spec


def faults(spec: RuleSpec) -> list[tuple[str, str]]:
    """Return the fields that are wrong, each with what would be right."""
    if spec.condition not in _CONDITIONS[spec.subject]:
        return [("condition", f"one of {', '.join(_CONDITIONS[spec.subject])}")]
    return [*_metric(spec), *_thresholds(spec), *_durations(spec), *_scope(spec), *_actions(spec)]


def _metric(spec: RuleSpec) -> list[tuple[str, str]]:
    if spec.subject == "task":
        return [("metric", "empty")] if spec.metric else []
    if spec.subject == "experiment":
        is_bad = len(spec.metric) > MAX_KEY or "\x00" in spec.metric
        return [("metric", f"a metric's name, at most {MAX_KEY} characters")] if is_bad else []
    known = GPU_METRICS if spec.subject == "gpu" else HOST_METRICS
    return [] if spec.metric in known else [("metric", f"one of {', '.join(known)}")]


def _thresholds(spec: RuleSpec) -> list[tuple[str, str]]:
    names = "warning", "critical", "clear_warning", "clear_critical"
    wrong = [(name, "a finite number") for name in names if not math.isfinite(getattr(spec, name) or 0.0)]
    if wrong or spec.condition in WORDLESS or spec.condition == "plateau":
        return wrong
    if spec.warning is None and spec.critical is None:
        return [("warning", "a threshold, here or in critical")]
    return [*_order(spec), *_sense(spec)]


def _order(spec: RuleSpec) -> list[tuple[str, str]]:
    sign, side = (-1.0, "below") if spec.condition == "below" else (1.0, "above")
    wrong = []
    if spec.warning is not None and spec.critical is not None and spec.critical * sign < spec.warning * sign:
        wrong.append(("critical", f"not on the good side of warning: {side} {spec.warning:g}"))
    for level in ("warning", "critical"):
        limit, clear = getattr(spec, level), getattr(spec, f"clear_{level}")
        if clear is not None and (limit is None or clear * sign > limit * sign):
            wrong.append((f"clear_{level}", f"on the good side of {level}"))
    return wrong


def _sense(spec: RuleSpec) -> list[tuple[str, str]]:
    """Find thresholds that are always or never reached."""
    least = {"silent": 1.0, "waits": 1.0, "overdue": 1.0, "diverges": 1.0}.get(spec.condition)
    if least is None:
        return []
    given = {"warning": spec.warning, "critical": spec.critical}
    is_number = spec.condition in ("silent", "waits")
    right = "seconds, at least 1" if is_number else "times, more than 1"
    return [
        (name, right)
        for name, value in given.items()
        if value is not None and (value < least or (not is_number and value <= least))
    ]


def _durations(spec: RuleSpec) -> list[tuple[str, str]]:
    longest = _STEPS if spec.condition in IN_STEPS else 30 * _DAY
    ranges = {"for_s": longest, "keep_firing_s": longest, "repeat_s": 30 * _DAY, "window_s": _DAY}
    wrong = [(name, f"from 0 to {most:,g}") for name, most in ranges.items() if not 0 <= getattr(spec, name) <= most]
    if 0 < spec.repeat_s < 60:
        wrong.append(("repeat_s", "at least 60 seconds, or 0 for never"))
    if spec.condition == "failed" and spec.for_s:
        wrong.append(("for_s", "0: to fail takes no time"))
    if spec.condition == "plateau" and spec.for_s < 1:
        wrong.append(("for_s", "steps, at least 1"))
    is_windowed = spec.condition in ("above", "below") and spec.aggregate != "last"
    if is_windowed and not spec.window_s:
        wrong.append(("window_s", f"seconds, to take the {spec.aggregate} of"))
    if is_windowed and spec.metric == "*":
        wrong.append(("aggregate", "last, for a rule on every metric"))
    return wrong


def _scope(spec: RuleSpec) -> list[tuple[str, str]]:
    named = asdict(spec.scope)
    allowed = _SCOPES[spec.subject]
    wrong = [(f"scope.{name}", "empty") for name, uids in named.items() if uids and name not in allowed]
    return wrong + [(f"scope.{name}", f"at most {MAX_SCOPE}") for name, uids in named.items() if len(uids) > MAX_SCOPE]


def _actions(spec: RuleSpec) -> list[tuple[str, str]]:
    if len(spec.actions) > MAX_ACTIONS:
        return [("actions", f"at most {MAX_ACTIONS}")]
    wrong = []
    for number, action in enumerate(spec.actions):
        if action.kind not in _ACTIONS[spec.subject]:
            wrong.append((f"actions.{number}.kind", f"one of {', '.join(_ACTIONS[spec.subject])}"))
        elif right := _address(action):
            wrong.append((f"actions.{number}.url", right))
    return wrong


def _address(action: Action) -> str:
    """Return what would be right of an action's address; empty if it can be used."""
    if action.kind in ("stop_task", "interrupt_kernel"):
        return "empty" if action.url else ""
    try:
        limits.text("url", action.url, 2_000)
        parts = urlsplit(action.url)
        host = parts.hostname
        place(action.url)
    except (InvalidInput, ValueError):
        return "an address"
    if action.kind == "webhook":
        return "" if parts.scheme in ("http", "https") and host else "an address that begins with http:// or https://"
    if importlib.util.find_spec("apprise") is None:
        return f"not possible yet: {NEEDED}, then restart the server"
    return "" if parts.scheme and "://" in action.url else "an address in Apprise's form, such as slack://…"


async def refuse_unknown_channels(spec: RuleSpec) -> None:
    """Raise `InvalidInput` for the address of a channel that cannot be used; masked ones were looked at before."""
    for number, action in enumerate(spec.actions):
        if action.kind != "channel" or MASK in action.url:
            continue
        if not (right := _address(action)) and not await channel.is_known(action.url):
            right = "an address that Apprise knows, such as slack://…, feishu://…"
        if right:
            raise InvalidInput("The channel cannot be used.", fields={f"spec.actions.{number}.url": right})


def masked(spec: RuleSpec) -> RuleSpec:
    """Return what a rule watches as it is shown: addresses tell where they lead, and no more."""
    return replace(spec, actions=[replace(one, url=masked_url(one.url)) if one.url else one for one in spec.actions])


def masked_url(url: str) -> str:
    """Return an address without what is secret. Two of the same place are told apart by some digits."""
    digits = hashlib.sha256(url.encode()).hexdigest()[:4]
    return f"{place(url)}/{MASK}{digits}"


def place(url: str) -> str:
    """Return where an address leads: scheme and, where it is known to be one, the host."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return f"{parts.scheme}:/"  # in other schemes the place of the host may hold a token
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


def unmasked(actions: Sequence[Action], known: Sequence[Action]) -> list[Action]:
    """Return actions with whole addresses. Raise `InvalidInput` for a masked one that is not of a `known` action."""
    whole = {(one.kind, masked_url(one.url)): one for one in known if one.url}
    found = []
    for number, action in enumerate(actions):
        if MASK in action.url and (action.kind, action.url) not in whole:
            right = "the whole address: what is shown of it is not it"
            raise InvalidInput("An address is masked.", fields={f"spec.actions.{number}.url": right})
        found.append(whole.get((action.kind, action.url), action))
    return found
