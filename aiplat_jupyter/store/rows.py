"""Rows of the database → frozen records."""

from typing import Any, TypeVar

import msgspec
from sqlalchemy import Row

T = TypeVar("T")

AnyRow = Row[*tuple[Any, ...]]


def to_record(kind: type[T], row: AnyRow, **more: Any) -> T:
    """Return a record of `kind` from the columns of the same names and from `more`, checked; pass by other columns."""
    return msgspec.convert({**row._mapping, **more}, kind)
