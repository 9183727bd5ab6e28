"""Sending JSON to a webhook. Blocks; for threads.

Nothing that is said of what went wrong holds the address, which is a secret.
"""

import http.client
import urllib.error
import urllib.request
from typing import Any, Final, NamedTuple

TIMEOUT: Final = 10.0


class Result(NamedTuple):
    """What became of one try: `problem` is empty when it was done."""

    problem: str = ""
    is_final: bool = False
    """Trying again would change nothing."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Follow nowhere: the address that was chosen is the one that is told."""


def post(url: str, body: bytes) -> Result:
    """Send JSON to a webhook."""
    headers = {"Content-Type": "application/json", "User-Agent": "aiplat_jupyter"}
    try:
        request = urllib.request.Request(url, data=body, headers=headers, method="POST")  # noqa: S310  checked before
        with urllib.request.build_opener(_NoRedirect).open(request, timeout=TIMEOUT):
            return Result()
    except urllib.error.HTTPError as error:
        error.close()
        return Result(f"It answered {error.code}.", is_final=300 <= error.code < 500 and error.code not in (408, 429))
    except (OSError, http.client.HTTPException) as error:
        return Result(f"It cannot be reached: {_said(error)}.")
    except ValueError:
        return Result("The address cannot be used.", is_final=True)


def _said(error: Exception) -> str:
    """Return what an error says, without what it may quote of the address."""
    reason = getattr(error, "reason", error)
    if isinstance(reason, TimeoutError):
        return f"no answer within {TIMEOUT:g} s"
    return getattr(reason, "strerror", None) or type(reason).__name__
