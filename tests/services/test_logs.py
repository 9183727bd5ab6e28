"""Logs as a service: who may read them, what is told while they grow, and what is kept of them."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aiplat_jupyter.core.errors import InvalidInput, NotFound
from aiplat_jupyter.core.logs import LogChunk, LogDownload, LogEnd, LogFollow, LogGap, LogPage, LogQuery, LogSearch
from aiplat_jupyter.core.tasks import LogFacts, NewTask, Progress
from aiplat_jupyter.services import log_keeping
from aiplat_jupyter.services.bus import Bus
from aiplat_jupyter.services.log_keeping import LogKeeping
from aiplat_jupyter.services.log_watch import LogWatch
from aiplat_jupyter.services.logs import MOST_SEARCHES, Logs
from aiplat_jupyter.store import task_attempts, task_logs, tasks
from aiplat_jupyter.store.database import Database
from aiplat_jupyter.store.logs import following, ranks, text
from aiplat_jupyter.store.logs.files import PlainFile
from aiplat_jupyter.store.logs.index import READ, Index
from aiplat_jupyter.store.logs.opened import OpenLogs
from aiplat_jupyter.store.task_attempts import Ending
from tests.services.people import ADA, BOB
from tests.services.processes import closed
from tests.services.yard import Yard

LINES = b"INFO one\nERROR two\n 10%|#  | 1/10 [00:01<00:09]"


class Scene(NamedTuple):
    """One task of Ada's, and the services that look at its log."""

    database: Database
    bus: Bus
    opened: OpenLogs
    logs: Logs
    watch: LogWatch
    task: str
    attempt: int
    log: Path

    def write(self, data: bytes) -> None:
        with self.log.open("ab") as file:
            file.write(data)

    async def start(self) -> None:
        """Let the attempt start, and write."""
        self.log.parent.mkdir(parents=True)
        self.log.touch()
        values = {"directory": str(self.log.parent), "started_at": time.time()}
        await self.database.write(lambda tx: task_attempts.move(tx, self.attempt, "starting", **values))
        await self.database.write(lambda tx: task_attempts.move(tx, self.attempt, "running"))

    async def end(self, at: float | None = None) -> None:
        """Let the attempt end."""
        await self.database.write(
            lambda tx: task_attempts.end(tx, self.attempt, Ending("succeeded"), time.time() if at is None else at)
        )

    async def page(self, **query: Any) -> Any:
        return await self.logs.page(ADA, self.task, LogQuery(**query))

    async def row(self) -> Any:
        return await self.database.read(lambda tx: tasks.record(tx, tasks.find(tx, ADA, self.task)))


@pytest.fixture
def url(sqlite_url: str) -> str:
    """Take one engine where what is tested is files; `TestKeeping` and `TestPlaces` take each."""
    return sqlite_url


Play = Callable[[Callable[[Scene], Awaitable[None]]], None]


@pytest.fixture
def play(database: Database, tmp_path: Path) -> Play:
    """Return a function that runs a scene."""
    yard = Yard(database, tmp_path)
    task = yard.tasks.create(ADA, NewTask(project="digits", kind="command", command=["x"], name="t"))[0]
    attempt = database.read_now(lambda tx: task_attempts.find(tx, task.attempt))
    assert attempt is not None
    log = tmp_path / "tasks" / task.uid / "1" / "out.log"

    def run(act: Callable[[Scene], Awaitable[None]]) -> None:
        async def scene() -> None:
            opened = OpenLogs()
            async with Bus(database) as bus, Logs(database, opened) as logs:
                watch = LogWatch(database, bus, opened)
                await act(Scene(database, bus, opened, logs, watch, task.uid, attempt.id, log))
                await asyncio.to_thread(watch._thread.shutdown)
            opened.close()

        asyncio.run(scene())

    return run


def test_a_task_that_waits_has_an_empty_log(play: Play) -> None:
    async def act(at: Scene) -> None:
        page = await at.page()
        assert (page.total, page.lines, page.is_complete) == (0, [], False)
        assert [hits.state async for hits in at.logs.search(ADA, at.task, LogSearch(q="x"))] == ["done"]
        empty = await at.logs.download(ADA, at.task, LogDownload())
        assert [piece async for piece in empty.pieces] == []

    play(act)


