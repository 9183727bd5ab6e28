"""Verbs on alerts and their rules."""

from aiplat_jupyter.core.alerts import (
    Alert,
    AlertBulk,
    AlertCounts,
    AlertQuery,
    NewRule,
    Rule,
    RulePatch,
    RuleReplay,
    RuleTest,
)
from aiplat_jupyter.core.records import BulkResult, Identity, Page
from aiplat_jupyter.server.call import Created, Services


async def list_rules(at: Services, who: Identity) -> list[Rule]:
    """List the rules, defaults first."""
    return await at.alerts.rules(who)


async def create_rule(at: Services, who: Identity, body: NewRule) -> Created[Rule]:
    """Add a rule (201), or answer the one that has this uid already (200)."""
    return Created(*await at.alerts.create(who, body))


async def test_rule(at: Services, who: Identity, body: RuleTest) -> RuleReplay:
    """Replay a rule on the past, without adding it."""
    return await at.alerts.test(who, body)


async def get_rule(at: Services, who: Identity, uid: str) -> Rule:
    """Answer one rule."""
    return await at.alerts.rule(who, uid)


async def update_rule(at: Services, who: Identity, uid: str, body: RulePatch) -> Rule:
    """Change, switch on or off, or silence a rule."""
    return await at.alerts.update(who, uid, body)


async def reset_rule(at: Services, who: Identity, uid: str) -> Rule:
    """Make a default rule what it was."""
    return await at.alerts.reset(who, uid)


async def remove_rule(at: Services, who: Identity, uid: str) -> None:
    """Remove a rule; a default rule can only be switched off. What it said stays."""
    await at.alerts.remove(who, uid)


async def list_alerts(at: Services, who: Identity, query: AlertQuery) -> Page[Alert]:
    """List what rules and code have said, the newest first."""
    return await at.alerts.list(who, query)


async def count_alerts(at: Services, who: Identity) -> AlertCounts:
    """Count the open alerts."""
    return await at.alerts.counts(who)


async def acknowledge_alerts(at: Services, who: Identity, body: AlertBulk) -> BulkResult:
    """Note that someone has seen many alerts."""
    return await at.alerts.acknowledge_many(who, body)


async def get_alert(at: Services, who: Identity, uid: str) -> Alert:
    """Answer one alert."""
    return await at.alerts.get(who, uid)


async def acknowledge_alert(at: Services, who: Identity, uid: str) -> Alert:
    """Note that someone has seen an alert: it goes from the bar, and reminds no more."""
    return await at.alerts.acknowledge(who, uid)
