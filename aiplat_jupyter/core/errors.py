"""What can go wrong, as one tree.

AiplatError
├── InvalidInput        400  a field is wrong; `fields` names each and says what would be right
├── Unauthenticated     401  no valid credential
├── Forbidden           403  known, but not allowed to do this
├── NotFound            404  does not exist, or you may not see it
├── Conflict            409  the state changed meanwhile, or the name is taken
│   └── OffsetConflict  409  a journal is committed further (or less far) than the writer believed
├── Gone                410  was purged, and stays purged
├── TooLarge            413  the body or a record is over its limit
├── NotStarted          422  an executor can never run this: no such program or folder
├── UnreadableJournal   422  a journal's bytes are not frames, or of a newer format
├── RateLimited         429  too many requests; `retry_after` seconds
└── Unavailable         503  the store cannot answer now (locked, full disk, shutting down); safe to retry
    └── SchemaTooNew    503  the database was written by a newer aiplat_jupyter
"""

from typing import ClassVar


class AiplatError(Exception):
    """Root of every error that a user may see.

    Attributes
    ----------
    code : stable machine-readable word, one per class (`InvalidInput` → ``invalid_input``).
    status : HTTP status that stands for it.
    detail : what happened, as a sentence for people.
    hint : what to do about it, or an empty string.
    fields : for bad input, the field's path → what would be right.
    """

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"

    def __init__(self, detail: str, *, hint: str = "", fields: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.fields = fields or {}


class InvalidInput(AiplatError):
    """A field of the request is wrong."""

    code, status, title = "invalid_input", 400, "Invalid input"


class Unauthenticated(AiplatError):
    """No valid credential came with the request."""

    code, status, title = "unauthenticated", 401, "Not signed in"


class Forbidden(AiplatError):
    """The caller is known but may not do this."""

    code, status, title = "forbidden", 403, "Not allowed"


class NotFound(AiplatError):
    """It does not exist, or the caller may not see it."""

    code, status, title = "not_found", 404, "Not found"


class Conflict(AiplatError):
    """The request contradicts the present state."""

    code, status, title = "conflict", 409, "Conflict"


class OffsetConflict(Conflict):
    """A write named another offset than the journal's committed one, which `offset` tells."""

    code = "offset_conflict"

    def __init__(self, offset: int) -> None:
        super().__init__(f"The journal is committed up to byte {offset}.", hint="Send what follows that offset.")
        self.offset = offset


class Gone(AiplatError):
    """It was purged for good."""

    code, status, title = "gone", 410, "Purged"


class TooLarge(AiplatError):
    """A body or record is over its limit."""

    code, status, title = "too_large", 413, "Too large"


class UnreadableJournal(AiplatError):
    """The bytes are not journal frames, or of a format this version does not know."""

    code, status, title = "unreadable_journal", 422, "Unreadable journal"


class NotStarted(AiplatError):
    """An executor can never run this task: its program or folder does not exist, or may not be used."""

    code, status, title = "not_started", 422, "Could not be started"


class RateLimited(AiplatError):
    """Too many requests; try again after `retry_after` seconds."""

    code, status, title = "rate_limited", 429, "Too many requests"

    def __init__(self, retry_after: float) -> None:
        super().__init__("Too many requests.", hint=f"Try again in {retry_after:.0f} s.")
        self.retry_after = retry_after


class Unavailable(AiplatError):
    """The store cannot answer at the moment; the same request may be repeated."""

    code, status, title = "unavailable", 503, "Not available now"


class SchemaTooNew(Unavailable):
    """The database was written by a newer version, which this one must not touch."""

    code = "schema_too_new"
