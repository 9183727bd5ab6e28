"""What a server's answer means: apart from the API, so that one who only logs imports none of its records."""

from collections.abc import Iterator
from typing import Final

import msgspec

from aiplat_jupyter.core import errors
from aiplat_jupyter.core.problems import Problem

MSGPACK: Final = "application/msgpack"
_OF_PROXIES: Final = {502: errors.Unavailable, 504: errors.Unavailable}
"""What stands between, and found no server or waited in vain."""
_PARAMETRISED: Final = {errors.OffsetConflict, errors.RateLimited}


def to_error(status: int, body: bytes) -> errors.AiplatError:
    """Return the error that a problem document stands for."""
    try:
        problem = msgspec.json.decode(body, type=Problem)
    except msgspec.MsgspecError:
        detail = f"The server answered {status}."
        problem = Problem(type="about:blank", title="", status=status, code="", detail=detail)
    if problem.code == errors.OffsetConflict.code and problem.offset is not None:
        return errors.OffsetConflict(problem.offset)
    kind = _by_code().get(problem.code) or _by_status().get(status, errors.AiplatError)
    return kind(problem.detail, hint=problem.hint, fields=problem.fields)


def _kinds() -> Iterator[type[errors.AiplatError]]:
    for kind in vars(errors).values():
        if isinstance(kind, type) and issubclass(kind, errors.AiplatError) and kind not in _PARAMETRISED:
            yield kind


def _by_code() -> dict[str, type[errors.AiplatError]]:
    return {kind.code: kind for kind in _kinds()}


def _by_status() -> dict[int, type[errors.AiplatError]]:
    return {kind.status: kind for kind in reversed(list(_kinds()))} | _OF_PROXIES
