import math
from collections.abc import Callable

import pytest

from aiplat_jupyter.core.curves import CurveQuery
from aiplat_jupyter.core.errors import Conflict, InvalidInput, NotFound, OffsetConflict
from aiplat_jupyter.core.queries import ExperimentQuery
from aiplat_jupyter.core.records import ExperimentPatch, NewExperiment, NewPoints
from aiplat_jupyter.store import changes
from tests.services.frames import point, run, values
from tests.services.house import House
from tests.services.people import ADA, BOB


@pytest.fixture
def exp(house: House) -> House:
    house.experiments.create(ADA, NewExperiment(project="digits", uid="e"))
    return house


def test_points_make_the_first_attempt(exp: House):
    points = NewPoints(step=[1, 2, 2**53], wall=[10.0, 11.0, 12.0], values={"loss": [1.0, None, 0.5], "acc": [0, 1, 2]})
    assert exp.metrics.add(ADA, "e", points).offset == 3
    found = exp.experiments.get(ADA, "e")
    assert (found.status, found.attempts, found.headline.metric, found.headline.nan) == ("running", 1, "loss", 1)
    history = exp.metrics.history(ADA, "e")
    assert values(history)["acc"] == [(1, 0.0), (2, 1.0), (2**53, 2.0)]
    assert math.isnan(values(history)["loss"][1][1])
    assert [one.metric for one in exp.metrics.summaries(ADA, "e")] == ["acc", "loss"]
    assert exp.metrics.loss(ADA, "e")[0].loss == 1.0


def test_points_with_a_journal_are_taken_once(exp: House):
    points = NewPoints(step=[1, 2], values={"loss": [1.0, 2.0]}, journal="mine")
    assert exp.metrics.add(ADA, "e", points).offset == 2
    with pytest.raises(OffsetConflict) as caught:
        exp.metrics.add(ADA, "e", points)
    assert caught.value.offset == 2
    more = NewPoints(step=[3], values={"loss": [3.0]}, journal="mine", offset=2)
    assert exp.metrics.add(ADA, "e", more).offset == 3
    with pytest.raises(OffsetConflict):
        exp.metrics.add(ADA, "e", NewPoints(step=[3], values={"loss": [3.0]}, journal="other", offset=1))
    assert values(exp.metrics.history(ADA, "e"))["loss"] == [(1, 1.0), (2, 2.0), (3, 3.0)]
    exp.experiments.create(ADA, NewExperiment(project="digits", uid="e2"))
    with pytest.raises(Conflict):
        exp.metrics.add(ADA, "e2", NewPoints(step=[3], values={"loss": [3.0]}, journal="mine", offset=3))


@pytest.mark.parametrize(
    ("points", "field"),
    [
        (NewPoints(step=[1, 2], values={"loss": [1.0]}), "values.loss"),
        (NewPoints(step=[1], wall=[1.0, 2.0], values={"loss": [1.0]}), "wall"),
        *(
            (NewPoints(step=[1, 2], wall=[1.0, wall], values={"loss": [1.0, 2.0]}), "wall")
            for wall in (1e300, 1.7e12, -1.0, -1e300, float("nan"), float("inf"))
        ),
        (NewPoints(step=[2**63], values={"loss": [1.0]}), "step"),
        (NewPoints(step=[1], values={"": [1.0]}), "values"),
        (NewPoints(step=[1], values={"x" * 501: [1.0]}), "values"),
        (NewPoints(step=[1], values={"nul\x00": [1.0]}), "values"),
        (NewPoints(step=[1], values={"loss": [1.0]}, journal="../x"), "journal"),
        (NewPoints(step=[1], values={"loss": [1.0]}, journal=""), "journal"),
        (NewPoints(step=[1] * 1001, values={str(number): [1.0] * 1001 for number in range(1000)}), "values"),
    ],
)
def test_columns_that_cannot_be(exp: House, points: NewPoints, field: str):
    with pytest.raises(InvalidInput) as caught:
        exp.metrics.add(ADA, "e", points)
    assert field in caught.value.fields
    assert exp.experiments.get(ADA, "e").attempts == 0


def test_nothing_is_a_point_too_few(exp: House):
    assert exp.metrics.add(ADA, "e", NewPoints(step=[], values={})).offset == 0
    assert exp.metrics.summaries(ADA, "e") == []
    assert exp.metrics.loss(ADA, "e") == []


def test_curves_of_others_are_left_out(exp: House):
    exp.metrics.add(ADA, "e", NewPoints(step=[1], values={"loss": [1.0]}))
    exp.journals.append(BOB, "j", 0, run("j", experiment="bobs"))
    query = CurveQuery(experiments=["e", "bobs", "unknown"], metrics=["loss", "none"])
    assert [curve.experiment for curve in exp.metrics.query(ADA, query).curves] == ["e"]
    assert [curve.experiment for curve in exp.metrics.query(BOB, query).curves] == ["bobs"]
    for ask in (exp.metrics.summaries, exp.metrics.loss, exp.metrics.history):
        with pytest.raises(NotFound):
            ask(BOB, "e")
    with pytest.raises(InvalidInput):
        exp.metrics.query(ADA, CurveQuery(experiments=["e"] * 201, metrics=["loss"]))


def test_the_loss_is_that_of_the_list(exp: House):
    exp.metrics.add(ADA, "e", NewPoints(step=[1], values={"train/loss": [0.7], "epoch": [3.0]}))
    [point] = exp.metrics.loss(ADA, "e")
    assert (point.step, point.loss, point.epoch) == (1, 0.7, 3.0)


@pytest.mark.parametrize("last", [math.nan, math.inf, -math.inf])
def test_the_loss_of_a_run_that_diverged_is_its_last_finite_one(exp: House, last: float):
    losses = [1.0, 0.25, *[last] * 5000]
    exp.metrics.add(ADA, "e", NewPoints(step=list(range(len(losses))), values={"loss": losses}))
    [row] = exp.experiments.list(ADA, ExperimentQuery()).items
    assert row.loss_value == 0.25
    assert row.headline.last == pytest.approx(last, nan_ok=True)
    assert exp.experiments.update(ADA, "e", ExperimentPatch(status="failed")).loss_value == 0.25


def test_the_last_finite_loss_may_be_the_parents(exp: House):
    exp.journals.append(ADA, "j1", 0, run("j1", experiment="e"))
    later = run("j2", [], experiment="e", resume=True, from_step=2) + point(2, math.nan)
    exp.journals.append(ADA, "j2", 0, later)
    assert exp.experiments.get(ADA, "e").loss_value == 1.0


def test_a_run_without_a_finite_loss_has_none(exp: House):
    exp.metrics.add(ADA, "e", NewPoints(step=[1, 2], values={"loss": [math.nan, math.inf]}))
    assert exp.experiments.get(ADA, "e").loss_value is None


def test_points_tell_when_they_make_an_attempt_run(exp: House):
    points = NewPoints(step=[1], values={"loss": [1.0]})
    told = [kinds_told(exp, lambda: exp.metrics.add(ADA, "e", points)) for _ in range(2)]
    assert told == [{"points", "status"}, {"points"}]


def kinds_told(house: House, act: Callable[[], object]) -> set[str]:
    """Return the kinds of changes that `act` tells."""
    before = house.database.read_now(changes.latest)
    act()
    return {change.kind for change in house.database.read_now(lambda tx: changes.since(tx, before))}
