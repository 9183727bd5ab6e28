"""Where an experiment comes from: code, packages, machine, notebook and cell."""

import os
import re
import shlex
import sys
import threading
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

from aiplat_jupyter.client.cell import Cell
from aiplat_jupyter.client.complaints import say
from aiplat_jupyter.client.forks import uncut
from aiplat_jupyter.client.notebook import notebook_path, shell
from aiplat_jupyter.client.recording import Recording

GIT_TIMEOUT: Final = 10.0
MOST_PACKAGES: Final = 2000
LONGEST_TEXT: Final = 20_000

_SECRET = re.compile(r"(?i)(--?(?:[\w-]*[-_])?(?:token|secret|password|passwd|api[-_]?key|credentials?))(=.*)?")


def at_once(cell: Cell | None) -> dict[str, Any]:
    """Return what costs nothing to find out."""
    system = os.uname()
    found = {
        "python": sys.version.partition(" ")[0],
        "platform": f"{system.sysname} {system.release} {system.machine}",
        "folder": str(Path.cwd()),
        "notebook": notebook_path(),
        "cell": cell.id if cell else None,
        "cell_number": getattr(shell(), "execution_count", None) if cell else None,
        "cell_source": cell.source[:LONGEST_TEXT] if cell else None,
        "command": None if shell() else command_line(sys.orig_argv),
    }
    return {key: value for key, value in found.items() if value is not None}


def in_background(recording: Recording) -> None:
    """Find out the rest in a thread, and add it to the recording."""
    threading.Thread(target=_find_rest, args=(recording,), name="aiplat-capture", daemon=True).start()


def _find_rest(recording: Recording) -> None:
    try:
        found: dict[str, Any] = {"packages": packages()}
        if code := git(_source_folder()):
            found["git"] = code
        if not recording.ended:
            recording.change(provenance=found)
    except Exception as error:  # a thread of its own: an odd environment must not cost the experiment anything
        say("aiplat: the experiment's origin is not complete: %r", error)


def command_line(argv: list[str]) -> str:
    """Return the command as a shell line, without the values of arguments named like secrets."""
    words, hide = [], False
    for word in argv:
        secret = _SECRET.fullmatch(word)
        if hide and not secret:
            words.append("***")
        elif secret and secret[2]:
            words.append(f"{secret[1]}=***")
        else:
            words.append(word)
        hide = bool(secret and not secret[2])
    return shlex.join(words)[:LONGEST_TEXT]


def packages() -> dict[str, str]:
    """Return name → version of what is installed.

    From the names of the ``.dist-info`` folders: `importlib.metadata` would parse hundreds of files and hold the
    interpreter's lock for most of a second while training starts.
    """
    found = {}
    for folder in reversed(sys.path):
        for info in Path(folder).glob("*.dist-info"):
            package, _, version = info.stem.partition("-")
            found[package] = version
    return dict(sorted(found.items())[:MOST_PACKAGES])


def git(folder: Path) -> dict[str, Any] | None:
    """Return commit, branch, remote and the size of uncommitted changes; None outside a repository."""
    commit = _git(folder, "rev-parse", "HEAD")
    if not commit:
        return None
    inserted, deleted = _changed_lines(_git(folder, "diff", "--numstat", "HEAD"))
    return {
        "commit": commit,
        "branch": _git(folder, "rev-parse", "--abbrev-ref", "HEAD"),
        "remote": without_credentials(_git(folder, "config", "--get", "remote.origin.url")),
        "dirty": bool(_git(folder, "status", "--porcelain")),
        "inserted": inserted,
        "deleted": deleted,
    }


def without_credentials(remote: str) -> str:
    """Return the address of a repository without user, password and query."""
    parts = urlsplit(remote)
    if not parts.scheme:
        return remote
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment=""))


def _changed_lines(numstat: str) -> tuple[int, int]:
    counts = [line.split("\t")[:2] for line in numstat.splitlines()]
    text = [(int(inserted), int(deleted)) for inserted, deleted in counts if inserted.isdecimal()]
    return sum(inserted for inserted, _ in text), sum(deleted for _, deleted in text)


def _git(folder: Path, *arguments: str) -> str:
    with uncut:
        import subprocess

    # No optional locks: a `git commit` of the user's at this moment must not fail because of us.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0"}
    try:
        answer = subprocess.run(  # noqa: S603  # arguments are ours
            ["git", "-C", str(folder), *arguments],  # noqa: S607  # the user's own git
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=GIT_TIMEOUT,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.decode(errors="replace").strip()


def _source_folder() -> Path:
    """Return the folder of the script, or where the notebook runs."""
    script = getattr(sys.modules["__main__"], "__file__", None)
    return Path(script).resolve().parent if script and not shell() else Path.cwd()
