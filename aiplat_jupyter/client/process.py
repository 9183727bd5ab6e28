"""Which process this is, in terms that outlive its pid."""

import os
import re
from functools import cache
from pathlib import Path

from aiplat_jupyter.core.frames import Process


def this_process() -> Process:
    """Return the running process; facts that the platform does not tell are empty or 0."""
    pid = os.getpid()
    return Process(
        machine=os.uname().nodename,
        boot_id=boot_id(),
        pid=pid,
        start_time=start_time(pid),
        oom_kills=_oom_kills(),
    )


@cache
def boot_id() -> str:
    """Return what identifies this run of the machine."""
    return _read("/proc/sys/kernel/random/boot_id").strip()


def start_time(pid: int) -> float:
    """Return when the process started, in seconds since 1970, to about 10 ms; 0.0 if that is not known."""
    # The command's name, in parentheses, may hold anything; the 22nd field counts from behind it.
    fields = _read(f"/proc/{pid}/stat").rpartition(")")[2].split()
    booted = re.search(r"^btime (\d+)", _read("/proc/stat"), re.MULTILINE)
    if len(fields) < 20 or booted is None:
        return 0.0
    return int(booted[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")


def _oom_kills() -> int:
    text = _read("/sys/fs/cgroup/memory.events") or _read("/proc/vmstat")
    found = re.search(r"^oom_kill (\d+)", text, re.MULTILINE)
    return int(found[1]) if found else 0


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
