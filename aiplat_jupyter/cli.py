"""`aiplat`, also `jupyter aiplat`: what is wrong, sending journals, tasks, tokens, demonstration projects."""

import argparse
import io
import os
import re
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from aiplat_jupyter import task_commands
from aiplat_jupyter.core.errors import AiplatError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_MARKS = {"good": "✓", "look": "!", "broken": "✕"}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; return its exit code: 1 if something is wrong, 2 for a wrong command line."""
    given = _parser().parse_args(arguments)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # logs hold what a terminal may not know
    try:
        code: int = given.run(given)
    except AiplatError as error:
        print(f"aiplat: {error.detail}", error.hint, file=sys.stderr)
        for field, fix in error.fields.items():
            print(f"  {field}: {fix}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # of `aiplat … | head`; the interpreter would complain when it flushes at its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("aiplat", description="AI experiments in Jupyter.")
    commands = parser.add_subparsers(required=True, metavar="command")

    doctor = commands.add_parser("doctor", help="say what is in order, and what to do about the rest")
    doctor.set_defaults(run=_doctor)

    sync = commands.add_parser("sync", help="send journals to the running server")
    sync.add_argument("paths", nargs="*", type=Path, help="journals or folders of them (default: the data folder's)")
    sync.set_defaults(run=_sync)

    task_commands.add(commands, _duration)

    token = commands.add_parser("token", help="make, list and revoke tokens for scripts on other machines")
    verbs = token.add_subparsers(required=True, metavar="verb")
    create = verbs.add_parser("create", help="make a token and show it, this one time")
    create.add_argument("name", help="what it is for")
    create.add_argument("--scopes", nargs="+", choices=["read", "write", "admin"], default=["read", "write"])
    create.add_argument("--expires-in", type=_duration, help="such as 12h or 30d (default: never)")
    create.set_defaults(run=_create_token)
    verbs.add_parser("list", help="list your tokens").set_defaults(run=_list_tokens)
    revoke = verbs.add_parser("revoke", help="make a token void")
    revoke.add_argument("uid", help="as `aiplat token list` shows it")
    revoke.set_defaults(run=_revoke_token)

    demo = commands.add_parser("demo", help="add projects to look at")
    demo.add_argument("--remove", action="store_true", help="take them away again")
    demo.set_defaults(run=_demo)
    return parser


def _duration(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text)
    if not found:
        raise argparse.ArgumentTypeError("a number with s, m, h or d, such as 30d")
    return float(found[1]) * _SECONDS[found[2]]


def _doctor(_given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.doctor import examine

    broken = False
    for finding in examine():
        print(_MARKS[finding.state], finding.what)
        if finding.fix:
            print(f"  → {finding.fix}")
        broken |= finding.state == "broken"
    return int(broken)


def _sync(given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.api import connect
    from aiplat_jupyter.client.discover import data_dir
    from aiplat_jupyter.client.doctor import size
    from aiplat_jupyter.client.sync import journals_in, sync

    api = connect()
    refused, sent, count = 0, 0, 0
    for path in journals_in(given.paths or [data_dir() / "journals"]):
        progress = _Progress(path.stem)
        outcome = sync(path, api, progress.show)
        name = outcome.opened.name or outcome.opened.experiment if outcome.opened else path.name
        if outcome.state != "had":
            progress.close(f"{outcome.state:8} {name}  {outcome.why or size(outcome.sent)}")
        refused, sent, count = refused + (outcome.state == "refused"), sent + outcome.sent, count + 1
    print(f"{count} journals, {size(sent)} sent to {api.server.web}")
    return int(refused > 0)


class _Progress:
    """One line on a terminal that says how far a long journal is; nothing where there is no terminal."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._shown_at = time.monotonic()
        self._is_shown = False

    def show(self, done: int, total: int) -> None:
        now = time.monotonic()
        if sys.stdout.isatty() and now - self._shown_at > 0.2:
            self._shown_at, self._is_shown = now, True
            print(f"\r{self._name} {done / max(total, 1):4.0%}", end="", flush=True)

    def close(self, line: str) -> None:
        print(f"\r{line}" if self._is_shown else line)


def _create_token(given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.api import connect
    from aiplat_jupyter.core.records import MintedToken, NewToken

    wanted = NewToken(name=given.name, scopes=given.scopes, expires_in=given.expires_in)
    minted = connect().post("auth/token", MintedToken, wanted)
    print(minted.secret)
    print("It is not shown again. Set it as AIPLAT_TOKEN, beside AIPLAT_SERVER_URL.", file=sys.stderr)
    return 0


def _list_tokens(_given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.api import connect
    from aiplat_jupyter.core.records import Token

    for token in connect().get("auth/tokens", list[Token]):
        print(f"{token.uid}  {_day(token.expires_at):>10}  {','.join(token.scopes):16}  {token.name}")
    return 0


def _day(seconds: float | None) -> str:
    return "lasts" if seconds is None else time.strftime("%Y-%m-%d", time.localtime(seconds))


def _revoke_token(given: argparse.Namespace) -> int:
    from aiplat_jupyter.client.api import connect

    connect().delete(f"auth/tokens/{given.uid}")
    return 0


def _demo(given: argparse.Namespace) -> int:
    from aiplat_jupyter import demo

    if given.remove:
        print(f"{demo.remove()} experiments removed")
        return 0
    count = demo.seed()
    print(f"{count} experiments written: a running server shows them at once" if count else "They are there already")
    return 0


if __name__ == "__main__":
    sys.exit(main())
