"""The log of all ranks: whole lines of each file in the order of arrival, and a log like any other."""

import asyncio
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aiplat_jupyter.core.errors import NotFound
from aiplat_jupyter.core.logs import LogChunk, LogFollow, LogLine, LogSearch
from aiplat_jupyter.store.logs import files, ranks, search, searcher
from aiplat_jupyter.store.logs.following import Follower
from aiplat_jupyter.store.logs.index import READ, Index
from aiplat_jupyter.store.logs.opened import OpenLogs, counts
from tests.store.test_logs import append, everything, page, refreshed

TRACE = b'Traceback (most recent call last):\n  File "x", line 1\n    call()\n'

KEEPER = """
import sys, time
from pathlib import Path
from aiplat_jupyter.store.logs.opened import OpenLogs
shelf = OpenLogs()
with shelf.borrow(Path(sys.argv[1]), '*') as index:
    print(index.is_own, flush=True)
    while sys.stdin.readline():
        time.sleep(0.6)
        index.look()
        print(index.file.size(), flush=True)
"""


class Folder:
    """An attempt's folder, looked at by one process."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path, self._shelf = path, OpenLogs()
        self._patch = monkeypatch
        self.now = 1_000_000.0
        self.wait(0)

    def write(self, rank: int | str, data: bytes) -> None:
        """Write to a rank's file, and look: what comes next is later."""
        path = self.path / (f"torch/attempt_0/{rank}/stderr.log" if isinstance(rank, int) else f"{rank}.log")
        path.parent.mkdir(parents=True, exist_ok=True)
        append(path, data)
        self.look()

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self._patch.setattr(time, "monotonic", lambda: self.now)

    def look(self) -> None:
        self.wait(ranks.EVERY)
        self._shelf.look(self.path, READ, has_ended=False)

    def index(self) -> Index:
        """Return the index of all ranks, current."""
        with self._shelf.borrow(self.path, files.RANKS) as index:
            self.wait(ranks.EVERY)
            return refreshed(index)

    def read(self) -> list[tuple[str, str]]:
        """Return rank and text of each line."""
        return told(everything(self.index()))

    def restart(self) -> None:
        """Look as another process from now on."""
        self._shelf.close()
        self._shelf = OpenLogs()

    def close(self) -> None:
        self._shelf.close()


def told(lines: list[LogLine]) -> list[tuple[str, str]]:
    return [(str(line.rank), line.text) for line in lines]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    made = Folder(tmp_path, monkeypatch)
    yield made
    made.close()


@pytest.mark.parametrize(
    ("stream", "rank"),
    [
        ("rank3", 3), ("torch/none_x1/attempt_1/12/stdout", 12), ("worker-7", 7), ("node1/log_0", 0), ("out", None),
        ("train", None), ("out.log.1", None), ("rank1.log.2", None), ("run-1234567", None),
    ],
)  # fmt: skip
def test_the_rank_is_in_the_name(stream: str, rank: int | None) -> None:
    assert files.rank(stream) == rank


def test_lines_come_in_the_order_of_arrival(folder: Folder) -> None:
    folder.write(0, b"a0\n")
    folder.write(1, b"b0\nb1\n")
    folder.write(0, b"a1\n")
    folder.write(1, b"b2\n")
    assert folder.read() == [("0", "a0"), ("1", "b0"), ("1", "b1"), ("0", "a1"), ("1", "b2")]
    first = everything(folder.index())[0]
    assert first.stream == "torch/attempt_0/0/stderr"
    folder.restart()
    assert [text for _, text in folder.read()] == ["a0", "b0", "b1", "a1", "b2"]


def test_one_file_of_a_rank_is_not_all_ranks(folder: Folder) -> None:
    folder.write(0, b"a\n")
    folder.write("out", b"console\n")
    with pytest.raises(NotFound, match="no log"):
        folder.index()


