"""One rule on one target: tables of series, and what must hold whatever comes."""

import math
from collections.abc import Sequence
from typing import Any, Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiplat_jupyter.core.alert_presets import PRESETS
from aiplat_jupyter.core.alert_rules import BINS, RuleState, ended, limits, step
from aiplat_jupyter.core.alerts import RuleSpec

NAN = math.nan
Series = list[tuple[float, float | None]]


def rule(**more: Any) -> RuleSpec:
    return RuleSpec(**{"subject": "gpu", "metric": "temperature", "condition": "above"} | more)


NEW: Final = RuleState()


def told(spec: RuleSpec, series: Series, state: RuleState = NEW, **more: Any) -> list[tuple[float, str, str]]:
    """Return when what was told of a series, and as what."""
    found = []
    for x, value in series:
        state, said = step(spec, state, x, value, **more)
        if said:
            found.append((x, said.kind, said.severity))
    return found


def every(seconds: float, *values: float | None) -> Series:
    return [(index * seconds, value) for index, value in enumerate(values)]


HOT = rule(warning=80.0, critical=90.0)
CASES: dict[str, tuple[RuleSpec, Series, list[tuple[float, str, str]]]] = {
    "at once": (HOT, every(1, 70, 81, 81), [(1, "fired", "warning")]),
    "not at the threshold": (HOT, every(1, 80, 80, 80), []),
    "critical at once": (HOT, every(1, 95), [(0, "fired", "critical")]),
    "worse, eased, over": (
        HOT,
        every(1, 85, 95, 84, 70),
        [(0, "fired", "warning"), (1, "worsened", "critical"), (2, "eased", "warning"), (3, "resolved", "warning")],
    ),
    "stays in the band": (HOT, every(1, 81, 79, 77, 76.5, 79), [(0, "fired", "warning")]),
    "over behind the band": (HOT, every(1, 81, 76), [(0, "fired", "warning"), (1, "resolved", "warning")]),
    "a band of its own": (
        rule(warning=80.0, clear_warning=60.0),
        every(1, 81, 61, 60),
        [(0, "fired", "warning"), (2, "resolved", "warning")],
    ),
    "below": (
        rule(condition="below", warning=10.0),
        every(1, 11, 9, 10.4, 10.5),
        [(1, "fired", "warning"), (3, "resolved", "warning")],
    ),
    "below zero": (
        rule(condition="below", warning=-10.0),
        every(1, -9, -11, -9.6, -9.5),
        [(1, "fired", "warning"), (3, "resolved", "warning")],
    ),
    "for": (rule(warning=80.0, for_s=3), every(1, 81, 81, 81, 81), [(3, "fired", "warning")]),
    "for begins anew": (rule(warning=80.0, for_s=2), every(1, 81, 81, 79, 81, 81, 81), [(5, "fired", "warning")]),
    "for of each level": (
        rule(warning=80.0, critical=90.0, for_s=2),
        every(1, 85, 95, 95, 95),
        [(2, "fired", "warning"), (3, "worsened", "critical")],
    ),
    "keeps firing": (
        rule(warning=80.0, keep_firing_s=2),
        every(1, 81, 10, 10, 81, 10, 10, 10),
        [(0, "fired", "warning"), (6, "resolved", "warning")],
    ),
    "reminds": (
        rule(warning=80.0, repeat_s=2),
        every(1, 81, 81, 81, 81, 81, 70),
        [(0, "fired", "warning"), (2, "reminded", "warning"), (4, "reminded", "warning"), (5, "resolved", "warning")],
    ),
    "critical alone": (
        rule(critical=0.0),
        every(1, 0, 1, 0),
        [(1, "fired", "critical"), (2, "resolved", "critical")],
    ),
    "a value that is missing ends nothing": (HOT, every(10, 81, None, 81, None, None, 81), [(0, "fired", "warning")]),
    "nor a wait": (rule(warning=80.0, for_s=30), every(10, 81, None, 81, None, 81, 81), [(50, "fired", "warning")]),
    "nor one that came long after the last": (HOT, every(600, 81, None, 81), [(0, "fired", "warning")]),
    "no data for a minute ends it": (
        HOT,
        every(20, 81, None, None, None, None, 81),
        [(0, "fired", "warning"), (80, "resolved", "warning"), (100, "fired", "warning")],
    ),
    "no data for a minute ends the wait": (
        rule(warning=80.0, for_s=40),
        every(20, 81, 81, None, None, None, None, 81, 81),
        [],
    ),
    "no data is kept": (
        rule(warning=80.0, for_s=2, no_data="keep"),
        every(1, 81, None, None, None, 81, 81),
        [(5, "fired", "warning")],
    ),
    "no data is an alert": (
        rule(critical=80.0, for_s=1, no_data="alert"),
        every(1, 70, None, None, 70),
        [(2, "fired", "critical"), (3, "resolved", "critical")],
    ),
    "NaN is no data": (HOT, every(60, 81, NAN, NAN), [(0, "fired", "warning"), (120, "resolved", "warning")]),
    "mean": (
        rule(warning=10.0, aggregate="mean", window_s=3),
        every(1, 0, 0, 30, 30, 30),
        [(3, "fired", "warning")],
    ),
    "min": (rule(warning=10.0, aggregate="min", window_s=3), every(1, 0, 20, 20, 20), [(3, "fired", "warning")]),
    "max": (
        rule(warning=10.0, aggregate="max", window_s=3),
        every(1, 0, 20, 0, 0, 0),
        [(1, "fired", "warning"), (4, "resolved", "warning")],
    ),
    "a counter rises": (
        rule(critical=0.0, aggregate="delta", window_s=3),
        every(1, 7, 7, 8, 8, 8, 8),
        [(2, "fired", "critical"), (4, "resolved", "critical")],
    ),
    "a counter begins anew": (
        rule(critical=0.0, aggregate="delta", window_s=10),
        every(1, 7, 0, 0, 1),
        [(3, "fired", "critical")],
    ),
    "not finite": (
        rule(condition="not_finite"),
        every(1, 1, NAN, math.inf, 1),
        [(1, "fired", "warning"), (3, "resolved", "warning")],
    ),
    "not finite is critical": (
        rule(condition="not_finite", critical=1.0),
        every(1, -math.inf),
        [(0, "fired", "critical")],
    ),
    "failed": (rule(condition="failed"), every(1, 0, 1, 1), [(1, "fired", "warning")]),
    "diverges": (
        rule(condition="diverges", warning=3.0, for_s=2),
        every(1, 1.0, 0.5, 1.4, 1.6, 1.6, 1.6, 0.6),
        [(5, "fired", "warning"), (6, "resolved", "warning")],
    ),
    "diverges below zero": (
        rule(condition="diverges", warning=3.0),
        every(1, -2.0, 1.9, 2.1),
        [(2, "fired", "warning")],
    ),
    "diverges from zero": (rule(condition="diverges", warning=3.0), every(1, 0.0, 9.0, 0.0), []),
    "accuracy diverges": (
        rule(condition="diverges", warning=1.5, aggregate="max"),
        every(1, 0.1, 0.8, 0.5, 0.3),
        [(3, "fired", "warning")],
    ),
    "plateau": (
        rule(condition="plateau", for_s=3),
        every(1, 5, 4, 4, 4.5, 4, 3),
        [(4, "fired", "warning"), (5, "resolved", "warning")],
    ),
    "accuracy on a plateau": (
        rule(condition="plateau", for_s=2, aggregate="max", critical=1.0),
        every(1, 0.1, 0.2, 0.1, 0.1),
        [(3, "fired", "critical")],
    ),
    "a gap counts little": (
        rule(warning=80.0, for_s=100),
        [(0, 81), (3600, 81), (3640, 81)],
        [(3640, "fired", "warning")],
    ),
    "the clock is set back": (
        rule(warning=80.0, for_s=3),
        [(1000, 81), (1001, 81), (1, 81), (2, 81), (3, 81)],
        [(3, "fired", "warning")],
    ),
    "the clock is set back within a window": (
        rule(warning=10.0, aggregate="max", window_s=3),
        [(1000, 20), (1, 0), (2, 0), (3, 0), (4, 0)],
        [(1000, "fired", "warning"), (4, "resolved", "warning")],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_what_is_told_of_a_series(name: str) -> None:
    spec, series, expected = CASES[name]
    assert told(spec, series) == expected


def test_a_resolved_alert_tells_its_worst_value() -> None:
    state, said = step(HOT, RuleState(), 0, 85)
    assert said is not None
    assert (said.value, said.threshold) == (85, 80)
    state, _ = step(HOT, state, 1, 99)
    _, said = step(HOT, step(HOT, state, 2, 85).state, 3, 10)
    assert said is not None
    assert (said.kind, said.value) == ("resolved", 99)


def test_a_gap_in_steps_counts_whole() -> None:
    spec = rule(condition="diverges", warning=3.0, for_s=500)
    series: Series = [(0, 1), (1000, 9), (2000, 9)]
    assert told(spec, series) == []
    assert told(spec, series, longest_gap=math.inf) == [(2000, "fired", "warning")]


def test_a_window_stays_small() -> None:
    spec, state = rule(warning=1e9, aggregate="mean", window_s=600), RuleState()
    for x in range(5_000):
        state, _ = step(spec, state, x / 5, 1.0)
    assert len(state.window) <= BINS + 1


def test_a_target_that_is_dealt_with_is_well() -> None:
    state = step(HOT, RuleState(), 0, 85).state
    assert not ended(state).is_firing
    assert told(HOT, [(1, 70), (2, 85)], ended(state)) == [(2, "fired", "warning")]


def test_every_preset_can_fire() -> None:
    for name, preset in PRESETS.items():
        bounds = limits(preset.spec)
        assert any(bound is not None for bound in bounds.limits), name
        assert preset.spec.condition != "above" or preset.spec.metric, name


# Whatever comes

values = st.one_of(st.none(), st.floats(0, 120), st.floats(), st.just(NAN))
moves = st.one_of(st.sampled_from([1.0, 2.0, 4.0]), st.floats(-5, 90))
moments = st.lists(st.tuples(moves, values), min_size=1, max_size=60)


@st.composite
def specs(
    draw: st.DrawFn,
    conditions: Sequence[str] = ("above", "below", "not_finite", "diverges", "plateau"),
    aggregates: Sequence[str] = ("last", "mean", "min", "max", "delta"),
) -> RuleSpec:
    condition = draw(st.sampled_from(conditions))
    warning, critical = sorted([draw(st.floats(1, 100)), draw(st.floats(1, 100))], reverse=condition == "below")
    return rule(
        condition=condition,
        warning=draw(st.sampled_from([warning, None])),
        critical=critical,
        for_s=draw(st.sampled_from([0.0, 5.0, 30.0])),
        keep_firing_s=draw(st.sampled_from([0.0, 10.0])),
        repeat_s=draw(st.sampled_from([0.0, 20.0])),
        aggregate=draw(st.sampled_from(aggregates)),
        window_s=draw(st.sampled_from([0.0, 20.0])),
        no_data=draw(st.sampled_from(["ignore", "keep", "alert"])),
    )


plain = specs(["above", "below", "not_finite"], ["last"])
"""Rules on the newest value alone, of which anyone can tell whether it is bad."""


def is_beyond(spec: RuleSpec, value: float | None) -> bool:
    """Tell whether a value by itself is bad."""
    assert value is not None
    given = [bound for bound in (spec.warning, spec.critical) if bound is not None]
    match spec.condition:
        case "not_finite":
            return not math.isfinite(value)
        case "above":
            return value > min(given)
        case _:
            return value < max(given)


def at(moves: list[tuple[float, float | None]]) -> Series:
    """Return a series whose clock mostly goes on, and is set back now and then."""
    x, series = 0.0, []
    for move, value in moves:
        x += move
        series.append((x, value))
    return series


@given(plain, moments)
def test_nothing_fires_before_its_time(spec: RuleSpec, moves: list[tuple[float, float | None]]) -> None:
    """Add up for how long values were bad: those that are missing leave it as it was."""
    state, bad_for, since = RuleState(), 0.0, None
    for x, value in at(moves):
        is_missing = value is None or (spec.condition != "not_finite" and not math.isfinite(value))
        is_bad = spec.no_data == "alert" if is_missing else is_beyond(spec, value)
        if is_bad:
            bad_for += 0.0 if since is None else max(x - since, 0.0)
            since = x
        elif is_missing and since is not None:
            since = x
        else:
            bad_for, since = 0.0, None
        state, said = step(spec, state, x, value)
        if said and said.kind == "fired":
            assert is_bad
            assert bad_for >= spec.for_s - 1e-9


@given(plain, moments)
def test_what_was_bad_for_its_time_fires(spec: RuleSpec, moves: list[tuple[float, float | None]]) -> None:
    bad = {"above": 200.0, "below": -1.0}.get(spec.condition, NAN)
    series = at(moves)
    state = RuleState()
    for x, value in [*series, (series[-1][0] + 1.0, bad), (series[-1][0] + 32.0, bad)]:
        state, _ = step(spec, state, x, value)
    assert state.is_firing


@given(specs(), moments)
def test_what_is_told_makes_sense(spec: RuleSpec, moves: list[tuple[float, float | None]]) -> None:
    level = 0
    for _, kind, severity in told(spec, at(moves)):
        named = ["", "warning", "critical"].index(severity)
        match kind:
            case "fired":
                assert level == 0
            case "worsened":
                assert named > level > 0
            case "eased":
                assert 0 < named < level
            case _:
                assert named == level > 0
        level = 0 if kind == "resolved" else named


@given(st.lists(st.floats(76.1, 80.0), max_size=50))
def test_nothing_flaps_inside_the_band(inside: list[float]) -> None:
    spec = rule(warning=80.0)
    assert told(spec, every(1, *inside)) == []
    assert told(spec, every(1, 81, *inside)) == [(0, "fired", "warning")]


@given(specs(), moments, st.integers(0, 60))
def test_a_state_that_is_saved_and_loaded_goes_on(
    spec: RuleSpec, moves: list[tuple[float, float | None]], split: int
) -> None:
    series, state = at(moves), RuleState()
    for x, value in series[:split]:
        state = step(spec, state, x, value).state
    loaded = msgspec.json.decode(msgspec.json.encode(state), type=RuleState)
    assert loaded == state
    assert told(spec, series[split:], loaded) == told(spec, series[split:], state)
