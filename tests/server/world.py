"""A small world for tests that go through the whole route table, and how to ask each route about it."""

from itertools import groupby
from typing import Any, NamedTuple

from aiplat_jupyter.core.frames import Changed, Raised, encode
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.pytest_plugin import Answer, Ask
from aiplat_jupyter.server.route import Route
from aiplat_jupyter.server.routes import ROUTES
from tests.server.journals import opened, points


class Case(NamedTuple):
    """How to ask a route, and the least role that it takes in the project it is about (None: it is about none)."""

    role: str | None
    body: Any = None
    query: dict[str, Any] = {}
    hides: bool = True
    """A stranger is told that it does not exist; False: the answer is empty instead."""


DIVERGES = {"subject": "experiment", "metric": "loss", "condition": "diverges", "warning": 3.0}
SCHEDULED = {"project": "another", "kind": "command", "command": ["true"]}
ENDED = {
    *("DELETE tasks/{uid}", "POST tasks/{uid}/purge", "POST tasks/{uid}/retry", "POST tasks/{uid}/{verb}"),
    *("DELETE projects/{uid}", "POST projects/{uid}/purge", "POST projects/{uid}/{verb}"),
    "GET tasks/{uid}/logs/stream",
}
"""Routes that take a task that has ended."""
CREATES = {"auth/token", "experiments", "tasks", "tasks/check", "schedules", "alerts/rules"}
"""Paths to which a POST leaves what is there as it was, and can be repeated."""
CASES = {
    "GET server": Case(None),
    "GET openapi": Case(None),
    "POST auth/token": Case(None, {"name": "mine"}),
    "GET auth/tokens": Case(None),
    "DELETE auth/tokens/{uid}": Case(None),
    "GET projects": Case(None),
    "POST projects": Case(None, {"name": "NAME"}),
    "POST projects/bulk": Case("viewer", {"verb": "archive", "uids": ["PROJECT"]}, hides=False),
    "GET projects/{uid}": Case("viewer"),
    "PATCH projects/{uid}": Case("owner", {"description": "new"}),
    "DELETE projects/{uid}": Case("owner"),
    "POST projects/{uid}/purge": Case("owner"),
    "POST projects/{uid}/{verb}": Case("owner"),
    "GET projects/{uid}/members": Case("viewer"),
    "PUT projects/{uid}/members/{username}": Case("owner", {"role": "viewer"}),
    "DELETE projects/{uid}/members/{username}": Case("owner"),
    "GET experiments": Case(None),
    "POST experiments": Case(None, {"project": "another"}),
    "POST experiments/bulk": Case("viewer", {"verb": "archive", "uids": ["EXPERIMENT"]}, hides=False),
    "GET experiments/counts": Case(None),
    "GET experiments/{uid}": Case("viewer"),
    "PATCH experiments/{uid}": Case("editor", {"notes": "new"}),
    "DELETE experiments/{uid}": Case("editor"),
    "POST experiments/{uid}/purge": Case("owner"),
    "POST experiments/{uid}/stop": Case("editor"),
    "POST experiments/{uid}/points": Case("editor", {"step": [1], "values": {"loss": [1.0]}}),
    "POST experiments/{uid}/{verb}": Case("editor"),
    "GET experiments/{uid}/loss": Case("viewer"),
    "GET experiments/{uid}/metrics": Case("viewer"),
    "GET experiments/{uid}/history": Case("viewer"),
    "GET metrics/query": Case("viewer", query={"experiments": "EXPERIMENT", "metrics": "loss"}, hides=False),
    "GET journals/{uid}": Case("viewer"),
    "POST journals/{uid}/frames": Case("editor", b"", {"offset": "OFFSET"}),
    "GET tasks": Case(None),
    "POST tasks": Case(None, {"project": "another", "kind": "command", "command": ["true"]}),
    "POST tasks/bulk": Case("viewer", {"verb": "stop", "uids": ["TASK"]}, hides=False),
    "POST tasks/check": Case(None, {"project": "another", "kind": "command", "command": ["true"]}),
    "GET tasks/counts": Case(None),
    "GET tasks/{uid}": Case("viewer"),
    "PATCH tasks/{uid}": Case("editor", {"name": "new"}),
    "DELETE tasks/{uid}": Case("editor"),
    "POST tasks/{uid}/purge": Case("owner"),
    "POST tasks/{uid}/stop": Case("editor", {}),
    "POST tasks/{uid}/retry": Case("editor"),
    "POST tasks/{uid}/clone": Case("editor"),
    "POST tasks/{uid}/{verb}": Case("editor"),
    "GET tasks/{uid}/notebook": Case("viewer"),
    "GET tasks/{uid}/logs": Case("viewer"),
    "GET tasks/{uid}/logs/search": Case("viewer", query={"q": "x"}),
    "GET tasks/{uid}/logs/stream": Case("viewer"),
    "GET tasks/{uid}/logs/download": Case("viewer"),
    "GET agents": Case(None),
    "POST agents/{uid}/pause": Case("agent"),
    "POST agents/{uid}/resume": Case("agent"),
    "GET schedules": Case(None),
    "POST schedules": Case(None, {"name": "n", "cron": "0 0 1 1 *", "task": SCHEDULED}),
    "GET schedules/{uid}": Case("viewer"),
    "PATCH schedules/{uid}": Case("editor", {"name": "new"}),
    "DELETE schedules/{uid}": Case("editor"),
    "POST schedules/{uid}/run": Case("editor"),
    "GET gpu/status": Case(None),
    "GET gpu/history": Case(None),
    "GET alerts/rules": Case(None),
    "POST alerts/rules": Case("editor", {"name": "n", "scope": {"projects": ["PROJECT"]}, **DIVERGES}),
    "POST alerts/rules/test": Case(None, {"spec": {"scope": {"projects": ["PROJECT"]}, **DIVERGES}}),
    "GET alerts/rules/{uid}": Case("viewer"),
    "PATCH alerts/rules/{uid}": Case("owner", {"name": "new"}),
    "DELETE alerts/rules/{uid}": Case("owner"),
    "POST alerts/rules/{uid}/reset": Case("agent"),
    "GET alerts/events": Case(None),
    "GET alerts/events/counts": Case(None),
    "POST alerts/events/acknowledge": Case("viewer", {"uids": ["ALERT"]}, hides=False),
    "GET alerts/events/{uid}": Case("viewer"),
    "POST alerts/events/{uid}/acknowledge": Case("editor"),
    "GET events": Case(None, query={"wait": 0}),
}


