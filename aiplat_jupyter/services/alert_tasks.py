"""What the queue means to the rules that watch tasks."""

import math
import time
from collections.abc import Iterator, Sequence
from typing import Final

from sqlalchemy import Connection

from aiplat_jupyter.services.alert_experiments import may_watch
from aiplat_jupyter.services.alert_ledger import Ledger, Point, Run
from aiplat_jupyter.services.alert_replay import task_target, usual_duration
from aiplat_jupyter.store import alert_targets
from aiplat_jupyter.store.alert_rules import Found
from aiplat_jupyter.store.alert_targets import Task

NEWS_SECONDS: Final = 3_600.0
"""A failure that is longer ago when it is first looked at is no news."""
_ON_PURPOSE: Final = ("after", "backoff")
"""Reasons for which a task waits without waiting for its turn."""
_REMEMBERED_SECONDS: Final = 600.0
_FORMER: Final = 20


class Tasks:
    """Looks at the tasks of an agent (row and uid) for the rules of a ledger."""

    def __init__(self, ledger: Ledger, agent_id: int, agent: str) -> None:
        self._ledger = ledger
        self._agent_id = agent_id
        self._agent = agent
        self._usual: dict[tuple[int, str], tuple[float, float | None]] = {}

    @property
    def rules(self) -> list[Found]:
        """Rules that watch tasks."""
        return [rule for rule in self._ledger.rules if rule.spec.subject == "task"]

    def look(self, tx: Connection, now: float) -> list[Run]:
        """Return what is new of the agent's tasks."""
        rules = [rule for rule in self.rules if _concerns_agent(rule, self._agent)]
        conditions = {rule.spec.condition for rule in rules}
        live = alert_targets.live_tasks(tx, self._agent_id) if conditions & {"waits", "overdue"} else []
        failed = alert_targets.failed_tasks(tx, self._agent_id, now - NEWS_SECONDS) if "failed" in conditions else []
        runs: list[Run] = []
        for rule in rules:
            seen = failed if rule.spec.condition == "failed" else live
            own = [task for task in seen if _concerns(tx, rule, task)]
            runs += self._failures(tx, rule, own) if seen is failed else self._durations(tx, rule, own, now)
        return runs

    def _durations(self, tx: Connection, rule: Found, tasks: Sequence[Task], now: float) -> Iterator[Run]:
        told = set[str]()
        for task in tasks:
            value = self._waited(task, now) if rule.spec.condition == "waits" else self._share(tx, task, now)
            if value is not None:
                told.add(task.uid)
                yield self._run(rule, task, task.uid, Point(now, value, now))
        yield from self._gone(rule, told, now)

    def _waited(self, task: Task, now: float) -> float | None:
        is_waiting = task.state == "queued" and task.reason not in _ON_PURPOSE
        return max(now - task.created_at, 0.0) if is_waiting else None

    def _share(self, tx: Connection, task: Task, now: float) -> float | None:
        if task.state != "running" or task.started_at is None:
            return None
        key = task.project_id, task.name
        at, usual = self._usual.get(key, (-math.inf, None))
        if time.monotonic() - at > _REMEMBERED_SECONDS:
            usual = usual_duration(alert_targets.durations(tx, task, _FORMER))
            self._usual[key] = time.monotonic(), usual
        return max(now - task.started_at, 0.0) / usual if usual else None

    def _gone(self, rule: Found, told: set[str], now: float) -> Iterator[Run]:
        for key, standing in self._ledger.known(rule).items():
            if key not in told and not standing.state.is_idle:
                target = task_target(_nameless(key, self._agent))
                yield Run(rule, target, [Point(now, None, now)], agent=self._agent, is_over=True)

    def _failures(self, tx: Connection, rule: Found, tasks: Sequence[Task]) -> Iterator[Run]:
        """Yield those that failed and of which nothing was said, those to remind of, and those that are tried again."""
        for task in tasks:
            key = f"{task.uid}/{task.attempt}"
            if (task.ended_at or 0.0) >= rule.since and self._ledger.standing(rule, key) is None:
                at = task.ended_at or time.time()
                yield self._run(rule, task, key, Point(at, 1.0, at))
        firing = [key for key, standing in self._ledger.known(rule).items() if standing.state.is_firing]
        current = {f"{one.uid}/{one.attempt}": one for one in alert_targets.tasks(tx, [_uid(key) for key in firing])}
        now = time.time()
        for key in current.keys() & firing if rule.spec.repeat_s else ():
            yield self._run(rule, current[key], key, Point(now, 1.0, now))
        for key in set(firing) - current.keys():
            target = task_target(_nameless(_uid(key), self._agent), key)
            yield Run(rule, target, [Point(now, 0.0, now)], agent=self._agent, is_over=True)

    def _run(self, rule: Found, task: Task, key: str, point: Point) -> Run:
        return Run(rule, task_target(task, key), [point], agent=self._agent, project_id=task.project_id)


def _uid(key: str) -> str:
    return key.partition("/")[0]


def _nameless(uid: str, agent: str) -> Task:
    """Return a task of which nothing is needed but who it is: it is not looked at any more."""
    return Task(uid, uid, "", 0, "", agent, "", "", None, "", 0.0, None, None)


def _concerns_agent(rule: Found, agent: str) -> bool:
    return not rule.spec.scope.agents or agent in rule.spec.scope.agents


def _concerns(tx: Connection, rule: Found, task: Task) -> bool:
    scope = rule.spec.scope
    if (scope.tasks and task.uid not in scope.tasks) or (scope.projects and task.project not in scope.projects):
        return False
    return may_watch(tx, rule, task.project_id)
