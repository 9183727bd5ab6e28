"""What new points mean to the rules that watch experiments.

A rule on a metric sees every new point of the current attempt (at most `POINTS` at a time, the rest with the next
look); a rule on every metric sees the newest value of those that the database finds suspicious, at most `MOST` of one
experiment: what is well costs nothing, however many metrics there are.
"""

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sqlalchemy import Connection

from aiplat_jupyter.core.alert_rules import HIGHER, IN_STEPS, limits
from aiplat_jupyter.core.alerts import RuleSpec
from aiplat_jupyter.core.records import Identity
from aiplat_jupyter.core.states import LIVE
from aiplat_jupyter.services.alert_ledger import Ledger, Point, Run
from aiplat_jupyter.services.alert_replay import experiment_target
from aiplat_jupyter.store import alert_targets, projects
from aiplat_jupyter.store.alert_rules import Found, Standing
from aiplat_jupyter.store.alert_targets import Experiment, Suspect
from aiplat_jupyter.store.segments import Samples, to_seconds
from aiplat_jupyter.store.series import Standing as Summary

POINTS: Final = 20_000
MOST: Final = 20
STALE_SECONDS: Final = 3_600.0
"""Points that come later than that after they were logged, as from a journal that was found, are no news."""
EVERY: Final = "*"


class Seen(NamedTuple):
    """What a look found.

    Attributes
    ----------
    more : the experiments of which there is more to see.
    arrivals : of attempts that go on: how many points of each metric had come.
    """

    runs: list[Run]
    more: list[str]
    arrivals: dict[str, dict[str, int]]


class Experiments:
    """Looks at experiments for the rules of a ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._arrivals: dict[str, dict[str, int]] = {}

    @property
    def rules(self) -> list[Found]:
        """Rules that watch experiments."""
        return [rule for rule in self._ledger.rules if rule.spec.subject == "experiment"]

    @property
    def are_timed(self) -> bool:
        """Whether some rule has to look although nothing comes."""
        return any(rule.spec.condition == "silent" for rule in self.rules)

    @property
    def to_remind_of(self) -> set[str]:
        """Experiments that rules remind of although nothing comes."""
        known = [self._ledger.known(rule) for rule in self.rules if _reminds(rule)]
        return {key.partition("/")[0] for own in known for key, one in own.items() if one.state.is_firing}

    def look(self, tx: Connection, uids: Sequence[str], now: float) -> Seen:
        """Return what is new of these experiments."""
        seen = Seen([], [], {})
        for experiment in alert_targets.experiments(tx, uids):
            rules = [rule for rule in self.rules if _concerns(tx, rule, experiment)]
            look = _Look(tx, self._ledger, experiment, rules, now, self._arrivals.get(experiment.attempt, {}))
            seen.runs.extend(look.runs())
            seen.arrivals[experiment.attempt] = look.arrivals
            if look.is_more:
                seen.more.append(experiment.uid)
        return seen

    def note(self, seen: Seen) -> None:
        """Remember what was seen, once what follows from it is said."""
        for attempt, arrivals in seen.arrivals.items():
            self._arrivals.pop(attempt, None)
            if arrivals:
                self._arrivals[attempt] = arrivals
        while len(self._arrivals) > alert_targets.MOST_RUNNING:
            del self._arrivals[next(iter(self._arrivals))]


def _concerns(tx: Connection, rule: Found, experiment: Experiment) -> bool:
    scope = rule.spec.scope
    if scope.experiments and experiment.uid not in scope.experiments:
        return False
    if scope.projects and experiment.project not in scope.projects:
        return False
    return may_watch(tx, rule, experiment.project_id)


def may_watch(tx: Connection, rule: Found, project_id: int) -> bool:
    """Tell whether a rule's owner may edit a project, as they must be able to have it watched."""
    if rule.is_everywhere:
        return True
    return projects.role(tx, Identity(username=rule.owner), project_id) in ("owner", "editor")


