"""Errors as documents (RFC 9457)."""

from aiplat_jupyter.core.errors import AiplatError, OffsetConflict
from aiplat_jupyter.core.records import Problem


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
