"""The error table: what was raised → the problem document (RFC 9457) that is answered."""

from http import HTTPStatus
from typing import Final

from tornado.web import HTTPError

from aiplat_jupyter.core.errors import AiplatError
from aiplat_jupyter.core.problems import Problem, to_problem

MEDIA_TYPE: Final = "application/problem+json"


def is_expected(error: BaseException | None) -> bool:
    """Tell whether the error explains itself, so that nothing needs to be looked up in the log."""
    return isinstance(error, AiplatError | HTTPError)


def problem_of(error: BaseException | None, status: int, reference: str) -> Problem:
    """Return the document for `error`; `reference` finds an unexpected one in the server's log."""
    if isinstance(error, AiplatError):
        return to_problem(error)
    if isinstance(error, HTTPError):
        return _of_tornado(error)
    return Problem(
        type="urn:aiplat:problem:internal",
        title="Internal error",
        status=status,
        code="internal",
        detail="Something went wrong in the server.",
        hint=f"The Jupyter server's log tells more beside the reference {reference}.",
    )


def _of_tornado(error: HTTPError) -> Problem:
    phrase = HTTPStatus(error.status_code).phrase if error.status_code in {*HTTPStatus} else "Error"
    code = phrase.lower().replace(" ", "_").replace("-", "_")
    return Problem(
        type=f"urn:aiplat:problem:{code}", title=phrase, status=error.status_code, code=code, detail=f"{error}."
    )