class _Look:
    """One look at one experiment."""

    def __init__(
        self,
        tx: Connection,
        ledger: Ledger,
        experiment: Experiment,
        rules: Sequence[Found],
        now: float,
        before: Mapping[str, int],
    ) -> None:
        self._tx = tx
        self._ledger = ledger
        self._experiment = experiment
        self._named = [(rule, name) for rule in rules if (name := _metric(rule, experiment)) is not None]
        self._everywhere = [rule for rule in rules if rule.spec.metric == EVERY]
        self._now = now
        self._lines = alert_targets.lines(tx, experiment.attempt_id, {name for _, name in self._named})
        self._summaries = {name: line.standing for name, line in self._lines.items()}
        self._before = before
        self._read: dict[str, Samples] | None = None
        self._is_over = experiment.status not in LIVE or experiment.lifecycle == "trashed"
        self.is_more = False

    @property
    def arrivals(self) -> dict[str, int]:
        """How many points of each metric have come, unless no more will."""
        return {} if self._is_over else {name: line.arrivals for name, line in self._lines.items()}

    def runs(self) -> Iterator[Run]:
        for rule, name in self._named:
            if summary := self._summaries.get(name):
                yield from self._of_metric(rule, name, summary)
        for rule in self._everywhere:
            yield from self._of_every_metric(rule)

    def _of_metric(self, rule: Found, name: str, summary: Summary) -> Iterator[Run]:
        standing = self._ledger.standing(rule, self._key(name))
        match rule.spec.condition:
            case "silent":
                points = [self._silence(summary)]
                yield self._run(rule, name, points, summary.last_step)
            case "plateau":
                newest = self._newest(rule, name, summary)
                yield self._run(rule, name, [newest], summary.last_step, _best(rule, summary))
            case _:
                yield from self._of_points(rule, name, summary, standing)

    def _of_points(self, rule: Found, name: str, summary: Summary, standing: Standing | None) -> Iterator[Run]:
        behind = self._behind(rule, summary, standing)
        is_new = standing is None or standing.attempt != self._experiment.attempt
        again = Samples.none() if is_new else self._again(rule, name, behind)
        is_seen = behind is not None and summary.last_step is not None and summary.last_step <= behind
        if is_seen and not is_new and not len(again.step):
            if self._is_over and standing is not None:
                yield self._run(rule, name, [], behind)
            elif self._goes_on(rule, standing):
                yield self._run(rule, name, [self._newest(rule, name, summary)], behind)
            return
        if is_new and not self._is_news(summary):
            return
        samples = self._arrived(name, behind)
        step = int(samples.step[-1]) if len(samples.step) else behind
        samples = Samples.joined([again, samples])
        best = _best(rule, summary) if standing is None and behind is not None else None
        if standing is None or standing.state.is_idle:
            known = best if best or standing is None else (standing.state.best, standing.state.best_x)
            samples, best = news(rule.spec, samples, known)
        yield self._run(rule, name, self._points(rule, samples), step, best)

    def _points(self, rule: Found, samples: Samples) -> list[Point]:
        in_steps = rule.spec.condition in IN_STEPS
        columns = samples.step.tolist(), to_seconds(samples.wall).tolist(), samples.value.tolist()
        return [
            Point(float(step) if in_steps else wall, value, wall, step)
            for step, wall, value in zip(*columns, strict=True)
            if wall > self._now - STALE_SECONDS
        ]

    def _behind(self, rule: Found, summary: Summary, standing: Standing | None) -> int | None:
        """Return the step behind which nothing was seen yet: of an attempt that began before the rule, the last."""
        if standing is not None and standing.attempt == self._experiment.attempt:
            return standing.step
        if standing is None and self._experiment.started_at < rule.since:
            return summary.last_step
        return None

    def _arrived(self, name: str, behind: int | None) -> Samples:
        if self._read is None:
            self._read = alert_targets.arrived(self._tx, self._experiment, self._wanted(), POINTS)
        samples = self._read.get(name, Samples.none())
        self.is_more |= len(samples.step) >= POINTS
        return samples if behind is None else samples.take(samples.step > behind)

    def _again(self, rule: Found, name: str, behind: int | None) -> Samples:
        """Return the points that came since the last look at steps that were passed before, as in another epoch.

        A rule whose time is the step has seen the steps.
        """
        line = self._lines[name]
        number = line.arrivals - self._before.get(name, line.arrivals)
        if behind is None or number <= 0 or rule.spec.condition in IN_STEPS:
            return Samples.none()
        samples = alert_targets.latest(self._tx, line, number)
        return samples.take(samples.step <= behind)

    def _wanted(self) -> dict[str, int | None]:
        """Return the metrics of which something came, each with the step behind which some rule has seen nothing."""
        wanted: dict[str, int | None] = {}
        for rule, name in self._named:
            summary = self._summaries.get(name)
            if summary is None or rule.spec.condition in ("silent", "plateau"):
                continue
            behind = self._behind(rule, summary, self._ledger.standing(rule, self._key(name)))
            known = wanted.get(name, behind)
            wanted[name] = None if behind is None or known is None else min(behind, known)
        last = {name: summary.last_step for name, summary in self._summaries.items()}
        return {name: step for name, step in wanted.items() if step is None or step < (last[name] or step + 1)}

    def _of_every_metric(self, rule: Found) -> Iterator[Run]:
        suspects = alert_targets.suspects(self._tx, self._experiment.attempt_id, rule.spec, self._now, MOST)
        found = {self._key(one.metric): one for one in suspects}
        for one in found.values():
            if self._is_news(one.standing) or self._ledger.standing(rule, self._key(one.metric)):
                yield self._of_suspect(rule, one)
        yield from self._of_former_suspects(rule, found.keys())

    def _of_former_suspects(self, rule: Found, found: Container[str]) -> Iterator[Run]:
        prefix = self._key("")
        known = {key: one for key, one in self._ledger.known(rule).items() if key.startswith(prefix)}
        names = [key.removeprefix(prefix) for key, one in known.items() if key not in found and not one.state.is_idle]
        summaries = alert_targets.standings(self._tx, self._experiment.attempt_id, names) if names else {}
        for name in names:
            if summary := summaries.get(name):
                yield self._of_suspect(rule, Suspect(name, summary))
            else:
                yield self._run(rule, name, [], None)._replace(is_gone=True)

    def _is_news(self, summary: Summary) -> bool:
        return summary.last_wall is None or summary.last_wall > self._now - STALE_SECONDS

    def _of_suspect(self, rule: Found, one: Suspect) -> Run:
        summary = one.standing
        if rule.spec.condition == "silent":
            return self._run(rule, one.metric, [self._silence(summary)], summary.last_step)
        best = _best(rule, summary) if rule.spec.condition in IN_STEPS else None
        return self._run(rule, one.metric, [self._newest(rule, one.metric, summary)], summary.last_step, best)

    def _goes_on(self, rule: Found, standing: Standing | None) -> bool:
        """Tell whether a rule reminds of what still fires, as it does while nothing new comes."""
        return _reminds(rule) and not self._is_over and standing is not None and standing.state.is_firing

    def _newest(self, rule: Found, metric: str, summary: Summary) -> Point:
        at, step = summary.last_wall or self._now, summary.last_step or 0
        if self._goes_on(rule, self._ledger.standing(rule, self._key(metric))):
            at = self._now
        in_steps = rule.spec.condition in IN_STEPS
        return Point(float(step) if in_steps else at, summary.last, at, step)

    def _silence(self, summary: Summary) -> Point:
        for_s = self._now - (summary.last_wall or self._now)
        return Point(self._now, for_s, self._now, summary.last_step)

    def _run(
        self,
        rule: Found,
        metric: str,
        points: Sequence[Point],
        step: int | None,
        best: tuple[float, float] | None = None,
    ) -> Run:
        return Run(
            rule,
            experiment_target(self._experiment, metric),
            points,
            gap=math.inf,
            project_id=self._experiment.project_id,
            attempt=self._experiment.attempt,
            step=step,
            best=best,
            is_over=self._is_over,
        )

    def _key(self, metric: str) -> str:
        return experiment_target(self._experiment, metric).key


