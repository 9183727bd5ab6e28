"""Which waiting tasks start now, and why the others wait: a decision without clock or database."""

import math
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from typing import NamedTuple

from aiplat_jupyter.core.states import TaskReason
from aiplat_jupyter.services.endings import moment
from aiplat_jupyter.store.queue import Waiting, is_due


class Room(NamedTuple):
    """What an agent has, and what of it is free.

    Attributes
    ----------
    gpus : UUIDs of those that a task may be given now; None: the driver has not told lately.
    busy : how many more there would be if nobody else used them.
    all_gpus : how many there are, as far as is known.
    """

    slots: int
    taken: int
    gpus: Sequence[str] | None
    busy: int
    all_gpus: int

    @property
    def free(self) -> int:
        """How many slots are free."""
        return self.slots - self.taken

    @property
    def free_gpus(self) -> int:
        """How many GPUs may be given now."""
        return len(self.gpus or ())


class Queue(NamedTuple):
    """What waits, in order.

    Attributes
    ----------
    front : its first tasks, whatever they wait for.
    awaited : the name of what those of them that wait for another task wait for.
    ready : its first tasks that may start, each of which fits; may reach further back than `front`.
    """

    front: Sequence[Waiting]
    awaited: Mapping[int, str]
    ready: Sequence[Waiting]


class Plan(NamedTuple):
    """What to do.

    Attributes
    ----------
    starts : tasks, each with the GPUs that it gets.
    reasons : what is to be said of tasks that wait; only what has changed.
    head : the first task that could start but for what others hold now.
    due_in : seconds until the next retry is due; infinite if none waits for its time.
    """

    starts: list[tuple[Waiting, Sequence[str]]]
    reasons: dict[Waiting, tuple[TaskReason, str]]
    head: Waiting | None
    due_in: float = math.inf


def decide(
    queue: Queue, room: Room, now: float, *, is_paused: bool, passed_over: int | None, own_queues: Container[str]
) -> Plan:
    """Return the plan.

    Parameters
    ----------
    passed_over : row of the task that smaller ones behind it have overtaken for long enough: none does any more.
    own_queues : executors that assign GPUs by themselves.
    """
    starts, left = ([], room) if is_paused else _starts(queue, room, passed_over, own_queues)
    chosen = {one.id for one, _ in starts}
    waiting = [one for one in queue.front if one.id not in chosen]
    head = next((one for one in waiting if _is_next(one, queue, room, now)), None)
    told: dict[Waiting, tuple[TaskReason, str] | None]
    told = {one: ("paused", "") if is_paused else _reason(one, queue, left, now, head) for one in waiting}
    reasons = {one: why for one, why in told.items() if why is not None and why != (one.reason, one.detail)}
    due_in = min((one.not_before - now for one in waiting if not is_due(one, now)), default=math.inf)
    return Plan(starts, reasons, head, due_in)


def _starts(
    queue: Queue, room: Room, passed_over: int | None, own_queues: Container[str]
) -> tuple[list[tuple[Waiting, Sequence[str]]], Room]:
    starts: list[tuple[Waiting, Sequence[str]]] = []
    for one in _allowed(queue, passed_over):
        gpus = 0 if one.executor in own_queues else one.gpus
        if one.slots <= room.free and gpus <= room.free_gpus:
            free = list(room.gpus or ())
            starts.append((one, free[:gpus]))
            room = room._replace(taken=room.taken + one.slots, gpus=None if room.gpus is None else free[gpus:])
    return starts, room


def _allowed(queue: Queue, passed_over: int | None) -> Iterator[Waiting]:
    order = [one.id for one in queue.front]
    if passed_over not in order:
        yield from queue.ready
        return
    before: Collection[int] = set(order[: order.index(passed_over) + 1])
    yield from (one for one in queue.ready if one.id in before)


def _is_next(one: Waiting, queue: Queue, room: Room, now: float) -> bool:
    is_possible = one.slots <= room.slots and one.gpus <= room.all_gpus - room.busy
    return is_possible and one.id not in queue.awaited and is_due(one, now)


def _reason(one: Waiting, queue: Queue, room: Room, now: float, head: Waiting | None) -> tuple[TaskReason, str] | None:
    """Return why a task waits; None: as it did before."""
    if name := queue.awaited.get(one.id):
        return "after", name
    if not is_due(one, now):
        return "backoff", moment(one.not_before)
    if one.gpus > room.free_gpus:
        if room.gpus is None:
            return None
        is_busy = one.gpus <= room.free_gpus + room.busy
        return "gpus_busy" if is_busy else "gpus", f"{room.free_gpus}/{one.gpus}"
    if one.slots > room.free or head is None:
        return "slots", f"{room.taken}/{room.slots}"
    return "after", head.name
