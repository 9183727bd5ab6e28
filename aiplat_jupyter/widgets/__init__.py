"""Panels in notebooks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiplat_jupyter.widgets.gpumonitor import GpuMonitor
    from aiplat_jupyter.widgets.logviewer import LogViewer
    from aiplat_jupyter.widgets.losscurve import LossCurve
    from aiplat_jupyter.widgets.projectlist import ProjectList
    from aiplat_jupyter.widgets.tasklist import TaskList

__all__ = ["GpuMonitor", "LogViewer", "LossCurve", "ProjectList", "TaskList"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{name.lower()}"), name)
    return value
