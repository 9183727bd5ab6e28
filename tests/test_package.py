"""What is declared about the package agrees with what it is."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "aiplat_jupyter"
INSTALLED = packages_distributions()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def declared(*extras: str) -> set[str]:
    optional = PROJECT["optional-dependencies"]
    requirements = PROJECT["dependencies"] + [line for extra in extras for line in optional[extra]]
    return {canonicalize_name(Requirement(line).name) for line in requirements}


def imported(path: Path) -> set[str]:
    """Return the top-level modules that the file names in its import statements."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.add(node.module or "")
    return {name.partition(".")[0] for name in found}


def test_the_version_is_the_same_everywhere() -> None:
    number = json.loads((ROOT / "labextension" / "package.json").read_text())["version"]
    assert version("aiplat_jupyter") == number
    headings = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == number


def distributions(module: str) -> set[str]:
    """Return what may have installed the module."""
    return {canonicalize_name(name) for name in INSTALLED.get(module, [module])}


def test_every_import_is_a_declared_dependency() -> None:
    ours = set(sys.stdlib_module_names) | {"aiplat_jupyter", "pytest"}
    undeclared = {
        f"{path.relative_to(PACKAGE)}: {module}"
        for path in PACKAGE.rglob("*.py")
        for module in imported(path) - ours
        if not distributions(module) & declared("postgres", "notify")
    }
    assert not undeclared


def test_every_declared_dependency_is_used() -> None:
    used = set().union(*map(imported, PACKAGE.rglob("*.py"))) | {"tzdata"}  # which zoneinfo reads
    assert declared() <= {name for module in used for name in distributions(module)}


def test_every_declared_dependency_is_pinned() -> None:
    pins = [Requirement(line) for line in (ROOT / "constraints.txt").read_text().splitlines()]
    pinned = {canonicalize_name(pin.name) for pin in pins if str(pin.specifier).startswith("==")}
    assert declared("dev", "postgres", "notify") <= pinned


def test_the_bundle_says_where_it_comes_from() -> None:
    install = json.loads((ROOT / "labextension" / "install.json").read_text())
    assert install["packageName"] == PROJECT["name"]
