"""Alerts and their rules: what may be done to them, and by whom."""

import time
from typing import Any, Final

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection

from aiplat_jupyter.core.alert_presets import PRESETS
from aiplat_jupyter.core.alerts import (
    MAX_RULES,
    Alert,
    AlertBulk,
    AlertCounts,
    AlertQuery,
    NewRule,
    Rule,
    RulePatch,
    RuleReplay,
    RuleSpec,
    RuleTest,
)
from aiplat_jupyter.core.errors import AiplatError, Conflict, Forbidden, InvalidInput, NotFound
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.problems import to_problem
from aiplat_jupyter.core.records import BulkResult, Identity, Page
from aiplat_jupyter.services import access, alert_specs, limits
from aiplat_jupyter.services.alert_replay import Replay
from aiplat_jupyter.services.bulk import MAX_UIDS
from aiplat_jupyter.store import alert_rules, alerts, changes, projects, tombstones
from aiplat_jupyter.store.database import Database

_LATEST: Final = 4e9
"""Seconds since 1970 that a silence may last to at most."""


class Alerts:
    """The rules of alerts: what machines say concerns everyone, what experiments and tasks say those who see them.

    Rules on GPUs and machines, and the default ones, are changed by administrators and the account of this machine;
    a rule on experiments or tasks by its owner, who must be an editor of the projects that it names. A rule that
    names none watches the projects that its owner may edit.
    """

    def __init__(self, database: Database, local: Identity, replay: Replay) -> None:
        self._database = database
        self._local = local
        self._replay = replay

    async def rules(self, who: Identity) -> list[Rule]:
        """Return the rules that `who` may see, default ones first."""
        access.require(who, "read")

        def ask(tx: Connection) -> list[Rule]:
            seen = [found for found in alert_rules.every(tx) if self._may_see(tx, who, found)]
            counted = alert_rules.counts(tx, [found.id for found in seen])
            return [self._shown(who, found, counted.get(found.id, (0, 0))) for found in seen]

        return await self._database.read(ask)

    async def rule(self, who: Identity, uid: str) -> Rule:
        """Return one rule."""
        access.require(who, "read")
        return await self._database.read(lambda tx: self._record(tx, who, uid))

    async def create(self, who: Identity, new: NewRule) -> tuple[Rule, bool]:
        """Add a rule, or answer the one with its uid; the flag tells whether it is new.

        Raise `InvalidInput` for one that cannot work, `Forbidden` for one that `who` may not make.
        """
        access.require(who, "write")
        uid = limits.uid(new.uid) or new_uid()
        name = limits.name("name", new.name)
        spec = alert_specs.checked(_spec(new))
        await alert_specs.refuse_unknown_channels(spec)

        def change(tx: Connection) -> tuple[Rule, bool]:
            tombstones.refuse_buried(tx, uid)
            known = alert_rules.find(tx, uid)
            if known is None:
                self._create(tx, who, uid, spec, {"name": name, "is_enabled": new.is_enabled})
            return self._record(tx, who, uid), known is None

        return await self._database.write(change)

    def _create(self, tx: Connection, who: Identity, uid: str, spec: RuleSpec, values: dict[str, Any]) -> None:
        if alert_rules.count(tx) >= MAX_RULES:
            raise Conflict(f"There are {MAX_RULES} rules already.", hint="Remove one, or let one watch more.")
        now = time.time()
        scope = self._scope_of(tx, who, spec)
        first = {"uid": uid, "owner": who.username, "since": now, "created_at": now, "updated_at": now}
        alert_rules.create(tx, {**scope, **values, **first, "spec": msgspec.to_builtins(spec)})
        changes.of_rule(tx, "created", uid)

    def _scope_of(self, tx: Connection, who: Identity, spec: RuleSpec) -> dict[str, Any]:
        """Return the columns that tell where a rule watches. Raise `Forbidden` or `NotFound` where `who` may not."""
        if spec.subject in ("gpu", "host"):
            self._require_operator(who)
            return {"is_everywhere": True, "projects": []}
        if any(action.kind == "interrupt_kernel" for action in spec.actions):
            self._require_operator(who)
        scope = spec.scope
        named = {access.project(tx, who, uid, "editor").uid for uid in scope.projects}
        named |= {access.experiment(tx, who, uid, "editor").project.uid for uid in scope.experiments}
        named |= {access.task(tx, who, uid, "editor").project.uid for uid in scope.tasks}
        return {"is_everywhere": who.is_admin, "projects": sorted(named)}

    def _require_operator(self, who: Identity) -> None:
        if not self._operates(who):
            raise Forbidden(
                "What watches machines, interrupts kernels or is a default rule is for administrators to set."
            )

    def _operates(self, who: Identity) -> bool:
        return who.is_admin or who.username == self._local.username

    async def update(self, who: Identity, uid: str, patch: RulePatch) -> Rule:
        """Change, switch or silence a rule.

        One that watches something else from now on, or is switched off, begins anew, and what it said is over.
        """
        values: dict[str, Any] = {}
        if patch.name is not UNSET:
            values["name"] = limits.name("name", patch.name)
        if patch.is_enabled is not UNSET:
            values["is_enabled"] = patch.is_enabled
        if patch.silenced_until is not UNSET:
            values["silenced_until"] = _moment(patch.silenced_until)
        if patch.spec is not UNSET:
            await alert_specs.refuse_unknown_channels(patch.spec)

        def change(tx: Connection) -> Rule:
            found = self._to_edit(tx, who, uid)
            after, more = found.spec, dict(values)
            if patch.spec is not UNSET:
                after = alert_specs.checked(patch.spec, found.spec.actions)
                more |= self._respecified(tx, who, found, after)
            is_enabled = more.get("is_enabled", found.is_enabled)
            if _watches_else(found.spec, after) or is_enabled != found.is_enabled:
                _let_go(tx, found)
            alert_rules.change(tx, found.id, more)
            changes.of_rule(tx, "updated", uid)
            return self._record(tx, who, uid)

        return await self._database.write(change)

    def _respecified(self, tx: Connection, who: Identity, found: alert_rules.Found, after: RuleSpec) -> dict[str, Any]:
        if found.preset and after.subject != found.spec.subject:
            right: dict[str, str] = {"spec.subject": found.spec.subject}
            raise InvalidInput("A default rule goes on watching what it does.", fields=right)
        scope = {} if found.preset else self._scope_of(tx, who, after)
        return {**scope, "spec": msgspec.to_builtins(after)}

    async def reset(self, who: Identity, uid: str) -> Rule:
        """Make a default rule what it was. Raise `Conflict` for any other."""

        def change(tx: Connection) -> Rule:
            found = self._to_edit(tx, who, uid)
            if found.preset not in PRESETS:
                raise Conflict("Only a default rule can be reset.", hint="Change it, or remove it.")
            _let_go(tx, found)
            alert_rules.change(tx, found.id, alert_rules.preset_values(PRESETS[found.preset]))
            changes.of_rule(tx, "updated", uid)
            return self._record(tx, who, uid)

        return await self._database.write(change)

    async def remove(self, who: Identity, uid: str) -> None:
        """Remove a rule; what it said stays, and is over. Raise `Conflict` for a default one."""

        def change(tx: Connection) -> None:
            found = self._to_edit(tx, who, uid)
            if found.preset:
                raise Conflict("A default rule cannot be removed.", hint="Switch it off.")
            _let_go(tx, found)
            alert_rules.remove(tx, found.id)
            tombstones.bury(tx, "rule", [uid])
            changes.of_rule(tx, "purged", uid)

        await self._database.write(change)

    async def test(self, who: Identity, test: RuleTest) -> RuleReplay:
        """Replay a rule on the past of what `who` may see. Raise `InvalidInput` as `create` does."""
        access.require(who, "write")
        actions = [one for one in test.spec.actions if alert_specs.MASK not in one.url]
        spec = alert_specs.checked(msgspec.structs.replace(test.spec, actions=actions))
        await alert_specs.refuse_unknown_channels(spec)
        return await self._replay.replay(who, msgspec.structs.replace(test, spec=spec))

    async def list(self, who: Identity, query: AlertQuery) -> Page[Alert]:
        """Return a page of alerts, the newest first."""
        access.require(who, "read")
        return await self._database.read(lambda tx: alerts.page(tx, who, query))

    async def counts(self, who: Identity) -> AlertCounts:
        """Count the open alerts."""
        access.require(who, "read")
        return await self._database.read(lambda tx: alerts.counts(tx, who))

    async def get(self, who: Identity, uid: str) -> Alert:
        """Return one alert."""
        access.require(who, "read")
        return await self._database.read(lambda tx: _found(tx, who, uid).alert)

    async def acknowledge(self, who: Identity, uid: str) -> Alert:
        """Note that `who` has seen an alert: an editor of its project, or anyone if it is of a machine."""
        access.require(who, "write")

        def change(tx: Connection) -> Alert:
            _acknowledge(tx, who, [_to_acknowledge(tx, who, uid)])
            return _found(tx, who, uid).alert

        return await self._database.write(change)

    async def acknowledge_many(self, who: Identity, bulk: AlertBulk) -> BulkResult:
        """Acknowledge each of up to 1,000 alerts; with `all` the newest 1,000 that are open and that `who` may."""
        access.require(who, "write")
        if len(bulk.uids) > MAX_UIDS:
            raise InvalidInput("That is too much at once.", fields={"uids": f"at most {MAX_UIDS:,}"})

        def change(tx: Connection) -> BulkResult:
            found, failed = [], {}
            for uid in _asked(tx, who, bulk):
                try:
                    found.append(_to_acknowledge(tx, who, uid))
                except AiplatError as error:
                    failed[uid] = to_problem(error)
            _acknowledge(tx, who, found)
            return BulkResult(done=[one.uid for one in found], failed={} if bulk.all else failed)

        return await self._database.write(change)

    def _record(self, tx: Connection, who: Identity, uid: str) -> Rule:
        found = self._found(tx, who, uid)
        counted = alert_rules.counts(tx, [found.id]).get(found.id, (0, 0))
        return self._shown(who, found, counted)

    def _shown(self, who: Identity, found: alert_rules.Found, counted: tuple[int, int]) -> Rule:
        spec = alert_specs.masked(found.spec)
        return alert_rules.record(found, counted, spec, may_edit=self._may_edit(who, found))

    def _found(self, tx: Connection, who: Identity, uid: str) -> alert_rules.Found:
        found = alert_rules.find(tx, uid)
        if found is None or not self._may_see(tx, who, found):
            tombstones.refuse_buried(tx, uid)
            raise NotFound(f"There is no rule {uid!r}.")
        return found

    def _may_see(self, tx: Connection, who: Identity, found: alert_rules.Found) -> bool:
        if who.is_admin or found.preset or found.owner == who.username or found.spec.subject in ("gpu", "host"):
            return True
        return bool(found.projects) and bool(projects.visible_uids(tx, who, found.projects))

    def _may_edit(self, who: Identity, found: alert_rules.Found) -> bool:
        if "write" not in who.scopes:
            return False
        is_shared = bool(found.preset) or found.spec.subject in ("gpu", "host")
        return self._operates(who) if is_shared else who.is_admin or found.owner == who.username

    def _to_edit(self, tx: Connection, who: Identity, uid: str) -> alert_rules.Found:
        access.require(who, "write")
        found = self._found(tx, who, uid)
        if not self._may_edit(who, found):
            whom = found.owner if not found.preset and found.spec.subject in ("experiment", "task") else ""
            raise Forbidden(f"The rule is for {whom or 'administrators'} to change.", hint="Add one of your own.")
        return found


