"""Runs one job to its end: started as a file of its own, with the job's folder as its argument, by `executors.local`.

It survives the server and knows nothing of it. In the folder it reads ``launch.json`` and ``stop.json`` and writes, by
rename, ``state.json`` (before the job runs: so a job that is not in there has never run) and ``exit.json``. A lock on
``supervisor.lock``, together with ``state.json``, makes sure that a folder's job starts once. SIGTERM asks it to end
the job, SIGUSR1 to end it now. Only the standard library is imported, without `site` and little of that: a supervisor
waits beside every job.
"""

import ctypes
import errno
import fcntl
import json
import os
import select
import signal
import sys
import time
from collections.abc import Callable
from typing import Any, Final, NoReturn

LINGER: Final = 2.0
"""Seconds that what a job left behind has to end by itself."""
UNKILLABLE: Final = 5.0
"""Seconds after SIGKILL when a process that is still there (in the kernel, say) is given up."""
ROOM: Final = 4096
"""Bytes taken up for ``exit.json`` at the start, so that it can be written when the disk is full."""
LONGEST: Final = 1000
"""Characters of what is in the way of a start."""
TRIES: Final = 600
_SUBREAPER: Final = 36
_IGNORED: Final = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT)
"""By Python or by this program, but not by the job."""


class Supervisor:
    """Starts the job of a folder, waits for it, stops it when asked, and sweeps up after it."""

    def __init__(self, folder: str) -> None:
        self.folder = folder
        with open(self._path("launch.json"), encoding="ascii") as file:
            self.launch: dict[str, Any] = json.load(file)
        self.wake, wake_end = os.pipe()
        os.set_blocking(self.wake, False)
        os.set_blocking(wake_end, False)
        signal.set_wakeup_fd(wake_end, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, signal.SIGUSR1, signal.SIGTERM):
            signal.signal(number, self._note)
        for number in _IGNORED:
            signal.signal(number, signal.SIG_IGN)
        self.is_asked_to_end = self.is_asked_to_end_now = False
        self.pid = 0
        self.is_let_go = False
        self.status: int | None = None
        self.cause = ""
        self.kill_at: float | None = None
        self.escalated = False
        self.state: dict[str, Any] = {}

    def run(self) -> None:
        """Run the job to its end, and leave ``exit.json``."""
        _write(self._path("exit.room"), " " * ROOM)
        oom_kills = oom_kill_count()
        try:
            problem = self._start()
        except OSError as error:
            problem = f"{error.filename or 'a process'}: {error.strerror}"
            self._signal(signal.SIGKILL)
        self._wait()
        ended_at = time.time()
        swept = self._sweep()
        end = self._end(problem, oom_kill_count() > oom_kills)
        self._leave({**end, "ended_at": ended_at, "escalated": self.escalated, "swept": swept})

    def _start(self) -> str:
        """Start the job, once ``state.json`` names it. Return why that is impossible, else an empty text."""
        go, say_go = os.pipe()
        hear, problem = os.pipe()
        log = os.open(self._path("out.log"), os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        self.pid = os.fork()
        if not self.pid:
            os.close(say_go)
            become(self.launch, log, go, problem)
        os.setpgid(self.pid, self.pid)
        for end in (log, go, problem):
            os.close(end)
        self._tell(pid=self.pid, start=start_time(self.pid))
        os.unlink(self._path("launch.json"))  # it holds the environment, secrets and all
        self._obey()
        if not self.cause:
            self.is_let_go = True
            os.write(say_go, b"!")
        os.close(say_go)
        with open(hear, encoding="utf-8", errors="replace") as words:
            return words.read()

    def _wait(self) -> None:
        limit = self.launch["timeout_s"]
        deadline = None if limit is None else time.monotonic() + limit
        while self._reap() and self.status is None:
            self._obey()
            now = time.monotonic()
            if deadline is not None and now >= deadline and not self.cause:
                self._ask("timeout")
            if self.kill_at is not None and now >= self.kill_at:
                self.escalated, self.kill_at = True, None
                self._signal(signal.SIGKILL)
            self._sleep(self.kill_at if self.cause else deadline)

    def _obey(self) -> None:
        """End the job if a signal asks for that, which works on a full disk, or ``stop.json``, which may come early."""
        if os.path.exists(self._path("stop.json")):
            with open(self._path("stop.json"), encoding="ascii") as file:
                self.is_asked_to_end = True
                self.is_asked_to_end_now |= json.load(file)["now"]
        if (self.is_asked_to_end or self.is_asked_to_end_now) and not self.cause:
            self._ask("stopped")
        if self.is_asked_to_end_now and not self.escalated:
            self.kill_at = time.monotonic()

    def _ask(self, cause: str) -> None:
        self.cause = cause
        self.kill_at = time.monotonic() + self.launch["grace_s"]
        self._signal(signal.SIGTERM)
        try:
            self._tell(stopping=True)
        except OSError:  # a full disk, on which nothing can be said, is no reason to leave the job alone
            pass

    def _sweep(self) -> int:
        """End what the job left behind, also in other sessions; return how many processes that were."""
        found: set[int] = set()
        if sys.platform != "linux":
            self._signal(signal.SIGKILL)
        kill_at = time.monotonic() + (0 if self.escalated else LINGER)
        while self._reap() and time.monotonic() < kill_at + UNKILLABLE:
            there = descendants()
            for pid in there if time.monotonic() >= kill_at else there - found:
                _kill(os.kill, pid, signal.SIGKILL if time.monotonic() >= kill_at else signal.SIGTERM)
            found |= there
            self._sleep(time.monotonic() + 0.05)
        return len(found)

    def _end(self, problem: str, oom: bool) -> dict[str, Any]:
        status = self.status
        killed = os.WTERMSIG(status) if status is not None and os.WIFSIGNALED(status) else None
        code = os.WEXITSTATUS(status) if status is not None and os.WIFEXITED(status) else None
        name = signal_name(killed) if killed else None
        if problem or not self.is_let_go:
            code = name = None
        if problem:
            reason, detail = "not_started", problem[:LONGEST]
        elif self.cause:
            reason, detail = self.cause, duration(self.launch["timeout_s"]) if self.cause == "timeout" else ""
        elif oom and (killed == signal.SIGKILL or code == 128 + signal.SIGKILL):
            reason, detail = "memory", ""
        elif name:
            reason, detail = "signal", name
        else:
            reason, detail = ("exit", str(code)) if code else ("", "")
        return {"reason": reason, "detail": detail, "exit_code": code, "signal": name}

    def _leave(self, end: dict[str, Any]) -> None:
        """Write ``exit.json`` into the room that was kept for it; try again for a while where that fails."""
        for path in ("launch.json", "stop.json"):
            if os.path.exists(self._path(path)):
                os.unlink(self._path(path))
        for _ in range(TRIES):
            try:
                with open(self._path("exit.room"), "r+", encoding="ascii") as file:
                    file.write(json.dumps({**end, "started_at": self.state.get("started_at")}))
                os.rename(self._path("exit.room"), self._path("exit.json"))
                break
            except FileNotFoundError:
                break
            except OSError:
                time.sleep(1)

    def _reap(self) -> bool:
        """Collect the children that have ended; tell whether there are others."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.pid:
                self.status = status

    def _signal(self, number: int) -> None:
        if self.pid:
            _kill(os.killpg, self.pid, number)

    def _sleep(self, until: float | None) -> None:
        """Wait for a signal, or until that time."""
        select.select([self.wake], [], [], None if until is None else max(0.0, until - time.monotonic()))
        try:
            os.read(self.wake, 4096)
        except BlockingIOError:
            pass

    def _note(self, number: int, _frame: object) -> None:
        self.is_asked_to_end |= number == signal.SIGTERM
        self.is_asked_to_end_now |= number == signal.SIGUSR1

    def _tell(self, **facts: Any) -> None:
        own = os.getpid()
        base = {"key": self.launch["key"], "boot_id": boot_id(), "supervisor": own, "supervisor_start": start_time(own)}
        limits = {name: self.launch[name] for name in ("timeout_s", "grace_s")}
        self.state = {**base, "started_at": time.time(), **limits, **self.state, **facts}
        _write(self._path("state.part"), json.dumps(self.state))
        os.rename(self._path("state.part"), self._path("state.json"))

    def _path(self, name: str) -> str:
        return os.path.join(self.folder, name)


def become(launch: dict[str, Any], log: int, go: int, problem: int) -> NoReturn:
    """Turn this forked child into the job as soon as it is let go; say what is in the way."""
    what = ""
    try:
        if not os.read(go, 1):
            os._exit(127)
        for number in _IGNORED:
            signal.signal(number, signal.SIG_DFL)
        os.dup2(log, 1)
        os.dup2(log, 2)
        what = f"folder {launch['cwd']}"
        os.chdir(launch["cwd"])
        what = f"program {launch['argv'][0]}"
        os.execvpe(launch["argv"][0], launch["argv"], launch["env"])
    except (OSError, ValueError) as error:
        words = f"{what}: {getattr(error, 'strerror', None) or error}"
        os.write(problem, words.encode(errors="replace"))
    os._exit(127)


def descendants() -> set[int]:
    """Return the processes below this one; none where the system does not tell."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if sys.platform == "linux" else ():
        if name.isdigit() and (fields := stat(int(name))):
            children.setdefault(int(fields[1]), []).append(int(name))
    found, rest = set[int](), [os.getpid()]
    while rest:
        rest += (below := children.get(rest.pop(), []))
        found.update(below)
    return found


def start_time(pid: int) -> int:
    """Return when the process started, in ticks since the machine did; 0 if it is not there or that is not known."""
    fields = stat(pid)
    return int(fields[19]) if fields and fields[0] not in "ZX" else 0


def stat(pid: int) -> list[str]:
    """Return the fields of the process's ``stat`` from its state on; none if it is gone or not to be seen."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
            return file.read().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return []


def boot_id() -> str:
    """Return what identifies this run of the machine; empty where the system does not tell."""
    return _text("/proc/sys/kernel/random/boot_id").strip()


def oom_kill_count() -> int:
    """Return how many processes of this control group (else of the machine) were killed for want of memory."""
    for line in _text("/proc/self/cgroup").splitlines():
        _, kind, path = line.split(":", 2)
        name = "memory.events" if not kind else "memory.oom_control" if "memory" in kind.split(",") else ""
        for root in ("/sys/fs/cgroup/", "/sys/fs/cgroup/memory/"):
            if name and (found := _count(_text(f"{root}{path}/{name}"))) is not None:
                return found
    return _count(_text("/proc/vmstat")) or 0


def _count(text: str) -> int | None:
    lines = (line.split() for line in text.splitlines())
    return next((int(value) for name, value in lines if name == "oom_kill"), None)


def duration(seconds: float) -> str:
    """Return ``1h 30m``, ``45s`` or ``0.5s``: its two largest units, as both languages take them."""
    if seconds < 60:
        return f"{seconds:g}s"
    rest, parts = round(seconds), []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s")):
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return " ".join(parts[:2])


def signal_name(number: int) -> str:
    """Return ``SIGSEGV`` for 11; of a signal without a name, its number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _kill(kill: Callable[[int, int], None], pid: int, number: int) -> None:
    try:
        kill(pid, number)
    except (ProcessLookupError, PermissionError):
        pass


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def _write(path: str, text: str) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="ascii") as file:
        file.write(text)


def _is_first(folder: str) -> bool:
    """Tell whether this process may start the folder's job; if so it keeps the lock to its end."""
    lock = os.open(os.path.join(folder, "supervisor.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return not any(os.path.exists(os.path.join(folder, name)) for name in ("state.json", "exit.json"))


def main(folder: str) -> None:
    """Leave everything of the server behind, and run the folder's job if nobody did."""
    os.chdir("/")
    for name in os.listdir("/dev/fd"):
        if int(name) > 2:
            _close(int(name))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    if _is_first(folder):
        Supervisor(folder).run()


def _close(descriptor: int) -> None:
    try:
        os.close(descriptor)
    except OSError:
        pass


if __name__ == "__main__":
    main(sys.argv[1])