def _reminds(rule: Found) -> bool:
    return rule.spec.repeat_s > 0 and rule.spec.condition not in IN_STEPS


def _metric(rule: Found, experiment: Experiment) -> str | None:
    if rule.spec.metric == EVERY:
        return None
    return rule.spec.metric or experiment.loss


def news(
    spec: RuleSpec, samples: Samples, best: tuple[float | None, float | None] | None
) -> tuple[Samples, tuple[float, float] | None]:
    """Return the points from the first on that is a reason for an alert, and the last; and the best value before them.

    For a rule that knows of nothing wrong: points that are well lead to nothing, so they are passed over all at once.
    """
    if not len(samples.step) or not (spec.aggregate == "last" or spec.condition in IN_STEPS or not spec.window_s):
        return samples, None
    value = np.where(np.isfinite(samples.value), samples.value, np.nan)
    if spec.condition == "diverges":
        return _from_worse(spec, samples, value, best)
    bounds, lowest = limits(spec), _lowest(spec)
    bad = np.isnan(value) if spec.condition == "not_finite" else value * bounds.sign > lowest
    return samples.take(slice(_first(bad), None)), None


def _lowest(spec: RuleSpec) -> float:
    """Return the threshold that is reached first."""
    return min((bound for bound in limits(spec).limits if bound is not None), default=math.inf)


def _first(bad: npt.NDArray[np.bool_]) -> int:
    """Return where the first is, or the last of all."""
    return int(bad.argmax()) if bad.any() else len(bad) - 1


def _from_worse(
    spec: RuleSpec,
    samples: Samples,
    value: npt.NDArray[np.float64],
    best: tuple[float | None, float | None] | None,
) -> tuple[Samples, tuple[float, float] | None]:
    sign = -1.0 if spec.aggregate == HIGHER else 1.0
    known = math.inf if best is None or best[0] is None else best[0] * sign
    at = math.nan if best is None or best[1] is None else best[1]
    turned = np.concatenate([[known], np.where(np.isnan(value), np.inf, value * sign)])
    before = np.minimum.accumulate(turned)[:-1]
    lowest = _lowest(spec)
    with np.errstate(invalid="ignore"):
        bad = (value * sign - before > (lowest - 1.0) * np.abs(before)) & np.isfinite(before)
    first = _first(bad)
    if not np.isfinite(before[first]):
        return samples.take(slice(first, None)), None
    where = int(turned[: first + 1].argmin())
    best_x = at if where == 0 else float(samples.step[where - 1])
    return samples.take(slice(first, None)), (float(before[first]) * sign, best_x)


def _best(rule: Found, summary: Summary) -> tuple[float, float] | None:
    is_higher = rule.spec.aggregate == HIGHER
    best, step = (summary.max, summary.max_step) if is_higher else (summary.min, summary.min_step)
    return None if best is None or step is None else (best, float(step))