def test_all_lines_of_64_files_are_there_in_each_file_s_own_order(folder: Folder) -> None:
    chance, written = random.Random(3), {str(rank): list[str]() for rank in range(64)}
    for _ in range(40):
        for rank in chance.sample(range(64), 30):
            lines = [f"{rank} {len(written[str(rank)]) + n} {'x' * chance.randrange(300)}" for n in range(3)]
            written[str(rank)] += lines
            path = folder.path / f"rank{rank}.log"
            append(path, ("\n".join(lines) + "\n").encode())
        folder.look()
    found = folder.read()
    assert {rank: [text for one, text in found if one == rank] for rank in written} == written
    assert folder.index().blocks.count > 3
    kept = found
    folder.restart()
    assert folder.read() == kept


def test_pages_levels_and_offsets_are_those_of_any_log(folder: Folder) -> None:
    for n in range(3_000):
        append(folder.path / f"rank{n % 2}.log", b"ERROR %d\n" % n if n % 100 < 2 else b"INFO step %d\n" % n)
        if n % 50 == 0:
            folder.look()
    index, whole = folder.index(), everything(folder.index())
    assert counts(index) == {"ERROR": 60, "INFO": 2_940}
    assert len(page(index, min_level="ERROR", n=100)) == 60
    assert page(index, tail=3) == whole[-3:]
    assert page(index, line=1_500, n=-4) == whole[1_495:1_499]
    for line in (whole[0], whole[777], whole[-1]):
        assert page(index, offset=line.offset, n=1) == [line]


