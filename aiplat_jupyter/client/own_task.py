"""The task that this process is part of, which its environment names."""

import os
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from aiplat_jupyter.core.ids import is_uid, uid_of


class OwnTask(NamedTuple):
    """A task and its present attempt (their uids), the project and name that people gave it, the attempt's folder."""

    uid: str
    attempt: str
    project: str
    name: str
    folder: Path


def own_task(env: Mapping[str, str] = os.environ) -> OwnTask | None:
    """Return the task that runs this process; None outside of tasks."""
    uid, attempt, folder = (env.get(f"AIPLAT_TASK{what}", "") for what in ("_OF", "", "_DIR"))
    if not (is_uid(uid) and is_uid(attempt) and folder):
        return None
    return OwnTask(uid, attempt, env.get("AIPLAT_PROJECT", ""), env.get("AIPLAT_NAME", ""), Path(folder))


def experiment_of(task: OwnTask, project: str, name: str, config: Mapping[str, Any]) -> str:
    """Return the uid of the experiment that the task begins here.

    The same program finds the same uid when the task is retried, and so goes on with its experiment. What begins
    several alike, one after the other or at once, has several experiments: each takes a number, by a file in the
    attempt's folder.
    """
    import json

    facts = json.dumps([task.uid, project, name, config], sort_keys=True, default=str)
    uids = (uid_of(facts, number) for number in count())
    return next(uid for uid in uids if _take(task.folder / "experiments", uid))


_taken: set[str] = set()


def _take(folder: Path, uid: str) -> bool:
    """Take the number for this process; False if it is taken. What no file can be written for is told apart here."""
    if uid in _taken:
        return False
    _taken.add(uid)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        (folder / uid).touch(mode=0o600, exist_ok=False)
    except FileExistsError:
        return False
    except OSError:
        return True
    return True
