"""Verbs on tasks."""

from typing import TYPE_CHECKING

from aiplat_jupyter.core.queries import TaskQuery
from aiplat_jupyter.core.records import BulkResult, Identity, Page, Purged
from aiplat_jupyter.core.states import TaskState
from aiplat_jupyter.core.tasks import NewTask, OutputQuery, StopTask, Task, TaskBulk, TaskCheck, TaskPatch, TaskRow
from aiplat_jupyter.server.call import Created, Move, Services

if TYPE_CHECKING:
    from aiplat_jupyter.services.logs import Download


async def list_tasks(at: Services, who: Identity, query: TaskQuery) -> Page[TaskRow]:
    """List tasks, a page at a time."""
    return await at.tasks.list(who, query)


async def create_task(at: Services, who: Identity, body: NewTask) -> Created[Task]:
    """Queue a task (201), or answer the one that has this uid already (200)."""
    return Created(*await at.tasks.create(who, body))


async def check_task(at: Services, who: Identity, body: NewTask) -> TaskCheck:
    """Say what would be wrong with a task, and what it would run, without queueing it."""
    return await at.tasks.check(who, body)


async def bulk_tasks(at: Services, who: Identity, body: TaskBulk) -> BulkResult:
    """Apply one verb to many tasks."""
    return await at.tasks.bulk(who, body)


async def count_tasks(at: Services, who: Identity, query: TaskQuery) -> dict[TaskState, int]:
    """Count the tasks that a query finds, by state."""
    return await at.tasks.counts(who, query)


async def get_task(at: Services, who: Identity, uid: str) -> Task:
    """Answer one task with what it runs, what it waits for and its attempts."""
    return await at.tasks.get(who, uid)


async def update_task(at: Services, who: Identity, uid: str, body: TaskPatch) -> Task:
    """Rename a task, or move it in the queue."""
    return await at.tasks.update(who, uid, body)


async def trash_task(at: Services, who: Identity, uid: str) -> Task:
    """Move a task that has ended to the trash, from which it can be restored."""
    return await move_task(at, who, uid, "trash")


async def move_task(at: Services, who: Identity, uid: str, verb: Move) -> Task:
    """Archive, restore or trash a task that has ended."""
    moved = await at.tasks.apply(who, uid, verb)
    assert isinstance(moved, Task)
    return moved


async def purge_task(at: Services, who: Identity, uid: str) -> Purged:
    """Delete a trashed task for good, with its logs and files."""
    purged = await at.tasks.apply(who, uid, "purge")
    assert isinstance(purged, Purged)
    return purged


async def stop_task(at: Services, who: Identity, uid: str, body: StopTask) -> Task:
    """Take a task from the queue, or ask it to end: asked again, or with `now`, it is killed."""
    return await at.tasks.stop(who, uid, body)


async def retry_task(at: Services, who: Identity, uid: str) -> Task:
    """Queue a task that has ended once more, as its next attempt."""
    return await at.tasks.retry(who, uid)


async def clone_task(at: Services, who: Identity, uid: str) -> Task:
    """Queue a new task that runs the same."""
    return await at.tasks.clone(who, uid)


async def download_notebook(at: Services, who: Identity, uid: str, query: OutputQuery) -> "Download":
    """Download a task's notebook with its outputs, as far as it has run."""
    return await at.outputs.notebook(who, uid, query)
