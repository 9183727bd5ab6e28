"""Points that come late keep a line's summary right without its being counted again."""

import math

import pytest

from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.store import metrics, series
from aiplat_jupyter.store.database import Database
from tests.store.points import batch, experiment


def logged(database: Database, *commits: tuple[list[int], list[float]]) -> SeriesSummary:
    """Return the summary after these commits of steps and values, on top of a folded one of 5,000 points."""
    attempt = database.write_now(experiment)
    first = batch(["loss"], range(0, 10_000, 2), [[step % 1000] for step in range(0, 10_000, 2)])
    database.write_now(lambda tx: metrics.append(tx, attempt, [first]))
    for steps, values in commits:
        database.write_now(
            lambda tx, steps=steps, values=values: metrics.append(tx, attempt, [batch(["loss"], steps, values)])
        )
    return database.read_now(lambda tx: metrics.summaries(tx, [attempt]))[attempt][0]


def never(*_: object) -> None:
    pytest.fail("The line was counted again.")


def test_late_and_repeated_steps_are_counted_by_what_they_replace(database, monkeypatch):
    monkeypatch.setattr(series, "recount", never)
    found = logged(
        database,
        ([11_000], [5]),
        ([7, 10], [-1, math.nan]),  # one new, one in a segment
        ([11_000, 10], [math.inf, 3]),  # one in a tail, one that was in a segment and a tail
        ([4001], [-1]),  # as low as the lowest, at a later step
    )
    assert (found.count, found.nan, found.infinite) == (5003, 0, 1)
    assert (found.last, found.last_step) == (math.inf, 11_000)
    assert (found.min, found.min_step, found.max, found.max_step) == (-1, 7, 998, 998)


def test_a_line_is_counted_again_when_its_extreme_is_replaced(database):
    found = logged(database, ([998], [1]), ([0], [2]))
    assert (found.count, found.min, found.min_step, found.max, found.max_step) == (5000, 0, 1000, 998, 1998)
