"""Fixtures for tests of this package and of what others build on it; they need ``pytest-jupyter[server]``.

``pytest_plugins = ["aiplat_jupyter.pytest_plugin"]`` in the root ``conftest.py`` switches them on.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol
from urllib.parse import urlencode

import msgspec
import pytest

from aiplat_jupyter.core.errors import NotStarted
from aiplat_jupyter.core.ids import new_uid
from aiplat_jupyter.core.ports import Executor, Job, JobStatus, Launch

if TYPE_CHECKING:
    from asyncio import AbstractEventLoop

    from jupyter_server.serverapp import ServerApp
    from tornado.simple_httpclient import SimpleAsyncHTTPClient

    from aiplat_jupyter.server.app import AiplatApp


class Answer(NamedTuple):
    """What a route answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def record(self) -> Any:
        """The decoded JSON; None where there is no content."""
        return json.loads(self.body) if self.body else None


class Ask(Protocol):
    """Asks a route, which must answer `status` (None: whatever)."""

    async def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        status: int | None = 200,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send `body` (bytes as they are, else as JSON) and return the answer."""
        ...


@pytest.fixture
def aiplat_config() -> dict[str, Any]:
    """Values of `AiplatApp`'s traits; override it in a test module."""
    return {}


@pytest.fixture
def jp_server_config(aiplat_config: dict[str, Any]) -> dict[str, Any]:
    """Return the configuration of a server with this extension, in which every handler must check who asks."""
    return {
        "ServerApp": {
            "jpserver_extensions": {"aiplat_jupyter": True, "jupyter_server_terminals": False},
            "allow_unauthenticated_access": False,
        },
        "AiplatApp": aiplat_config,
    }


@pytest.fixture
def aiplat_app(
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    jp_asyncio_loop: "AbstractEventLoop",
) -> "AiplatApp":
    """Return the started extension. `jp_serverapp` loads extensions, but does not start them."""
    for variable in ("AIPLAT_DATA_DIR", "AIPLAT_SERVER_FILE", "AIPLAT_SERVER_URL", "AIPLAT_TOKEN"):
        monkeypatch.delenv(variable, raising=False)
    serverapp: ServerApp = request.getfixturevalue("jp_serverapp")
    app: AiplatApp = serverapp.extension_manager.extension_points["aiplat_jupyter"].app
    jp_asyncio_loop.run_until_complete(app._start_jupyter_server_extension(serverapp))
    return app


