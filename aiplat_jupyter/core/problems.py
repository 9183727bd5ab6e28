"""Errors as documents (RFC 9457)."""

from msgspec import Struct

from aiplat_jupyter.core.errors import AiplatError, OffsetConflict


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The body of every error (RFC 9457, ``application/problem+json``)."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str = ""
    fields: dict[str, str] = {}
    offset: int | None = None
    """With code ``offset_conflict``: the journal's committed offset."""


def to_problem(error: AiplatError) -> Problem:
    """Return the document that tells `error`."""
    return Problem(
        type=f"urn:aiplat:problem:{error.code}",
        title=error.title,
        status=error.status,
        code=error.code,
        detail=error.detail,
        hint=error.hint,
        fields=error.fields,
        offset=error.offset if isinstance(error, OffsetConflict) else None,
    )