def _spec(new: NewRule) -> RuleSpec:
    return RuleSpec(**{name: getattr(new, name) for name in RuleSpec.__struct_fields__})


def _moment(at: float) -> float:
    if not 0 <= at <= _LATEST:
        right = "seconds since 1970, or 0 to let it speak again"
        raise InvalidInput("The rule cannot be silent until then.", fields={"silenced_until": right})
    return at


def _watches_else(before: RuleSpec, after: RuleSpec) -> bool:
    """Tell whether what a rule knows of its targets no longer holds."""
    names = "subject", "metric", "condition", "scope", "aggregate", "window_s"
    return any(getattr(before, name) != getattr(after, name) for name in names)


def _let_go(tx: Connection, found: alert_rules.Found) -> None:
    """Let what a rule said be over, and have it begin anew."""
    over = alerts.resolve(tx, alerts.of_rule(found.uid), time.time())
    changes.of_alerts(tx, "updated", over)
    alert_rules.begin_anew(tx, found.id)


def _found(tx: Connection, who: Identity, uid: str) -> alerts.Found:
    found = alerts.find(tx, who, uid)
    if found is None:
        raise NotFound(f"There is no alert {uid!r}.")
    return found


def _to_acknowledge(tx: Connection, who: Identity, uid: str) -> alerts.Found:
    found = _found(tx, who, uid)
    if found.project is not None:
        access.check(who, found.project.role, "editor")
    return found


def _asked(tx: Connection, who: Identity, bulk: AlertBulk) -> list[str]:
    if bulk.all:
        return [found.uid for found in alerts.opened(tx, who, MAX_UIDS)]
    return list(dict.fromkeys(bulk.uids))


def _acknowledge(tx: Connection, who: Identity, found: list[alerts.Found]) -> None:
    alerts.acknowledge(tx, found, who.username)
    for one in found:
        if alerts.needs_someone(one.alert):
            alert_rules.settle(tx, one.uid)
    changes.of_alerts(tx, "updated", alerts.named(tx, alerts.of_uids([one.uid for one in found])))
