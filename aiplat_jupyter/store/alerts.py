"""Alerts, what rules and code have said: rows in, records out."""

import time
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, insert, or_, select, update

from aiplat_jupyter.core.alerts import Alert, AlertCounts, AlertQuery, Delivery, Severity, Target
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.records import Identity, Page
from aiplat_jupyter.store import agents, pages, projects
from aiplat_jupyter.store.tables import AlertEventRow, ProjectRow

KEPT: Final = 20_000
"""How many alerts are kept at most."""
MOST_DELIVERIES: Final = 50
_SORT: Final = "-fired"
_KEYS: Final = (pages.Key(AlertEventRow.fired_at, True), pages.Key(AlertEventRow.id, True))
_PLAIN: Final = tuple(name for name in Alert.__struct_fields__ if name not in ("target", "deliveries"))
_SHOWN: Final = (
    AlertEventRow.id,
    AlertEventRow.project_id,
    *(AlertEventRow.__table__.c[name] for name in (*_PLAIN, "target", "deliveries")),
)
_MAX_VALUES: Final = 100
_HOLDER: Final = ("experiment", "task", "project", "kernel", "notebook")
"""What a target works for."""


class Found(NamedTuple):
    """An alert that someone may see."""

    id: int
    uid: str
    project: projects.Found | None
    """Of the experiment or task that it is about."""
    alert: Alert


def say(tx: Connection, values: dict[str, Any], target: Target, project_id: int | None) -> str:
    """Add an alert that fires; return its uid. `values` are further columns, ``occurrence`` among them."""
    uid = values.get("uid") or new_uid()
    now = time.time()
    row = {"fired_at": now, "updated_at": now, "state": "firing", "is_open": True, "deliveries": []} | values
    named = {"gpu": target.gpu, "experiment": target.experiment, "task": target.task}
    row |= {"uid": uid, "project_id": project_id, "target": msgspec.to_builtins(target), **named}
    tx.execute(insert(AlertEventRow).values(**row))
    return uid


def change(tx: Connection, uid: str, values: dict[str, Any]) -> None:
    """Set columns of an alert."""
    now = time.time()
    tx.execute(update(AlertEventRow).where(AlertEventRow.uid == uid).values(**values, updated_at=now))


def count_again(tx: Connection, uid: str) -> None:
    """Note that an alert was said once more."""
    tx.execute(update(AlertEventRow).where(AlertEventRow.uid == uid).values(count=AlertEventRow.count + 1))


def resolve(tx: Connection, condition: ColumnElement[bool], at: float) -> list[tuple[str, str | None]]:
    """Let the alerts that fire and meet `condition` be over; return their uids, each with its project's."""
    firing = AlertEventRow.state == "firing", condition
    found = named(tx, and_(*firing))
    values = {"state": "resolved", "resolved_at": at, "updated_at": time.time()}
    is_open = AlertEventRow.acknowledged_at.is_(None)
    tx.execute(update(AlertEventRow).where(*firing).values(**values, is_open=is_open))
    return found


def named(tx: Connection, condition: ColumnElement[bool]) -> list[tuple[str, str | None]]:
    """Return the uids of alerts, each with that of the project that decides who may see it."""
    ask = select(AlertEventRow.uid, ProjectRow.uid).outerjoin(ProjectRow, ProjectRow.id == AlertEventRow.project_id)
    return [(row[0], row[1]) for row in tx.execute(ask.where(condition))]


def of_rule(uid: str) -> ColumnElement[bool]:
    """Return the condition for what a rule said."""
    return AlertEventRow.rule == uid


def of_uids(uids: Collection[str]) -> ColumnElement[bool]:
    """Return the condition for alerts of these uids."""
    return AlertEventRow.uid.in_(uids)


def acknowledge(tx: Connection, found: Sequence[Found], who: str) -> None:
    """Note that someone has seen alerts; one that cannot get well by itself is over with that."""
    now = time.time()
    fresh = [one for one in found if one.alert.acknowledged_at is None]
    values = {"acknowledged_at": now, "acknowledged_by": who, "updated_at": now}
    is_open = AlertEventRow.state == "firing"
    tx.execute(update(AlertEventRow).where(_ids(fresh)).values(**values, is_open=is_open))
    lasting = [one for one in found if one.alert.state == "firing" and needs_someone(one.alert)]
    if lasting:
        resolve(tx, _ids(lasting), now)


