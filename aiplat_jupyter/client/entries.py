"""`exp.config` and `exp.summary`: mappings whose every change goes into the journal."""

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.frames import MAX_KEY

DEEPEST: Final = 20


class Entries(Mapping[str, Any]):
    """Reads like a dict; setting an entry records it. Values become plain data: numbers, texts, lists, dicts."""

    def __init__(self, entries: dict[str, Any], record: Callable[[dict[str, Any]], None]) -> None:
        self._entries = entries
        self._record = record

    def __getitem__(self, key: str) -> Any:
        return self._entries[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __setitem__(self, key: str, value: Any) -> None:
        self.update({key: value})

    def update(self, entries: Any = (), /, **more: Any) -> None:
        """Set several entries at once; takes what `dict.update` takes, and namespaces and data classes."""
        changed = plain_entries({**plain_entries(entries), **more})
        self._entries.update(changed)
        self._record(changed)

    def __repr__(self) -> str:
        return repr(self._entries)


def plain_entries(entries: Any) -> dict[str, Any]:
    """Return a mapping, namespace or data class as a dict of plain data. Raise `InvalidInput` for anything else."""
    if _is_data_class(entries):
        entries = _fields_of(entries)
    elif not isinstance(entries, Mapping) and hasattr(entries, "__dict__"):
        entries = vars(entries)
    try:
        entries = dict(entries)
    except (TypeError, ValueError):
        raise InvalidInput(f"config takes a dict, not {type(entries).__name__}.", fields={"config": "a dict"}) from None
    for key in entries:
        if len(str(key)) > MAX_KEY:
            raise InvalidInput(f"The key {str(key)[:60]!r}… is longer than {MAX_KEY} characters.")
    return {clean(str(key)): plain(value) for key, value in entries.items()}


def plain(value: Any, depth: int = 0) -> Any:
    """Return `value` as data that MessagePack and JSON know; what they do not becomes its text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(value)
    if depth > DEEPEST:
        return clean(str(value))
    if isinstance(value, Mapping):
        return {clean(str(key)): plain(entry, depth + 1) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(entry, depth + 1) for entry in value]
    if _is_data_class(value):
        return plain(_fields_of(value), depth + 1)
    return _plain_number(value)


def _is_data_class(value: Any) -> bool:
    return hasattr(value, "__dataclass_fields__") and not isinstance(value, type)


def _fields_of(value: Any) -> dict[str, Any]:
    import dataclasses

    return dataclasses.asdict(value)


def _plain_number(value: Any) -> Any:
    """Return int or float for a number of any library, else a text. What JSON cannot say is a text too."""
    try:
        number = value.item() if hasattr(value, "item") else value
    except (TypeError, ValueError, RuntimeError):
        number = value
    if isinstance(number, int) and -(2**63) <= number < 2**63:
        return int(number)
    if isinstance(number, float) and math.isfinite(number):
        return float(number)
    return clean(str(number))


def clean(text: str) -> str:
    """Return `text` without lone surrogates (of file names that are no UTF-8), which no database takes."""
    return text.encode(errors="backslashreplace").decode()
