"""The local executor: the contract, and what tries to break it."""

import errno
import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from aiplat_jupyter import executors
from aiplat_jupyter.core.errors import NotStarted
from aiplat_jupyter.core.ports import Executor, Job
from aiplat_jupyter.executors import supervisor
from aiplat_jupyter.executors.local import COOKIE, LocalExecutor
from aiplat_jupyter.pytest_plugin import ExecutorContract, Jobs


class TestLocal(ExecutorContract):
    @pytest.fixture
    def executor(self) -> Executor:
        return executors.load("local")

    @pytest.fixture
    def other(self) -> Executor:
        return executors.load("local")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.5, "0.5s"), (59, "59s"), (60.0, "1m"), (5_400, "1h 30m"), (7_200.4, "2h"), (90_061, "1d 1h")],
)
def test_a_time_limit_in_words(seconds: float, words: str) -> None:
    assert supervisor.duration(seconds) == words


IGNORES_SIGTERM = "trap '' TERM; echo ready; while :; do sleep 0.1; done"


@pytest.fixture
def jobs(tmp_path: Path) -> Iterator[Jobs]:
    """Return what starts jobs; whatever is left of them afterwards is ended."""
    jobs = Jobs(LocalExecutor(), tmp_path, 20.0)
    yield jobs
    for job in jobs.executor.owned(tmp_path):
        jobs.executor.stop(job, now=True)
        jobs.ended(job)


def state_of(job: Job) -> dict[str, Any]:
    return json.loads((Path(job.directory) / "state.json").read_bytes())


def with_state(job: Job, **facts: Any) -> None:
    (Path(job.directory) / "state.json").write_text(json.dumps({**state_of(job), **facts}))


def kill_supervisor(job: Job) -> None:
    psutil.Process(state_of(job)["supervisor"]).kill()
    wait_until(lambda: supervisor.start_time(state_of(job)["supervisor"]) == 0)


def wait_until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pids(output: str) -> list[int]:
    return [int(word) for word in output.split() if word.isdecimal()]


def is_gone(pid: int) -> bool:
    return supervisor.start_time(pid) == 0


# What the supervisor does


