"""An AI experiment platform inside Jupyter: projects, experiments and live curves.

::

    import aiplat_jupyter as aiplat

    exp = aiplat.init(project="digits", config={"lr": 1e-3})
    exp.log({"loss": 0.3}, step=7)
    exp.finish()

Importing this costs next to nothing: a public name is looked up when it is first used (PEP 562).
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiplat_jupyter.client import Api, Experiment, Task, TaskFailed, connect, experiments, init, submit, tasks
    from aiplat_jupyter.offline import open as open  # noqa: A004  # as in `Image.open`: `aiplat.open`
    from aiplat_jupyter.widgets import GpuMonitor, LogViewer, LossCurve, ProjectList, TaskList

_ELSEWHERE = {
    "GpuMonitor": "widgets",
    "LogViewer": "widgets",
    "LossCurve": "widgets",
    "ProjectList": "widgets",
    "TaskList": "widgets",
    "open": "offline",
}

# Without `open`, so that `import *` does not hide Python's own.
__all__ = [
    "Api",
    "Experiment",
    "GpuMonitor",
    "LogViewer",
    "LossCurve",
    "ProjectList",
    "Task",
    "TaskFailed",
    "TaskList",
    "connect",
    "experiments",
    "init",
    "submit",
    "tasks",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("aiplat_jupyter")
    if name not in __all__ and name not in _ELSEWHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    module = import_module(f"{__name__}.{_ELSEWHERE.get(name, 'client')}")
    value = globals()[name] = getattr(module, name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ELSEWHERE, "__version__"})


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from aiplat_jupyter.server.app import AiplatApp

    return [{"module": "aiplat_jupyter", "app": AiplatApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "aiplat-jupyter"}]
