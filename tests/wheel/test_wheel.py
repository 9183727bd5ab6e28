"""The built wheel, installed into an environment of its own on a machine without Node."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.lab import Lab

ROOT = Path(__file__).parents[2]
SCRIPT = """
import aiplat_jupyter as aiplat
with aiplat.init(project="wheel", name="script") as exp:
    for step in range(100):
        exp.log({"loss": 1 / (step + 1)}, step=step)
"""


@pytest.fixture(scope="module")
def wheel() -> Path:
    (wheel,) = (ROOT / "dist").glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a new environment that holds the wheel and JupyterLab."""
    venv = tmp_path_factory.mktemp("wheel") / "venv"
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, venv], check=True)
    install = ["pip", "install", "-q", "--python", venv / "bin" / "python", "--compile-bytecode"]
    subprocess.run([uv, *install, "-c", ROOT / "constraints.txt", wheel, "jupyterlab"], check=True, cwd=venv)
    return venv / "bin" / "python"


@pytest.fixture
def lab(python: Path, tmp_path: Path) -> Lab:
    """A server of that environment, not started, which finds nothing beyond what the environment has."""
    lab = Lab(tmp_path, "jupyter_server", python=str(python), path="/nonexistent")
    assert shutil.which("node", path=lab.environment()["PATH"]) is None
    return lab


def ask(lab: Lab, python: Path, *command: str) -> str:
    """Run a command of the environment and return what it prints."""
    lab.root.mkdir(exist_ok=True)
    done = subprocess.run(
        [python.parent / command[0], *command[1:]],
        env=lab.environment(),
        cwd=lab.root,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_everything_is_in_it_once(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    data = "{}.data/data/".format("-".join(wheel.name.split("-")[:2]))
    for path in (
        "aiplat_jupyter/py.typed",
        "aiplat_jupyter/server/openapi.json",
        "aiplat_jupyter/locale/zh_CN/LC_MESSAGES/aiplat_jupyter.json",
        "aiplat_jupyter/store/migrations/env.py",
        f"{data}etc/jupyter/jupyter_server_config.d/aiplat_jupyter.json",
        f"{data}share/jupyter/labextensions/aiplat-jupyter/install.json",
        f"{data}share/jupyter/labextensions/aiplat-jupyter/package.json",
    ):
        assert path in names
    assert any(
        name.startswith(f"{data}share/jupyter/labextensions/aiplat-jupyter/static/remoteEntry") for name in names
    )
    assert not [name for name in names if name.startswith(("tests/", "labextension/", "aiplat_jupyter/labextension/"))]


@pytest.mark.timeout(240)
def test_jupyter_finds_both_extensions(lab: Lab, python: Path) -> None:
    servers = ask(lab, python, "jupyter", "server", "extension", "list")
    assert "aiplat_jupyter" in servers
    assert "enabled" in servers
    assert "OK" in servers
    pages = ask(lab, python, "jupyter", "labextension", "list")
    assert "aiplat-jupyter" in pages
    assert "aiplat-jupyter v" in pages.replace("\x1b[0m", "")


@pytest.mark.timeout(240)
def test_a_script_logs_into_it_and_the_doctor_is_content(lab: Lab, python: Path) -> None:
    with lab:
        assert lab.api("server"), "the platform has started"
        ask(lab, python, "python", "-c", SCRIPT)
        (row,) = lab.api("experiments?metrics=loss")["items"]
        assert (row["name"], row["status"], row["metrics"][0]["count"]) == ("script", "finished", 100)
        loss = lab.api(f"experiments/{row['uid']}/loss")
        assert [point["step"] for point in loss] == list(range(100))
        report = ask(lab, python, "aiplat", "doctor")
    assert lab.url in report
