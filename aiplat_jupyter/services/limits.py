"""How long things may be, so that one of them cannot make every list slow."""

import math
import time
from collections.abc import Sequence
from typing import Any, Final
from unicodedata import category

import msgspec

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import MAX_NAME, MAX_TAGS, MAX_TEXT
from aiplat_jupyter.core.ids import is_uid

NAME: Final = MAX_NAME
TEXT: Final = MAX_TEXT
MAPPING: Final = 1_000_000
TAGS: Final = MAX_TAGS
LATEST: Final = 1e11
"""Seconds since 1970 that are no time any more, but milliseconds."""


def name(field: str, value: str, *, required: bool = True) -> str:
    """Return a name without blanks around it: one line of 1–200 characters."""
    value = text(field, value.strip(), NAME)
    if required and not value:
        raise InvalidInput(f"The {field} is empty.", fields={field: f"1 to {NAME} characters"})
    if any(category(character) in ("Cc", "Zl", "Zp") for character in value):
        raise InvalidInput(f"The {field} has control characters.", fields={field: "one line of text"})
    return value


def text(field: str, value: str, longest: int = TEXT) -> str:
    """Return text that every database can keep."""
    if len(value) > longest:
        raise InvalidInput(f"The {field} is too long.", fields={field: f"at most {longest:,} characters"})
    if "\x00" in value or any("\ud800" <= character <= "\udfff" for character in value):
        raise InvalidInput(f"The {field} is not text.", fields={field: "Unicode without NUL and lone surrogates"})
    return value


def tags(values: Sequence[str]) -> list[str]:
    """Return tags, each once, in the order given."""
    if len(values) > TAGS:
        raise InvalidInput("There are too many tags.", fields={"tags": f"at most {TAGS}"})
    return list(dict.fromkeys(name("tags", value) for value in values))


def mapping(field: str, values: dict[str, Any]) -> dict[str, Any]:
    """Return entries of a config or the like if they fit into 1 MB of JSON."""
    try:
        size = len(msgspec.json.encode(values))
    except (msgspec.MsgspecError, TypeError, ValueError, UnicodeEncodeError, RecursionError):
        raise InvalidInput(f"The {field} cannot be written as JSON.", fields={field: "an object of JSON"}) from None
    if size > MAPPING:
        raise InvalidInput(f"The {field} is too large.", fields={field: f"at most {MAPPING:,} bytes of JSON"})
    return values


def flat(value: str) -> str:
    """Return text that a machine made, cut and cleaned so that every database can keep it."""
    return value.replace("\x00", "")[:NAME]


def moment(wall: float) -> float:
    """Return a time that a machine told if it can be one, else now."""
    return wall if math.isfinite(wall) and 0 < wall < LATEST else time.time()


def uid(value: str | None, field: str = "uid") -> str | None:
    """Return a uid that the caller made."""
    if value is not None and not is_uid(value):
        raise InvalidInput(f"The {field} cannot be used.", fields={field: "1 to 64 letters, digits, _ or -"})
    return value