def test_a_job_that_ignores_sigterm_is_killed_after_its_grace(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", IGNORES_SIGTERM, grace_s=0.3)
    jobs.told(job, "ready")
    jobs.executor.stop(job)
    status = jobs.ended(job)
    assert (status.reason, status.signal) == ("stopped", "SIGKILL")
    assert json.loads((Path(job.directory) / "exit.json").read_bytes())["escalated"]


DAEMONS = """
import os, subprocess, time
alone = subprocess.Popen(['sleep', '600'], start_new_session=True)
if not os.fork():
    os.setsid()
    if not os.fork():
        print(os.getpid(), flush=True)
        time.sleep(600)
    os._exit(0)
print(alone.pid, flush=True)
time.sleep({rest})
"""


@pytest.mark.parametrize("how", ["by itself", "stopped", "killed"])
def test_daemons_end_with_their_job(jobs: Jobs, how: str) -> None:
    job = jobs.python(DAEMONS.format(rest=0.3 if how == "by itself" else 600))
    wait_until(lambda: len(pids(jobs.output(job))) == 2)
    daemons = pids(jobs.output(job))
    assert not any(map(is_gone, daemons))
    if how != "by itself":
        jobs.executor.stop(job, now=how == "killed")
    status = jobs.ended(job)
    assert status.exit_code == 0 if how == "by itself" else status.reason == "stopped"
    assert all(map(is_gone, daemons))
    assert json.loads((Path(job.directory) / "exit.json").read_bytes())["swept"] >= 2


def test_a_daemon_that_ignores_sigterm_ends_too(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", f'setsid sh -c "echo $$; {IGNORES_SIGTERM}" & sleep 0.3')
    assert jobs.ended(job).exit_code == 0
    wait_until(lambda: not [each for each in psutil.process_iter(["environ"]) if _bears(each, job)])


def _bears(process: psutil.Process, job: Job) -> bool:
    return (process.info["environ"] or {}).get(COOKIE) == job.key


def test_what_ended_before_it_was_stopped_was_not_stopped(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", "echo ready; sleep 0.2")
    jobs.told(job, "ready")
    late = psutil.Process(state_of(job)["supervisor"])
    late.suspend()
    wait_until(lambda: is_gone(state_of(job)["pid"]))
    jobs.executor.stop(job)
    late.resume()
    status = jobs.ended(job)
    assert (status.reason, status.exit_code) == ("", 0)


def test_a_hangup_of_the_terminal_ends_nothing(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", "echo ready; sleep 0.5; exit 4")
    jobs.told(job, "ready")
    os.kill(state_of(job)["supervisor"], signal.SIGHUP)
    os.kill(state_of(job)["supervisor"], signal.SIGINT)
    assert jobs.ended(job).exit_code == 4


def test_asking_the_supervisor_to_end_ends_the_job(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", "echo ready; sleep 600")
    jobs.told(job, "ready")
    os.kill(state_of(job)["supervisor"], signal.SIGTERM)
    assert jobs.ended(job).reason == "stopped"


def test_the_job_has_the_signals_of_a_shell(jobs: Jobs) -> None:
    program = "import signal; print([n.name for n in signal.valid_signals() if signal.getsignal(n) == signal.SIG_IGN])"
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        job = jobs.python(program)
    finally:
        signal.signal(signal.SIGINT, before)
    jobs.ended(job)
    assert jobs.output(job).strip() == "['SIGPIPE', 'SIGXFSZ']", "as Python itself sets them"


def test_the_job_inherits_no_files(jobs: Jobs) -> None:
    secret = os.open(os.devnull, os.O_RDONLY)
    os.set_inheritable(secret, True)
    try:
        job = jobs.start("sh", "-c", "ls /proc/self/fd")
    finally:
        os.close(secret)
    jobs.ended(job)
    assert jobs.output(job).split() == ["0", "1", "2", "3"], "3 is what ls lists"


def test_secrets_do_not_stay_on_the_disk(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", "echo ready; sleep 600", env={"PATH": os.environ["PATH"], "KEY": "hunter2"})
    jobs.told(job, "ready")
    files = [path for path in Path(job.directory).iterdir() if path.is_file()]
    assert not [path for path in files if b"hunter2" in path.read_bytes()]
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert stat.S_IMODE(Path(job.directory).stat().st_mode) == 0o700


@pytest.mark.parametrize(
    ("content", "mode", "words"),
    [("#!/no/such/shell\n", 0o700, "No such file"), ("echo\n", 0o600, "Permission denied"), ("\0", 0o700, "format")],
)
def test_a_file_that_is_no_program_says_why(jobs: Jobs, content: str, mode: int, words: str) -> None:
    path = jobs.root / "file"
    path.write_text(content)
    path.chmod(mode)
    status = jobs.ended(jobs.start(str(path)))
    assert status.reason == "not_started"
    assert words in status.detail


def test_stopped_before_it_began_it_never_runs(jobs: Jobs) -> None:
    launch = jobs.launch("sh", "-c", "echo ran")
    job = Job(key=launch.key, directory=launch.directory)
    Path(launch.directory).mkdir(parents=True)
    jobs.executor.stop(job)
    jobs.executor.submit(launch)
    status = jobs.ended(job)
    assert (status.reason, status.exit_code) == ("stopped", None)
    assert jobs.output(job) == ""


@pytest.mark.parametrize("program", ["import os; os.kill(os.getpid(), 9)", "raise SystemExit(137)"])
@pytest.mark.parametrize("is_short", [True, False])
def test_a_kill_is_for_want_of_memory_if_the_system_counted_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, is_short: bool
) -> None:
    counts = iter([4, 5 if is_short else 4])
    monkeypatch.setattr(supervisor, "oom_kill_count", lambda: next(counts))
    launch = Jobs(LocalExecutor(), tmp_path, 0).launch(sys.executable, "-c", program)
    (tmp_path / "launch.json").write_text(json.dumps(msgspec.to_builtins(launch)))
    handlers = {number: signal.getsignal(number) for number in signal.valid_signals()}
    wakeup = signal.set_wakeup_fd(-1)
    try:
        supervisor.Supervisor(str(tmp_path)).run()
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            if number not in {signal.SIGKILL, signal.SIGSTOP}:
                signal.signal(number, handler)
    end = json.loads((tmp_path / "exit.json").read_bytes())
    assert (end["reason"] == "memory") == is_short


def test_the_system_counts_kills_for_want_of_memory() -> None:
    assert supervisor.oom_kill_count() >= 0


# What breaks


def test_a_supervisor_that_was_killed_leaves_its_job_running(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", "echo ready; sleep 0.7; echo done")
    jobs.told(job, "ready")
    kill_supervisor(job)
    status = jobs.status(job)
    assert (status.state, status.is_supervised) == ("running", False)
    status = jobs.ended(job)
    assert (status.state, status.reason, status.exit_code) == ("lost", "unsupervised", None)
    assert "done" in jobs.output(job)


def test_a_job_that_removes_its_folder_runs_once(jobs: Jobs) -> None:
    note = jobs.root / "note"
    job = jobs.start("sh", "-c", f"echo ran >> {note}; rm -rf {jobs.root}/*/; sleep 600")
    wait_until(lambda: not Path(job.directory).exists())
    status = jobs.status(job)
    assert (status.state, status.is_supervised) == ("running", False)
    jobs.executor.stop(job)
    wait_until(lambda: jobs.status(job).state != "running")
    assert (jobs.status(job).state, jobs.status(job).reason) == ("lost", "unsupervised")
    assert note.read_text() == "ran\n"


def test_without_its_supervisor_a_job_can_be_stopped(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", f"setsid sh -c 'sleep 600' & {IGNORES_SIGTERM}", grace_s=0.3)
    jobs.told(job, "ready")
    kill_supervisor(job)
    jobs.executor.stop(job)
    assert jobs.status(job).state == "stopping"
    status = jobs.ended(job)
    assert (status.state, status.reason) == ("lost", "unsupervised")
    wait_until(lambda: not [each for each in psutil.process_iter(["environ"]) if _bears(each, job)])


@pytest.mark.parametrize("is_patient", [True, False])
def test_without_its_supervisor_a_job_has_no_more_time(jobs: Jobs, is_patient: bool) -> None:
    program = IGNORES_SIGTERM if is_patient else "echo ready; sleep 600"
    job = jobs.start("sh", "-c", program, timeout_s=3_600.0, grace_s=0.3)
    jobs.told(job, "ready")
    kill_supervisor(job)
    assert jobs.status(job).state == "running"
    with_state(job, timeout_s=0.1, started_at=time.time() + 3_600)
    wait_until(lambda: jobs.status(job).state == "stopping")
    status = jobs.ended(job)
    assert (status.state, status.reason, status.detail, status.exit_code) == ("ended", "timeout", "0.1s", None)


def test_a_job_that_an_older_supervisor_started_has_all_the_time(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", "echo ready; sleep 600", timeout_s=3_600.0)
    jobs.told(job, "ready")
    kill_supervisor(job)
    older = {name: value for name, value in state_of(job).items() if name != "timeout_s"}
    (Path(job.directory) / "state.json").write_text(json.dumps(older))
    assert jobs.status(job).state == "running"


def test_a_process_that_started_at_another_time_is_another_one(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", "echo ready; sleep 600")
    jobs.told(job, "ready")
    real = state_of(job)
    try:
        with_state(job, supervisor_start=1, start=real["start"] + 1, key="of no process")
        status = jobs.status(job)
        assert (status.state, status.reason) == ("lost", "unsupervised")
        jobs.executor.stop(job, now=True)
        assert not is_gone(real["pid"]), "a process of someone else was killed"
    finally:
        (Path(job.directory) / "stop.json").unlink(missing_ok=True)
        with_state(job, **real)


def test_after_a_restart_of_the_machine_jobs_are_lost(jobs: Jobs) -> None:
    job = jobs.start("sh", "-c", "echo ready; sleep 600")
    jobs.told(job, "ready")
    real = state_of(job)
    with_state(job, boot_id="another")
    status = jobs.status(job)
    assert (status.state, status.reason) == ("lost", "rebooted")
    jobs.executor.stop(job, now=True)
    assert not is_gone(real["pid"])
    with_state(job, **real)


def test_a_job_whose_folder_cannot_be_read_now_is_left_out_and_left_alone(
    jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, other = (jobs.start("sh", "-c", "echo ready; sleep 600") for _ in range(2))
    for each in (job, other):
        jobs.told(each, "ready")
    real = Path.read_bytes

    def read(path: Path) -> bytes:
        if path.parent == Path(job.directory):
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return real(path)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "read_bytes", read)
        assert list(jobs.executor.poll([job, other])) == [other.key]
        assert jobs.executor.owned(jobs.root) == [other]
    assert jobs.status(job).state == "running"


def test_processes_that_may_not_be_looked_at_are_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    def look(path: str, *args: Any, **kwargs: Any) -> Any:
        if path == f"/proc/{hidden.pid}/stat":
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        return open(path, *args, **kwargs)  # noqa: PTH123  # as the supervisor does

    with (
        subprocess.Popen(["cat"], stdin=subprocess.PIPE) as hidden,
        subprocess.Popen(["cat"], stdin=hidden.stdin) as seen,
    ):
        monkeypatch.setattr(supervisor, "open", look, raising=False)
        try:
            assert seen.pid in supervisor.descendants()
            assert hidden.pid not in supervisor.descendants()
        finally:
            for each in (hidden, seen):
                each.kill()


def test_a_process_that_may_not_be_signalled_saves_no_other(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.start("sh", "-c", "setsid sleep 600 & echo $!; sleep 600")
    wait_until(lambda: bool(pids(jobs.output(job))))
    [daemon] = pids(jobs.output(job))
    kill_supervisor(job)
    real = os.kill

    def kill(pid: int, number: int) -> None:
        if pid == -state_of(job)["pid"]:
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))
        real(pid, number)

    with monkeypatch.context() as denied:
        denied.setattr(os, "kill", kill)
        jobs.executor.stop(job, now=True)
    wait_until(lambda: is_gone(daemon))


def test_two_servers_that_submit_at_once_start_one_job(jobs: Jobs) -> None:
    launch = jobs.launch("sh", "-c", "echo started; sleep 1")
    program = (
        "import sys, msgspec; from aiplat_jupyter.executors.local import LocalExecutor;"
        "from aiplat_jupyter.core.ports import Launch; executor = LocalExecutor();"
        "launch = msgspec.json.decode(sys.argv[1], type=Launch); sys.stdin.read(); executor.submit(launch)"
    )
    command = [sys.executable, "-c", program, msgspec.json.encode(launch).decode()]
    servers = [subprocess.Popen(command, stdin=subprocess.PIPE) for _ in range(6)]
    for server in servers:
        assert server.stdin
        server.stdin.close()
    assert [server.wait(30) for server in servers] == [0] * 6
    job = Job(key=launch.key, directory=launch.directory)
    assert jobs.ended(job).exit_code == 0
    assert jobs.output(job).split() == ["started"]


@pytest.mark.chaos
def test_a_job_outlives_the_server_that_was_killed(jobs: Jobs) -> None:
    launch = jobs.launch("sh", "-c", "echo ready; sleep 1; echo done; exit 5")
    program = (
        "import os, sys, msgspec; from aiplat_jupyter.executors.local import LocalExecutor;"
        "from aiplat_jupyter.core.ports import Launch;"
        "LocalExecutor().submit(msgspec.json.decode(sys.argv[1], type=Launch)); os.killpg(0, 9)"
    )
    command = [sys.executable, "-c", program, msgspec.json.encode(launch).decode()]
    assert subprocess.run(command, start_new_session=True).returncode == -signal.SIGKILL
    job = Job(key=launch.key, directory=launch.directory)
    assert jobs.ended(job).exit_code == 5
    assert jobs.output(job).split() == ["ready", "done"]


def test_a_server_that_died_before_the_supervisor_began_leaves_nothing_started(jobs: Jobs) -> None:
    launch = jobs.launch("echo", "ran")
    job = Job(key=launch.key, directory=launch.directory)
    Path(launch.directory).mkdir(parents=True)
    path = Path(launch.directory) / "launch.json"
    path.write_text(json.dumps(msgspec.to_builtins(launch)))
    assert jobs.status(job).state == "starting"
    os.utime(path, (time.time() - 60,) * 2)
    assert jobs.status(job).state == "unknown"
    jobs.executor.submit(launch)
    assert jobs.ended(job).exit_code == 0


def test_a_log_that_is_too_large_fails_the_writer_not_the_supervisor(jobs: Jobs) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, before[1]))
    try:
        job = jobs.start("sh", "-c", "yes")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    status = jobs.ended(job)
    assert (status.reason, status.signal) in {("signal", "SIGXFSZ"), ("exit", None)}
    assert len(jobs.output(job)) == 64 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512k", "aiplat", str(disk)], capture_output=True).returncode:
        pytest.skip("may not mount")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


@pytest.mark.chaos
def test_on_a_full_disk_the_exit_code_is_still_told(small_disk: Path) -> None:
    jobs = Jobs(LocalExecutor(), small_disk, 20.0)
    job = jobs.start("sh", "-c", "yes; echo over >&2; exit 6")
    status = jobs.ended(job)
    assert (status.reason, status.exit_code) == ("exit", 6)
    assert shutil.disk_usage(small_disk).free == 0


@pytest.mark.chaos
def test_on_a_full_disk_a_job_can_be_stopped(small_disk: Path) -> None:
    jobs = Jobs(LocalExecutor(), small_disk, 20.0)
    job = jobs.start("sh", "-c", "yes 2>&-; sleep 600")
    wait_until(lambda: shutil.disk_usage(small_disk).free == 0)
    jobs.executor.stop(job, now=True)
    assert jobs.ended(job).reason == "stopped"


@pytest.mark.chaos
def test_on_a_disk_that_was_full_before_nothing_starts(small_disk: Path) -> None:
    with pytest.raises(OSError, match="No space"):
        (small_disk / "all").write_bytes(bytes(1024**2))
    jobs = Jobs(LocalExecutor(), small_disk, 20.0)
    with pytest.raises(NotStarted, match="No space left"):
        jobs.start("true")
