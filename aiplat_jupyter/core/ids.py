"""Identifiers: made where the thing is made, so that work without a server needs no permission."""

import os
import re
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_VALID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def new_uid() -> str:
    """Return a fresh 20-character identifier: 45 bits of milliseconds, then 55 random bits.

    Identifiers made later sort later (to the millisecond), in Crockford's base 32.
    """
    number = (time.time_ns() // 1_000_000 & (1 << 45) - 1) << 55 | int.from_bytes(os.urandom(7)) >> 1
    return "".join(_ALPHABET[number >> shift & 31] for shift in range(95, -1, -5))


def uid_of(*facts: object) -> str:
    """Return the identifier that all who know the same facts find: 80 bits of their SHA-256."""
    import hashlib  # most who make identifiers need none of these

    return hashlib.sha256("\0".join(map(str, facts)).encode()).hexdigest()[:20]


def is_uid(text: str) -> bool:
    """Tell whether `text` may name something: 1–64 letters, digits, ``_`` or ``-``."""
    return _VALID.fullmatch(text) is not None