def test_what_a_page_reads_is_bounded(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(20):
        for rank in (0, 1):
            append(folder.path / f"rank{rank}.log", b"x" * 99 + b"\n" + b"y" * 99_899 + b"\n")
        folder.look()
    index, seen = folder.index(), list[int]()
    read = files.PlainFile.read

    def noted(self: files.PlainFile, at: int, size: int) -> bytes:
        seen.append(size)
        return read(self, at, size)

    monkeypatch.setattr(files.PlainFile, "read", noted)
    page(index, line=40, n=2)
    assert 0 < sum(seen) < 500_000 < index.file.size()


@pytest.mark.parametrize("has_ripgrep", [True, False])
def test_searches(folder: Folder, has_ripgrep: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_ripgrep:
        monkeypatch.setattr(searcher, "ripgrep", lambda: None)
    for n in range(6):
        folder.write(n % 2, b"loss=%d\nother\n" % n)
    index = folder.index()

    async def found(ask: LogSearch) -> list[int]:
        monkeypatch.setattr(time, "monotonic", time.perf_counter)
        return sorted([line async for hits in search.hits(index, ask, asyncio.to_thread) for line in hits.lines])

    assert asyncio.run(found(LogSearch(q="loss="))) == [1, 3, 5, 7, 9, 11]
    assert asyncio.run(found(LogSearch(q="^loss=[45]$", regex=True, from_line=10))) == [9, 11]


def test_a_traceback_is_not_torn_while_it_is_written(folder: Folder) -> None:
    folder.write(0, b"a\n" + TRACE)
    folder.write(1, b"b\n")
    assert folder.read() == [("0", "a"), ("1", "b")]
    folder.write(0, b"ValueError: x\nafter\n")
    assert [rank for rank, _ in folder.read()] == ["0", "1", *"00000"]
    groups = [line.group for line in everything(folder.index())]
    assert groups == [None, None, 3, 3, 3, 3, None]


def test_what_stands_still_is_shown_as_it_is(folder: Folder) -> None:
    folder.write(0, b" 10%\r 20%\r 37%")
    folder.write(1, b"b\n" + TRACE)
    assert folder.read() == [("1", "b")]
    folder.wait(ranks.PATIENCE)
    folder.look()
    assert folder.read()[:2] == [("1", "b"), ("0", " 37%")]
    assert len(folder.read()) == 5
    folder.write(0, b"\r 50%\n")
    assert folder.read()[-1] == ("0", " 50%")
    assert folder.index().file.size() == sum(path.stat().st_size for path in folder.path.rglob("*.log")) + 1


def test_what_is_left_at_the_end_is_taken_at_once(folder: Folder) -> None:
    folder.write(0, b"a0\n")
    folder.write(1, b"b0\n" + TRACE)
    append(folder.path / "torch/attempt_0/0/stderr.log", b"a1\n 37%")
    index = folder.index()
    append(folder.path / "torch/attempt_0/0/stderr.log", b"\r 38%")
    assert index.settle()
    assert told(everything(refreshed(index))) == [
        ("0", "a0"), ("1", "b0"), ("0", "a1"), ("0", " 38%"), *(("1", line.decode()) for line in TRACE.splitlines()),
    ]  # fmt: skip


def test_a_bar_that_moves_is_one_line(folder: Folder) -> None:
    folder.write(1, b"b\n")
    for n in range(20):
        folder.write(0, b"\r%d%%" % n)
    assert folder.read() == [("1", "b")]
    folder.write(0, b"\n")
    assert folder.read() == [("1", "b"), ("0", "19%")]


def test_a_file_that_appears_late(folder: Folder) -> None:
    folder.write(1, b"b0\n")
    folder.write(2, b"c0\n")
    before = folder.index().generation
    folder.write(0, b"a0\n")
    folder.write(1, b"b1\n")
    assert folder.read() == [("1", "b0"), ("2", "c0"), ("0", "a0"), ("1", "b1")]
    assert folder.index().generation == before


def test_a_rank_that_empties_its_file(folder: Folder) -> None:
    for n in range(3):
        folder.write(0, b"a%d\n" % n)
        folder.write(1, b"b%d\n" % n)
    before = folder.index().generation
    (folder.path / "torch/attempt_0/0/stderr.log").write_bytes(b"anew\n")
    folder.look()
    found = folder.read()
    assert folder.index().generation == before + 1
    assert sorted(found) == [("0", "anew"), ("1", "b0"), ("1", "b1"), ("1", "b2")]
    folder.write(0, b"on\n")
    assert folder.read() == [*found, ("0", "on")]


def test_a_rank_that_writes_another_text_of_the_same_length(folder: Folder) -> None:
    folder.write(0, b"a0\n")
    folder.write(1, b"b0\n")
    folder.index()
    (folder.path / "torch/attempt_0/0/stderr.log").write_bytes(b"c0\nc1\n")
    assert sorted(folder.read()) == [("0", "c0"), ("0", "c1"), ("1", "b0")]


def test_a_file_that_is_removed_leaves_the_others(folder: Folder) -> None:
    for rank in range(3):
        folder.write(rank, b"x\n")
    folder.index()
    (folder.path / "torch/attempt_0/1/stderr.log").unlink()
    assert folder.read() == [("0", "x"), ("2", "x")]
    (folder.path / "torch/attempt_0/0/stderr.log").unlink()
    with pytest.raises(NotFound):
        folder.index()


def seen_by_the_clock(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ranks write in turns of two seconds, whose times are noted."""
    clock = [1_700_000_000.0]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    for n in range(6):
        append(folder.path / f"rank{n % 2}.log", b"%d\n" % n)
        for _ in range(2):
            clock[0] += 1
            folder.look()


@pytest.mark.parametrize("side", ["order", "names"])
def test_an_order_that_was_lost_is_made_again_from_the_times(
    folder: Folder, side: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen_by_the_clock(folder, monkeypatch)
    expected = [(str(n % 2), str(n)) for n in range(6)]
    assert folder.read() == expected
    folder.restart()
    (folder.path / ".index" / f"%2A.{side}").unlink()
    assert folder.read() == expected
    seen = [line.time for line in everything(folder.index())]
    assert seen == [None, *(1_700_000_003 + 2 * n for n in range(5))]  # nobody looked before the first
    assert (folder.path / ".index" / f"%2A.{side}").exists()


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"aiprnk1\n" + b"\xff" * 80])
@pytest.mark.parametrize("side", ["order", "names"])
def test_damaged_side_files_are_not_believed(folder: Folder, side: str, damage: bytes) -> None:
    for n in range(4):
        folder.write(n % 2, b"%d\n" % n)
    folder.index()
    folder.restart()
    (folder.path / ".index" / f"%2A.{side}").write_bytes(damage)
    assert sorted(folder.read()) == [("0", "0"), ("0", "2"), ("1", "1"), ("1", "3")]


def test_a_torn_row_is_written_again(folder: Folder) -> None:
    for n in range(4):
        folder.write(n % 2, b"%d\n" % n)
    before = folder.read()
    folder.restart()
    with (folder.path / ".index" / "%2A.order").open("r+b") as file:
        file.truncate(file.seek(0, os.SEEK_END) - 5)
    assert folder.read() == before
    folder.restart()
    assert folder.read() == before


def test_logs_nobody_saw_follow_each_other(folder: Folder) -> None:
    for rank in (1, 0):
        append(folder.path / f"rank{rank}.log", b"x\ny")
        os.utime(folder.path / f"rank{rank}.log", (1e9, 1e9))
    assert folder.read() == [("0", "x"), ("0", "y"), ("1", "x"), ("1", "y")]
    assert all(line.time is None for line in everything(folder.index()))


def test_a_full_disk_leaves_the_order_in_memory(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write(0, b"a0\n")
    folder.write(1, b"b0\n")

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        folder.write(0, b"a1\n")
        assert folder.read() == [("0", "a0"), ("1", "b0"), ("0", "a1")]
    folder.restart()
    assert folder.read() == [("0", "a0"), ("1", "b0"), ("0", "a1")]


def test_another_process_sees_the_same_order(folder: Folder) -> None:
    folder.write(0, b"a0\n")
    folder.write(1, b"b0\n")
    folder.write(0, b"a1\n")
    command = [sys.executable, "-c", KEEPER, str(folder.path)]
    keeper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert keeper.stdin
    assert keeper.stdout
    assert folder.index().is_own
    assert keeper.stdout.readline() == "False\n"
    for rank in (1, 0, 1):
        folder.write(rank, b"next\n")
    keeper.stdin.write("\n")
    keeper.stdin.flush()
    assert int(keeper.stdout.readline()) == folder.index().file.size() == 24
    keeper.stdin.close()
    assert keeper.wait() == 0


def test_compressed_files_are_read_as_before(folder: Folder) -> None:
    for n in range(4):
        folder.write(n % 2, b"%d %s\n" % (n, b"x" * 60_000))
    before, generation = folder.read(), folder.index().generation
    assert folder._shelf.pack(folder.path)
    assert len(list(folder.path.rglob("*.log.gz"))) == 2
    assert (folder.read(), folder.index().generation) == (before, generation)
    folder.restart()
    assert (folder.read(), folder.index().generation) == (before, generation)


def test_who_follows_is_told_whose_each_line_is(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write(0, b"a0\na1\n")
    folder.write(12, b"b0\n")
    folder.index()
    follower = Follower(folder._shelf, LogFollow(stream="*", offset=1))
    assert follower.next(folder.path, has_ended=False) == LogChunk(
        offset=1, next=9, text="0\n[rank0]: a1\n[rank12]: b0\n"
    )
    folder.write(0, b"a2\n")
    assert follower.next(folder.path, has_ended=False) == LogChunk(offset=9, next=12, text="[rank0]: a2\n")


def test_the_logs_of_an_attempt_are_removed_with_the_order(folder: Folder) -> None:
    for rank in range(2):
        folder.write(rank, b"x\n")
    folder.index()
    assert folder._shelf.remove(folder.path)
    assert not list(folder.path.rglob("*.log"))
    assert not (folder.path / ".index").exists()


def test_no_descriptor_is_left_open(folder: Folder) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    folder.write(0, b"x\n")
    folder.restart()
    before = descriptors()
    folder.write(1, b"x\n")
    for n in range(5):
        (folder.path / "torch/attempt_0/0/stderr.log").write_bytes(b"%d\n" % n * (5 - n))
        folder.read()
    folder.restart()
    assert descriptors() == before
