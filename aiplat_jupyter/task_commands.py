"""`aiplat task`: queueing, listing, watching and ending tasks from a terminal."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiplat_jupyter.client.task import Task
    from aiplat_jupyter.core.logs import LogChunk, LogEnd, LogGap

SIGNALLED = 128
"""What shells add to a signal's number to make an exit code."""


def add(commands: Any, duration: Callable[[str], float]) -> None:
    """Add ``task`` and its verbs to the commands of `aiplat`."""
    verbs = commands.add_parser("task", help="run jobs in the background").add_subparsers(required=True, metavar="verb")
    _add_run(verbs.add_parser("run", help="queue a command, script or notebook, and print the task's uid"), duration)

    each = verbs.add_parser("list", help="list tasks, the youngest first")
    each.add_argument("query", nargs="*", help="words that must occur in name, command or project")
    each.add_argument("--state", action="append", help="only tasks in this state, such as running; may be repeated")
    each.add_argument("--limit", type=int, default=20)
    each.set_defaults(run=_list)

    logs = verbs.add_parser("logs", help="print a task's log")
    logs.add_argument("uid")
    logs.add_argument("-f", "--follow", action="store_true", help="go on until the task has ended")
    logs.set_defaults(run=_logs)

    stop = verbs.add_parser("stop", help="ask a task to end")
    stop.add_argument("uid")
    stop.add_argument("--now", action="store_true", help="kill it")
    stop.set_defaults(run=_stop)

    retry = verbs.add_parser("retry", help="run a task that has ended once more")
    retry.add_argument("uid")
    retry.set_defaults(run=_retry)


def _add_run(run: argparse.ArgumentParser, duration: Callable[[str], float]) -> None:
    run.usage = "aiplat task run [options] [--script FILE | --notebook FILE | --shell] [--] [word ...]"
    run.add_argument("words", nargs="*", help="program and arguments, or the script's arguments")
    kind = run.add_mutually_exclusive_group()
    kind.add_argument("--script", metavar="FILE", help="run this file")
    kind.add_argument("--notebook", metavar="FILE", help="run this notebook")
    kind.add_argument("--shell", action="store_true", help="the one word is a line for /bin/sh")
    run.add_argument("-p", "--parameter", action="append", type=_pair, metavar="NAME=JSON", help="of the notebook")
    run.add_argument("--project", default="")
    run.add_argument("--name", default="")
    run.add_argument("--gpus", type=int)
    run.add_argument("--env", action="append", type=_pair, metavar="NAME=VALUE")
    run.add_argument("--cwd", default="", help="default: the present folder")
    run.add_argument("--after", action="append", metavar="UID", help="start when that task has succeeded")
    run.add_argument("--priority", type=int, help="the higher the earlier")
    run.add_argument("--timeout", type=duration, dest="timeout_s", metavar="TIME", help="such as 90m: stop it then")
    run.add_argument("--retries", type=int, help="further attempts after a failure")
    run.add_argument("--interpreter", help="what runs the script")
    run.add_argument("--kernel", help="what runs the notebook")
    run.add_argument("-f", "--follow", action="store_true", help="print its log, and exit with its exit code")
    run.set_defaults(run=_run)


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not (name and mark):
        raise argparse.ArgumentTypeError("NAME=VALUE")
    return name, value


def _run(given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.task import submit

    names = ("gpus", "priority", "timeout_s", "retries", "interpreter", "kernel")
    more = {name: value for name in names if (value := getattr(given, name)) is not None}
    if given.env:
        more["env"] = dict(given.env)
    task = submit(
        _command(given),
        script=given.script,
        notebook=given.notebook,
        args=given.words if given.script else (),
        parameters={name: _json(value) for name, value in given.parameter or ()},
        project=given.project,
        name=given.name,
        cwd=given.cwd,
        after=given.after or (),
        **more,
    )
    print(task.uid, file=sys.stderr if given.follow else sys.stdout, flush=True)
    return _follow(task) if given.follow else 0


def _command(given: argparse.Namespace) -> str | Sequence[str] | None:
    if given.script or given.notebook:
        return None
    return " ".join(given.words) if given.shell else list(given.words)


def _json(text: str) -> Any:
    """Return the value; what is no JSON is a text."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def _list(given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.task import tasks

    for task in tasks(" ".join(given.query), limit=given.limit, state=given.state or []):
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(task.record.created_at))
        print(f"{task.uid}  {at}  {task.state:9}  {task.name}" + (f"  ({task.why})" if task.why else ""))
    return 0


def _logs(given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.task import Task

    task = Task.of(given.uid)
    if given.follow:
        return _follow(task)
    for line in task.logs():
        print(line)
    return 0


def _stop(given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.task import Task

    print(Task.of(given.uid).stop(now=given.now).state)
    return 0


def _retry(given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.task import Task

    print(Task.of(given.uid).retry().state)
    return 0


def _follow(task: "Task") -> int:
    """Print what the task writes until it has ended; return its exit code."""
    try:
        for news in task.follow():
            _show(news, task)
    except KeyboardInterrupt:
        again, end = f"aiplat task logs -f {task.uid}", f"aiplat task stop {task.uid}"
        _say(f"The task goes on. To see it again: {again}. To end it: {end}.")
        return 130
    if task.state != "succeeded":
        _say(f"{task.name}: {task.state}" + (f", {task.why}" if task.why else ""))
    return _exit_code(task)


def _show(news: "LogChunk | LogGap | LogEnd", task: "Task") -> None:
    from aiplat_jupyter.core.logs import LogChunk, LogGap

    match news:
        case LogChunk():
            print(news.text, end="", flush=True)
        case LogGap() if news.to < news.start:
            _say("The log begins anew.")
        case LogGap():
            _say(f"{news.to - news.start:,} bytes are left out; aiplat task logs {task.uid} has them.")


def _say(text: str) -> None:
    print(f"aiplat: {text}", file=sys.stderr, flush=True)


def _exit_code(task: "Task") -> int:
    """Return what a shell would have: 128 + number after a signal; 1 where the task never came to an end of its own."""
    import signal

    if task.state == "succeeded":
        return 0
    if name := task.record.signal:
        return SIGNALLED + getattr(signal, name, 0)
    return task.exit_code or 1
