"""Rules of alerts and what they know of their targets: rows in, records out."""

import time
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import Connection, delete, false, func, insert, or_, select, update

from aiplat_jupyter.core.alert_presets import Preset
from aiplat_jupyter.core.alert_rules import RuleState, ended
from aiplat_jupyter.core.alerts import Rule, RuleSpec
from aiplat_jupyter.store.tables import AlertRuleRow, AlertStateRow

_COLUMNS: Final = (
    AlertRuleRow.id,
    AlertRuleRow.uid,
    AlertRuleRow.name,
    AlertRuleRow.preset,
    AlertRuleRow.owner,
    AlertRuleRow.is_everywhere,
    AlertRuleRow.is_enabled,
    AlertRuleRow.silenced_until,
    AlertRuleRow.spec,
    AlertRuleRow.projects,
    AlertRuleRow.version,
    AlertRuleRow.since,
    AlertRuleRow.created_at,
    AlertRuleRow.updated_at,
)
_STATE: Final = (
    AlertStateRow.rule_id,
    AlertStateRow.key,
    AlertStateRow.number,
    AlertStateRow.event,
    AlertStateRow.agent,
    AlertStateRow.attempt,
    AlertStateRow.step,
    AlertStateRow.state,
)


class Found(NamedTuple):
    """A rule as those need it who go by it. The addresses of its actions are whole."""

    id: int
    uid: str
    name: str
    preset: str
    owner: str
    is_everywhere: bool
    is_enabled: bool
    silenced_until: float
    spec: RuleSpec
    projects: list[str]
    version: int
    since: float
    created_at: float
    updated_at: float


class Standing(NamedTuple):
    """How a rule stands with one target.

    Attributes
    ----------
    number : how often it has fired.
    event : uid of what it said and has not taken back.
    agent : whose server looks at it; None: any may.
    attempt, step : of an experiment, up to where it was read.
    """

    state: RuleState = RuleState()
    number: int = 0
    event: str | None = None
    agent: str | None = None
    attempt: str | None = None
    step: int | None = None


def seed(tx: Connection, presets: Mapping[str, Preset]) -> None:
    """Add the default rules that are missing; those that are there stay as people made them."""
    known = set(tx.execute(select(AlertRuleRow.preset).where(AlertRuleRow.preset != "")).scalars())
    now = time.time()
    for name, preset in presets.items():
        if name not in known:
            values = {"uid": f"preset-{name}", "preset": name, "owner": "", "is_everywhere": True, "projects": []}
            create(tx, values | preset_values(preset) | {"since": now, "created_at": now, "updated_at": now})


def preset_values(preset: Preset) -> dict[str, Any]:
    """Return the columns of a default rule that people may change."""
    spec = msgspec.to_builtins(preset.spec)
    return {"name": preset.title, "spec": spec, "is_enabled": preset.is_enabled, "silenced_until": 0.0}


def create(tx: Connection, values: dict[str, Any]) -> None:
    """Add a rule."""
    tx.execute(insert(AlertRuleRow).values(**values))


def change(tx: Connection, rule_id: int, values: dict[str, Any]) -> None:
    """Set columns of a rule."""
    tx.execute(update(AlertRuleRow).where(AlertRuleRow.id == rule_id).values(**values, updated_at=time.time()))


def begin_anew(tx: Connection, rule_id: int) -> None:
    """Forget what a rule knows of its targets."""
    tx.execute(delete(AlertStateRow).where(AlertStateRow.rule_id == rule_id))
    values = {"version": AlertRuleRow.version + 1, "since": time.time()}
    tx.execute(update(AlertRuleRow).where(AlertRuleRow.id == rule_id).values(values))


def remove(tx: Connection, rule_id: int) -> None:
    """Remove a rule."""
    tx.execute(delete(AlertRuleRow).where(AlertRuleRow.id == rule_id))


def count(tx: Connection) -> int:
    """Return how many rules there are."""
    return tx.execute(select(func.count()).select_from(AlertRuleRow)).scalar_one()


def find(tx: Connection, uid: str) -> Found | None:
    """Return the rule with this uid."""
    row = tx.execute(select(*_COLUMNS).where(AlertRuleRow.uid == uid)).first()
    return None if row is None else _found(row)


