"""How curves are looked at, and the controls that say so."""

import math
from typing import Any, Final, cast, get_args

import msgspec
from msgspec import Struct

from aiplat_jupyter.core.curves import Smoothing
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.widgets.domains import Range


class Knob(Struct, frozen=True):
    """Usual value and range of a smoothing method's parameter."""

    value: float
    min: float
    max: float
    step: float
    disabled: bool = False


KNOBS: Final[dict[str, Knob]] = {
    "none": Knob(0.6, 0.0, 1.0, 0.1, disabled=True),
    "twema": Knob(0.6, 0.0, 0.999, 0.001),
    "ema": Knob(0.6, 0.0, 0.999, 0.001),
    "gaussian": Knob(2.0, 0.5, 100.0, 0.5),
    "mean": Knob(10.0, 1.0, 200.0, 1.0),
}
AXES: Final = ("step", "metric:epoch", "relative", "wall")
CHECKS: Final = ("y_log", "x_log", "band", "cut_outliers")
_INTERVALS: Final = {"interval": {"x", "x_log"}, "y_interval": {"y_log", "cut_outliers"}}
"""What a zoom was made in, and ends with."""
_SHAPING: Final = ("interval", "y_interval", "y_log", "cut_outliers", "hidden", "band", "x")


class Look(Struct, frozen=True, kw_only=True):
    """How the curves are looked at. Intervals are in units of the drawn axis: logarithms on a log axis.

    `hidden`, `kept` (in colour among grey ones) and `hovered` name curves by their keys.
    """

    x: str = "step"
    smoothing: Smoothing = "twema"
    weight: float = 0.6
    band: bool = True
    x_log: bool = False
    y_log: bool = False
    cut_outliers: bool = False
    interval: Range | None = None
    y_interval: Range | None = None
    width: int = 700
    hidden: frozenset[str] = frozenset()
    kept: frozenset[str] = frozenset()
    hovered: str | None = None

    def bounds(self) -> tuple[float | None, float | None]:
        """Return the interval in units of x."""
        if self.interval is None:
            return None, None
        low, high = self.interval
        return (10.0**low, 10.0**high) if self.x_log else (low, high)

    def same_y(self, other: "Look") -> bool:
        """Tell whether a range of y that suited `other` may go on."""
        return all(getattr(self, name) == getattr(other, name) for name in _SHAPING)


def changed(look: Look, **what: Any) -> Look:
    """Return `look` with some of it changed.

    Another method brings its usual weight, another axis ends a zoom. Raise `InvalidInput` for what makes no sense.
    """
    if what.get("weight", ...) is None or ("smoothing" in what and "weight" not in what):
        method = what.get("smoothing", look.smoothing)
        what["weight"] = _known("smoothing", method, KNOBS)[method].value
    for name, frame in _INTERVALS.items():
        if frame & what.keys() and name not in what:
            what[name] = None
        if what.get(name) is not None:
            what[name] = tuple(map(float, what[name]))
    new = msgspec.structs.replace(look, **what)
    _check(new)
    return new


def _known(field: str, value: object, among: Any) -> Any:
    if value not in among:
        raise InvalidInput(f"There is no {field} {value!r}.", fields={field: f"one of {', '.join(map(str, among))}"})
    return among


def _check(look: Look) -> None:
    _known("smoothing", look.smoothing, KNOBS)
    if not look.x.startswith("metric:"):
        _known("x", look.x, AXES)
    knob = KNOBS[look.smoothing]
    if not knob.disabled and not knob.min <= look.weight <= max(knob.max, 1e6 if knob.min else 0):
        raise InvalidInput(f"A weight of {look.weight} is out of range.", fields={"weight": f"{knob.min}–{knob.max}"})
    for name in _INTERVALS:
        interval = getattr(look, name)
        if interval and not (all(map(math.isfinite, interval)) and interval[0] < interval[1]):
            raise InvalidInput("The interval is empty.", fields={name: "two finite numbers, the smaller one first"})


def controls(look: Look) -> list[dict[str, Any]]:
    """Return the row of controls for the bar."""
    axes = [*AXES, *([look.x] if look.x not in AXES else [])]
    return [
        {"name": "x", "kind": "choice", "label": "x", "options": axes},
        {"name": "smoothing", "kind": "choice", "label": "smooth", "options": list(get_args(Smoothing))},
        {"name": "weight", "kind": "range", "label": ""},
        *({"name": name, "kind": "check", "label": name} for name in CHECKS),
    ]


def values(look: Look) -> dict[str, Any]:
    """Return what the controls show."""
    plain = {name: {"value": getattr(look, name)} for name in ("x", "smoothing", *CHECKS)}
    knob = cast("dict[str, Any]", msgspec.to_builtins(KNOBS[look.smoothing]))
    return {**plain, "weight": {**knob, "value": look.weight}}


def saved(look: Look) -> dict[str, Any]:
    """Return the look by the names of the page's charts, which show the curve when there is no kernel."""
    return {
        "x": look.x,
        "xLog": look.x_log,
        "yLog": look.y_log,
        "band": look.band,
        "outliers": look.cut_outliers,
        "smoothing": look.smoothing,
        "weight": look.weight,
    }


def axes(look: Look, label: str) -> dict[str, Any]:
    """Return what the overlay needs to label the axes; `label` says what the values are."""
    kind = "metric" if look.x.startswith("metric:") else look.x
    return {
        "x": {"kind": kind, "label": look.x.removeprefix("metric:"), "log": look.x_log},
        "y": {"label": label, "log": look.y_log},
    }
