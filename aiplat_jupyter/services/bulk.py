"""One verb for many things, each with its own result."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

from sqlalchemy import Connection

from aiplat_jupyter.core.errors import AiplatError, Conflict, InvalidInput
from aiplat_jupyter.core.problems import Problem, to_problem
from aiplat_jupyter.core.records import Bulk, BulkResult, Purged, Verb
from aiplat_jupyter.core.states import LIFECYCLE, Lifecycle
from aiplat_jupyter.core.tasks import TaskBulk
from aiplat_jupyter.store.database import Database

MAX_UIDS: Final = 1_000
_PER_TRANSACTION: Final = 100
_TARGETS: Final[dict[str, Lifecycle]] = {"archive": "archived", "restore": "active", "trash": "trashed"}


async def put_each(database: Database, bulk: Bulk | TaskBulk, put: Callable[[Connection, str], object]) -> BulkResult:
    """Put each of the things into its new state; `put` must look before it writes, as many share a transaction."""
    uids, problems = _uids(bulk), dict[str, Problem]()
    for start in range(0, len(uids), _PER_TRANSACTION):
        some = uids[start : start + _PER_TRANSACTION]
        problems |= await database.write(partial(_put_some, uids=some, put=put))
    return BulkResult(done=[uid for uid in uids if uid not in problems], failed=problems)


def _put_some(tx: Connection, uids: Sequence[str], put: Callable[[Connection, str], object]) -> dict[str, Problem]:
    problems = {}
    for uid in uids:
        try:
            put(tx, uid)
        except AiplatError as error:
            problems[uid] = to_problem(error)
    return problems


async def purge_each(bulk: Bulk | TaskBulk, purge: Callable[[str], Awaitable[Purged]]) -> BulkResult:
    """Purge each of the things; what fails does not hinder the others."""
    done, failed, freed = [], dict[str, Problem](), 0
    for uid in _uids(bulk):
        try:
            freed += (await purge(uid)).freed_bytes
        except AiplatError as error:
            failed[uid] = to_problem(error)
        else:
            done.append(uid)
    return BulkResult(done=done, failed=failed, freed_bytes=freed)


def _uids(bulk: Bulk | TaskBulk) -> list[str]:
    if len(bulk.uids) > MAX_UIDS:
        raise InvalidInput("That is too much at once.", fields={"uids": f"at most {MAX_UIDS:,}"})
    return list(dict.fromkeys(bulk.uids))


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