def needs_someone(alert: Alert) -> bool:
    """Tell whether an alert cannot get well by itself."""
    return alert.rule is None or alert.condition == "failed"


def _ids(found: Sequence[Found]) -> ColumnElement[bool]:
    return AlertEventRow.id.in_([one.id for one in found])


def note_deliveries(tx: Connection, uid: str, deliveries: Iterable[Delivery]) -> tuple[str, str | None] | None:
    """Add to an alert what became of actions; return its uid and its project's, None if it is gone."""
    known = tx.execute(select(AlertEventRow.deliveries).where(AlertEventRow.uid == uid)).scalar()
    if known is None:
        return None
    change(tx, uid, {"deliveries": [*known, *msgspec.to_builtins(list(deliveries))][-MOST_DELIVERIES:]})
    return named(tx, AlertEventRow.uid == uid)[0]


def find(tx: Connection, who: Identity, uid: str) -> Found | None:
    """Return the alert with this uid if `who` may see it."""
    row = tx.execute(_shown(who).where(AlertEventRow.uid == uid)).first()
    return None if row is None else _found(tx, who, row)


def get(tx: Connection, uid: str) -> Alert | None:
    """Return an alert with all that is known of it."""
    row = tx.execute(select(*_SHOWN).where(AlertEventRow.uid == uid)).first()
    return None if row is None else _record(row)


def opened(tx: Connection, who: Identity, limit: int) -> list[Found]:
    """Return up to `limit` of the open alerts that `who` may see, the newest first."""
    ask = _shown(who).where(AlertEventRow.is_open).order_by(AlertEventRow.fired_at.desc()).limit(limit)
    return [_found(tx, who, row) for row in tx.execute(ask).all()]


def page(tx: Connection, who: Identity, query: AlertQuery) -> Page[Alert]:
    """Return a page of what `who` may see, the newest first."""
    limit, conditions = pages.checked_limit(query.limit), _conditions(query)
    ask = _shown(who).where(*conditions).order_by(*pages.order(_KEYS))
    if query.cursor:
        ask = ask.where(pages.after(_KEYS, query.cursor, _SORT))
    rows = tx.execute(ask.limit(limit + 1)).all()
    last = rows[limit - 1] if len(rows) > limit else None
    return Page(
        items=muted(tx, who, [_record(row) for row in rows[:limit]]),
        next_cursor=pages.encode([last.fired_at, last.id], _SORT) if last else None,
        total=_total(tx, who, conditions) if query.count else None,
    )


def _shown(who: Identity) -> Select[Any]:
    ask = select(*_SHOWN).outerjoin(ProjectRow, ProjectRow.id == AlertEventRow.project_id)
    return ask.where(_visible(who))


def _visible(who: Identity) -> ColumnElement[bool]:
    """Machines concern everyone; the alerts of a project those who may see it, unless it is in the trash."""
    of_project = and_(projects.visible(who), ProjectRow.status != "trashed")
    return or_(AlertEventRow.project_id.is_(None), of_project)


def _conditions(query: AlertQuery) -> list[ColumnElement[bool]]:
    lists: dict[str, Sequence[str]] = {
        name: getattr(query, name) for name in ("state", "severity", "subject", "experiment")
    }
    if long := {name: f"at most {_MAX_VALUES}" for name, values in lists.items() if len(values) > _MAX_VALUES}:
        raise InvalidInput("The list is asked for too much at once.", fields=long)
    table = AlertEventRow.__table__.c
    found: list[ColumnElement[bool]] = [table[name].in_(values) for name, values in lists.items() if values]
    exact = {name: getattr(query, name) for name in ("rule", "task", "gpu")}
    found += [table[name] == value for name, value in exact.items() if value]
    if query.open is not None:
        found.append(AlertEventRow.is_open.is_(query.open))
    if query.after is not None:
        found.append(AlertEventRow.fired_at > query.after)
    return found


def _total(tx: Connection, who: Identity, conditions: list[ColumnElement[bool]]) -> int:
    ask = select(func.count()).select_from(AlertEventRow)
    ask = ask.outerjoin(ProjectRow, ProjectRow.id == AlertEventRow.project_id)
    return tx.execute(ask.where(_visible(who), *conditions)).scalar_one()


