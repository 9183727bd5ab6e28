import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import delete

from aiplat_jupyter.core.errors import Unavailable
from aiplat_jupyter.core.records import Change, NewExperiment, NewMember, NewProject
from aiplat_jupyter.services import bus as bus_module
from aiplat_jupyter.services.bus import Bus, Resync
from aiplat_jupyter.services.experiments import Experiments
from aiplat_jupyter.services.projects import Projects
from aiplat_jupyter.store import changes
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.journal_files import JournalFiles
from aiplat_jupyter.store.tables import ChangeRow
from aiplat_jupyter.store.task_folders import TaskFolders
from tests.services.people import ADA, ADMIN, BOB


async def taken(stream: AsyncIterator[Change | Resync], seconds: float = 2.0) -> list[Any]:
    """Return what comes until nothing has come for a third of a second."""
    found: list[Any] = []
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            found.append(await asyncio.wait_for(anext(stream), 0.35 if found else seconds))
        except TimeoutError:
            break
    return found


def told(found: list[Any]) -> list[tuple[str, str, str]]:
    return [(change.topic, change.kind, change.uid) for change in found]


def parts(database: Database, tmp_path) -> tuple[Projects, Experiments]:
    files = JournalFiles(tmp_path)
    return Projects(database, files, TaskFolders(tmp_path)), Experiments(database, files)


def test_commits_of_every_server_are_told(url: str, tmp_path):
    async def scene() -> None:
        ours, theirs = Database.open(url), Database.open(url)
        projects, experiments = parts(theirs, tmp_path)
        own, _ = parts(ours, tmp_path)
        async with Bus(ours) as bus, bus.subscribe(ADA) as stream:
            await projects.create(ADA, NewProject(name="digits", uid="p"))
            assert told(await taken(stream)) == [("projects", "created", "p")]
            await experiments.create(ADA, NewExperiment(project="digits", uid="e"))
            found = await taken(stream)
            assert told(found) == [("experiments", "created", "e"), ("experiment:e", "created", "e")]
            assert [change.seq for change in found] == [2, 3]
            assert found[0].project == "p"
            start = time.monotonic()
            await own.apply(ADA, "p", "archive")
            assert (await anext(stream)).kind == "updated"
            assert time.monotonic() - start < 1.0
            assert bus.seq == 4
        for database in (ours, theirs):
            await asyncio.to_thread(database.close)

    asyncio.run(scene())


def test_topics_and_visibility(database: Database, tmp_path):
    async def scene() -> None:
        projects, experiments = parts(database, tmp_path)
        await projects.create(ADA, NewProject(name="digits", uid="p"))
        async with (
            Bus(database) as bus,
            bus.subscribe(ADA, ["experiment:e"]) as one,
            bus.subscribe(BOB) as bobs,
            bus.subscribe(ADMIN, ["projects"]) as all_projects,
        ):
            await experiments.create(ADA, NewExperiment(project="digits", uid="e"))
            await experiments.create(ADA, NewExperiment(project="digits", uid="other"))
            assert told(await taken(one)) == [("experiment:e", "created", "e")]
            assert await taken(bobs, 0.5) == []
            await projects.set_member(ADA, "p", "bob", NewMember(role="viewer"))
            assert await taken(bobs) == [Resync(bus.seq)]
            await experiments.apply(ADA, "e", "trash")
            assert told(await taken(bobs)) == [("experiments", "updated", "e"), ("experiment:e", "updated", "e")]
            await projects.set_member(ADA, "p", "bob", NewMember(role="editor"))
            assert told(await taken(bobs)) == [("projects", "updated", "p")]
            await projects.remove_member(ADA, "p", "bob")
            assert await taken(bobs) == [Resync(bus.seq)]
            await experiments.apply(ADA, "e", "restore")
            assert await taken(bobs, 0.5) == []
            assert {topic for topic, _, _ in told(await taken(all_projects))} == {"projects"}

    asyncio.run(scene())


def test_nothing_is_lost_while_it_cannot_be_told_who_may_see_it(
    database: Database, tmp_path, monkeypatch: pytest.MonkeyPatch
):
    real, failures = bus_module.projects.visible_uids, [Unavailable("locked")] * 2

    def visible_uids(*given: Any) -> set[str]:
        if failures:
            raise failures.pop()
        return real(*given)

    async def scene() -> None:
        projects, _ = parts(database, tmp_path)
        async with Bus(database) as bus, bus.subscribe(ADA) as one, bus.subscribe(ADMIN) as other:
            await projects.create(ADA, NewProject(name="digits", uid="p"))
            assert told(await taken(one, 5.0)) == [("projects", "created", "p")]
            await projects.apply(ADA, "p", "archive")
            for stream, kinds in ((one, ["updated"]), (other, ["created", "updated"])):
                assert [kind for _, kind, _ in told(await taken(stream))] == kinds
            assert bus.seq == 2

    monkeypatch.setattr(bus_module, "_RETRY_SECONDS", 0.05)
    monkeypatch.setattr(bus_module.projects, "visible_uids", visible_uids)
    asyncio.run(scene())