@pytest.fixture
def aiplat_ask(aiplat_app: "AiplatApp", http_server_client: "SimpleAsyncHTTPClient") -> Ask:
    """Return a function that asks the REST API, as Jupyter's owner unless `headers` have an ``Authorization``."""
    assert aiplat_app.serverapp is not None
    base = f"{aiplat_app.serverapp.base_url}aiplat/api/v1/"
    own = {"Authorization": f"token {aiplat_app.serverapp.identity_provider.token}"}

    async def ask(
        method: str,
        path: str,
        body: Any = None,
        /,
        *,
        status: int | None = 200,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        data = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        response = await http_server_client.fetch(
            base + path + ("?" + urlencode(query, doseq=True) if query else ""),
            method=method,
            body=data,
            headers={**own, **(headers or {})},
            allow_nonstandard_methods=True,
            raise_error=False,
        )
        assert status in {None, response.code}, f"{method} {path} → {response.code} {response.body!r}"
        return Answer(response.code, response.headers, response.body)

    return ask


class Jobs:
    """Starts jobs on an executor, and waits for them, each with a folder of its own below `root`."""

    def __init__(self, executor: Executor, root: Path, patience: float) -> None:
        self.executor = executor
        self.root = root
        self.patience = patience

    def launch(self, *argv: str, **facts: Any) -> Launch:
        """Return what starts `argv`; `facts` are fields of `Launch`."""
        key = new_uid()
        usual = {"cwd": str(self.root), "env": {"PATH": "/usr/local/bin:/usr/bin:/bin"}, "grace_s": 20.0}
        return Launch(key=key, argv=list(argv), directory=str(self.root / key / "1"), **{**usual, **facts})

    def start(self, *argv: str, **facts: Any) -> Job:
        """Submit `argv` as a job."""
        launch = self.launch(*argv, **facts)
        self.executor.submit(launch)
        return Job(key=launch.key, directory=launch.directory)

    def python(self, program: str, **facts: Any) -> Job:
        """Submit a Python program as a job."""
        return self.start(sys.executable, "-u", "-c", program, **facts)

    def status(self, job: Job) -> JobStatus:
        """Return how the job is."""
        return self.executor.poll([job])[job.key]

    def ended(self, job: Job) -> JobStatus:
        """Wait for the job's end and return how it was."""
        return self._until(job, lambda status: status.state in {"ended", "lost"})

    def told(self, job: Job, word: str) -> JobStatus:
        """Wait until the job has printed `word`."""
        return self._until(job, lambda _: word in self.output(job))

    def output(self, job: Job) -> str:
        """Return what the job has printed so far."""
        log = Path(job.directory) / "out.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _until(self, job: Job, holds: Callable[[JobStatus], bool]) -> JobStatus:
        deadline = time.monotonic() + self.patience
        while not holds(status := self.status(job)):
            assert time.monotonic() < deadline, f"{status} {self.output(job)!r}"
            time.sleep(0.02)
        return status


class ExecutorContract:
    """What every executor must do: a subclass names one by overriding the fixture `executor`, and collects the tests.

    Others count on this: `submit` may be repeated, `poll` never raises, `stop` returns at once, and a job that was
    started is found by an executor that knows nothing but its key and folder.
    """

    patience = 20.0
    """Seconds that a job may take to start or to end; more for executors with a slow queue."""

    @pytest.fixture
    def executor(self) -> Executor:
        """Return the executor to be tested, which has not been used."""
        raise NotImplementedError

    @pytest.fixture
    def other(self) -> Executor:
        """Return a second executor like the first, as another server would have."""
        raise NotImplementedError

    @pytest.fixture
    def jobs(self, executor: Executor, tmp_path: Path) -> Jobs:
        """Return what starts jobs on the executor."""
        return Jobs(executor, tmp_path, self.patience)

    def test_output_and_success(self, jobs: Jobs) -> None:
        begun = time.time()
        job = jobs.python("import sys; print('out'); print('err', file=sys.stderr)")
        status = jobs.ended(job)
        assert (status.state, status.reason, status.exit_code, status.signal) == ("ended", "", 0, None)
        assert jobs.output(job).split() == ["out", "err"]
        assert status.started_at is not None
        assert status.ended_at is not None
        assert begun - 1 <= status.started_at <= status.ended_at <= time.time() + 1

    def test_an_exit_code_is_told(self, jobs: Jobs) -> None:
        status = jobs.ended(jobs.start("sh", "-c", "exit 7"))
        assert (status.state, status.reason, status.detail, status.exit_code) == ("ended", "exit", "7", 7)

    def test_a_signal_is_told(self, jobs: Jobs) -> None:
        status = jobs.ended(jobs.start("sh", "-c", "kill -SEGV $$"))
        assert (status.state, status.reason, status.signal) == ("ended", "signal", "SIGSEGV")

    def test_folder_and_environment_are_the_given_ones(self, jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRET_OF_THE_SERVER", "1")
        text = "ü 中 '\" $HOME \n"
        folder = jobs.root / "with space"
        folder.mkdir()
        program = f"import os; print(os.getcwd(), os.environ.get('SECRET_OF_THE_SERVER'), os.environ['T'] == {text!r})"
        job = jobs.python(program, cwd=str(folder), env={"T": text, "PYTHONUTF8": "1"})
        jobs.ended(job)
        assert jobs.output(job).strip() == f"{folder} None True"

    def test_nobody_answers_its_questions(self, jobs: Jobs) -> None:
        status = jobs.ended(jobs.python("input()"))
        assert (status.state, status.exit_code) == ("ended", 1)

    def test_submitting_again_starts_nothing(self, jobs: Jobs) -> None:
        launch = jobs.launch("sh", "-c", "echo started; sleep 0.5")
        job = Job(key=launch.key, directory=launch.directory)
        for _ in range(3):
            jobs.executor.submit(launch)
        jobs.told(job, "started")
        jobs.executor.submit(launch)
        jobs.ended(job)
        jobs.executor.submit(launch)
        assert jobs.ended(job).exit_code == 0
        assert jobs.output(job).split() == ["started"]

    def test_what_was_never_submitted_is_unknown(self, jobs: Jobs) -> None:
        job = Job(key=new_uid(), directory=str(jobs.root / "nothing" / "1"))
        assert jobs.status(job).state == "unknown"
        jobs.executor.stop(job)
        jobs.executor.forget(job)

    def test_many_are_polled_at_once(self, jobs: Jobs) -> None:
        some = [jobs.start("sh", "-c", f"exit {code}") for code in range(4)]
        ends = [jobs.ended(job) for job in some]
        assert jobs.executor.poll(some) == dict(zip((job.key for job in some), ends, strict=True))

    def test_one_that_cannot_be_asked_hides_no_other(self, jobs: Jobs) -> None:
        good = jobs.start("true")
        ended = jobs.ended(good)
        bad = jobs.root / "file"
        bad.touch()
        assert jobs.executor.poll([Job(key=new_uid(), directory=str(bad)), good])[good.key] == ended

    def test_stopping_gives_it_time_to_end(self, jobs: Jobs) -> None:
        job = jobs.start("sh", "-c", "trap 'echo saved; exit 3' TERM; echo ready; while :; do sleep 0.1; done")
        jobs.told(job, "ready")
        jobs.executor.stop(job)
        jobs.executor.stop(job)
        status = jobs.ended(job)
        assert (status.state, status.reason, status.exit_code) == ("ended", "stopped", 3)
        assert "saved" in jobs.output(job)

    def test_stopping_now_needs_no_consent(self, jobs: Jobs) -> None:
        job = jobs.start("sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done", grace_s=600.0)
        jobs.told(job, "ready")
        jobs.executor.stop(job)
        assert jobs.status(job).state == "stopping"
        jobs.executor.stop(job, now=True)
        status = jobs.ended(job)
        assert (status.state, status.reason, status.signal) == ("ended", "stopped", "SIGKILL")

    def test_stopping_what_has_ended_changes_nothing(self, jobs: Jobs) -> None:
        job = jobs.start("true")
        before = jobs.ended(job)
        jobs.executor.stop(job, now=True)
        assert jobs.status(job) == before

    def test_time_runs_out(self, jobs: Jobs) -> None:
        status = jobs.ended(jobs.start("sleep", "600", timeout_s=0.5))
        assert (status.state, status.reason) == ("ended", "timeout")

    @pytest.mark.parametrize("fault", [{"argv": ["no-such-program"]}, {"cwd": "/no/such/folder"}])
    def test_what_cannot_start_says_why(self, jobs: Jobs, fault: dict[str, Any]) -> None:
        launch = msgspec.structs.replace(jobs.launch("true"), **fault)
        try:
            jobs.executor.submit(launch)
        except NotStarted as error:
            said = error.detail
        else:
            status = jobs.ended(Job(key=launch.key, directory=launch.directory))
            assert (status.state, status.reason, status.exit_code) == ("ended", "not_started", None)
            said = status.detail
        assert "no-such-program" in said or "/no/such/folder" in said

    def test_another_server_takes_over(self, jobs: Jobs, other: Executor) -> None:
        if not jobs.executor.capabilities.survives_server:
            pytest.skip("its jobs end with the server")
        job = jobs.start("sh", "-c", "echo ready; sleep 600")
        jobs.told(job, "ready")
        assert job in other.owned(jobs.root)
        assert other.poll([job])[job.key].state == "running"
        other.stop(job, now=True)
        assert jobs.ended(job).reason == "stopped"
