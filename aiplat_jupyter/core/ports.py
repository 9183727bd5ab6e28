"""What the platform asks of the outside world: whoever offers it implements one of these."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from aiplat_jupyter.core.gpu import GpuDevice, MonitorState
from aiplat_jupyter.core.states import TaskReason
from aiplat_jupyter.core.tasks import Progress


class Capabilities(Struct, frozen=True, kw_only=True):
    """What an executor can do by itself.

    Attributes
    ----------
    has_own_queue : it assigns GPUs and lets jobs wait; the dispatcher then hands over without leasing any.
    survives_server : its jobs go on when the Jupyter server ends.
    """

    has_own_queue: bool = False
    survives_server: bool = True


class Launch(Struct, frozen=True, kw_only=True):
    """All that an executor needs to run one attempt.

    Attributes
    ----------
    key : names the attempt for good; submitting it twice starts it once.
    argv, cwd, env : what runs, where, and its whole environment.
    directory : the attempt's folder; its console output goes to ``out.log`` there.
    gpus : how many, for executors that queue by themselves.
    timeout_s : when it is stopped, counted from its start; None: never.
    grace_s : between SIGTERM and SIGKILL.
    """

    key: str
    argv: list[str]
    cwd: str
    env: dict[str, str]
    directory: str
    gpus: int = 0
    timeout_s: float | None = None
    grace_s: float = 30.0


class JobStatus(Struct, frozen=True, kw_only=True):
    """How a job is. An executor that cannot be reached answers nothing for the key, which is no state.

    Attributes
    ----------
    state : ``unknown``: it never began, so it may be submitted (again); ``lost``: it has ended, and nobody saw how.
    reason, detail : why it ended, where that is more than its exit code.
    is_supervised : False: it runs, but its exit code will not be known.
    """

    state: Literal["unknown", "starting", "running", "stopping", "ended", "lost"]
    reason: TaskReason = ""
    detail: str = ""
    exit_code: int | None = None
    signal: str | None = None
    pid: int | None = None
    started_at: float | None = None
    ended_at: float | None = None
    is_supervised: bool = True
    progress: Progress | None = None


class Executor(Protocol):
    """Runs attempts of tasks. Its methods block, so they are called on a thread; each may be called again.

    An attempt's folder holds its output: a remote executor copies its job's output there.
    """

    name: str
    capabilities: Capabilities

    def submit(self, launch: Launch) -> None:
        """Start the job, unless it was started before. Raise `core.errors.NotStarted` if that can never work."""

    def poll(self, jobs: Sequence["Job"]) -> dict[str, JobStatus]:
        """Return how each job is, by key; one that cannot be asked now is left out."""

    def stop(self, job: "Job", *, now: bool = False) -> None:
        """Ask the job to end, or with `now` end it; return at once. What becomes of it, `poll` tells."""

    def owned(self, root: Path) -> list["Job"]:
        """Return all jobs below `root` that this executor knows, also those that nobody asks for."""

    def forget(self, job: "Job") -> None:
        """Drop what is kept outside of the attempt's folder."""


class Job(Struct, frozen=True, kw_only=True):
    """Names a job to its executor: the attempt's key and folder."""

    key: str
    directory: str


class DriverProblem(Exception):
    """A driver cannot be asked, or not any more.

    `state` and `detail` are for the status; `is_for_good`: a process that has met it stays with it, another may not.
    """

    def __init__(self, state: MonitorState, detail: str = "", *, is_for_good: bool = False) -> None:
        super().__init__(detail or state)
        self.state: MonitorState = state
        self.detail = detail
        self.is_for_good = is_for_good


class GpuSource(Protocol):
    """Asks one vendor's driver. Each call may block for good, so they are made in a process of their own."""

    driver: str
    """Its version; empty where it tells none."""

    def open(self) -> None:
        """Find the GPUs. Raise `DriverProblem`; may be called again after that."""

    def read(self, *, is_slow: bool, details: bool) -> list[GpuDevice]:
        """Return how each GPU is. Raise `DriverProblem` if the driver has gone.

        What changes slowly or is costly to ask for is as of the last time that `is_slow` was set, and PCIe traffic,
        which takes 20 ms for each number, is told with `details` only.
        """
