"""Telling a channel of the Apprise library, in a process of its own.

To load the library's plug-ins takes two seconds of a core and 40 MiB, and what a plug-in waits for is not ours to
limit: a process is killed when it takes too long, and leaves nothing behind. The address, a secret, goes to it by a
pipe; its words are not passed on, as they may hold it.
"""

import asyncio
import json
import logging
import sys
from typing import Any, Final

from aiplat_jupyter.core.alerts import Severity

PATIENCE: Final = 60.0
_TYPES: Final[dict[Severity, str]] = {"info": "info", "warning": "warning", "critical": "failure"}
_UNKNOWN: Final = 2
_REFUSED: Final = 3


async def is_known(url: str) -> bool:
    """Tell whether Apprise, which must be installed, knows what to do with an address."""
    return await _ask({"url": url}) != _UNKNOWN


async def notify(url: str, title: str, text: str, severity: Severity) -> str:
    """Send a text to a channel; return what went wrong, if anything."""
    message = {"url": url, "title": title, "body": text, "notify_type": _TYPES[severity]}
    match await _ask(message):
        case 0:
            return ""
        case None:
            return f"The channel has not answered within {PATIENCE:g} s."
        case 2:
            return "Apprise cannot use the address."
        case 3:
            return "The channel did not take it."
        case _:
            return "Apprise is not installed, or failed."


async def _ask(message: dict[str, str]) -> int | None:
    """Return the exit code of a process that deals with a message; None if it was killed, as it took too long."""
    quiet = asyncio.subprocess.DEVNULL
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=asyncio.subprocess.PIPE, stdout=quiet, stderr=quiet
    )
    try:
        async with asyncio.timeout(PATIENCE):
            await child.communicate(json.dumps(message).encode())
    except TimeoutError:
        return None
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return child.returncode


def main() -> int:
    """Deal with the message on the standard input: tell it, or without a title only look at its address."""
    import apprise

    logging.disable()
    message: dict[str, Any] = json.load(sys.stdin)
    channel = apprise.Apprise()
    if not channel.add(message.pop("url")):
        return _UNKNOWN
    # As text, markup in a title stays what it is, whatever the channel shows.
    is_done = not message or channel.notify(**message, body_format="text")
    return 0 if is_done else _REFUSED


if __name__ == "__main__":
    sys.exit(main())
