"""Keyset paging: a cursor says behind which row to go on, so rows that come or go meanwhile move nothing."""

import base64
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
from sqlalchemy import ColumnElement, SQLColumnExpression, and_, case, false, or_

from aiplat_jupyter.core.errors import InvalidInput
from aiplat_jupyter.core.queries import MAX_LIMIT

_BAD_CURSOR: Final = "a `next_cursor` that was answered to the same query"


class Key(NamedTuple):
    """One thing to sort by. Rows without a value come last, whatever the direction."""

    column: SQLColumnExpression[Any]
    descending: bool
    nullable: bool = False


def split(sort: str) -> tuple[str, bool]:
    """Return the field that `sort` names, and whether it is reversed."""
    return sort.removeprefix("-"), sort.startswith("-")


def unknown_sort(sort: str, right: str) -> InvalidInput:
    """Return the error for a sort that does not exist."""
    return InvalidInput(f"Cannot sort by {sort!r}.", fields={"sort": f"one of {right}; - in front reverses"})


def checked_limit(limit: int) -> int:
    """Return `limit`. Raise `InvalidInput` if a page cannot have so many rows."""
    if not 1 <= limit <= MAX_LIMIT:
        raise InvalidInput("The page's size is out of range.", fields={"limit": f"from 1 to {MAX_LIMIT}"})
    return limit


def order(keys: Sequence[Key]) -> list[SQLColumnExpression[Any]]:
    """Return what to order by."""
    return [part.desc() if down else part.asc() for part, down in _parts(keys)]


def after(keys: Sequence[Key], cursor: str, sort: str) -> ColumnElement[bool]:
    """Return the condition for rows behind `cursor`. Raise `InvalidInput` for one that is not of this order."""
    parts, values = _parts(keys), _values(keys, _decode(cursor, sort, len(keys)))
    alternatives = []
    for index, ((column, down), value) in enumerate(zip(parts, values, strict=True)):
        if value is not None:
            equal = [_same(part, known) for (part, _), known in zip(parts[:index], values[:index], strict=True)]
            alternatives.append(and_(*equal, column < value if down else column > value))
    bound = _bound(*parts[0], values[0])
    return and_(bound, or_(*alternatives))


def _bound(column: SQLColumnExpression[Any], down: bool, value: Any) -> ColumnElement[bool]:
    """Return what all alternatives imply of the first column: it lets an index be entered at the right place.

    Nothing that has a value comes behind a row that has none.
    """
    if value is None:
        return false()
    bound: ColumnElement[bool] = column <= value if down else column >= value
    return bound


def _same(column: SQLColumnExpression[Any], value: Any) -> ColumnElement[bool]:
    return column.is_(None) if value is None else column == value


def _parts(keys: Sequence[Key]) -> list[tuple[SQLColumnExpression[Any], bool]]:
    parts: list[tuple[SQLColumnExpression[Any], bool]] = []
    for key in keys:
        if key.nullable:
            parts.append((_absent(key.column), False))
        parts.append((key.column, key.descending))
    return parts


def _absent(column: SQLColumnExpression[Any]) -> SQLColumnExpression[Any]:
    return case((column.is_(None), 1), else_=0)


def _values(keys: Sequence[Key], values: Sequence[Any]) -> list[Any]:
    expanded: list[Any] = []
    for key, value in zip(keys, values, strict=True):
        if key.nullable:
            expanded.append(int(value is None))
        expanded.append(value)
    return expanded


def encode(values: Sequence[Any], sort: str) -> str:
    """Return the cursor behind a row with these key values."""
    return base64.urlsafe_b64encode(msgspec.msgpack.encode([sort, *values])).decode().rstrip("=")


def _decode(cursor: str, sort: str, count: int) -> list[Any]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        found, *values = msgspec.msgpack.decode(base64.urlsafe_b64decode(padded), type=list[float | str | None])
    except (ValueError, msgspec.MsgspecError):
        raise InvalidInput("The cursor cannot be read.", fields={"cursor": _BAD_CURSOR}) from None
    if found != sort or len(values) != count:
        raise InvalidInput("The cursor belongs to another order.", fields={"cursor": _BAD_CURSOR})
    return values
