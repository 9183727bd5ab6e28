"""What a task's spec means on this machine: program, arguments, folder; and what is wrong with it."""

import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from aiplat_jupyter.core.tasks import TaskSpec
from aiplat_jupyter.executors.environment import RESERVED

MAX_TEXT: Final = 128 * 1024 - 1
"""Bytes that Linux takes as one argument or variable, its name included."""
_RUNNERS: Final = {".py": (sys.executable, "-u"), ".sh": ("bash",)}


class Command(NamedTuple):
    """Program and arguments, and the folder in which they run."""

    argv: list[str]
    cwd: str


def command(spec: TaskSpec, root: Path) -> Command:
    """Return what runs; relative paths count from `root`. Whether it can run, `check` tells."""
    if spec.kind == "script":
        path = _under(root, spec.script)
        return Command([*_runner(spec, path), str(path), *spec.args], _folder(spec, root, path.parent))
    if spec.kind == "notebook":
        path = _under(root, spec.notebook)
        argv = [sys.executable, "-u", "-P", "-m", "aiplat_jupyter.executors.notebook", str(path)]
        return Command(argv + (["--kernel", spec.kernel] if spec.kernel else []), _folder(spec, root, path.parent))
    argv = ["/bin/sh", "-c", *spec.command] if spec.shell else spec.command
    return Command(argv, _folder(spec, root, root))


def paths(spec: TaskSpec, root: Path) -> dict[str, str]:
    """Return the fields that name a path, such that each means the same wherever the server that starts it runs."""
    named = {name: path for name in ("script", "notebook", "cwd") if (path := getattr(spec, name))}
    if spec.kind == "command":
        named.setdefault("cwd", ".")
    return {name: str(_under(root, path)) for name, path in named.items()}


def check(spec: TaskSpec, root: Path) -> dict[str, str]:
    """Return, for each field with which the task could not be started, what would be right."""
    found = dict(_of_texts(spec)) or dict(_of_kind(spec, root))
    if spec.cwd and "cwd" not in found and not _under(root, spec.cwd).is_dir():
        found["cwd"] = "a folder that exists"
    return found


def _runner(spec: TaskSpec, path: Path) -> tuple[str, ...]:
    return (spec.interpreter,) if spec.interpreter else _RUNNERS.get(path.suffix, ())


def _under(root: Path, path: str) -> Path:
    return root / os.path.expanduser(path)  # noqa: PTH111  # that of pathlib raises for ~nobody


def _folder(spec: TaskSpec, root: Path, usual: Path) -> str:
    return str(_under(root, spec.cwd) if spec.cwd else usual)


def _of_texts(spec: TaskSpec) -> Iterator[tuple[str, str]]:
    """Yield what the system would not take as an argument or variable."""
    texts = {"command": spec.command, "args": spec.args}
    texts |= {name: [getattr(spec, name)] for name in ("script", "interpreter", "notebook", "kernel", "cwd")}
    for field, values in texts.items():
        if any("\0" in value or len(os.fsencode(value)) > MAX_TEXT for value in values):
            yield field, f"texts without NUL of at most {MAX_TEXT:,} bytes"
    for name, value in spec.env.items():
        if not name or "=" in name or "\0" in name + value or len(os.fsencode(name + value)) >= MAX_TEXT:
            yield f"env.{name}", f"a name without '=' and a value without NUL, together under {MAX_TEXT:,} bytes"
        elif name in RESERVED:
            yield f"env.{name}", "another name: this one is set for every task (GPUs by `gpus`)"


def _of_kind(spec: TaskSpec, root: Path) -> Iterator[tuple[str, str]]:
    if spec.kind == "script":
        yield from _of_script(spec, root)
    elif spec.kind == "notebook":
        yield from _of_notebook(spec, root)
    elif spec.kind == "command":
        yield from _of_command(spec, root)
    else:
        yield "kind", "command, script or notebook"


def _of_command(spec: TaskSpec, root: Path) -> Iterator[tuple[str, str]]:
    if spec.shell and len(spec.command) != 1:
        yield "command", "one line for the shell"
    elif not spec.command or not spec.command[0].strip():
        yield "command", "a program and its arguments"
    elif not spec.shell and not _is_program(spec.command[0], spec, Path(command(spec, root).cwd)):
        yield "command", f"a program that can be run: there is no {spec.command[0]!r}"


def _of_script(spec: TaskSpec, root: Path) -> Iterator[tuple[str, str]]:
    path = _under(root, spec.script)
    if not spec.script or not path.is_file():
        yield "script", "a file that exists"
    elif not os.access(path, os.R_OK):
        yield "script", "a file that you may read"
    elif not _runner(spec, path) and not os.access(path, os.X_OK):
        yield "interpreter", "what runs the script, as it is neither .py nor .sh nor executable"
    if spec.interpreter and not _is_program(spec.interpreter, spec, Path(command(spec, root).cwd)):
        yield "interpreter", f"a program that can be run: there is no {spec.interpreter!r}"


def _of_notebook(spec: TaskSpec, root: Path) -> Iterator[tuple[str, str]]:
    path = _under(root, spec.notebook)
    if path.suffix != ".ipynb" or not path.is_file():
        yield "notebook", "a notebook (.ipynb) that exists"
    if odd := next((name for name in spec.parameters if not name.isidentifier()), None):
        yield "parameters", f"names of variables: {odd!r} is none"
    elif len(msgspec.json.encode(spec.parameters)) > MAX_TEXT - len("AIPLAT_PARAMETERS="):
        yield "parameters", "less data: keep it in a file, and pass its path"
    if spec.kernel and spec.kernel not in _kernels():
        yield "kernel", f"one of {', '.join(_kernels())}"


def _kernels() -> list[str]:
    from jupyter_client.kernelspec import KernelSpecManager

    return sorted(KernelSpecManager().find_kernel_specs())


def _is_program(name: str, spec: TaskSpec, cwd: Path) -> bool:
    path = cwd / name if os.sep in name else name
    return shutil.which(path, path=spec.env.get("PATH")) is not None
