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
    from aiplat_jupyter.client import Experiment, experiments, init, open
    from aiplat_jupyter.widgets import LossCurve, ProjectList

__all__ = ["Experiment", "LossCurve", "ProjectList", "experiments", "init", "open"]

_WHERE = {
    "Experiment": "aiplat_jupyter.client",
    "experiments": "aiplat_jupyter.client",
    "init": "aiplat_jupyter.client",
    "open": "aiplat_jupyter.client",
    "LossCurve": "aiplat_jupyter.widgets",
    "ProjectList": "aiplat_jupyter.widgets",
}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("aiplat_jupyter")
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(_WHERE[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, "__version__"})


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from aiplat_jupyter.server.app import AiplatApp

    return [{"module": "aiplat_jupyter", "app": AiplatApp}]


def _jupyter_labextension_paths() -> list[dict[str, str]]:
    return [{"src": "labextension", "dest": "aiplat-jupyter"}]
