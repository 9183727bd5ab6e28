"""One rule on one target, as a pure step: state, a value and a moment in; the next state, and what is to be told, out.

No clock, no I/O. ``x`` is seconds since 1970, for ``diverges`` and ``plateau`` the step; what has lasted is counted up
from one value to the next, never taken from a difference to some earlier time, so a clock that is set back or ahead
neither fires nor forgets. A state is plain data: saved and loaded at any point, it goes on as if nothing had been.
"""

import math
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from aiplat_jupyter.core.alerts import Condition, RuleSpec, Severity

BAND: Final = 0.05
"""A threshold that has no clear threshold of its own is over this share of it on the good side."""
LONGEST_GAP: Final = 60.0
"""Seconds that a gap between two values counts at most: nobody knows what was in it."""
LONGEST_SILENCE: Final = 60.0
"""For how long (in x) there may be no value before that means what the rule says: one that is missing means nothing."""
BINS: Final = 120
"""In how many parts a window is kept."""
HUGE: Final = 1e300
"""Larger values count as that: sums and ratios stay finite, as a saved state must be."""
WORDLESS: Final[frozenset[Condition]] = frozenset({"not_finite", "failed"})
"""Conditions that are so or not so: of their thresholds only which one is given matters, none is ``warning``."""
IN_STEPS: Final[frozenset[Condition]] = frozenset({"diverges", "plateau"})
"""Conditions whose x is the step."""
HIGHER: Final = "max"
"""With this aggregate, ``diverges`` and ``plateau`` take higher values for better ones."""
_NAMES: Final[tuple[Severity, Severity]] = ("warning", "critical")

Kind = Literal["fired", "worsened", "eased", "reminded", "resolved"]


class Bin(NamedTuple):
    """Values of one part of a window: when it began, and their number, sum, least, largest and last."""

    x: float
    number: int
    sum: float
    min: float
    max: float
    last: float


class RuleState(Struct, frozen=True, omit_defaults=True):
    """What a rule knows of one target.

    Attributes
    ----------
    level : 0 is well, 1 fires as ``warning``, 2 as ``critical``.
    held : for how long there has been a warning, and a critical value; None: there is none now.
    good : for how long it has been on the good side, while it fires; None: it is not.
    silent : for how long there has been no value; None: there is one.
    told : for how long since it was last told.
    worst : the worst value since it fired (or began to be about to).
    best, best_x : of a metric that ``diverges`` or stays on a ``plateau``.
    """

    x: float | None = None
    level: int = 0
    held: tuple[float | None, float | None] = (None, None)
    good: float | None = None
    silent: float | None = None
    told: float = 0.0
    worst: float | None = None
    best: float | None = None
    best_x: float | None = None
    window: tuple[Bin, ...] = ()

    @property
    def is_firing(self) -> bool:
        """Whether it fires."""
        return self.level > 0

    @property
    def is_pending(self) -> bool:
        """Whether it is about to fire."""
        return self.level == 0 and self.held != (None, None)

    @property
    def is_idle(self) -> bool:
        """Whether nothing is lost when the state is forgotten, but for what a window or a best value would tell."""
        return self.level == 0 and self.held == (None, None)


class Told(NamedTuple):
    """What is to be told of a target. `value` is None where there was none."""

    kind: Kind
    severity: Severity
    value: float | None
    threshold: float | None


class Limits(NamedTuple):
    """A rule's thresholds by level, with what clears each, turned so that more is worse."""

    sign: float
    limits: tuple[float | None, float | None]
    clears: tuple[float | None, float | None]
    for_s: float

    def breached(self, value: float) -> int:
        """Return the level of a value by itself."""
        return _level(value * self.sign, self.limits)

    def not_cleared(self, value: float) -> int:
        """Return the level that a value keeps up if it was reached before."""
        return _level(value * self.sign, self.clears)

    @property
    def lowest(self) -> int:
        """The lowest level that there is."""
        return 1 if self.limits[0] is not None else 2

    def threshold(self, level: int) -> float | None:
        """Return the threshold of a level as people gave it."""
        limit = self.limits[level - 1]
        return None if limit is None else limit * self.sign