def counts(tx: Connection, who: Identity) -> AlertCounts:
    """Count the open alerts that `who` may see."""
    is_new = AlertEventRow.acknowledged_at.is_(None)
    ask = select(AlertEventRow.severity, AlertEventRow.state, is_new, func.count())
    ask = ask.outerjoin(ProjectRow, ProjectRow.id == AlertEventRow.project_id)
    ask = ask.where(_visible(who), AlertEventRow.is_open)
    firing: Counter[Severity] = Counter()
    fresh: Counter[Severity] = Counter()
    for severity, state, is_unseen, number in tx.execute(
        ask.group_by(AlertEventRow.severity, AlertEventRow.state, is_new)
    ):
        if state == "firing":
            firing[severity] += number  # type: ignore[index]  # the column holds nothing but severities
        if is_unseen:
            fresh[severity] += number  # type: ignore[index]  # as above
    return AlertCounts(firing=dict(firing), unacknowledged=dict(fresh))


def _found(tx: Connection, who: Identity, row: Any) -> Found:
    project = None if row.project_id is None else projects.find_by_id(tx, who, row.project_id)
    return Found(row.id, row.uid, project, muted(tx, who, [_record(row)])[0])


def _record(row: Any) -> Alert:
    return msgspec.convert({name: row._mapping[name] for name in Alert.__struct_fields__}, Alert)


def muted(tx: Connection, who: Identity, alerts: Sequence[Alert]) -> list[Alert]:
    """Return alerts without what their targets work for, where `who` may not see that.

    What is of no project is seen by the account whose agent it is on.
    """
    if who.is_admin:
        return list(alerts)
    holding = [alert.target for alert in alerts if _has_holder(alert.target)]
    about = {target.project for target in holding if target.project}
    on = {target.agent for target in holding if target.agent and not target.project}
    seen: set[str | None] = {*(projects.visible_uids(tx, who, about) if about else ())}
    own: set[str | None] = {*(agents.of_account(tx, who.username, on) if on else ())}

    def may_see(target: Target) -> bool:
        return target.project in seen if target.project else target.agent in own

    return [alert if may_see(alert.target) else _without_holder(alert) for alert in alerts]


def _has_holder(target: Target) -> bool:
    return any(getattr(target, name) for name in _HOLDER)


def _without_holder(alert: Alert) -> Alert:
    nobody = dict.fromkeys(_HOLDER)
    return msgspec.structs.replace(alert, target=msgspec.structs.replace(alert.target, **nobody))


def remove_old(tx: Connection, before: float) -> None:
    """Remove what is over and was last changed before `before`, and the oldest of what is too many."""
    tx.execute(delete(AlertEventRow).where(AlertEventRow.state == "resolved", AlertEventRow.updated_at < before))
    ask = select(AlertEventRow.fired_at).order_by(AlertEventRow.fired_at.desc()).offset(KEPT).limit(1)
    if (limit := tx.execute(ask).scalar()) is not None:
        tx.execute(delete(AlertEventRow).where(AlertEventRow.fired_at <= limit))


def remove_of(tx: Connection, experiments: Collection[str], tasks: Collection[str]) -> None:
    """Remove what is about experiments and tasks that were purged."""
    about = or_(AlertEventRow.experiment.in_(experiments), AlertEventRow.task.in_(tasks))
    tx.execute(delete(AlertEventRow).where(about, AlertEventRow.project_id.is_not(None)))


def is_said(tx: Connection, occurrence: str) -> bool:
    """Tell whether this was said already."""
    return tx.execute(select(AlertEventRow.id).where(AlertEventRow.occurrence == occurrence)).first() is not None


def is_acknowledged(tx: Connection, uid: str | None) -> bool:
    """Tell whether someone has acknowledged an alert."""
    ask = select(AlertEventRow.id).where(AlertEventRow.uid == uid, AlertEventRow.acknowledged_at.is_not(None))
    return tx.execute(ask).first() is not None


class Known(NamedTuple):
    """An alert that code raised before."""

    experiment: str | None
    times: int


def find_raised(tx: Connection, uid: str) -> Known | None:
    """Return the alert that code raised by this uid."""
    ask = select(AlertEventRow.experiment, AlertEventRow.count).where(AlertEventRow.uid == uid)
    row = tx.execute(ask).first()
    return None if row is None else Known(row[0], row[1])