def every(tx: Connection, *, enabled: bool = False) -> list[Found]:
    """Return all rules (or those that are `enabled`), default ones first, then by name."""
    ask = select(*_COLUMNS).order_by(AlertRuleRow.preset == "", func.lower(AlertRuleRow.name), AlertRuleRow.id)
    if enabled:
        ask = ask.where(AlertRuleRow.is_enabled)
    return [_found(row) for row in tx.execute(ask)]


def _found(row: Any) -> Found:
    values = dict(row._mapping)
    known = {name: values["spec"][name] for name in RuleSpec.__struct_fields__ if name in values["spec"]}
    return Found(**{**values, "spec": msgspec.convert(known, RuleSpec)})


def counts(tx: Connection, rule_ids: Collection[int]) -> dict[int, tuple[int, int]]:
    """Return of how many targets each rule fires, and is about to."""
    by = AlertStateRow.rule_id, AlertStateRow.level
    ask = select(*by, func.count()).where(AlertStateRow.rule_id.in_(rule_ids)).group_by(*by)
    found: dict[int, tuple[int, int]] = {}
    for rule_id, level, number in tx.execute(ask.where((AlertStateRow.level > 0) | AlertStateRow.is_pending)):
        firing, pending = found.get(rule_id, (0, 0))
        found[rule_id] = (firing + number, pending) if level else (firing, pending + number)
    return found


def record(found: Found, counted: tuple[int, int], spec: RuleSpec, *, may_edit: bool) -> Rule:
    """Return a rule as the world sees it, with `spec` in the place of its own."""
    values = {name: getattr(found, name) for name in Found._fields if name in Rule.__struct_fields__}
    return Rule(**{**values, "spec": spec, "may_edit": may_edit, "firing": counted[0], "pending": counted[1]})


# What they know of their targets


def standings(tx: Connection, rule_ids: Collection[int], agent: str) -> dict[tuple[int, str], Standing]:
    """Return how these rules stand with targets that the server of this agent looks at."""
    is_own = or_(AlertStateRow.agent.is_(None), AlertStateRow.agent == agent)
    rows = tx.execute(select(*_STATE).where(AlertStateRow.rule_id.in_(rule_ids), is_own))
    return {(row.rule_id, row.key): _standing(row) for row in rows}


def standing(tx: Connection, rule_id: int, key: str) -> Standing | None:
    """Return how a rule stands with a target."""
    own = AlertStateRow.rule_id == rule_id, AlertStateRow.key == key
    row = tx.execute(select(*_STATE).where(*own)).first()
    return None if row is None else _standing(row)


def _standing(row: Any) -> Standing:
    return Standing(msgspec.convert(row.state, RuleState), row.number, row.event, row.agent, row.attempt, row.step)


def keep(tx: Connection, rule_id: int, key: str, standing: Standing) -> None:
    """Write how a rule stands with a target."""
    state = standing.state
    values = {
        "number": standing.number,
        "event": standing.event,
        "agent": standing.agent,
        "attempt": standing.attempt,
        "step": standing.step,
        "level": state.level,
        "is_pending": state.is_pending,
        "state": msgspec.to_builtins(state),
        "updated_at": time.time(),
    }
    own = AlertStateRow.rule_id == rule_id, AlertStateRow.key == key
    if not tx.execute(update(AlertStateRow).where(*own).values(values)).rowcount:
        tx.execute(insert(AlertStateRow).values(rule_id=rule_id, key=key, **values))


def versions(tx: Connection, rule_ids: Iterable[int]) -> dict[int, int]:
    """Return the version of each rule that there is and that is enabled."""
    ask = select(AlertRuleRow.id, AlertRuleRow.version)
    ask = ask.where(AlertRuleRow.id.in_(set(rule_ids)), AlertRuleRow.is_enabled)
    return {row[0]: row[1] for row in tx.execute(ask)}


def settle(tx: Connection, event: str) -> None:
    """Let a target be well of which this event told: someone has dealt with it."""
    ask = select(AlertStateRow.rule_id, *_STATE[1:]).where(AlertStateRow.event == event)
    for row in tx.execute(ask).all():
        known = _standing(row)
        keep(tx, row.rule_id, row.key, known._replace(state=ended(known.state), event=None))


def forget(tx: Connection, before: float) -> None:
    """Remove what was well and has not changed since `before`."""
    old = AlertStateRow.updated_at < before, AlertStateRow.level == 0, AlertStateRow.is_pending == false()
    tx.execute(delete(AlertStateRow).where(*old))
