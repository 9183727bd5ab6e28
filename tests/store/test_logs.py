"""The index of a log and its pages: right for every way the file grew, and after everything that breaks it."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from aiplat_jupyter.core.errors import InvalidInput, NotFound
from aiplat_jupyter.core.logs import LogLine, LogQuery
from aiplat_jupyter.core.tasks import Level
from aiplat_jupyter.store.logs import blocks, files, index, levels, paging, text
from aiplat_jupyter.store.logs.index import READ, Index
from aiplat_jupyter.store.logs.long import MAX_LINE
from aiplat_jupyter.store.logs.opened import OpenLogs, counts

KINDS = [b"plain", b"INFO:root:x", b"WARNING:root:x", b"ERROR:root:x", b"DEBUG:x", b"CRITICAL x", b" 1%\r 2%\r 3%", b""]
TRACE = b'Traceback (most recent call last):\n  File "x", line 1\nValueError: x'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "out.log"


@pytest.fixture
def opened(log: Path) -> Iterator[Index]:
    log.touch()
    made = open_index(log)
    yield made
    made.close()


def open_index(log: Path) -> Index:
    return Index(log, log.parent / ".index" / "out")


def refreshed(opened: Index) -> Index:
    while opened.refresh(READ):
        pass
    return opened


def append(log: Path, data: bytes) -> None:
    with log.open("ab") as file:
        file.write(data)


def page(opened: Index, **query: object) -> list[LogLine]:
    asked = LogQuery(**query)
    paging.check(asked)
    return paging.page(opened, asked)


def numbers(lines: list[LogLine]) -> list[int]:
    return [line.number for line in lines]


def some_text(seed: int, size: int) -> bytes:
    chance, made = random.Random(seed), bytearray()
    while len(made) < size:
        kind = chance.choice([*KINDS, TRACE])
        made += kind + b" " + b"x" * chance.randrange(chance.choice([20, 200, 3_000])) + b"\n"
        if kind == TRACE and chance.random() < 0.1:
            made += TRACE[:20]
    return bytes(made)


def expected(data: bytes) -> list[tuple[int, int, str, Level | None]]:
    """Return number, offset, shown text and level of each line, found without blocks."""
    scan = levels.scan(data if data.endswith(b"\n") else data + b"\n")
    level = dict(zip(scan.lines.tolist(), scan.levels.tolist(), strict=True))
    starts = [*scan.starts.tolist(), len(data)]
    return [
        (place + 1, start, text.show(data[start:end]).text, levels.LEVELS[level[place]] if place in level else None)
        for place, (start, end) in enumerate(pairwise(starts))
    ]


def told(lines: list[LogLine]) -> list[tuple[int, int, str, Level | None]]:
    return [(line.number, line.offset, line.text, line.level) for line in lines]


def everything(opened: Index) -> list[LogLine]:
    found: list[LogLine] = []
    while lines := page(opened, line=len(found) + 1, n=1_000):
        found += lines
    return found


@pytest.mark.parametrize("seed", range(4))
def test_every_line_is_as_it_was_written_however_the_log_grew(log: Path, opened: Index, seed: int) -> None:
    data, chance, at = some_text(seed, 600_000), random.Random(seed), 0
    while at < len(data):
        step = chance.choice([1, 100, 5_000, 70_000, 300_000])
        append(log, data[at : at + step])
        at += step
        refreshed(opened)
    assert opened.blocks.count > 3
    assert told(everything(opened)) == expected(data)
    again = Index(log, log.parent / ".other" / "out")
    assert told(everything(refreshed(again))) == expected(data)
    assert counts(again) == counts(opened)
    again.close()


def test_pages_agree_with_the_whole(log: Path, opened: Index) -> None:
    data = some_text(9, 400_000) + b"the last has no end"
    append(log, data)
    refreshed(opened)
    whole = expected(data)
    assert told(page(opened, tail=7)) == whole[-7:]
    assert told(page(opened)) == whole[:200]
    for line in (1, 2, 500, len(whole) - 3, len(whole) + 5):
        assert told(page(opened, line=line, n=20)) == whole[line - 1 : line + 19]
        assert told(page(opened, line=line, n=-20)) == whole[max(0, min(line, len(whole) + 1) - 21) : line - 1]
    for offset in (0, 1, 64 * 1024, 200_001, len(data) + 9):
        assert told(page(opened, offset=offset, n=3)) == [line for line in whole if line[1] >= offset][:3]


@pytest.mark.parametrize("level", levels.LEVELS)
def test_pages_of_a_level_agree_with_the_whole(log: Path, opened: Index, level: Level) -> None:
    data = some_text(5, 400_000)
    append(log, data)
    refreshed(opened)
    least = levels.LEVELS.index(level)
    fitting = [line for line in expected(data) if line[3] and levels.LEVELS.index(line[3]) >= least]
    assert paging.matching(opened, level) == len(fitting)
    assert told(page(opened, min_level=level, n=50)) == fitting[:50]
    assert told(page(opened, min_level=level, tail=50)) == fitting[-50:]
    for line in (1, 700, 10_000):
        assert told(page(opened, line=line, n=30, min_level=level)) == [one for one in fitting if one[0] >= line][:30]
        assert told(page(opened, line=line, n=-30, min_level=level)) == [one for one in fitting if one[0] < line][-30:]


def test_tracebacks_that_cross_what_is_read_at_once(log: Path, opened: Index) -> None:
    trace = b'Traceback (most recent call last):\n  File "x"\n' + b"    deep\n" * 50 + b"ValueError: x\n"
    for size in range(40):
        append(log, b"x" * (7_000 + size) + b"\n" + trace)
    refreshed(opened)
    assert counts(opened) == {"ERROR": 40 * 53}
    heads = [line for line in everything(opened) if line.text.startswith("Traceback")]
    assert all(line.group == line.number for line in heads)
    assert page(opened, line=heads[-1].number + 30, n=1)[0].group == heads[-1].number


def test_a_traceback_without_end_does_not_stop_the_index(log: Path, opened: Index) -> None:
    append(log, b"Traceback (most recent call last):\n" + b"  deep\n" * 100_000)
    refreshed(opened)
    assert (opened.total, counts(opened)["ERROR"] > 9_000) == (100_001, True)


def test_a_million_updates_of_a_bar_are_one_line(log: Path, opened: Index) -> None:
    bar = b"".join(
        b"\r%3d%%|########| %7d/1000000 [00:00<00:00, 9.99kit/s]" % (n // 10_000, n) for n in range(1_000_000)
    )
    append(log, b"before\n" + bar)
    refreshed(opened)
    assert [(line.number, line.folded) for line in page(opened, tail=5)] == [(1, 0), (2, 999_999)]
    append(log, b"\nERROR after\n")
    refreshed(opened)
    begin = time.thread_time()
    lines = page(opened, tail=5)
    assert time.thread_time() - begin < 0.1
    assert [(line.folded, line.level) for line in lines] == [(0, None), (999_999, None), (0, "ERROR")]
    assert lines[1].text.startswith(" 99%|###")


def test_a_line_of_50_mb_is_many(log: Path, opened: Index) -> None:
    with log.open("wb") as file:
        for _ in range(50):
            file.write(b"y" * 1_000_000)
        file.write(b"\nERROR after\n")
    refreshed(opened)
    pieces = -(-50_000_000 // MAX_LINE)
    lines = page(opened, line=1, n=1_000)
    assert len(lines) == pieces + 1
    assert {line.cut for line in lines[:-2]} == {MAX_LINE - 16 * 1024}
    assert (lines[-1].number, lines[-1].level, lines[-1].offset) == (pieces + 1, "ERROR", 50_000_001)
    assert len(page(opened, line=3, n=1, whole=True)[0].text) == MAX_LINE


def test_pieces_of_a_long_line_end_between_characters(log: Path, opened: Index) -> None:
    append(log, b"x" + "漢".encode() * 1_000_000 + b"\n")
    refreshed(opened)
    whole = "".join(page(opened, line=number, n=1, whole=True)[0].text for number in range(1, opened.total + 1))
    assert whole == "x" + "漢" * 1_000_000


def test_a_page_is_bounded_whatever_its_lines(log: Path, opened: Index) -> None:
    append(log, (b"z" * 100_000 + b"\n") * 900)
    refreshed(opened)
    forward, backward = page(opened, n=1_000), page(opened, tail=1_000)
    assert len(forward) == len(backward) < 140
    assert (forward[0].number, backward[-1].number) == (1, 900)


class TestTheFileChanges:
    def test_truncated_by_its_job(self, log: Path, opened: Index) -> None:
        append(log, some_text(1, 300_000))
        refreshed(opened)
        log.write_bytes(b"ERROR anew\n")
        refreshed(opened)
        assert (opened.generation, opened.total, counts(opened)) == (1, 1, {"ERROR": 1})

    def test_truncated_and_longer_again_before_anyone_looked(self, log: Path, opened: Index) -> None:
        append(log, some_text(1, 300_000))
        refreshed(opened)
        data = some_text(2, 500_000)
        with log.open("r+b") as file:
            file.truncate(0)
            file.write(data)
        refreshed(opened)
        assert opened.generation == 1
        assert told(everything(opened)) == expected(data)

    def test_rotated(self, log: Path, opened: Index) -> None:
        append(log, b"INFO old\n" * 20_000)
        refreshed(opened)
        log.rename(log.with_name("out.log.1"))
        append(log, b"INFO new\n")
        refreshed(opened)
        assert (opened.generation, opened.total) == (1, 1)
        shelf = OpenLogs()
        assert [stream.name for stream in shelf.streams(log.parent)] == ["out", "out.log.1"]
        with shelf.borrow(log.parent, "out.log.1") as rotated:
            assert refreshed(rotated).total == 20_000
        shelf.close()

    def test_deleted_while_it_is_open(self, log: Path) -> None:
        shelf = OpenLogs()
        append(log, b"x\n")
        with shelf.borrow(log.parent) as borrowed:
            refreshed(borrowed)
        log.unlink()
        with pytest.raises(NotFound, match="no log"), shelf.borrow(log.parent):
            pass
        folder = other(log)
        with pytest.raises(NotFound, match="removed"), shelf.borrow(folder) as borrowed:  # noqa: PT012  # to end it raises
            borrowed.path.unlink()
            borrowed.refresh(READ)
        shelf.close()

    def test_a_generation_outlives_the_process(self, log: Path) -> None:
        append(log, b"x\n" * 100_000)
        first = refreshed(open_index(log))
        first.close()
        log.write_bytes(b"y\n")
        second = refreshed(open_index(log))
        assert (second.generation, second.total) == (1, 1)
        second.close()


def other(log: Path) -> Path:
    folder = log.parent / "other"
    folder.mkdir()
    append(folder / "out.log", b"x\n")
    return folder


class TestSideFiles:
    @pytest.fixture
    def data(self, log: Path) -> bytes:
        data = some_text(3, 500_000)
        append(log, data)
        refreshed(open_index(log)).close()
        return data

    def check(self, log: Path, data: bytes) -> Index:
        made = refreshed(open_index(log))
        assert told(everything(made)) == expected(data)
        made.close()
        return made

    def test_they_are_used_again(self, log: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        scanned: list[int] = []
        scan = levels.scan
        monkeypatch.setattr(index.levels, "scan", lambda text: scanned.append(len(text)) or scan(text))
        refreshed(open_index(log)).close()
        assert sum(scanned) < 2 * index.BLOCK_SIZE

    @pytest.mark.parametrize("kind", ["blocks", "hits", "times"])
    @pytest.mark.parametrize("keep", [0, 1, 30, 60, 200, -1, -7])
    def test_cut_off(self, log: Path, data: bytes, kind: str, keep: int) -> None:
        side = log.parent / ".index" / f"out.{kind}"
        side.write_bytes(side.read_bytes()[:keep])
        assert self.check(log, data).generation in {0, 1}

    @pytest.mark.parametrize("kind", ["blocks", "hits", "times"])
    def test_bytes_flipped(self, log: Path, data: bytes, kind: str) -> None:
        side = log.parent / ".index" / f"out.{kind}"
        for seed in range(8):
            broken = bytearray(side.read_bytes())
            broken[random.Random(seed).randrange(len(broken))] ^= 0x55
            side.write_bytes(broken)
            self.check(log, data)

    def test_removed(self, log: Path, data: bytes) -> None:
        for kind in ("blocks", "hits", "times", "lock"):
            (log.parent / ".index" / f"out.{kind}").unlink()
            self.check(log, data)

    def test_of_another_log(self, log: Path, data: bytes) -> None:
        folder = other(log)
        append(folder / "out.log", some_text(4, 500_000))
        refreshed(open_index(folder / "out.log")).close()
        for kind in ("blocks", "hits", "times"):
            (folder / ".index" / f"out.{kind}").replace(log.parent / ".index" / f"out.{kind}")
        self.check(log, data)

    def test_changed_while_it_is_open(self, log: Path, data: bytes) -> None:
        made = refreshed(open_index(log))
        (log.parent / ".index" / "out.hits").write_bytes(b"")
        with pytest.raises(blocks.DamagedIndex):
            page(made, line=1, min_level="ERROR")
        assert told(everything(refreshed(made))) == expected(data)
        made.close()

    def test_a_folder_that_cannot_be_written(self, log: Path, data: bytes) -> None:
        (log.parent / ".index").rename(log.parent / "gone")
        (log.parent / ".index").write_text("a file in the way")
        made = self.check(log, data)
        assert made.is_own

    def test_a_full_disk(self, log: Path, data: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        made = open_index(log)
        made.blocks.begin(blocks.Identity(*made.file.key, 0))
        written, real = [0], os.pwrite

        def pwrite(descriptor: int, view: bytes, at: int) -> int:
            written[0] += 1
            if written[0] == 5:
                raise OSError(28, "No space left on device")
            return real(descriptor, view, at)

        monkeypatch.setattr(blocks.os, "pwrite", pwrite)
        assert told(everything(refreshed(made))) == expected(data)
        assert not made.blocks.is_shared
        made.close()

    def test_two_processes(self, log: Path, data: bytes) -> None:
        ours, theirs = refreshed(open_index(log)), refreshed(open_index(log))
        assert (ours.is_own, theirs.is_own, theirs.is_free()) == (True, False, False)
        append(log, b"ERROR more\n" * 20_000)
        data += b"ERROR more\n" * 20_000
        for one in (theirs, ours, theirs):
            assert told(everything(refreshed(one))) == expected(data)
        ours.close()
        assert theirs.is_free()
        theirs.close()
        self.check(log, data)

    def test_killed_while_it_indexes(self, log: Path, tmp_path: Path) -> None:
        data = some_text(6, 8_000_000)
        append(log, data)
        program = (
            "import sys; from pathlib import Path; from aiplat_jupyter.store.logs.index import Index\n"
            "log = Path(sys.argv[1]); made = Index(log, log.parent / '.index' / 'out')\n"
            "print('ready', flush=True)\n"
            "while made.refresh(1 << 18): pass\n"
        )
        for seed in range(3):
            process = subprocess.Popen([sys.executable, "-c", program, str(log)], stdout=subprocess.PIPE)
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.Random(seed).random() * 0.05)
            process.kill()
            process.communicate()
        made = refreshed(open_index(log))
        assert made.is_own
        assert (made.total, counts(made)) == totals(data)
        made.close()


def totals(data: bytes) -> tuple[int, dict[Level, int]]:
    scan = levels.scan(data)
    found = {level: int((scan.levels == rank).sum()) for rank, level in enumerate(levels.LEVELS)}
    return len(scan.starts), {level: count for level, count in found.items() if count}


def test_times_tell_when_a_line_was_written(log: Path, opened: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    now = [1_000.0]
    monkeypatch.setattr(index.time, "time", lambda: now[0])
    for _ in range(50):
        now[0] += 0.2
        append(log, b"a line\n")
        opened.refresh(READ)
    for _ in range(600):
        now[0] += 1.0
        opened.refresh(READ)
    append(log, b"after ten minutes\n")
    opened.refresh(READ)
    now[0] += 1.0
    opened.refresh(READ)
    lines = page(opened)
    assert lines[5].time is not None
    assert abs(lines[5].time - 1_001.2) <= 1.2
    assert lines[-1].time is not None
    assert abs(lines[-1].time - 1_610.2) <= 1.2
    assert page(opened, time=1_300.0, n=1)[0].text == "after ten minutes"
    assert abs(page(opened, time=1_005.0, n=1)[0].number - 25) <= 6


def test_times_after_the_clock_was_set_back(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log.touch()
    opened, now, day = open_index(log), [100_000.0], 86_400.0
    monkeypatch.setattr(index.time, "time", lambda: now[0])

    def write(text: bytes, count: int) -> None:
        for _ in range(count):
            now[0] += 0.5
            append(log, text)
            opened.refresh(READ)

    write(b"before\n", 20)
    now[0] += day
    write(b"ahead\n", 20)
    now[0] -= day
    write(b"behind\n", 20)
    assert page(opened, tail=1)[0].time == now[0]
    write(b"later\n", 20)
    now[0] += 1
    opened.refresh(READ)
    for _ in range(2):
        times = [line.time for line in page(opened, n=80) if line.time is not None]
        assert len(times) > 70
        assert all(100_000 <= time % day + 86_400 <= 100_041 for time in times)
        assert [time > 2 * day for time in times].count(True) < 20
        assert page(opened, time=100_005.0, n=1)[0].text == "before"
        assert page(opened, time=100_025.0, n=1)[0].text == "behind"
        assert page(opened, time=100_035.0, n=1)[0].text == "later"
        assert page(opened, line=80, n=1)[0].time == pytest.approx(100_040, abs=1.5)
        opened.close()
        opened = refreshed(open_index(log))
    opened.close()


def test_nobody_saw_when_an_old_log_was_written(log: Path) -> None:
    append(log, b"x\n" * 100)
    made = refreshed(open_index(log))
    assert {line.time for line in page(made)} == {None}
    made.close()


def test_pages_do_not_wait_for_the_index(log: Path, opened: Index) -> None:
    append(log, some_text(7, 12_000_000))
    thread = threading.Thread(target=lambda: refreshed(opened))
    thread.start()
    asked = 0
    while thread.is_alive():
        with opened.turn():
            page(opened, tail=50)
        asked += 1
    thread.join()
    assert asked > 10


@pytest.mark.parametrize(
    ("query", "field"),
    [
        (LogQuery(tail=0), "tail"),
        (LogQuery(n=0), "n"),
        (LogQuery(line=1, offset=2), "offset"),
    ],
)
def test_bad_queries(query: LogQuery, field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        paging.check(query)
    assert set(refused.value.fields) == {field}


class TestStreams:
    def test_names(self, tmp_path: Path) -> None:
        for name in ("out.log", "rank1.log", "torch/attempt_0/0/stdout.log", "out.log.1", "notes.txt", ".hidden/x.log"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            append(tmp_path / name, b"x\n")
        shelf = OpenLogs()
        found = [stream.name for stream in shelf.streams(tmp_path)]
        assert found == ["*", "out", "out.log.1", "rank1", "torch/attempt_0/0/stdout"]
        with shelf.borrow(tmp_path, "torch/attempt_0/0/stdout") as borrowed:
            assert refreshed(borrowed).total == 1
        shelf.close()

    def test_ranks_are_in_their_order(self, tmp_path: Path) -> None:
        for name in ("rank10.log", "rank9.log", "10/out.log", "2/out.log", "out.log"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            append(tmp_path / name, b"x\n")
        assert list(files.streams(tmp_path)) == ["out", "2/out", "10/out", "rank9", "rank10"]

    @pytest.mark.parametrize("name", ["../secret", "/etc/passwd", "secret", "..", "folder/x", "out.log"])
    def test_what_is_outside_is_refused(self, tmp_path: Path, name: str) -> None:
        append(tmp_path / "secret.log", b"secret\n")
        folder = tmp_path / "1"
        folder.mkdir()
        (folder / "secret.log").symlink_to(tmp_path / "secret.log")
        (folder / "folder").symlink_to(tmp_path)
        append(folder / "out.log", b"x\n")
        shelf = OpenLogs()
        with pytest.raises(NotFound), shelf.borrow(folder, name):
            pass
        shelf.close()

    def test_a_console_that_is_a_link_or_a_pipe_is_refused(self, tmp_path: Path) -> None:
        append(tmp_path / "secret.log", b"secret\n")
        shelf = OpenLogs()
        for number, make in enumerate((lambda path: path.symlink_to(tmp_path / "secret.log"), os.mkfifo)):
            folder = tmp_path / str(number)
            folder.mkdir()
            make(folder / "out.log")
            with pytest.raises(NotFound, match="cannot be read"), shelf.borrow(folder):
                pass
        shelf.close()
