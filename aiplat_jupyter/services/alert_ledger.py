"""What rules know of their targets, in the memory of the server that looks at them, and what follows from a value.

Said exactly once: what a rule knows is in a row of the database, and whoever says something of a target must have known
that row as it is (how often it has fired, and what it has not taken back) in the same transaction; all writing is one
transaction after the other. So of two servers that look at the same experiment, or of two that both believe to lead an
agent, the slower one finds that the row has moved, says nothing, and goes on from the row. In between, states are
written every `SAVE_SECONDS`: a server that dies has at most that of a ``for`` to wait anew, and what fires is in the
database at once.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace
from sqlalchemy import Connection

from aiplat_jupyter.core.alert_rules import LONGEST_GAP, WORDLESS, Kind, Told, ended, limits, step
from aiplat_jupyter.core.alerts import Alert, RuleSpec, Severity, Target
from aiplat_jupyter.store import alert_rules, alert_targets, alerts, changes
from aiplat_jupyter.store.alert_rules import Found, Standing
from aiplat_jupyter.store.database import Database

SAVE_SECONDS: Final = 10.0


class Point(NamedTuple):
    """A value of a target: at which x, when, and at which step if it has one."""

    x: float
    value: float | None
    at: float
    step: int | None = None


class Run(NamedTuple):
    """What is new of one target of a rule.

    Attributes
    ----------
    agent : whose server alone looks at the target; None: any may.
    project_id : of an experiment or task.
    best : best value so far and its x, where the rule should go by that.
    is_over : nothing more will come of the target.
    is_gone : there is no such target now, or nothing to look at; it may come back.
    """

    rule: Found
    target: Target
    points: Sequence[Point]
    gap: float = LONGEST_GAP
    agent: str | None = None
    project_id: int | None = None
    attempt: str | None = None
    step: int | None = None
    best: tuple[float, float] | None = None
    is_over: bool = False
    is_gone: bool = False


class Saying(NamedTuple):
    """What is to be told of a target, and the point that it is about."""

    told: Told
    point: Point


class Outcome(NamedTuple):
    """What became of a run: how the rule stood before and stands now, and what there is to say."""

    run: Run
    before: Standing
    after: Standing
    sayings: Sequence[Saying]


class Notice(NamedTuple):
    """Something that was said: what, and by which rule."""

    kind: Kind
    rule: Found
    alert: Alert


class Ledger:
    """How rules stand with their targets. `agent` is the uid of whose targets the server looks at; `tell` hears."""

    def __init__(self, database: Database, agent: str, tell: Callable[[Sequence[Notice]], None]) -> None:
        self._database = database
        self._agent = agent
        self._tell = tell
        self._standings: dict[int, dict[str, Standing]] = {}
        self._saved: dict[tuple[int, str], Standing] = {}
        self._over: set[tuple[int, str]] = set()
        self._lock = asyncio.Lock()
        self.rules: list[Found] = []
        self.is_loaded = False

    async def load(self) -> None:
        """Read the rules, and how those stand with their targets that were not known in this version."""

        def ask(tx: Connection) -> tuple[list[Found], Mapping[tuple[int, str], Standing]]:
            found = alert_rules.every(tx, enabled=True)
            known = {(rule.id, rule.version) for rule in self.rules} if self.is_loaded else set()
            fresh = [rule.id for rule in found if (rule.id, rule.version) not in known]
            return found, alert_rules.standings(tx, fresh, self._agent)

        async with self._lock:
            self._take(*await self._database.read(ask))

    def _take(self, rules: list[Found], standings: Mapping[tuple[int, str], Standing]) -> None:
        versions = {rule.id: rule.version for rule in self.rules} if self.is_loaded else {}
        kept = {rule.id for rule in rules if versions.get(rule.id) == rule.version}
        self._standings = {number: known for number, known in self._standings.items() if number in kept}
        self._saved = {key: one for key, one in self._saved.items() if key[0] in kept}
        for (number, key), standing in standings.items():
            self._standings.setdefault(number, {})[key] = standing
            self._saved[number, key] = standing
        self.rules, self.is_loaded = rules, True

    def unload(self) -> None:
        """Forget everything: another server looks from now on."""
        self._standings.clear()
        self._saved.clear()
        self.rules, self.is_loaded = [], False

    def known(self, rule: Found) -> Mapping[str, Standing]:
        """Return how a rule stands with its targets, by key."""
        return self._standings.get(rule.id, {})

    def standing(self, rule: Found, key: str) -> Standing | None:
        """Return how a rule stands with a target; None if it does not know it."""
        return self._standings.get(rule.id, {}).get(key)

    async def feed(self, runs: Iterable[Run]) -> None:
        """Take what is new of targets, and say what follows. Nothing is taken if the database does not answer."""
        async with self._lock:
            self._tell(await self._feed(runs))

    async def _feed(self, runs: Iterable[Run]) -> list[Notice]:
        outcomes = [_stepped(run, self.standing(run.rule, run.target.key) or Standing()) for run in runs]
        news = [one for one in outcomes if one.sayings]
        adopted: Sequence[Standing | None] = []
        notices: list[Notice] = []
        if news:
            adopted, notices = await self._database.write(lambda tx: _say_all(tx, news))
        for one in outcomes:
            self._put(one.run, one.after)
        for one, standing in zip(news, adopted, strict=True):
            self._put(one.run, standing)
            if standing is not None:
                self._saved[one.run.rule.id, one.run.target.key] = standing
        return notices

    def _put(self, run: Run, standing: Standing | None) -> None:
        own, key = self._standings.setdefault(run.rule.id, {}), (run.rule.id, run.target.key)
        (self._over.add if run.is_over else self._over.discard)(key)
        if standing is None or (run.is_over and key not in self._saved):
            own.pop(run.target.key, None)
        else:
            own[run.target.key] = standing

    async def save(self, *, everything: bool = False) -> None:
        """Write what has changed since it was last written; `everything`: windows of targets that are well, too."""
        async with self._lock:
            await self._save(everything)
            for number, key in self._over:
                self._standings.get(number, {}).pop(key, None)
                self._saved.pop((number, key), None)
            self._over.clear()

    async def _save(self, everything: bool) -> None:
        changed = [
            (number, key, standing)
            for number, own in self._standings.items()
            for key, standing in own.items()
            if self._is_worth_saving(number, key, standing, everything)
        ]
        if not changed:
            return
        rows = await self._database.write(lambda tx: _save(tx, self.rules, changed))
        for (number, key, _), standing in zip(changed, rows, strict=True):
            if standing is None:
                self._standings[number].pop(key, None)
                self._saved.pop((number, key), None)
            else:
                self._standings[number][key] = self._saved[number, key] = standing

    def _is_worth_saving(self, number: int, key: str, standing: Standing, everything: bool) -> bool:
        saved = self._saved.get((number, key))
        if saved == standing:
            return False
        has_more = standing.step is not None or (everything and bool(standing.state.window))
        if standing.state.is_idle and saved is not None and saved.state.is_idle and not has_more:
            return False
        return saved is not None or has_more or not standing.state.is_idle


def _stepped(run: Run, before: Standing) -> Outcome:
    state, sayings, spec = before.state, [], run.rule.spec
    if run.best is not None:
        state = replace(state, best=run.best[0], best_x=run.best[1])
    for point in run.points:
        state, told = step(spec, state, point.x, point.value, run.gap)
        if told:
            sayings.append(Saying(told, point))
    if run.is_over or run.is_gone:
        if state.is_firing:
            last = run.points[-1] if run.points else Point(0.0, None, time.time())
            severity: Severity = "critical" if state.level == 2 else "warning"
            told = Told("resolved", severity, state.worst, limits(spec).threshold(state.level))
            sayings.append(Saying(told, last))
        state = ended(state)
    after = before._replace(state=state, agent=run.agent, attempt=run.attempt, step=run.step)
    return Outcome(run, before, after, sayings)


def _say_all(tx: Connection, news: Sequence[Outcome]) -> tuple[list[Standing | None], list[Notice]]:
    """Write and say what there is to say, of what is still as it was known; return how each then stands."""
    versions = alert_rules.versions(tx, (one.run.rule.id for one in news))
    standings: list[Standing | None] = []
    notices: list[Notice] = []
    for one in news:
        rule = one.run.rule
        known = alert_rules.standing(tx, rule.id, one.run.target.key) or Standing()
        if versions.get(rule.id) != rule.version:
            standings.append(None)
        elif (known.number, known.event) != (one.before.number, one.before.event):
            standings.append(known)
        else:
            standings.append(_say(tx, one, notices))
    return standings, notices


def _say(tx: Connection, one: Outcome, notices: list[Notice]) -> Standing:
    standing, rule = one.after, one.run.rule
    for saying in one.sayings:
        if saying.told.kind == "reminded" and alerts.is_acknowledged(tx, standing.event):
            continue
        if saying.told.kind == "fired":
            standing = _fire(tx, one.run, standing, saying)
        elif standing.event is not None:
            _change(tx, rule.spec, standing.event, saying)
        if standing.event is not None and (alert := alerts.get(tx, standing.event)):
            notices.append(Notice(saying.told.kind, rule, alert))
            kind: changes.Kind = "created" if saying.told.kind == "fired" else "updated"
            changes.of_alerts(tx, kind, alerts.named(tx, alerts.of_uids([standing.event])))
        if saying.told.kind == "resolved":
            standing = standing._replace(event=None)
    alert_rules.keep(tx, rule.id, one.run.target.key, standing)
    return standing


def _fire(tx: Connection, run: Run, standing: Standing, saying: Saying) -> Standing:
    rule, told, point = run.rule, saying.told, saying.point
    number = standing.number + 1
    moment = point.step if point.step is not None else round(point.at)
    occurrence = f"{rule.uid}/{rule.version}/{run.target.key}/{moment}/{number}"
    if alerts.is_said(tx, occurrence):
        return standing._replace(number=number, event=None)
    spec = rule.spec
    values = {
        "occurrence": occurrence,
        "rule": rule.uid,
        "name": rule.name,
        "preset": rule.preset,
        "subject": spec.subject,
        "severity": told.severity,
        "metric": _metric(spec, run.target),
        "condition": spec.condition,
        **_measured(spec, told),
        "text": _unlike_numbers(spec, point.value),
        "for_s": spec.for_s,
        "step": point.step,
        "fired_at": point.at,
        "is_silenced": rule.silenced_until > time.time(),
    }
    return standing._replace(number=number, event=alerts.say(tx, values, _located(tx, run.target), run.project_id))


def _metric(spec: RuleSpec, target: Target) -> str:
    """Return what was looked at: of an experiment the metric by its own name."""
    return target.key.partition("/")[2] if spec.subject == "experiment" else spec.metric


def _unlike_numbers(spec: RuleSpec, value: float | None) -> str:
    """Return what is not finite as a word: columns and JSON have no numbers for it."""
    return str(value) if spec.condition == "not_finite" and value is not None else ""


def _located(tx: Connection, target: Target) -> Target:
    """Return the target with what an experiment runs in."""
    if target.experiment is None or target.kernel or target.task:
        return target
    runs_in = alert_targets.whereabouts(tx, target.experiment)
    return replace(target, kernel=runs_in.kernel, notebook=runs_in.notebook, task=runs_in.task)


def _change(tx: Connection, spec: RuleSpec, event: str, saying: Saying) -> None:
    told = saying.told
    if told.kind == "resolved":
        alerts.resolve(tx, alerts.of_uids([event]), saying.point.at)
        alerts.change(tx, event, {} if told.value is None else {"value": _measured(spec, told)["value"]})
    else:
        alerts.change(tx, event, {"severity": told.severity, **_measured(spec, told)})
    if told.kind == "worsened":  # what was acknowledged was not this
        alerts.change(tx, event, {"acknowledged_at": None, "acknowledged_by": ""})
    if told.kind == "reminded":
        alerts.count_again(tx, event)


def _measured(spec: RuleSpec, told: Told) -> dict[str, float | None]:
    """Return value and threshold as columns; what is so or not so has none."""
    if spec.condition in WORDLESS:
        return {"value": None, "threshold": None}
    return {"value": told.value, "threshold": None if spec.condition == "plateau" else told.threshold}


def _save(
    tx: Connection, rules: Sequence[Found], changed: Sequence[tuple[int, str, Standing]]
) -> list[Standing | None]:
    versions = alert_rules.versions(tx, (number for number, _, _ in changed))
    current = {rule.id: rule.version for rule in rules}
    wordless = {rule.id for rule in rules if rule.spec.condition in WORDLESS}
    rows: list[Standing | None] = []
    for number, key, standing in changed:
        known = alert_rules.standing(tx, number, key) or Standing()
        if versions.get(number) != current.get(number):
            rows.append(None)
        elif (known.number, known.event) != (standing.number, standing.event):
            rows.append(known)
        else:
            alert_rules.keep(tx, number, key, standing)
            if standing.event is not None and standing.state.worst is not None and number not in wordless:
                alerts.change(tx, standing.event, {"value": standing.state.worst})
            rows.append(standing)
    return rows
