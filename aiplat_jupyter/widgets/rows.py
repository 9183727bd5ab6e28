"""Rows of the project list as its browser half takes them: plain dicts."""

import math
from collections.abc import Sequence
from typing import Any

from aiplat_jupyter.core.curves import Columns
from aiplat_jupyter.core.records import ExperimentRow, Page, Project
from aiplat_jupyter.core.states import EXPERIMENT
from aiplat_jupyter.widgets.colours import PALETTE, colour_index
from aiplat_jupyter.widgets.status import word

Row = dict[str, Any]


def project_row(project: Project, *, is_open: bool) -> Row:
    """Return the row of a project."""
    return {
        "kind": "project",
        "key": f"p:{project.uid}",
        "uid": project.uid,
        "name": project.name,
        "description": project.description,
        "count": sum(project.experiments.values()),
        "running": project.experiments.get("running", 0),
        "open": is_open,
    }


def experiment_row(row: ExperimentRow, spark: Sequence[float | None], *, level: int, with_project: bool) -> Row:
    """Return the row of an experiment; `spark` is its headline metric from left to right."""
    state = EXPERIMENT[row.status]
    headline = row.headline
    last = headline.last if headline else None
    return {
        "kind": "experiment",
        "key": f"e:{row.uid}",
        "uid": row.uid,
        "level": level,
        "name": row.name or row.uid,
        "project": row.project_name if with_project else "",
        "icon": state.icon,
        "status": row.status,
        "word": word(row.status),
        "cause": row.cause,
        "metric": headline.metric if headline else "",
        "last": last if last is None or math.isfinite(last) else None,
        "diverged": bool(headline and headline.count and (last is None or not math.isfinite(last))),
        "spark": list(spark),
        "color": PALETTE[colour_index(row.uid)],
        "at": row.updated_at,
    }


def pager_row(section: str, number: int, size: int, page: Page[Any]) -> Row | None:
    """Return the row that turns the pages of a section; None if there is one page only."""
    if number == 0 and page.next_cursor is None:
        return None
    first = number * size
    return {
        "kind": "pager",
        "key": f"n:{section}",
        "section": section,
        "from": first + 1,
        "to": first + len(page.items),
        "total": page.total or first + len(page.items),
        "back": number > 0,
        "on": page.next_cursor is not None,
    }


def note_row(section: str, key: str) -> Row:
    """Return a row that says something, such as that a project is empty."""
    return {"kind": "note", "key": f"t:{section}", "text": key}


def spark(columns: Columns) -> list[float | None]:
    """Return the line of a small picture: means, None where there is none."""
    return [float(f"{value:.4g}") if math.isfinite(value) else None for value in columns.mean]