def _level(value: float, bounds: Sequence[float | None]) -> int:
    return max((level for level, bound in enumerate(bounds, 1) if bound is not None and value > bound), default=0)


def limits(spec: RuleSpec) -> Limits:
    """Return what a rule's values, as `measure` makes them, are held against."""
    sign = -1.0 if spec.condition == "below" else 1.0
    if spec.condition == "plateau":
        bound = spec.for_s - 0.5  # steps are whole: reached is over it
        chosen = _chosen(spec, bound)
        return Limits(sign, chosen, chosen, 0.0)
    if spec.condition in WORDLESS:
        chosen = _chosen(spec, 0.0)
        return Limits(sign, chosen, chosen, spec.for_s)
    given = (spec.warning, spec.critical), (spec.clear_warning, spec.clear_critical)
    turned = [None if bound is None else bound * sign for bound in given[0]]
    clears = [
        None if limit is None else limit - BAND * abs(limit) if clear is None else clear * sign
        for limit, clear in zip(turned, given[1], strict=True)
    ]
    return Limits(sign, (turned[0], turned[1]), (clears[0], clears[1]), spec.for_s)


def _chosen(spec: RuleSpec, bound: float) -> tuple[float | None, float | None]:
    return (None, bound) if spec.critical is not None and spec.warning is None else (bound, None)


class Stepped(NamedTuple):
    """What a value did: the next state, and what is to be told of it, if anything."""

    state: RuleState
    told: Told | None = None


def step(spec: RuleSpec, state: RuleState, x: float, value: float | None, longest_gap: float = LONGEST_GAP) -> Stepped:
    """Return what becomes of `state` by `value` (None: there is none) at `x`.

    Parameters
    ----------
    longest_gap : how much of x between two values counts at most.
    """
    elapsed = 0.0 if state.x is None else min(max(x - state.x, 0.0), longest_gap)
    state = _moved(state, x)
    state, measured = measure(spec, state, x, value)
    state = replace(state, silent=_lasted(state.silent, elapsed) if measured is None else None)
    if _is_kept(spec, state):
        return Stepped(state)
    bounds = limits(spec)
    breached, kept = _levels(spec, bounds, measured)
    state = _counted(state, elapsed, breached, kept)
    state = replace(state, worst=_worse(bounds, state, measured))
    return _decided(spec, bounds, state, measured)


def _is_kept(spec: RuleSpec, state: RuleState) -> bool:
    """Tell whether nothing follows: there is no value, and that means nothing, or nothing yet."""
    if state.silent is None or spec.no_data == "alert":
        return False
    return spec.no_data == "keep" or state.silent < LONGEST_SILENCE


def _lasted(before: float | None, elapsed: float) -> float:
    return 0.0 if before is None else before + elapsed


def measure(spec: RuleSpec, state: RuleState, x: float, value: float | None) -> tuple[RuleState, float | None]:
    """Return what the thresholds are held against, and the state that has seen it; None: no data.

    That is 0 or 1 where a condition is so or not so; how many times worse than its best a metric that may diverge is;
    for how many steps it was no better, where it may be on a plateau; else the aggregate over the window.
    """
    if spec.condition == "not_finite":
        return state, None if value is None else float(not math.isfinite(value))
    if value is None or not math.isfinite(value):
        return state, None
    value = min(max(value, -HUGE), HUGE)
    if spec.condition in IN_STEPS:
        return _against_best(spec, state, x, value)
    if spec.aggregate == "last" or spec.window_s <= 0:
        return state, value
    state = replace(state, window=_window(state.window, x, value, spec.window_s))
    return state, _aggregate(spec, state.window)


def _against_best(spec: RuleSpec, state: RuleState, x: float, value: float) -> tuple[RuleState, float | None]:
    is_better = state.best is None or (value > state.best if spec.aggregate == HIGHER else value < state.best)
    before = value if state.best is None else state.best
    if is_better:
        state = replace(state, best=value, best_x=x)
    if spec.condition == "plateau":
        return state, max(x - (x if state.best_x is None else state.best_x), 0.0)
    worse = before - value if spec.aggregate == HIGHER else value - before
    if not before:
        return state, 1.0 if worse <= 0 else None  # nothing is so many times as large as 0
    return state, min(1.0 + worse / abs(before), HUGE)


