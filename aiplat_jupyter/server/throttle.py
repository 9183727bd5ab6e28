"""A limit on guesses: how often one address may present a credential that nobody has."""

import hashlib
import time
from collections import OrderedDict

from aiplat_jupyter.core.errors import RateLimited


class Guesses:
    """Counts refused credentials per address. Credentials that were accepted before are never held up.

    Parameters
    ----------
    limit, period : so many refusals in so many seconds; after them only known credentials are looked at.
    """

    def __init__(self, limit: int = 20, period: float = 60.0, remembered: int = 1000) -> None:
        self._limit, self._period, self._remembered = limit, period, remembered
        self._refused: OrderedDict[str, list[float]] = OrderedDict()
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def check(self, address: str, secret: str) -> None:
        """Raise `RateLimited` if `address` has guessed too often and `secret` is not known to be good."""
        recent = [at for at in self._refused.get(address, []) if at > time.monotonic() - self._period]
        if len(recent) >= self._limit and _digest(secret) not in self._known:
            raise RateLimited(recent[0] + self._period - time.monotonic())

    def refused(self, address: str) -> None:
        """Count a credential that was not accepted."""
        recent = self._refused.pop(address, [])[1 - self._limit :]
        self._refused[address] = [*recent, time.monotonic()]
        if len(self._refused) > self._remembered:
            self._refused.popitem(last=False)

    def accepted(self, secret: str) -> None:
        """Remember a good credential (its digest)."""
        self._known[_digest(secret)] = None
        self._known.move_to_end(_digest(secret))
        if len(self._known) > self._remembered:
            self._known.popitem(last=False)


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode(errors="surrogateescape")).digest()