NOUNS = {noun: list(routes) for noun, routes in groupby(ROUTES, key=lambda route: route.path.partition("/")[0])}
"""The routes of each noun."""


class World(NamedTuple):
    """A project with an experiment that logged and raised an alert, a queued task, a schedule, a rule, and its members.

    The agent is paused, so that the task stays where it is.
    """

    project: str
    experiment: str
    journal: str
    offset: int
    task: str
    schedule: str
    agent: str
    rule: str
    alert: str

    def fill(self, value: Any) -> Any:
        """Put the world's uids where a case names them."""
        if isinstance(value, dict):
            return {key: self.fill(item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.fill(item) for item in value]
        uids = {"PROJECT": self.project, "EXPERIMENT": self.experiment, "OFFSET": self.offset, "NAME": self.journal}
        return (uids | {"TASK": self.task, "ALERT": self.alert}).get(str(value), value)


async def build(ask: Ask) -> World:
    """Make a world that belongs to ``owner``, or to the local account."""
    headers = {"X-Person": "owner"}
    uid, journal = new_uid(), new_uid()
    await ask("POST", "projects", {"name": uid, "uid": uid}, status=201, headers=headers)
    for role in ("viewer", "editor"):
        await ask("PUT", f"projects/{uid}/members/{role}", {"role": role}, headers=headers)
    alert = Changed(alert=Raised(uid=uid, title="look", wall=1.0))
    frames = opened(journal + "-x", journal, project=uid) + points(["loss", "epoch"], [(0.5, 0.0), (0.25, 1.0)])
    frames += encode(alert)
    await ask("POST", f"journals/{journal}/frames", frames, offset=0, headers=headers)
    (agent,) = (await ask("GET", "agents", headers=headers)).record
    await ask("POST", f"agents/{agent['uid']}/pause", headers={"X-Person": agent["username"]})
    scheduled = SCHEDULED | {"project": uid}
    schedule = {"name": "n", "cron": "0 0 1 1 *", "task": scheduled, "uid": uid}
    await ask("POST", "tasks", scheduled | {"uid": uid}, status=201, headers=headers)
    await ask("POST", "schedules", schedule, status=201, headers=headers)
    rule = {"name": "n", "uid": uid, "scope": {"projects": [uid]}, **DIVERGES}
    await ask("POST", "alerts/rules", rule, status=201, headers=headers)
    return World(uid, journal + "-x", journal, len(frames), uid, uid, agent["uid"], uid, uid)


class Worlds:
    """Builds a world when there is none, or when the last one may have been changed."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._world: World | None = None

    async def world(self) -> World:
        """Return a world as it was built."""
        if self._world is None:
            self._world = await build(self._ask)
        return self._world

    async def send(self, route: Route, headers: dict[str, str], token: str = "") -> Answer:
        """Ask a route about a world that nothing was done to, as `send` does."""
        answer = await send(self._ask, route, await self.world(), headers, token)
        if name(route) in ENDED or route.path.endswith("/purge") or (answer.status < 300 and is_lasting(route)):
            self._world = None
        return answer


def is_lasting(route: Route) -> bool:
    """Tell whether what the route does may stand in the way of another one: not a new record, nor a new text in one."""
    return route.method in {"PUT", "DELETE"} or (route.method == "POST" and route.path not in CREATES)


def name(route: Route) -> str:
    """Return the key of a route in `CASES`."""
    return f"{route.method} {route.path}"


async def send(ask: Ask, route: Route, world: World, headers: dict[str, str], token: str = "") -> Answer:
    """Ask a route about the world; `token` is the uid of a token that it may revoke."""
    case = CASES[name(route)]
    noun = route.path.partition("/")[0]
    uids = {"projects": world.project, "experiments": world.experiment, "journals": world.journal}
    uids |= {"tasks": world.task, "schedules": world.schedule, "agents": world.agent}
    uid = uids.get(noun, token)
    if noun == "alerts":
        uid = "preset-gpu_lost" if route.path.endswith("/reset") else world.rule
    path = route.path.replace("{uid}", uid).replace("{verb}", "archive").replace("{username}", "viewer")
    if name(route) in ENDED:
        await ask("POST", f"tasks/{world.task}/stop", {}, headers={"X-Person": "owner"}, status=None)
    if route.path.endswith("/purge"):
        await ask("DELETE", f"{noun}/{uid}", headers={"X-Person": "owner"}, status=None)
    body, query = world.fill(case.body), world.fill(case.query)
    return await ask(route.method, path, body, headers=headers, status=None, **query)