def _window(window: Sequence[Bin], x: float, value: float, length: float) -> tuple[Bin, ...]:
    kept = [part for part in window if part.x > x - length]
    if kept and x - kept[-1].x < length / BINS:
        last = kept.pop()
        grown = last.number + 1, last.sum + value, min(last.min, value), max(last.max, value), value
        return (*kept, Bin(last.x, *grown))
    return (*kept, Bin(x, 1, value, value, value, value))


def _aggregate(spec: RuleSpec, window: Sequence[Bin]) -> float:
    if spec.aggregate == "mean":
        return sum(part.sum for part in window) / sum(part.number for part in window)
    least, largest = min(part.min for part in window), max(part.max for part in window)
    if spec.aggregate == "delta":  # a rise or a fall; a counter that began anew has fallen
        return window[-1].last - (largest if spec.condition == "below" else least)
    return least if spec.aggregate == "min" else largest


def _moved(state: RuleState, x: float) -> RuleState:
    """Return the state at `x`: where x went back, all that is kept by x goes back with it."""
    if state.x is None or x >= state.x:
        return replace(state, x=x)
    back = state.x - x
    window = tuple(part._replace(x=part.x - back) for part in state.window)
    best_x = None if state.best_x is None else state.best_x - back
    return replace(state, x=x, window=window, best_x=best_x)


def _levels(spec: RuleSpec, bounds: Limits, measured: float | None) -> tuple[int, int]:
    """Return the level of what was measured, and that which it keeps up."""
    if measured is not None:
        return bounds.breached(measured), bounds.not_cleared(measured)
    level = bounds.lowest if spec.no_data == "alert" else 0
    return level, level


def _counted(state: RuleState, elapsed: float, breached: int, kept: int) -> RuleState:
    def held(level: int) -> float | None:
        before = state.held[level - 1]
        return None if breached < level else _lasted(before, elapsed)

    is_good = state.level > 0 and max(kept, breached) < state.level
    good = _lasted(state.good, elapsed) if is_good else None
    return replace(state, held=(held(1), held(2)), good=good, told=state.told + elapsed if state.level else 0.0)


def _worse(bounds: Limits, state: RuleState, measured: float | None) -> float | None:
    if state.is_idle:
        return None
    known = [value for value in (state.worst, measured) if value is not None]
    return max(known, key=lambda value: value * bounds.sign, default=None)


def _decided(spec: RuleSpec, bounds: Limits, state: RuleState, measured: float | None) -> Stepped:
    reached = max((level for level in (1, 2) if _has_lasted(bounds, state.held[level - 1])), default=0)
    if reached > state.level:
        return _told(bounds, state, reached, "fired" if not state.level else "worsened", measured)
    if state.good is not None and state.good >= spec.keep_firing_s:
        kept = _levels(spec, bounds, measured)[1]
        return _told(bounds, state, kept, "eased" if kept else "resolved", measured)
    if state.level and spec.repeat_s > 0 and state.told >= spec.repeat_s:
        return _told(bounds, state, state.level, "reminded", measured)
    return Stepped(state)


def _has_lasted(bounds: Limits, held: float | None) -> bool:
    return held is not None and held >= bounds.for_s


def _told(bounds: Limits, state: RuleState, level: int, kind: Kind, measured: float | None) -> Stepped:
    named = level or state.level
    told = Told(kind, _NAMES[named - 1], state.worst if kind == "resolved" else measured, bounds.threshold(named))
    after = replace(state, level=level, good=None, told=0.0)
    return Stepped(after if level else replace(after, held=(None, None), worst=None), told)


def ended(state: RuleState) -> RuleState:
    """Return the state of a target that is gone, or that someone has dealt with: well, with its best value."""
    return RuleState(x=state.x, best=state.best, best_x=state.best_x)
