"""Where tasks run: what implements `core.ports.Executor`, found by name."""

from importlib.metadata import entry_points

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.ports import Executor

GROUP = "aiplat_jupyter.executors"


def names() -> list[str]:
    """Return the names of the executors that are installed."""
    return sorted(entry_points(group=GROUP).names)


def load(name: str) -> Executor:
    """Return a new executor of that name. Raise `InvalidInput` if none is installed."""
    for found in entry_points(group=GROUP, name=name):
        executor: Executor = found.load()()
        return executor
    fix = f"one of {', '.join(names())}"
    raise InvalidInput(f"There is no executor {name!r}.", fields={"executor": fix})
