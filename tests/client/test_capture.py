"""Where an experiment comes from, without secrets and without delay."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from aiplat_jupyter.client import capture
from aiplat_jupyter.client.cell import Cell
from aiplat_jupyter.client.experiment import Experiment
from aiplat_jupyter.client.opening import init
from aiplat_jupyter.core.frames import Changed, Opened
from tests.client.fake_server import records


@pytest.mark.parametrize(
    ("argv", "line"),
    [
        (["python", "train.py", "--lr", "1e-3"], "python train.py --lr 1e-3"),
        (["x", "--api-key", "s3cret", "--lr=1"], "x --api-key '***' --lr=1"),
        (["x", "--hf_token=s3cret"], "x '--hf_token=***'"),
        (["x", "--password", "s3cret", "-v"], "x --password '***' -v"),
        (["x", "--tokenizer", "bpe", "--max-tokens=9", "a b"], "x --tokenizer bpe --max-tokens=9 'a b'"),
        (["x", "--token"], "x --token"),
    ],
)
def test_command_lines_hide_secrets(argv: list[str], line: str) -> None:
    assert capture.command_line(argv) == line


@pytest.mark.parametrize(
    ("remote", "clean"),
    [
        ("https://ada:s3cret@example.org/a/b.git?token=x", "https://example.org/a/b.git"),
        ("git@example.org:a/b.git", "git@example.org:a/b.git"),
        ("ssh://git@example.org:22/a/b.git", "ssh://example.org:22/a/b.git"),
        ("", ""),
    ],
)
def test_remotes_hide_credentials(remote: str, clean: str) -> None:
    assert capture.without_credentials(remote) == clean


def git(folder: Path, *arguments: str) -> str:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_a_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "-b", "trunk")
    (tmp_path / "train.py").write_text("a\nb\n")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-m", "first")
    git(tmp_path, "remote", "add", "origin", "https://me:s3cret@example.org/x.git")
    clean = capture.git(tmp_path)
    assert clean == {
        "commit": git(tmp_path, "rev-parse", "HEAD"),
        "branch": "trunk",
        "remote": "https://example.org/x.git",
        "dirty": False,
        "inserted": 0,
        "deleted": 0,
    }
    (tmp_path / "train.py").write_text("a\nc\nd\n")
    dirty = capture.git(tmp_path)
    assert dirty is not None
    assert (dirty["dirty"], dirty["inserted"], dirty["deleted"]) == (True, 2, 1)


def test_outside_a_repository(tmp_path: Path) -> None:
    assert capture.git(tmp_path) is None


def test_a_git_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = tmp_path / "git"
    fake.write_text("#!/bin/sh\nexec sleep 20\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(capture, "GIT_TIMEOUT", 0.1)
    started = time.monotonic()
    assert capture.git(tmp_path) is None
    assert time.monotonic() - started < 5


def test_packages_are_what_metadata_says() -> None:
    from importlib.metadata import version

    found = capture.packages()
    assert found["msgspec"] == version("msgspec")
    assert found["pytest"] == version("pytest")


def late(exp: Experiment) -> Changed:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        journal = exp._recording.journal
        assert journal is not None
        for record in records(journal.path.read_bytes()):
            if isinstance(record, Changed) and record.provenance:
                return record
        time.sleep(0.02)
    raise AssertionError("no provenance came")


def test_provenance_comes_in_two_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JPY_SESSION_NAME", "work/train.ipynb")
    exp = init()
    opened = records(exp._recording.journal.path.read_bytes())[0]
    assert isinstance(opened, Opened)
    assert opened.provenance["python"] == sys.version.split()[0]
    assert opened.provenance["notebook"] == "work/train.ipynb"
    assert opened.name.startswith("train-")
    assert "packages" in late(exp).provenance


def test_a_cell_is_kept_with_its_source() -> None:
    found = capture.at_once(Cell("id7", "exp = aiplat.init()" + "#" * 100_000, "m"))
    assert found["cell"] == "id7"
    assert len(found["cell_source"]) == capture.LONGEST_TEXT
