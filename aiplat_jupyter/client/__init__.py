"""What a training script imports. Names are looked up when they are first used (PEP 562)."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiplat_jupyter.client.api import Api, connect
    from aiplat_jupyter.client.experiment import Experiment
    from aiplat_jupyter.client.history import experiments
    from aiplat_jupyter.client.opening import init
    from aiplat_jupyter.client.task import Task, TaskFailed, submit, tasks

__all__ = ["Api", "Experiment", "Task", "TaskFailed", "connect", "experiments", "init", "submit", "tasks"]

_WHERE = {"Api": "api", "Experiment": "experiment", "connect": "api", "experiments": "history", "init": "opening"}
_WHERE |= dict.fromkeys(("Task", "TaskFailed", "submit", "tasks"), "task")


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{_WHERE[name]}"), name)
    return value