def test_a_page(play: Play) -> None:
    async def act(at: Scene) -> None:
        await at.start()
        at.write(LINES)
        page = await at.page(tail=10)
        assert [line.level for line in page.lines] == ["INFO", "ERROR", None]
        assert (page.stream, page.total, page.size, page.indexed, page.is_complete) == ("out", 3, 47, 47, False)
        assert [(stream.name, stream.lines) for stream in page.streams] == [("out", 3)]
        await at.end()
        assert (await at.page()).is_complete

    play(act)


def test_what_others_may_not_see_does_not_exist(play: Play) -> None:
    async def act(at: Scene) -> None:
        await at.start()
        for ask in (
            at.logs.page(BOB, at.task, LogQuery()),
            at.logs.download(BOB, at.task, LogDownload()),
            anext(at.logs.search(BOB, at.task, LogSearch(q="x"))),
            anext(at.logs.follow(BOB, at.task, LogFollow())),
            at.logs.page(ADA, at.task, LogQuery(attempt="nobody")),
            at.logs.page(ADA, at.task, LogQuery(stream="../out")),
        ):
            with pytest.raises(NotFound):
                await ask

    play(act)


def test_a_log_that_was_removed_is_told(play: Play) -> None:
    async def act(at: Scene) -> None:
        await at.start()
        at.write(LINES)
        await at.page()
        at.log.unlink()
        with pytest.raises(NotFound, match="no log"):
            await at.page(stream="out")

    play(act)


def test_no_more_searches_run_at_once_than_are_good(play: Play) -> None:
    async def act(at: Scene) -> None:
        await at.start()
        at.write(LINES)
        asked = [at.logs.search(ADA, at.task, LogSearch(q="a")) for _ in range(MOST_SEARCHES + 1)]
        for one in asked[:-1]:
            await anext(one)
        waiting = asyncio.ensure_future(anext(asked[-1]))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await asked[0].aclose()
        assert await asyncio.wait_for(waiting, 10)
        for one in asked:
            await one.aclose()

    play(act)


