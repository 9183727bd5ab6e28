"""What a spec means on this machine, and what is said about one that cannot run."""

import sys
from pathlib import Path
from typing import Any

import pytest

from aiplat_jupyter.core.tasks import TaskSpec
from aiplat_jupyter.executors.command import MAX_TEXT, check, command


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with scripts and a notebook."""
    (tmp_path / "sub").mkdir()
    for name in ("train.py", "run.sh", "plan.R", "data.ipynb"):
        (tmp_path / "sub" / name).touch(mode=0o600)
    (tmp_path / "sub" / "tool").touch(mode=0o700)
    return tmp_path


def spec(**facts: Any) -> TaskSpec:
    kind = next((name for name in ("script", "notebook") if name in facts), "command")
    return TaskSpec(kind=kind, **facts)


@pytest.mark.parametrize(
    ("facts", "argv", "cwd"),
    [
        ({"command": ["echo", "$HOME"]}, ["echo", "$HOME"], ""),
        ({"command": ["a | b"], "shell": True}, ["/bin/sh", "-c", "a | b"], ""),
        ({"command": ["ls"], "cwd": "sub"}, ["ls"], "sub"),
        ({"script": "sub/train.py", "args": ["-x"]}, [sys.executable, "-u", "{root}/sub/train.py", "-x"], "sub"),
        ({"script": "sub/run.sh", "cwd": "/"}, ["bash", "{root}/sub/run.sh"], "/"),
        ({"script": "sub/tool"}, ["{root}/sub/tool"], "sub"),
        ({"script": "sub/plan.R", "interpreter": "cat"}, ["cat", "{root}/sub/plan.R"], "sub"),
    ],
)
def test_what_runs_and_where(root: Path, facts: dict[str, Any], argv: list[str], cwd: str) -> None:
    wanted = spec(**facts)
    assert check(wanted, root) == {}
    found = command(wanted, root)
    assert found.argv == [word.format(root=root) for word in argv]
    assert Path(found.cwd) == root / cwd


def test_a_notebook_is_run_by_its_runner(root: Path) -> None:
    wanted = spec(notebook="sub/data.ipynb", kernel="python3", parameters={"lr": 0.1})
    assert check(wanted, root) == {}
    found = command(wanted, root)
    assert found.argv[-5:] == [
        "-m",
        "aiplat_jupyter.executors.notebook",
        f"{root}/sub/data.ipynb",
        "--kernel",
        "python3",
    ]
    assert found.cwd == f"{root}/sub"


def test_home_is_understood(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(root))
    assert command(spec(script="~/sub/train.py"), Path("/nowhere")).cwd == f"{root}/sub"


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        ({"command": []}, {"command"}),
        ({"command": [" "]}, {"command"}),
        ({"command": ["no-such-program"]}, {"command"}),
        ({"command": ["./tool"]}, {"command"}),
        ({"command": ["ls"], "env": {"PATH": "/nowhere"}}, {"command"}),
        ({"command": ["a", "b"], "shell": True}, {"command"}),
        ({"command": ["ls", "a\0b"]}, {"command"}),
        ({"command": ["ls", "x" * (MAX_TEXT + 1)]}, {"command"}),
        ({"command": ["ls"], "cwd": "nowhere"}, {"cwd"}),
        ({"command": ["ls"], "cwd": "sub/run.sh"}, {"cwd"}),
        ({"command": ["ls"], "env": {"A=B": "1", "": "2", "C": "\0"}}, {"env.A=B", "env.", "env.C"}),
        ({"command": ["ls"], "env": {"CUDA_VISIBLE_DEVICES": "0"}}, {"env.CUDA_VISIBLE_DEVICES"}),
        ({"command": ["ls"], "env": {"AIPLAT_TASK": "x"}}, {"env.AIPLAT_TASK"}),
        ({"script": ""}, {"script"}),
        ({"script": "sub"}, {"script"}),
        ({"script": "~nobody-of-that-name/train.py", "cwd": "~nobody-of-that-name"}, {"script", "cwd"}),
        ({"script": "nowhere.py", "cwd": "nowhere"}, {"script", "cwd"}),
        ({"script": "sub/plan.R"}, {"interpreter"}),
        ({"script": "sub/plan.R", "interpreter": "no-such-program"}, {"interpreter"}),
        ({"notebook": "sub/train.py"}, {"notebook"}),
        ({"notebook": "sub/data.ipynb", "kernel": "none"}, {"kernel"}),
        ({"notebook": "sub/data.ipynb", "parameters": {"a b": 1}}, {"parameters"}),
        ({"notebook": "sub/data.ipynb", "parameters": {"a": "x" * MAX_TEXT}}, {"parameters"}),
    ],
)
def test_what_cannot_run_is_said_before(root: Path, facts: dict[str, Any], fields: set[str]) -> None:
    found = check(spec(**facts), root)
    assert set(found) == fields
    assert all(found.values())


def test_a_live_notebook_cannot_be_queued(root: Path) -> None:
    assert set(check(TaskSpec(kind="notebook-live"), root)) == {"kind"}


def test_a_program_of_the_folder_is_found(root: Path) -> None:
    assert check(spec(command=["./tool"], cwd="sub"), root) == {}
