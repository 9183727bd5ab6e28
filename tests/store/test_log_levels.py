"""Levels, tracebacks and what is shown of lines."""

import time

import pytest

from aiplat_jupyter.core.tasks import Progress
from aiplat_jupyter.store.logs import levels, text


def marks(data: bytes) -> list[tuple[str | None, int]]:
    """Return each line's level and the first line of its traceback (-1: none)."""
    found = levels.scan(data if data.endswith(b"\n") else data + b"\n")
    by_line = dict(
        zip(found.lines.tolist(), zip(found.levels.tolist(), found.groups.tolist(), strict=True), strict=True)
    )
    lines = (by_line.get(place) for place in range(len(found.starts)))
    return [(levels.LEVELS[line[0]], line[1]) if line else (None, -1) for line in lines]


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("WARNING:root:x", "WARNING"),
        ("2026-11-22 10:00:00,123 - train - INFO - x", "INFO"),
        ("[2026-11-22 10:00:00 DEBUG train] x", "DEBUG"),
        ("2026-11-22 17:00:00.000 | ERROR    | mod:fn:1 - x", "ERROR"),
        ("2026-11-22 17:00:00.000 | CRITICAL | mod:fn:1 - x", "CRITICAL"),
        ('{"level": "ERROR", "msg": "x"}', "ERROR"),
        ("level=WARN x", "WARNING"),
        ("W0208 10:11:12.123456 1234 file.py:12] x", "WARNING"),
        ("E1122 10:11:12.123456 1234 file.py:12] x", "ERROR"),
        ("F1122 10:11:12.123456 1234 file.py:12] x", "CRITICAL"),
        ("[rank0]:[W1122 17:00:00.000 file.cpp:123] Warning: x", "WARNING"),
        ("[rank3]: I1122 17:00:00.000 file.cpp:123] x", "INFO"),
        ("host:1:2 [0] NCCL WARN x", "WARNING"),
        ("host:1:2 [0] NCCL INFO x", "INFO"),
        ("FATAL: x", "CRITICAL"),
        ("\x1b[31m\x1b[1mERROR   \x1b[0m x", "ERROR"),
        ("发生ERROR：磁盘已满", "ERROR"),
        ("ERROR", "ERROR"),
        ("INFO then ERROR: the first counts", "INFO"),
        ("0 errors", None),
        ("Error: lower case says nothing", None),
        ("error_rate=0.1 ERROR_RATE=0.1", None),
        ("/data/ERROR/x.log", None),
        ("saved to runs/INFO.txt and -ERROR-", None),
        ("x.py:12: UserWarning: x", None),
        ("TERRORS WARNINGS INFORMATION", None),
        ("ERROR=3", None),
        ("E1122 is a part number", None),
        ("", None),
    ],
)
def test_levels(line: str, level: str | None) -> None:
    assert [mark[0] for mark in marks(line.encode())] == [level]
    around = f"plain\n{line}\nplain\n".encode()
    assert [mark[0] for mark in marks(around)] == [None, level, None]


def test_a_traceback_is_one_error() -> None:
    data = b"""WARNING before
Traceback (most recent call last):
  File "INFO.py", line 1, in <module>
    raise ValueError("WARNING")
ValueError: WARNING
INFO after
"""
    assert marks(data) == [("WARNING", -1), *[("ERROR", 1)] * 4, ("INFO", -1)]


def test_tracebacks_of_ranks_that_are_mixed() -> None:
    data = b"""[rank0]: Traceback (most recent call last):
[rank1]: Traceback (most recent call last):
[rank0]:   File "x"
INFO unrelated
[rank1]:   File "x"
[rank0]: RuntimeError: a
[rank1]: RuntimeError: b
[rank0]: done
"""
    expected = [0, 1, 0, -1, 1, 0, 1, -1]
    assert [group for _, group in marks(data)] == expected


def test_a_traceback_of_an_exception_group_ends_before_what_is_not_indented() -> None:
    data = b"  + Exception Group Traceback (most recent call last):\n  |   File\n    +---\nnext\n"
    assert [group for _, group in marks(data)] == [0, 0, 0, -1]


def test_a_traceback_that_is_only_mentioned_is_none() -> None:
    assert marks(b"expected Traceback (most recent call last): in the output\n  indented\n") == [(None, -1)] * 2


def test_a_traceback_that_has_not_ended() -> None:
    found = levels.scan(b'Traceback (most recent call last):\n  File "x"\n')
    assert found.spans == [(0, 2)]


@pytest.mark.parametrize(
    ("raw", "shown", "folded"),
    [
        (b"plain\n", "plain", 0),
        (b"windows\r\n", "windows", 0),
        (b"\r 0%\r 50%\r 100%\n", " 100%", 2),
        (b" 0%\r 50%\r 100%\r\n", " 100%", 2),
        (b"a\r\rb\n", "b", 1),
        (b"\r\r\n", "", 0),
        (b"bad \xff\xfe bytes \x00\n", "bad \ufffd\ufffd bytes \x00", 0),
        (b"\x1b[31mred\x1b[0m\n", "\x1b[31mred\x1b[0m", 0),
    ],
)
def test_what_is_shown(raw: bytes, shown: str, folded: int) -> None:
    assert text.show(raw) == (shown, folded, 0)


def test_a_bar_of_812_updates_is_one_line() -> None:
    bar = b"".join(b"\r%3d%%|####| %d/812" % (step * 100 // 812, step) for step in range(812)) + b"\n"
    assert text.show(bar).folded == 811
    assert len(levels.scan(bar).starts) == 1


def test_only_what_is_shown_of_a_line_has_a_level() -> None:
    assert marks(b" 10%\rERROR drawn over\r 20%\n ERROR\r\n 10%\rWARNING last\n") == [
        (None, -1),
        ("ERROR", -1),
        ("WARNING", -1),
    ]


def test_a_cut_is_between_characters() -> None:
    shown = text.show("é".encode() * 20_000)
    assert shown.text == "é" * 8_192
    assert shown.cut == 40_000 - 16_384
    assert text.show(b"a" + "é".encode() * 20_000).text == "a" + "é" * 8_191
    assert text.whole_characters("x漢".encode()[:3]) == b"x"


@pytest.mark.parametrize(
    ("bar", "expected"),
    [
        ("Epoch 3: 45%|####   | 45/100 [00:01<00:02, 30it/s]", Progress(done=45, total=100, text="Epoch 3")),
        (" 10%|█ | 1.20k/12.0k [00:01<00:09]", Progress(done=1200, total=12000)),
        ("100%|███| 7/7", Progress(done=7, total=7)),
        ("2%| of 3%|: \t45%|##|45/100", Progress(done=45, total=100, text="2%| of 3%|")),
        ("45% of nothing", None),
        ("no bar", None),
    ],
)
def test_progress_of_tqdm(bar: str, expected: Progress | None) -> None:
    assert text.progress(bar) == expected


@pytest.mark.parametrize("part", [" ", "1", "1 ", "1%|", "1%||", "1%||1", "1%|| ", "1%| | 1"])
@pytest.mark.parametrize("head", ["", "1%|", "1%||"])
def test_no_line_takes_long_to_be_looked_at_for_a_bar(head: str, part: str) -> None:
    line = head + part * (100_000 // len(part))
    begin = time.thread_time()
    assert text.progress(line) is None
    assert time.thread_time() - begin < 2
