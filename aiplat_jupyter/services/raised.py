"""Alerts that code raises, as journals tell: kept in the transaction that commits them, so each is kept once."""

from typing import Final

from sqlalchemy import Connection

from aiplat_jupyter.core.alerts import Target
from aiplat_jupyter.core.frames import Raised
from aiplat_jupyter.core.ids import is_uid
from aiplat_jupyter.services import limits
from aiplat_jupyter.store import alert_targets, alerts, changes, journals

LONGEST_TEXT: Final = 10_000


def keep(tx: Connection, state: journals.State, raised: Raised) -> None:
    """Keep an alert of an experiment, or count one that is raised again."""
    title = limits.flat(raised.title)
    if not title or not is_uid(raised.uid):
        return
    known = alerts.find_raised(tx, raised.uid)
    if known is None:
        _say(tx, state, raised, title)
        changes.of_alerts(tx, "created", [(raised.uid, state.project_uid)])
    elif known.experiment == state.experiment_uid and raised.count > known.times:
        alerts.change(tx, raised.uid, {"count": raised.count})
        changes.of_alerts(tx, "updated", [(raised.uid, state.project_uid)])


def _say(tx: Connection, state: journals.State, raised: Raised, title: str) -> None:
    (experiment,) = alert_targets.experiments(tx, [state.experiment_uid])
    runs_in = alert_targets.whereabouts(tx, experiment.uid)
    target = Target(
        key=experiment.uid,
        label=experiment.name,
        experiment=experiment.uid,
        project=experiment.project,
        kernel=runs_in.kernel,
        notebook=runs_in.notebook,
        task=runs_in.task,
    )
    values = {
        "uid": raised.uid,
        "occurrence": f"code/{raised.uid}",
        "rule": None,
        "name": title,
        "subject": "experiment",
        "severity": raised.level,
        "title": title,
        "text": raised.text.replace("\x00", "")[:LONGEST_TEXT],
        "step": raised.step,
        "count": raised.count,
        "fired_at": limits.moment(raised.wall),
    }
    alerts.say(tx, values, target, experiment.project_id)
