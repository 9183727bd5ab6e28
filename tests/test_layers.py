"""Imports point one way: core ← store ← services ← server, and core ← client ← widgets."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "aiplat_jupyter"
LAYERS = {
    "core": {"core"},
    "store": {"core", "store"},
    "services": {"core", "store", "services"},
    "server": {"core", "services", "server"},
    "executors": {"core", "executors"},
    "gpu": {"core", "gpu"},
    "client": {"core", "client"},
    "widgets": {"core", "client", "widgets"},
}
EXCEPTIONS = {
    "server/app.py": {"platform"},
    "client/experiment.py": {"widgets"},  # an experiment at the end of a cell shows its panel
}
UNKNOWN = {
    "core": {"jupyter_server", "tornado", "sqlalchemy", "numpy", "traitlets"},
    "store": {"jupyter_server", "tornado", "traitlets"},
    "services": {"jupyter_server", "tornado", "traitlets"},
    "server": {"sqlalchemy", "alembic", "numpy"},
    "executors": {"sqlalchemy", "tornado", "jupyter_server"},
    "gpu": {"sqlalchemy", "tornado", "jupyter_server"},
    "client": {"sqlalchemy", "tornado", "jupyter_server"},
    "widgets": {"sqlalchemy", "tornado", "jupyter_server"},
}
"""Libraries that a layer has nothing to do with."""
ROOTS = {
    "__init__.py": {"client", "widgets", "server", "offline"},
    "pytest_plugin.py": {"core", "server"},
    "demo.py": {"core", "client"},
    "cli.py": {*LAYERS, "platform", "demo", "task_commands"},
    "task_commands.py": {"core", "client"},
    "platform.py": {*LAYERS},
    "offline.py": {"core", "store", "services", "client"},
}
MODULES = [path for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts]


def imported(path: Path) -> set[str]:
    """Return the full names that the module imports, wherever the statement stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, "relative imports hide where they point"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def layers(path: Path) -> set[str]:
    """Return the parts of our package that the module imports."""
    return {name.split(".")[1] for name in imported(path) if name.startswith("aiplat_jupyter.")}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_one_way(path: Path) -> None:
    name, layer = path.relative_to(PACKAGE).as_posix(), path.relative_to(PACKAGE).parts[0]
    allowed = ROOTS[name] if name in ROOTS else LAYERS[layer] | EXCEPTIONS.get(name, set())
    assert layers(path) <= allowed
    assert not {name.partition(".")[0] for name in imported(path)} & UNKNOWN.get(layer, set())


def loaded_by(statement: str) -> set[str]:
    program = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=50, check=True)
    return set(done.stdout.split())


def test_a_training_script_pays_for_the_standard_library_and_msgspec() -> None:
    loaded = loaded_by("import aiplat_jupyter\naiplat_jupyter.init, aiplat_jupyter.Experiment")
    ours = {name.split(".")[1] for name in loaded if name.startswith("aiplat_jupyter.")}
    assert ours == {"core", "client"}
    assert "aiplat_jupyter.core.records" not in loaded
    assert not loaded & {"numpy", "sqlalchemy", "tornado", "traitlets", "jupyter_server", "ipywidgets", "http.client"}


def test_loading_the_extension_loads_no_database() -> None:
    loaded = loaded_by("from aiplat_jupyter.server import app, routes")
    assert "jupyter_server" in loaded
    assert not loaded & {"sqlalchemy", "alembic", "numpy", "pandas", "ipywidgets", "bqplot"}
    assert not any(name.startswith(("aiplat_jupyter.store", "aiplat_jupyter.services")) for name in loaded)