class TestWatching:
    def test_facts_and_progress_are_written(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(LINES)
            await at.watch.round()
            row = await at.row()
            assert row.log == LogFacts(lines=3, size=47, levels={"INFO": 1, "ERROR": 1})
            assert row.progress == Progress(done=1, total=10)

        play(act)

    def test_a_bar_of_no_number_is_none(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(b"10%|#  | 1/10\n 10%|#  | " + b"9" * 400 + b"/10")
            await at.watch.round()
            assert (await at.row()).progress == Progress(done=1, total=10)

        play(act)

    def test_a_log_that_stands_still_is_not_looked_through_for_a_bar(
        self, play: Play, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        looked: list[str] = []
        find = text.progress
        monkeypatch.setattr(text, "progress", lambda line: (looked.append(line), find(line))[1])

        async def act(at: Scene) -> None:
            await at.start()
            at.write(LINES)
            await at.watch.round()
            assert len(looked) == 1
            await at.watch.round()
            assert len(looked) == 1
            at.write(b"\r 20%|## | 2/10")
            at.watch._looked = -float("inf")
            await at.watch.round()
            assert (await at.row()).progress == Progress(done=2, total=10)

        play(act)

    def test_it_is_told_to_those_who_watch_and_may_see_it(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            topic = f"log:{at.task}"
            async with (
                at.bus.subscribe(ADA, [topic]) as adas,
                at.bus.subscribe(BOB, [topic]) as bobs,
                at.bus.subscribe(ADA) as alls,
            ):
                for _ in range(3):
                    at.write(LINES)
                    await at.watch.round()
                change = await asyncio.wait_for(anext(adas), 5)
                assert (change.topic, change.kind, change.uid, change.seq) == (topic, "grew", at.task, 0)
                assert await coming(adas) == []
                assert await coming(bobs) == []
                assert topic not in {change.topic for change in await coming(alls)}

        play(act)

    def test_logs_of_ranks_are_told_and_have_times_though_the_console_is_silent(
        self, play: Play, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("aiplat_jupyter.services.log_watch._LOOK_SECONDS", 0.0)

        async def act(at: Scene) -> None:
            await at.start()
            rank = at.log.parent / "torch" / "0" / "stdout.log"
            rank.parent.mkdir(parents=True)
            rank.touch()
            await at.watch.round()
            async with at.bus.subscribe(ADA, [f"log:{at.task}"]) as heard:
                begun = time.time()
                rank.write_bytes(b"step 1\n")
                await at.watch.round()
                assert (await asyncio.wait_for(anext(heard), 5)).kind == "grew"
                await at.watch.round()
                assert await coming(heard) == [], "told once"
            [line] = (await at.page(stream="torch/0/stdout")).lines
            assert line.time is not None
            assert abs(line.time - begun) < 3

        play(act)

    def test_the_last_lines_count_too(self, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("aiplat_jupyter.services.log_watch._LOOK_SECONDS", 0.0)

        async def act(at: Scene) -> None:
            await at.start()
            await at.watch.round()
            at.write(LINES * 100_000)
            await at.end()
            await at.watch.round()
            assert (await at.row()).log.size == len(LINES) * 100_000

        play(act)

    def test_one_that_cannot_be_read_hinders_no_round(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(LINES)
            await at.watch.round()
            at.log.unlink()
            at.log.symlink_to("/etc/hostname")
            await at.watch.round()
            assert (await at.row()).log.lines == 3

        play(act)

    def test_an_attempt_that_was_over_before_anyone_looked(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(LINES)
            await at.end()
            await at.watch.round()
            assert (await at.row()).log.lines == 3

        play(act)

    def test_an_attempt_that_ended_while_no_server_ran(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(LINES)
            async with LogWatch(at.database, at.bus, at.opened):
                await at.end()
                while (await at.row()).log.size != 47:
                    await asyncio.sleep(0.05)

        play(act)

    def test_a_writer_of_100_mb_a_second(self, play: Play) -> None:
        piece, pages = (b"INFO " + b"x" * 94 + b"\n") * 10_000, list[LogPage]()

        async def act(at: Scene) -> None:
            await at.start()

            def write() -> int:
                """Write until there are 100 MB and some pages were read meanwhile; return how many pieces."""
                begin, count = time.monotonic(), 0
                while count < 100 or (len(pages) < 5 and count < 1_000):
                    at.write(piece)
                    count += 1
                    time.sleep(max(0.0, begin + count / 100 - time.monotonic()))
                return count

            writing = asyncio.create_task(asyncio.to_thread(write))
            while not writing.done():
                await at.watch.round()
                pages.append(await at.page(tail=2))
            count, begin = await writing, time.monotonic()
            while (page := await at.page()).indexed < count * len(piece):
                assert time.monotonic() - begin < 30
            assert page.levels == {"INFO": count * 10_000}

        play(act)
        assert len(pages) >= 5
        assert all(page.lines[0].level == "INFO" for page in pages if page.indexed >= 200)
        assert max(page.indexed for page in pages) > 0

    def test_a_slow_disk_does_not_hold_up_the_loop(self, play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
        read = PlainFile.read

        def slow(file: PlainFile, offset: int, size: int) -> bytes:
            time.sleep(0.1 if size >= READ else 0)
            return read(file, offset, size)

        monkeypatch.setattr(PlainFile, "read", slow)

        async def act(at: Scene) -> None:
            await at.start()
            at.write((b"WARNING x\n" + b"plain text\n" * 9) * 50_000)
            late: list[float] = []

            async def clock() -> None:
                while True:
                    due = time.perf_counter() + 0.001
                    await asyncio.sleep(0.001)
                    late.append(time.perf_counter() - due)

            ticking, begin = asyncio.create_task(clock()), time.perf_counter()
            while (await at.page()).indexed < at.log.stat().st_size:
                await at.watch.round()
            ticking.cancel()
            assert time.perf_counter() - begin > 2, "it was indexed while the clock ticked"
            assert max(late) < 1

        play(act)


async def coming(changes: AsyncIterator[Any]) -> list[Any]:
    """Return what comes until nothing has come for a while."""
    found = []
    with suppress(TimeoutError):
        while True:
            found.append(await asyncio.wait_for(anext(changes), 0.2))
    return found


class TestFollowing:
    def test_all_of_it_and_the_end(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write("INFO é\n".encode())
            told = collected(at)
            at.write(b"more \xff")
            await asyncio.sleep(0.3)
            await at.end()
            found = await told
            chunks = [one for one in found if isinstance(one, LogChunk)]
            assert "".join(chunk.text for chunk in chunks) == "INFO é\nmore \ufffd"
            assert [chunk.offset for chunk in chunks] == [0, *[chunk.next for chunk in chunks[:-1]]]
            assert found[-1] == LogEnd(state="succeeded", size=14)

        play(act)

    def test_it_goes_on_where_it_stopped(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(b"one\ntwo\nthree\n")
            await at.end()
            found = await collected(at, offset=8)
            assert found == [LogChunk(offset=8, next=14, text="three\n"), LogEnd(state="succeeded", size=14)]
            assert (await collected(at, tail=2))[0] == LogChunk(offset=4, next=14, text="two\nthree\n")
            assert await collected(at, offset=14) == [LogEnd(state="succeeded", size=14)]

        play(act)

    def test_who_is_far_behind_is_told_of_a_gap(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(b"a line\n" * 500_000)
            await at.end()
            gap, *chunks, end = await collected(at)
            assert isinstance(gap, LogGap)
            assert gap.start == 0
            assert 3_500_000 - gap.to <= 64 * 1024
            assert gap.to % 7 == 0
            assert sum(len(chunk.text) for chunk in chunks) == 3_500_000 - gap.to
            assert all(len(chunk.text) <= following.BATCH for chunk in chunks)
            assert end.size == 3_500_000

        play(act)

    def test_a_log_that_begins_anew(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(b"old line\n" * 10)
            told = at.logs.follow(ADA, at.task, LogFollow())
            assert isinstance(await anext(told), LogChunk)
            at.log.write_bytes(b"new\n")
            await at.end()
            rest = [one async for one in told if one is not None]
            assert rest[0] == LogGap(start=90, to=0)
            assert rest[1] == LogChunk(offset=0, next=4, text="new\n")

        play(act)


async def collected(at: Scene, **ask: Any) -> list[Any]:
    return [one async for one in at.logs.follow(ADA, at.task, LogFollow(**ask)) if one is not None]


def test_downloads(play: Play) -> None:
    async def act(at: Scene) -> None:
        await at.start()
        at.write((LINES + b"\n") * 40_000)
        whole = await at.logs.download(ADA, at.task, LogDownload())
        assert whole.name == "t-1-out.log"
        assert b"".join([piece async for piece in whole.pieces]) == at.log.read_bytes()
        errors = await at.logs.download(ADA, at.task, LogDownload(min_level="WARNING"))
        assert b"".join([piece async for piece in errors.pieces]) == b"ERROR two\n" * 40_000
        with pytest.raises(NotFound):
            await at.logs.download(ADA, at.task, LogDownload(stream="none"))
        with pytest.raises(InvalidInput):
            await at.logs.download(ADA, at.task, LogDownload(offset=-1))
        last = 39_999 * len(LINES + b"\n")
        assert await downloaded(at, offset=last + 4) == LINES[4:] + b"\n"
        assert await downloaded(at, offset=last, min_level="ERROR") == b"ERROR two\n"
        assert await downloaded(at, offset=last + 10, min_level="ERROR") == b""
        assert await downloaded(at, offset=10**12) == await downloaded(at, offset=10**12, min_level="INFO") == b""

    play(act)


def test_the_log_of_all_ranks(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranks, "EVERY", 0.0)

    async def act(at: Scene) -> None:
        await at.start()
        with pytest.raises(NotFound, match="no log"):
            await at.page(stream="*")
        for rank, data in ((1, b"b0\n"), (0, b"ERROR a0\n"), (1, b"b1\n"), (0, b" 10%\r 37%")):
            folder = at.log.parent / "torch" / str(rank)
            folder.mkdir(parents=True, exist_ok=True)
            with (folder / "stderr.log").open("ab") as file:
                file.write(data)
            at.watch._looked = -float("inf")
            await at.watch.round()
        page = await at.page(stream="*")
        assert [(line.rank, line.text) for line in page.lines] == [(1, "b0"), (0, "ERROR a0"), (1, "b1")]
        assert [stream.name for stream in page.streams] == ["*", "out", "torch/0/stderr", "torch/1/stderr"]
        assert (page.stream, page.total, page.levels) == ("*", 3, {"ERROR": 1})
        found = [
            line async for hits in at.logs.search(ADA, at.task, LogSearch(q="b", stream="*")) for line in hits.lines
        ]
        assert found == [1, 3]
        whole, errors = b"[rank1]: b0\n[rank0]: ERROR a0\n[rank1]: b1\n", b"[rank0]: ERROR a0\n"
        assert await downloaded(at, stream="*") == whole
        assert await downloaded(at, stream="*", min_level="ERROR") == errors
        assert (await at.logs.download(ADA, at.task, LogDownload(stream="*"))).name == "t-1-ranks.log"
        await at.end()
        said = await collected(at, stream="*")
        assert "".join(one.text for one in said[:-1]).encode() == whole + b"[rank0]:  10%\r 37%\n"
        assert (await at.page(stream="*", tail=1)).lines[0].text == " 37%"

    play(act)


def test_the_last_words_of_ranks_are_told_before_the_end(play: Play) -> None:
    async def act(at: Scene) -> None:
        await at.start()
        files = [at.log.parent / f"rank{rank}.log" for rank in range(2)]
        for file in files:
            file.write_bytes(b"begun\n")
        told = at.logs.follow(ADA, at.task, LogFollow(stream="*"))
        first = await anext(told)
        assert isinstance(first, LogChunk)
        files[1].write_bytes(b"begun\nlast words\nwithout an end")
        await at.end()
        *rest, end = [one async for one in told if one is not None]
        assert "".join(one.text for one in rest) == "[rank1]: last words\n[rank1]: without an end\n"
        page = await at.page(stream="*", tail=1)
        assert (page.lines[0].text, page.is_complete, end.size) == ("without an end", True, page.size)

    play(act)


def test_the_end_that_another_process_has_to_note_is_waited_for(play: Play) -> None:
    async def act(at: Scene) -> None:
        await at.start()
        for rank in range(2):
            (at.log.parent / f"rank{rank}.log").write_bytes(b"begun\n")
        keeper = OpenLogs()
        with keeper.borrow(at.log.parent, "*") as kept:
            (at.log.parent / "rank1.log").write_bytes(b"begun\nlast words")
            await at.end()
            told = asyncio.ensure_future(collected(at, stream="*"))
            await asyncio.sleep(0.5)
            assert not told.done()
            assert not (await at.page(stream="*")).is_complete
            assert kept.settle()
            *rest, _ = await asyncio.wait_for(told, 20)
        keeper.close()
        assert "".join(one.text for one in rest).endswith("[rank1]: last words\n")

    play(act)


def test_a_writer_that_is_faster_than_the_index_is_no_hindrance(play: Play, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds: list[int] = []
    grow = Index.refresh

    def refresh(index: Index, most: int) -> bool:
        rounds.append(most)
        if len(rounds) < 40:
            with index.path.open("ab") as file:
                file.write(b"ERROR x\n" * (most // 4))
        return grow(index, most)

    monkeypatch.setattr("aiplat_jupyter.services.logs.SLICE", READ)
    monkeypatch.setattr(following, "_SLICE", READ)
    monkeypatch.setattr(Index, "refresh", refresh)

    async def act(at: Scene) -> None:
        await at.start()
        at.write(b"ERROR x\n" * 10)
        assert await downloaded(at, min_level="ERROR") == b"ERROR x\n" * 10
        told = at.logs.follow(ADA, at.task, LogFollow(tail=1))
        assert isinstance(await anext(told), LogChunk)
        await told.aclose()
        assert len(rounds) < 30

    play(act)


def test_who_watches_hears_of_ranks_and_of_a_line_that_stands_still(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranks, "PATIENCE", 0.0)

    async def act(at: Scene) -> None:
        await at.start()
        for rank in range(2):
            (at.log.parent / f"rank{rank}.log").write_bytes(b"x")
        await at.watch._look_who_runs()
        [place] = at.watch._running.values()
        seen = await at.watch._look(place, with_others=True)
        assert seen is not None
        assert seen.others == 2 + len("x\nx\n")

    play(act)


async def downloaded(at: Scene, **ask: Any) -> bytes:
    download = await at.logs.download(ADA, at.task, LogDownload(**ask))
    return b"".join([piece async for piece in download.pieces])


class OnEachEngine:
    @pytest.fixture(params=["sqlite_url", "postgres_url"])
    def url(self, request: pytest.FixtureRequest) -> str:
        return str(request.getfixturevalue(request.param))


class TestPlaces(OnEachEngine):
    def test_an_attempt_that_writes(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            assert await at.database.read(lambda tx: task_logs.written_now(tx, 0)) == []
            await at.start()
            [place] = await at.database.read(lambda tx: task_logs.written_now(tx, time.time()))
            assert (place.task, place.folder, place.has_ended) == (at.task, at.log.parent, False)
            at.write(LINES)
            await at.watch.round()
            assert (await at.row()).log.lines == 3
            before = time.time() - 1
            await at.end()
            [place] = await at.database.read(lambda tx: task_logs.written_now(tx, before))
            assert place.has_ended
            assert await at.database.read(lambda tx: task_logs.written_now(tx, before + 60)) == []
            assert (await at.page()).is_complete

        play(act)


class TestAnotherAccount:
    """On a machine that several people share, each with a server of their own, over one database."""

    def test_its_log_is_said_to_be_closed(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(LINES)
            with closed(at.log.parents[1]):
                for asked in (
                    at.page(),
                    collected(at),
                    downloaded(at),
                    anext(at.logs.search(ADA, at.task, LogSearch(q="x"))),
                ):
                    with pytest.raises(NotFound, match="of the account ada, closed to others"):
                        await asked
                await at.watch.round()
            assert (await at.page()).total == 3

        play(act)


class TestKeeping(OnEachEngine):
    @asynccontextmanager
    async def kept(self, at: Scene, days: float, **keep: float) -> AsyncIterator[LogKeeping]:
        """Yield the keeper, when the attempt has ended so many days ago."""
        await at.start()
        at.write(LINES * 10_000)
        await at.watch.round()
        await at.end(time.time() - days * 86_400)
        yield LogKeeping(at.database, at.opened, **{"compress_days": 7, "keep_days": 0} | keep)

    @pytest.fixture(autouse=True)
    def here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(log_keeping.socket, "gethostname", lambda: "here")

    def test_old_ones_are_compressed_and_read_as_before(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            async with self.kept(at, 8) as keeper:
                before = await at.page(tail=50)
                await keeper.round()
                assert not at.log.exists()
                assert Path(f"{at.log}.gz").stat().st_size < before.size / 4
                after = await at.page(tail=50)
                assert (after.lines, after.generation, after.size) == (before.lines, before.generation, before.size)
                assert (await collected(at, tail=1))[-1] == LogEnd(state="succeeded", size=before.size)
                await keeper.round()

        play(act)

    def test_others_are_left_alone(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            async with self.kept(at, 6, keep_days=10) as keeper:
                await keeper.round()
                assert at.log.exists()

        play(act)

    def test_a_task_that_runs_keeps_its_log(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            await at.start()
            at.write(LINES)
            os.utime(at.log, (0, 0))
            await LogKeeping(at.database, at.opened, compress_days=0, keep_days=1).round()
            assert at.log.read_bytes() == LINES

        play(act)

    def test_those_that_are_too_old_are_removed(self, play: Play) -> None:
        async def act(at: Scene) -> None:
            async with self.kept(at, 31, keep_days=30) as keeper:
                assert not (await at.page()).is_removed
                await keeper.round()
                assert list(at.log.parent.iterdir()) == []
                page = await at.page()
                assert (page.total, page.is_complete, page.is_removed) == (0, True, True)

        play(act)