def test_a_subscriber_goes_on_where_it_was(database: Database, tmp_path):
    async def scene() -> None:
        projects, _ = parts(database, tmp_path)
        for number in range(4):
            await projects.create(ADA, NewProject(name=f"p{number}", uid=f"p{number}"))
        async with Bus(database) as bus:
            assert bus.seq == 4
            async with bus.subscribe(ADA, after=2) as stream:
                await projects.apply(ADA, "p0", "archive")
                found = await taken(stream)
            assert [change.seq for change in found] == [3, 4, 5]
            async with bus.subscribe(BOB, after=2) as stream:
                assert await taken(stream, 0.4) == []
            async with bus.subscribe(ADA) as stream:
                assert await taken(stream, 0.4) == []
            async with bus.subscribe(ADA, after=999) as stream:
                assert await taken(stream) == [Resync(5)]

    asyncio.run(scene())


def test_what_was_pruned_is_a_resync(database: Database, tmp_path, monkeypatch: pytest.MonkeyPatch):
    async def scene() -> None:
        projects, _ = parts(database, tmp_path)
        for number in range(5):
            await projects.create(ADA, NewProject(name=f"p{number}"))
        await database.write(lambda tx: tx.execute(delete(ChangeRow).where(ChangeRow.id < 4)) and None)
        async with Bus(database) as bus:
            async with bus.subscribe(ADA, after=2) as stream:
                assert await taken(stream) == [Resync(5)]
            async with bus.subscribe(ADA, after=3) as stream:
                assert [change.seq for change in await taken(stream)] == [4, 5]
            monkeypatch.setattr(bus_module, "REPLAY", 1)
            async with bus.subscribe(ADA, after=3) as stream:
                assert await taken(stream) == [Resync(5)]

    asyncio.run(scene())


def test_what_nobody_takes_is_coalesced_then_a_resync(database: Database, tmp_path, monkeypatch: pytest.MonkeyPatch):
    async def scene() -> None:
        projects, _ = parts(database, tmp_path)
        async with Bus(database) as bus, bus.subscribe(ADMIN) as stream:
            await projects.create(ADA, NewProject(name="a", uid="a"))
            await projects.create(ADA, NewProject(name="b", uid="b"))
            for _ in range(5):
                await projects.apply(ADA, "a", "archive")
                await projects.apply(ADA, "a", "restore")
            while bus.seq < 12:
                await asyncio.sleep(0.02)
            found = await taken(stream)
            assert told(found) == [
                ("projects", "created", "a"),
                ("projects", "created", "b"),
                ("projects", "updated", "a"),
            ]
            assert [change.seq for change in found] == [1, 2, 12]
            monkeypatch.setattr(bus_module, "QUEUE", 3)
            for number in range(6):
                await projects.create(ADA, NewProject(name=f"p{number}", uid=f"p{number}"))
            while bus.seq < 18:
                await asyncio.sleep(0.02)
            first, *rest = await taken(stream)
            assert isinstance(first, Resync)
            assert [change.seq for change in rest] == list(range(first.seq + 1, 19))

    asyncio.run(scene())


def test_streams_end_with_the_bus(sqlite_url: str, tmp_path):
    async def scene() -> list[Any]:
        database = Database.open(sqlite_url)
        projects, _ = parts(database, tmp_path)
        bus = Bus(database)
        await bus.__aenter__()
        async with bus.subscribe(ADA) as stream:
            reading = asyncio.create_task(collect(stream))
            await projects.create(ADA, NewProject(name="a", uid="a"))
            await asyncio.sleep(0.2)
            await bus.__aexit__(None, None, None)
            found = await asyncio.wait_for(reading, 2)
        await asyncio.to_thread(database.close)
        return found

    assert told(asyncio.run(scene())) == [("projects", "created", "a")]


async def collect(stream: AsyncIterator[Any]) -> list[Any]:
    return [change async for change in stream]


def test_the_sequence_is_pruned_to_a_bound(database: Database, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(changes, "KEPT", 100)
    monkeypatch.setattr(changes, "_PRUNE_EVERY", 50)

    def many(tx) -> None:
        for _ in range(400):
            changes.of_project(tx, "updated", "p")

    database.write_now(many)
    newest, oldest = database.read_now(lambda tx: (changes.latest(tx), changes.oldest(tx)))
    assert newest == 400
    assert 100 <= newest - oldest + 1 <= 150
