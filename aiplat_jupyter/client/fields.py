"""What may be told of an experiment: what the server could not keep, or not even read, is refused here."""

import operator
from collections.abc import Iterable
from typing import Any, Literal, get_args

from aiplat_jupyter.client.entries import clean
from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import MAX_NAME, MAX_TAGS, MAX_TEXT

Ending = Literal["finished", "failed", "interrupted", "stopped"]
"""What may be said to have become of an experiment."""


def check_name(field: str, value: Any, *, required: bool = False) -> str:
    """Return a name. Raise `InvalidInput` unless it is one line of text that is not too long."""
    if not isinstance(value, str) or not _is_line(value) or (required and not value.strip()):
        fix = f"one line of at most {MAX_NAME} characters"
        raise InvalidInput(f"{field} must be {fix}.", fields={field: fix})
    return clean(value)


def check_tags(tags: Iterable[str]) -> list[str]:
    """Return the tags as a list. Raise `InvalidInput` unless they are names, and not too many."""
    found = list(tags)
    if isinstance(tags, str) or not all(isinstance(tag, str) for tag in found):
        raise InvalidInput(f"tags takes a list of strings, not {tags!r}.", fields={"tags": "a list of strings"})
    if len(found) > MAX_TAGS or not all(tag.strip() and _is_line(tag) for tag in found):
        fix = f"at most {MAX_TAGS}, each one line of at most {MAX_NAME} characters"
        raise InvalidInput(f"tags must be {fix}.", fields={"tags": fix})
    return [clean(tag) for tag in found]


def check_notes(value: Any) -> str:
    """Return notes. Raise `InvalidInput` unless they are text that is not too long."""
    if not isinstance(value, str) or len(value) > MAX_TEXT or "\x00" in value:
        fix = f"text of at most {MAX_TEXT:,} characters, without NUL"
        raise InvalidInput(f"notes must be {fix}.", fields={"notes": fix})
    return clean(value)


def check_step(field: str, value: Any) -> int:
    """Return a step as an int. Raise `InvalidInput` unless it is an integer of 64 bits."""
    fix = "an integer of 64 bits"
    try:
        number = operator.index(value)
    except TypeError:
        raise InvalidInput(f"{field} must be {fix}, not {value!r}.", fields={field: fix}) from None
    if not -(2**63) <= number < 2**63:
        raise InvalidInput(f"{field} must be {fix}, not {number}.", fields={field: fix})
    return number


def check_ending(value: Any) -> Ending:
    """Return how an attempt ends. Raise `InvalidInput` for what is none of the ways."""
    if value not in get_args(Ending):
        fix = f"one of {', '.join(get_args(Ending))}"
        raise InvalidInput(f"status must be {fix}, not {value!r}.", fields={"status": fix})
    ending: Ending = value
    return ending


def _is_line(value: str) -> bool:
    return len(clean(value)) <= MAX_NAME and not any(
        letter < " " or "\x7f" <= letter <= "\x9f" or letter in "\u2028\u2029" for letter in value
    )
