"""What a task may ask for: checked before it is queued."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import msgspec

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.tasks import MAX_GPUS, NewTask, TaskSpec
from aiplat_jupyter.services import limits

MASK: Final = "••••••"
DAY: Final = 86_400.0
MAX_AFTER: Final = 100
_SECRET: Final = re.compile("TOKEN|SECRET|PASS|KEY|CREDENTIAL|AUTH", re.IGNORECASE)
_LOGIN: Final = re.compile("://[^/@:]*:[^/@]+@")
"""User, if any, and password in an address."""
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "gpus": (0, MAX_GPUS),
    "slots": (1, 10_000),
    "grace_s": (0, DAY),
    "retries": (0, 100),
    "retry_wait_s": (0, 3_600),
    "priority": (-1_000, 1_000),
}


def masked(spec: TaskSpec) -> TaskSpec:
    """Return a spec as it may be shown: values of variables are left out where name or value speak of secrets."""
    env = {name: MASK if _SECRET.search(name) or _LOGIN.search(value) else value for name, value in spec.env.items()}
    return msgspec.structs.replace(spec, env=env)


def faults(new: NewTask, slots: int, gpus: int | None) -> dict[str, str]:
    """Return what is wrong with a new task: the field → what would be right.

    `slots` and `gpus` are how many the agent has; None: it is not known yet.
    """
    return _missing(new) | _out_of_range(new) | _unwritable(new) | _impossible(new, slots, gpus)


def priority(value: int) -> int:
    """Return a priority that is not out of range."""
    low, high = _RANGES["priority"]
    if not low <= value <= high:
        raise InvalidInput("The priority is out of range.", fields={"priority": f"from {low:,g} to {high:,g}"})
    return value


def default_name(spec: TaskSpec) -> str:
    """Return what a task is called that was given no name: its file, or the command's beginning."""
    file = spec.script or spec.notebook
    words = [Path(file).name] if file else [Path(spec.command[0]).name, *spec.command[1:]]
    name = "".join(character if character.isprintable() else " " for character in " ".join(words))
    return name[:80].strip() or spec.kind


def _missing(new: NewTask) -> dict[str, str]:
    if new.kind == "notebook-live":
        return {"kind": "command, script or notebook: a live notebook is one by being run"}
    if new.kind == "command":
        is_empty = not new.command or not new.command[0].strip()
        right = "program and arguments"
        if new.shell and len(new.command) > 1:
            return {"command": "one string for the shell"}
    else:
        is_empty = not (new.script if new.kind == "script" else new.notebook).strip()
        right = f"path of the {new.kind}"
    return {new.kind: right} if is_empty else {}


def _out_of_range(new: NewTask) -> dict[str, str]:
    wrong = {
        field: f"from {low:,g} to {high:,g}"
        for field, (low, high) in _RANGES.items()
        if not low <= getattr(new, field) <= high
    }
    if new.timeout_s is not None and not 0 < new.timeout_s <= 365 * DAY:
        wrong["timeout_s"] = "seconds, more than 0; none for no limit"
    if len(new.after) > MAX_AFTER:
        wrong["after"] = f"at most {MAX_AFTER} tasks"
    if len({one.task for one in new.after}) < len(new.after):
        wrong["after"] = "each task once"
    return wrong


def _unwritable(new: NewTask) -> dict[str, str]:
    """Find what no program can be given, or no database can keep."""
    wrong: dict[str, str] = {}
    texts = {name: getattr(new, name) for name in ("script", "interpreter", "notebook", "kernel", "cwd")}
    texts |= {"command": "\n".join(new.command), "args": "\n".join(new.args)}
    for field, text in texts.items():
        wrong |= _problem(limits.text, field, text)
    wrong |= _problem(limits.mapping, "parameters", new.parameters)
    wrong |= _problem(limits.text, "env", "\n".join([*new.env, *new.env.values()]))
    if any(not name or "=" in name for name in new.env):
        wrong["env"] = "names without ="
    if hidden := [name for name, value in new.env.items() if value == MASK]:
        wrong["env"] = f"the value of {hidden[0]}: what is shown of a secret is not it"
    return wrong


def _problem(check: Callable[[str, Any], object], field: str, value: object) -> dict[str, str]:
    try:
        check(field, value)
    except InvalidInput as error:
        return error.fields
    return {}


def _impossible(new: NewTask, slots: int, gpus: int | None) -> dict[str, str]:
    wrong = {}
    if new.slots > slots:
        wrong["slots"] = f"at most {slots}: the machine has no more"
    if gpus is not None and gpus < new.gpus <= MAX_GPUS:
        wrong["gpus"] = f"at most {gpus}: the machine has no more" if gpus else "0: the machine has no GPU"
    return wrong
