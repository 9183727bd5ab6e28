"""One verb for many things, each with its own result."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from aiplat_jupyter.core.errors import AiplatError, Conflict, InvalidInput
from aiplat_jupyter.core.problems import to_problem
from aiplat_jupyter.core.records import Bulk, BulkResult, Problem, Purged, Verb
from aiplat_jupyter.core.states import LIFECYCLE, Lifecycle

MAX_UIDS: Final = 1_000
_TARGETS: Final[dict[str, Lifecycle]] = {"archive": "archived", "restore": "active", "trash": "trashed"}


async def apply_each(bulk: Bulk, apply: Callable[[str], Awaitable[Any]]) -> BulkResult:
    """Apply to each uid once; what fails does not hinder the others."""
    if len(bulk.uids) > MAX_UIDS:
        raise InvalidInput("That is too much at once.", fields={"uids": f"at most {MAX_UIDS:,}"})
    done, failed, freed = [], dict[str, Problem](), 0
    for uid in dict.fromkeys(bulk.uids):
        try:
            result = await apply(uid)
        except AiplatError as error:
            failed[uid] = to_problem(error)
        else:
            done.append(uid)
            freed += result.freed_bytes if isinstance(result, Purged) else 0
    return BulkResult(done=done, failed=failed, freed_bytes=freed)


def next_state(noun: str, state: Lifecycle, verb: Verb) -> Lifecycle:
    """Return the state that `verb` leads to, which may be the present one. Raise `Conflict` where it leads nowhere."""
    following = _TARGETS.get(verb)
    if following is None or following not in {state, *LIFECYCLE[state].values()}:
        allowed = ", ".join(LIFECYCLE[state])
        raise Conflict(f"The {noun} is {state}; it cannot be changed by {verb!r}.", hint=f"Possible now: {allowed}.")
    return following


def refuse_unless_trashed(noun: str, state: Lifecycle) -> None:
    """Raise `Conflict` for a purge of what is not in the trash."""
    if state != "trashed":
        raise Conflict(f"The {noun} is {state}; only what is in the trash can be purged.", hint="Trash it first.")
