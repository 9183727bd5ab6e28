"""The command line, against a real server and without one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiplat_jupyter import cli
from aiplat_jupyter.client import doctor
from tests.lab import Lab

TRAIN = """
import sys, aiplat_jupyter as aiplat
with aiplat.init(project='p', name=sys.argv[1]) as exp:
    for step in range(int(sys.argv[2])): exp.log({'loss': 1.0}, step)
print(exp.uid)
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    with Lab(tmp_path_factory.mktemp("cli"), "jupyter_server") as lab:
        lab.api("server")
        yield lab


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AIPLAT_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def here(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> Lab:
    for name, value in lab.environment().items():
        monkeypatch.setenv(name, value)
    return lab


def train(data_dir: Path, name: str = "e", steps: int = 10) -> str:
    """Run a training without a server and return the experiment's uid."""
    environment = {**os.environ, "AIPLAT_DATA_DIR": str(data_dir)}
    done = subprocess.run(
        [sys.executable, "-c", TRAIN, name, str(steps)], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def count(lab: Lab, uid: str) -> int:
    return sum(series["count"] for series in lab.api(f"experiments/{uid}/metrics"))


def test_sync_sends_what_is_missing_once(here: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uids = [train(tmp_path / "far", name, 50_000) for name in ("one", "two")]
    assert cli.main(["sync", str(tmp_path / "far")]) == 0
    assert "2 journals" in capsys.readouterr().out
    assert [count(here, uid) for uid in uids] == [50_000, 50_000]
    assert cli.main(["sync", str(tmp_path / "far")]) == 0
    assert "2 journals, 0 B sent" in capsys.readouterr().out
    assert [count(here, uid) for uid in uids] == [50_000, 50_000]


def test_sync_of_the_data_folder_is_the_default(here: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    uid = train(here.data_dir)
    assert cli.main(["sync"]) == 0
    assert count(here, uid) == 10


def test_two_syncs_race_without_harm(here: Lab, tmp_path: Path) -> None:
    uid = train(tmp_path, "raced", 200_000)
    command = [sys.executable, "-m", "aiplat_jupyter.cli", "sync", str(tmp_path)]
    racers = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [racer.wait(30) for racer in racers] == [0, 0, 0]
    assert count(here, uid) == 200_000


def test_sync_says_what_was_purged_and_what_is_no_journal(
    here: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uid = train(tmp_path, "gone")
    cli.main(["sync", str(tmp_path)])
    for verb in ("trash", "purge"):
        here.api(f"experiments/{uid}/{verb}", "POST", {})
    (tmp_path / "junk.journal").write_bytes(os.urandom(100))
    capsys.readouterr()
    assert cli.main(["sync", str(tmp_path)]) == 1
    said = capsys.readouterr().out
    assert "purged   gone" in said
    assert "refused  junk.journal" in said
    assert cli.main(["sync", str(tmp_path / "nowhere")]) == 1


def test_tokens(here: Lab, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli.main(["token", "create", "cluster", "--scopes", "read", "--expires-in", "30d"]) == 0
    secret = capsys.readouterr().out.strip()
    assert cli.main(["token", "list"]) == 0
    [line] = [line for line in capsys.readouterr().out.splitlines() if line.endswith("cluster")]
    assert secret not in line
    uid, expires, scopes, _ = line.split()
    assert (scopes, expires) == ("read", time.strftime("%Y-%m-%d", time.localtime(time.time() + 30 * 86_400)))
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("AIPLAT_SERVER_URL", here.url)
        elsewhere.setenv("AIPLAT_TOKEN", secret)
        elsewhere.setenv("AIPLAT_DATA_DIR", str(here.home / "elsewhere"))
        cli.main(["doctor"])
        assert f"✓ {here.url} answers" in capsys.readouterr().out
        assert cli.main(["token", "create", "more"]) == 1
        assert "scope" in capsys.readouterr().err
    assert cli.main(["token", "revoke", uid]) == 0
    capsys.readouterr()
    assert cli.main(["token", "list"]) == 0
    assert "cluster" not in capsys.readouterr().out


def test_the_doctor_finds_the_server(here: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    train(here.data_dir)
    cli.main(["doctor"])
    said = capsys.readouterr().out
    assert f"✓ {here.url} answers" in said
    assert "WAL" in said
    assert "all in the database" in said
    assert "aip_" not in said


def test_the_doctor_without_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIPLAT_DATA_DIR", str(tmp_path))
    train(tmp_path)
    tmp_path.chmod(0o755)
    cli.main(["doctor"])
    said = capsys.readouterr().out
    assert "! No running server" in said
    assert f"chmod 700 {tmp_path}" in said
    assert "! 1 journals wait for a server" in said


@pytest.mark.parametrize("content", [b"not a database at all" * 100, b"SQLite format 3\0" + b"\0" * 2000])
def test_the_doctor_names_a_broken_database_and_leaves_it_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    monkeypatch.setenv("AIPLAT_DATA_DIR", str(tmp_path))
    (tmp_path / "aiplat.db").write_bytes(content)
    assert cli.main(["doctor"]) == 1
    assert "✕" in capsys.readouterr().out
    assert (tmp_path / "aiplat.db").read_bytes() == content


def test_without_a_server_commands_say_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AIPLAT_DATA_DIR", str(tmp_path))
    for command in (["sync"], ["token", "list"]):
        assert cli.main(command) == 1
        assert "No Jupyter server" in capsys.readouterr().err
    monkeypatch.setenv("AIPLAT_SERVER_URL", "localhost:8888")
    assert cli.main(["sync"]) == 1
    assert "AIPLAT_SERVER_URL must be a URL" in capsys.readouterr().err


def test_a_wrong_command_line_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    for command in ([], ["token"], ["token", "create", "x", "--expires-in", "soon"], ["cure"]):
        with pytest.raises(SystemExit) as left:
            cli.main(command)
        assert left.value.code == 2
    assert "30d" in capsys.readouterr().err


def test_the_command_starts_quickly() -> None:
    heavy = {"http.client", "msgspec.inspect", "jupyter_core", "pandas", "numpy", "sqlalchemy"}
    code = f"import sys\nfrom aiplat_jupyter import cli\ncli._parser()\nassert not {heavy} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (5 << 30, "5.0 GiB"), (9 << 50, "9216.0 TiB")]
)
def test_sizes(count: float, text: str) -> None:
    assert doctor.size(count) == text


# Tasks


def aiplat(*words: str, **options: Any) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "aiplat_jupyter.cli", "task", *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)


def queued(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    assert cli.main(["task", "run", *words]) == 0
    return capsys.readouterr().out.strip()


def test_a_task_is_queued_listed_and_read(here: Lab, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    uid = queued(capsys, "--name", "listed", "--cwd", str(tmp_path), "--env", "A=b=c", "--", "sh", "-c", "pwd; echo $A")
    assert cli.main(["task", "logs", "-f", uid]) == 0
    assert cli.main(["task", "logs", uid]) == 0
    assert capsys.readouterr().out.splitlines() == [str(tmp_path), "b=c"] * 2
    assert cli.main(["task", "list", "--state", "succeeded", "listed"]) == 0
    [line] = capsys.readouterr().out.splitlines()
    assert line.startswith(uid)
    assert line.endswith("succeeded  listed")


def test_following_ends_as_the_task_does(here: Lab, tmp_path: Path) -> None:
    (tmp_path / "job.sh").write_text("echo $1; exit 7")
    told = subprocess.run(
        [sys.executable, "-m", "aiplat_jupyter.cli", "task", "run", "-f", "--script", "job.sh", "--", "word"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (told.returncode, told.stdout) == (7, "word\n")
    assert told.stderr.splitlines()[-1].endswith("failed, exit code 7")


@pytest.mark.parametrize(("program", "code"), [("kill -SEGV $$", 139), ("exit 0", 0)])
def test_a_signal_is_told_as_shells_do(here: Lab, program: str, code: int) -> None:
    assert cli.main(["task", "run", "--follow", "--shell", program]) == code


def test_an_interrupt_leaves_the_task_alone(here: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    following = aiplat("run", "--follow", "--", "sh", "-c", "echo begun; sleep 600")
    assert following.stdout is not None
    assert following.stderr is not None
    assert following.stdout.readline() == "begun\n"
    following.send_signal(signal.SIGINT)
    _, said = following.communicate(timeout=20)
    uid = said.split()[0]
    assert following.returncode == 130
    assert f"aiplat task stop {uid}" in said
    assert cli.main(["task", "list", "--state", "running", "--state", "starting"]) == 0
    assert uid in capsys.readouterr().out
    assert cli.main(["task", "stop", "--now", uid]) == 0
    assert cli.main(["task", "logs", "-f", uid]) in {128 + signal.SIGTERM, 128 + signal.SIGKILL}
    assert "cancelled" in capsys.readouterr().err
    assert cli.main(["task", "retry", uid]) == 0
    assert cli.main(["task", "stop", "--now", uid]) == 0


def test_a_terminal_that_does_not_know_a_letter(here: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    uid = queued(capsys, "--", "echo", "épée")
    assert cli.main(["task", "logs", "-f", uid]) == 0
    command = [sys.executable, "-m", "aiplat_jupyter.cli", "task", "logs", uid]
    told = subprocess.run(command, env=os.environ | {"PYTHONIOENCODING": "ascii"}, capture_output=True, text=True)
    assert (told.stdout, told.stderr) == ("?p?e\n", "")


def test_a_reader_that_has_seen_enough(here: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    uid = queued(capsys, "--shell", "--", "seq 200000")
    assert cli.main(["task", "logs", "-f", uid]) == 0
    reading = aiplat("logs", uid)
    assert reading.stdout is not None
    assert reading.stdout.readline() == "1\n"
    reading.stdout.close()
    assert reading.stderr is not None
    assert reading.stderr.read() == ""
    assert reading.wait(20) == 141


def test_what_is_wrong_with_a_task_is_named(here: Lab, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["task", "run"]) == 1
    assert "  command: " in capsys.readouterr().err
    assert cli.main(["task", "logs", "nothing"]) == 1
    assert cli.main(["task", "list", "--state", "asleep"]) == 1
    assert "asleep" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        cli.main(["task", "run", "--env", "A", "ls"])
