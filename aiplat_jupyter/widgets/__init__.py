"""Panels in notebooks."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiplat_jupyter.widgets.logviewer import LogViewer
    from aiplat_jupyter.widgets.losscurve import LossCurve
    from aiplat_jupyter.widgets.projectlist import ProjectList

__all__ = ["LogViewer", "LossCurve", "ProjectList"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"{__name__}.{name.lower()}"), name)
    return value
