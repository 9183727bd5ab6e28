"""The project list as a plain HTML table, for hosts that know neither our form nor widgets."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from aiplat_jupyter.core.records import ExperimentRow
from aiplat_jupyter.widgets import words
from aiplat_jupyter.widgets.picture import number

_HEADS = ("head_name", "head_state", "head_metric", "head_last", "head_updated")


def table(rows: Sequence[Mapping[str, Any]], experiments: Mapping[str, ExperimentRow]) -> str:
    """Return the shown `rows`: of projects, and of experiments with their state and last value."""
    heads = "".join(f"<th>{escape(words.say(key))}</th>" for key in _HEADS)
    body = "".join(_row(row, experiments) for row in rows if row["kind"] in ("project", "experiment"))
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def _row(row: Mapping[str, Any], experiments: Mapping[str, ExperimentRow]) -> str:
    if row["kind"] == "project":
        count = words.say("experiments", n=f"{row['count']:,}")
        return f'<tr><th colspan="{len(_HEADS)}">{escape(row["name"])} · {escape(count)}</th></tr>'
    updated = datetime.fromtimestamp(experiments[row["uid"]].updated_at, UTC)
    last = "NaN" if row["diverged"] else "" if row["last"] is None else number(row["last"])
    state = f"{row['icon']} {words.say(row['word'])}"
    cells = (row["name"], state, row["metric"], last, f"{updated:%Y-%m-%d %H:%M} UTC")
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"
