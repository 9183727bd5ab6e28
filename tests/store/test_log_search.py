"""Searches of a log, by ripgrep and by the worker, and logs that are compressed."""

import asyncio
import gzip
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aiplat_jupyter.core.errors import InvalidInput, NotFound, Unavailable
from aiplat_jupyter.core.logs import LogHits, LogSearch
from aiplat_jupyter.store.logs import files, packed, paging, search, searcher
from aiplat_jupyter.store.logs.index import READ, Index
from aiplat_jupyter.store.logs.opened import OpenLogs, counts
from tests.store.test_logs import append, everything, expected, open_index, page, refreshed, some_text, told


@pytest.fixture(params=["ripgrep", "worker"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Search with each of the two; the first needs ``rg`` on the machine."""
    if request.param == "worker":
        monkeypatch.setattr(searcher, "ripgrep", lambda: None)
    elif searcher.ripgrep() is None:
        pytest.skip("no ripgrep here")
    return str(request.param)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "out.log"


@pytest.fixture
def opened(log: Path) -> Iterator[Index]:
    log.touch()
    made = open_index(log)
    yield made
    made.close()


def found(opened: Index, q: str, **more: Any) -> LogHits:
    """Return the last answer, with the lines and offsets of all."""

    async def collect() -> list[LogHits]:
        return [hits async for hits in search.hits(opened, LogSearch(q=q, **more), asyncio.to_thread)]

    parts = asyncio.run(collect())
    assert [part.state for part in parts[:-1]] == ["running"] * (len(parts) - 1)
    assert [part.count for part in parts] == sorted(part.count for part in parts)
    lines, offsets = [n for part in parts for n in part.lines], [n for part in parts for n in part.offsets]
    last = parts[-1]
    return LogHits(
        lines=lines, offsets=offsets, count=last.count, scanned=last.scanned, size=last.size, state=last.state,
        message=last.message, before=last.before,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("q", "flags"),
    [
        ("ERROR:root", {}),
        ("error:ROOT", {"case": True}),
        ("x {1}x", {"regex": True}),
        (r"^(INFO|DEBUG)", {"regex": True, "case": True}),
        (r"x$", {"regex": True}),
        ("a.b*(c", {}),
        ("-e", {}),
        ("nothing like it", {}),
        (r"xx x*|y", {"regex": True}),
        ("[中]", {"regex": True}),
        ("中", {"case": True}),
        ("É", {}),
        ("É", {"case": True}),
        (r"^\w+$", {"regex": True, "case": True}),
        (r"^.$", {"regex": True}),
        (r"^[^x]\s", {"regex": True}),
        ("中*文", {"regex": True}),
        (r"\bé", {"regex": True}),
        ("KELVIN", {}),
        ("mass", {}),
        ("mass", {"regex": True, "case": True}),
        ("ΣΑΣ", {}),
    ],
)
def test_hits_are_the_lines_that_match(log: Path, opened: Index, engine: str, q: str, flags: dict[str, bool]) -> None:
    said = "中文\n丁\n中\né été\nÉ\n文\n\u212aelvin kelvin\nMa\u017fs\nmasS\nσας\n😀 中\n"
    data = some_text(11, 400_000) + b"a.b*(c\nsome -e flag\n" + said.encode() + b"the last ERROR:root has no end"
    append(log, data)
    refreshed(opened)
    pattern = re.compile(q if flags.get("regex") else re.escape(q), 0 if flags.get("case") else re.IGNORECASE)
    raw = data.split(b"\n")
    matching = [number for number, line in enumerate(raw, 1) if (m := pattern.search(line.decode())) and m[0]]
    whole = expected(data)
    hits = found(opened, q, **flags)
    assert (hits.count, hits.state, hits.scanned) == (len(matching), "done", len(data))
    assert hits.lines == matching[:1_000]
    assert hits.offsets == [whole[number - 1][1] for number in hits.lines]


def test_many_hits_are_counted_and_some_are_told(log: Path, opened: Index, engine: str) -> None:
    append(log, b"".join(b"step %d step\n" % number for number in range(200_000)))
    refreshed(opened)
    hits = found(opened, "step", limit=5_000)
    assert (hits.count, hits.state) == (200_000, "done")
    assert hits.lines == list(range(1, 5_001))
    assert found(opened, "step", limit=0).count == 200_000


def test_hits_nearest_to_the_reader_are_told(log: Path, opened: Index, engine: str) -> None:
    append(log, b"".join(b"step %d step\n" % number for number in range(1, 200_001)))
    refreshed(opened)
    hits = found(opened, "step", from_line=120_000, limit=5_000)
    assert (hits.count, hits.before, hits.state, hits.scanned) == (200_000, 119_999, "done", hits.size)
    assert hits.lines == [*range(120_000, 122_500), *range(117_500, 120_000)]
    near_end = found(opened, "step", from_line=199_000, limit=5_000)
    assert near_end.lines == [*range(199_000, 200_001), *range(199_000 - 3_999, 199_000)]
    behind = found(opened, "step", from_line=200_001, limit=10)
    assert (behind.count, behind.before, behind.lines) == (200_000, 200_000, [*range(199_991, 200_001)])
    assert found(opened, "step", from_line=120_000, limit=0).count == 200_000


@pytest.mark.parametrize("from_line", [2, 137, 3_000, 10_000])
def test_each_hit_is_told_once_wherever_the_reader_is(log: Path, opened: Index, engine: str, from_line: int) -> None:
    data = some_text(12, 300_000) + b"the last ERROR:root has no end"
    append(log, data)
    refreshed(opened)
    every = [number for number, line in enumerate(data.split(b"\n"), 1) if b"error:root" in line.lower()]
    hits = found(opened, "ERROR:root", from_line=from_line)
    behind = [number for number in every if number >= from_line]
    assert hits.lines == [*behind, *[number for number in every if number < from_line]]
    assert (hits.count, hits.before) == (len(every), len(every) - len(behind))
    severe = found(opened, "root", min_level="ERROR", from_line=from_line)
    assert sorted(severe.lines) == found(opened, "root", min_level="ERROR").lines


def test_hits_of_a_level(log: Path, opened: Index, engine: str) -> None:
    append(log, b"ERROR word\nINFO word\nTraceback (most recent call last):\n  word\nE: word\nword\n" * 5_000)
    refreshed(opened)
    hits = found(opened, "word", min_level="ERROR")
    assert (hits.count, hits.lines[:6]) == (3 * 5_000, [1, 4, 5, 7, 10, 11])


def test_hits_behind_lines_that_are_too_long(log: Path, opened: Index, engine: str) -> None:
    append(log, b"needle first\n" + b"y" * 5_000_000 + b"needle" + b"y" * 3_000_000 + b"\nneedle last\n")
    refreshed(opened)
    hits = found(opened, "needle")
    texts = [page(opened, line=number, n=1, whole=True)[0].text for number in hits.lines]
    assert len(texts) == 3
    assert all("needle" in text for text in texts)


def test_hostile_bytes(log: Path, opened: Index, engine: str) -> None:
    append(log, b"\xff\xfe\x00bad needle\n\x00\x00needle\x1b[31m\n" + b"\xef\xbb\xbfneedle\r\n")
    append(log, b"\xe4\xb8 needle\n\xed\xa0\x80 needle")
    refreshed(opened)
    for more in ({}, {"case": True}, {"regex": True}, {"regex": True, "case": True}):
        hits = found(opened, "needle", **more)
        assert hits.lines == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("q", ["(", "[z-a]", "*", r"\p{Nonsense}"])
def test_an_expression_that_is_none(log: Path, opened: Index, engine: str, q: str) -> None:
    append(log, b"x\n")
    refreshed(opened)
    hits = found(opened, q, regex=True)
    assert hits.state == "invalid"
    assert hits.message


def test_a_catastrophic_expression_is_ended_in_time(log: Path, opened: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searcher, "ripgrep", lambda: None)
    append(log, b"a" * 60 + b"!\n")
    refreshed(opened)
    begin = time.monotonic()
    before = children()
    hits = found(opened, "(a|aa)+$", regex=True, budget_s=0.5)
    assert hits.state == "partial"
    assert time.monotonic() - begin < 10
    assert children() <= before


def test_closing_a_search_ends_its_process(log: Path, opened: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searcher, "ripgrep", lambda: None)
    append(log, b"a" * 60 + b"!\n")
    refreshed(opened)

    async def scene() -> None:
        before = children()
        hits = search.hits(opened, LogSearch(q="(a|aa)+$", regex=True), asyncio.to_thread)
        assert (await anext(hits)).state == "running"
        assert children() > before
        await hits.aclose()
        assert children() <= before

    asyncio.run(scene())


def children() -> set[str]:
    return set(Path(f"/proc/self/task/{os.getpid()}/children").read_text().split())


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (LogSearch(q=""), "q"),
        (LogSearch(q="a\nb"), "q"),
        (LogSearch(q="x" * 2_001), "q"),
        (LogSearch(q="x", limit=10_001), "limit"),
        (LogSearch(q="x", from_line=0), "from_line"),
        (LogSearch(q="x", budget_s=61), "budget_s"),
        (LogSearch(q="x", budget_s=0), "budget_s"),
    ],
)
def test_bad_searches(ask: LogSearch, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        search.check(ask)
    assert set(refused.value.fields) == {field}


class TestCompressed:
    def test_a_compressed_log_is_read_as_before(self, log: Path, engine: str) -> None:
        data = some_text(12, 3_000_000)
        append(log, data)
        shelf = OpenLogs()
        with shelf.borrow(log.parent) as index:
            refreshed(index)
            level, generation = counts(index), index.generation
        assert shelf.pack(log.parent)
        assert not log.exists()
        with shelf.borrow(log.parent) as index:
            assert (refreshed(index).generation, counts(index)) == (generation, level)
            assert told(everything(index)) == expected(data)
            count = sum(b"ERROR:root" in line for line in data.split(b"\n"))
            assert (found(index, "ERROR:root").count, index.file.size()) == (count, len(data))
        shelf.close()
        again = refreshed(open_index(log))
        assert (again.generation, told(page(again, tail=5))) == (generation, expected(data)[-5:])
        again.close()

    def test_other_programs_read_it(self, log: Path) -> None:
        data = some_text(13, 2_500_000)
        append(log, data)
        packed.replace(log, packed.compress(log))
        with gzip.open(f"{log}.gz") as file:
            assert file.read() == data

    def test_a_log_that_is_still_written_is_left_alone(self, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        append(log, b"x\n" * 1_000_000)
        monkeypatch.setattr(packed, "member", lambda data: (append(log, b"more\n"), b"")[1])
        shelf = OpenLogs()
        assert not shelf.pack(log.parent)
        assert log.exists()
        assert [path.name for path in log.parent.iterdir() if path.name.endswith(".gz")] == []
        shelf.close()

    def test_killed_between_the_two_steps(self, log: Path) -> None:
        data = some_text(14, 300_000)
        append(log, data)
        shutil.copy(packed.compress(log), f"{log}.gz")
        shelf = OpenLogs()
        with shelf.borrow(log.parent) as index:
            assert isinstance(index.file, files.PlainFile)
        assert shelf.pack(log.parent)
        with shelf.borrow(log.parent) as index:
            assert told(everything(refreshed(index))) == expected(data)
        shelf.close()

    def test_a_damaged_one_is_told(self, log: Path) -> None:
        append(log, some_text(15, 300_000))
        packed.replace(log, packed.compress(log))
        compressed = Path(f"{log}.gz")
        broken = bytearray(compressed.read_bytes())
        broken[2_000:2_100] = bytes(100)
        compressed.write_bytes(broken)
        shelf = OpenLogs()
        with pytest.raises(Unavailable, match="damaged"), shelf.borrow(log.parent) as index:
            index.refresh(READ)
        shelf.close()

    @pytest.mark.parametrize(
        "forged",
        [
            gzip.compress(b"x" * 100),
            packed._HEAD.pack(packed._MAGIC, 0, 0, 255, 12, b"BC", 8, 0, 9),
            packed._HEAD.pack(packed._MAGIC, *packed._EXTRA, 0, 100),
            packed._HEAD.pack(packed._MAGIC, *packed._EXTRA, 100, 0),
            packed.member(b"x\n") * 2,
            packed.member(b"x" * (packed.FRAME + 1)),
        ],
        ids=["plain", "field", "short", "long", "twice", "large"],
    )
    def test_one_that_the_job_forged_is_refused(self, log: Path, forged: bytes) -> None:
        log.unlink(missing_ok=True)
        Path(f"{log}.gz").write_bytes(forged)
        with pytest.raises(NotFound, match="none of ours"), OpenLogs().borrow(log.parent):
            pass

    def test_one_that_unpacks_to_less_than_it_says_is_told(self, log: Path) -> None:
        log.unlink(missing_ok=True)
        short = bytearray(packed.member(b"x\n"))
        short[20:24] = (1_000).to_bytes(4, "little")
        Path(f"{log}.gz").write_bytes(short)
        with pytest.raises(Unavailable, match="damaged"), OpenLogs().borrow(log.parent) as index:
            index.refresh(READ)

    def test_removed_with_its_index(self, log: Path) -> None:
        append(log, b"x\n" * 100_000)
        shelf = OpenLogs()
        with shelf.borrow(log.parent) as index:
            refreshed(index)
            assert not shelf.remove(log.parent)
        assert shelf.remove(log.parent)
        assert list(log.parent.iterdir()) == []
        shelf.close()


def test_offsets_of_lines(log: Path, opened: Index) -> None:
    append(log, b"one\ntwo\nthree")
    refreshed(opened)
    assert [paging.offset_of_line(opened, number) for number in (1, 2, 3, 4)] == [0, 4, 8, 13]


def test_a_log_that_somebody_removed_is_let_go(tmp_path: Path) -> None:
    """Its room on the disk is free only when nobody has it open."""
    (tmp_path / "out.log").write_bytes(b"x\n" * 1_000)
    opened = OpenLogs()
    with opened.borrow(tmp_path) as index:
        refreshed(index)
    (tmp_path / "out.log").unlink()
    with pytest.raises(NotFound), opened.borrow(tmp_path):
        pass
    held = [str(fd.readlink()) for fd in Path("/proc/self/fd").iterdir() if fd.is_symlink()]
    assert not [path for path in held if path.startswith(str(tmp_path))]
    opened.close()
