"""Verbs on schedules."""

from aiplat_jupyter.core.queries import ScheduleQuery
from aiplat_jupyter.core.records import Identity, Page
from aiplat_jupyter.core.tasks import NewSchedule, Schedule, SchedulePatch, Task
from aiplat_jupyter.server.call import Created, Services


async def list_schedules(at: Services, who: Identity, query: ScheduleQuery) -> Page[Schedule]:
    """List schedules by name, a page at a time."""
    return await at.schedules.list(who, query)


async def create_schedule(at: Services, who: Identity, body: NewSchedule) -> Created[Schedule]:
    """Create a schedule (201), or answer the one that has this uid already (200)."""
    return Created(*await at.schedules.create(who, body))


async def get_schedule(at: Services, who: Identity, uid: str) -> Schedule:
    """Answer one schedule."""
    return await at.schedules.get(who, uid)


async def update_schedule(at: Services, who: Identity, uid: str, body: SchedulePatch) -> Schedule:
    """Set the given fields of a schedule."""
    return await at.schedules.update(who, uid, body)


async def remove_schedule(at: Services, who: Identity, uid: str) -> None:
    """Remove a schedule; the tasks that it queued stay."""
    await at.schedules.remove(who, uid)


async def run_schedule(at: Services, who: Identity, uid: str) -> Task:
    """Queue a schedule's task now, besides its times."""
    return await at.schedules.run(who, uid)
