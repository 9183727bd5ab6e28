"""The browser's half: it is one sound module per widget, and its pure functions do what they say (in Node)."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from aiplat_jupyter.widgets import scripts
from aiplat_jupyter.widgets.bar import Bar
from aiplat_jupyter.widgets.gpucards import GpuCards
from aiplat_jupyter.widgets.listview import ListView
from aiplat_jupyter.widgets.overlay import Overlay

NODE = shutil.which("node")
needs_node = pytest.mark.skipif(NODE is None, reason="Node is for developers; a wheel works without it")


def evaluate(module: str, expression: str, *, language: str = "en-GB") -> Any:
    """Return what `expression` is in JavaScript, with the exports of a file of ours in scope as `it`."""
    path = (scripts.STATIC / f"{module}.mjs").as_uri()
    page = f"globalThis.document = {{documentElement: {{lang: '{language}'}}}};"
    code = f"{page} const it = await import({path!r}); console.log(JSON.stringify({expression}));"
    done = subprocess.run(
        [str(NODE), "--input-type=module", "-e", code], capture_output=True, text=True, env={"TZ": "UTC"}, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@needs_node
@pytest.mark.parametrize("widget", [Overlay, Bar, ListView, GpuCards])
def test_the_joined_module_is_sound(widget: type, tmp_path: Path) -> None:
    path = tmp_path / "widget.mjs"
    path.write_text(widget._esm, "utf-8")
    assert "import {" not in widget._esm
    subprocess.run([str(NODE), "--check", str(path)], check=True)


def test_text_from_users_is_never_markup() -> None:
    for path in scripts.STATIC.glob("*.mjs"):
        assert not {"innerHTML", "outerHTML", "insertAdjacentHTML"} & set(
            path.read_text("utf-8").replace(".", " ").split()
        )


@needs_node
def test_numbers() -> None:
    values = "[0.0314159, 1234567, 0.000001234, 12345, null, -0.5, 1e-5, 999999, 0]"
    said = evaluate("page", f"{values}.map(it.formatNumber)")
    assert said == ["0.03142", "1.235e6", "1.234e-6", "12,345", "NaN", "-0.5", "1e-5", "999,999", "0"]
    assert evaluate("page", "[Infinity, -Infinity, NaN].map(it.formatNumber)") == ["∞", "−∞", "NaN"]


@needs_node
def test_a_time_is_the_readers() -> None:
    now = 1795730791  # 22:06:31, UTC
    assert evaluate("list", f"it.clock({now + 60}, {now})") == "22:07:31"
    assert evaluate("list", f"it.clock({now + 86_400}, {now})") == "27/11/2026, 22:06:31"


@needs_node
def test_sizes_in_gib() -> None:
    sizes = "[0, 1e6, 2 ** 30, 61.25 * 2 ** 30, 80 * 2 ** 30, 1024 * 2 ** 30].map(it.formatGiB)"
    assert evaluate("gpu", sizes) == ["0", "<0.1", "1", "61.3", "80", "1,024"]


@needs_node
def test_durations() -> None:
    said = evaluate("ticks", "[0.5, 75, 7500, 200000, -75].map(it.formatDuration)")
    assert said == ["0.5s", "1m 15s", "2h 05m", "2d 07h", "−1m 15s"]
    said = evaluate("ticks", "[0.5, 75, 7500, 200000, -75].map(it.formatDuration)", language="zh-CN")
    assert said == ["0.5秒", "1分15秒", "2小时05分", "2天07小时", "−1分15秒"]
    said = evaluate("list", "[59.9, 309, 7500].map(it.duration)", language="zh-CN")
    assert said == ["59秒", "5分09秒", "2小时05分"]


@needs_node
def test_times_of_tasks() -> None:
    tasks = "[{start: 10, end: null, at: 5}, {start: 10, end: 85, at: 5}, {start: null, end: null, at: 205}]"
    said = evaluate("list", f"{tasks}.map((task) => it.taskTime(task, 325))")
    assert [text.replace(".", "") for text in said] == ["5m 15s", "1m 15s · 4 min ago", "2 min ago"]


@needs_node
@pytest.mark.parametrize(
    ("call", "ticks"),
    [
        ("it.linearTicks(1000000210, 1000000460, 2, 'wall')", [1000000320, 1000000440]),
        ("it.linearTicks(0, 1, 5)", [0, 0.25, 0.5, 0.75, 1]),
        ("it.linearTicks(0, 3, 5, 'step')", [0, 1, 2, 3]),
        ("it.linearTicks(599.99, 1200.01, 5, 'step')", [600, 800, 1000, 1200]),
        ("it.linearTicks(0, 7200, 5, 'relative')", [0, 1800, 3600, 5400, 7200]),
        ("it.logTicks(-3, 1, 5)", [-3, -2, -1, 0, 1]),
        ("it.logTicks(-20, 0, 5)", [-20, -15, -10, -5, 0]),
        ("it.logTicks(-1.3, 0.1, 5).map((v) => 10 ** v)", [0.1, 0.2, 0.5, 1]),
        ("it.logTicks(-1.8, 0.4, 5).map((v) => 10 ** v)", [0.03, 0.1, 0.3, 1]),
    ],
)
def test_ticks_are_round_and_five_at_most(call: str, ticks: list[float]) -> None:
    assert evaluate("ticks", call) == pytest.approx(ticks)


@needs_node
@pytest.mark.parametrize(
    ("to", "what"),
    [
        ("{x: 100, y: 60}", {"x": [10, 100], "y": None}),
        ("{x: 20, y: 150}", {"x": None, "y": [50, 150]}),
        ("{x: 100, y: 10}", {"x": [10, 100], "y": [10, 50]}),
        ("{x: 12, y: 52}", {"x": None, "y": None}),
    ],
)
def test_a_drag_marks_a_range_of_x_or_y_or_a_box(to: str, what: dict[str, Any]) -> None:
    assert evaluate("gestures", f"it.marked({{x: 10, y: 50}}, {to})") == what


@needs_node
def test_ticks_of_wall_time_are_at_round_local_times() -> None:
    ticks = evaluate("ticks", "it.linearTicks(1750000123, 1750007323, 5, 'wall')")
    assert len(ticks) >= 3
    assert all(tick % 1800 == 0 for tick in ticks)


@needs_node
def test_labels_at_line_ends_move_apart() -> None:
    wishes = "[{left: 100, top: 50}, {left: 100, top: 52}, {left: 100, top: 95}, {left: 10, top: 50}]"
    assert evaluate("ticks", f"it.spread({wishes}, 13, 60, 100)") == [50, 63, 87, 50]


@needs_node
def test_the_nearest_point_is_one_with_a_value() -> None:
    assert evaluate("ticks", "[it.nearest([0, 1, 2], [5, NaN, 6], 1.2), it.nearest([], [], 1)]") == [2, -1]


@needs_node
def test_zooming_keeps_the_place_under_the_pointer() -> None:
    assert evaluate("ticks", "it.zoomed([0, 100], 0.5, 0.25)") == [12.5, 62.5]


@needs_node
def test_sparklines_have_gaps_and_dots() -> None:
    draw = "(values) => it.sparkPath(values, {width: 12, height: 12})"
    assert evaluate("list", f"[[0, 1], [0, null, 1], [], [3]].map({draw})") == [
        "M1.0,11.0L11.0,1.0",
        "M1.0,11.0h0.1M11.0,1.0h0.1",
        "",
        "M6.0,6.0h0.1",
    ]


@needs_node
@pytest.mark.parametrize(
    ("how", "selected"),
    [
        ("{}", ["c"]),
        ("{toggle: true}", ["a", "c"]),
        ("{range: true}", ["b", "c"]),
    ],
)
def test_selecting(how: str, selected: list[str]) -> None:
    assert evaluate("list", f"it.selection(['a'], 'c', ['a', 'b', 'c', 'd'], 'b', {how})") == selected


@needs_node
def test_selecting_the_only_one_again_clears() -> None:
    assert evaluate("list", "it.selection(['a'], 'a', ['a'], 'a', {})") == []


@needs_node
@pytest.mark.parametrize(
    ("status", "text"),
    [
        ({"kind": "live", "age": 0.3}, "live · ago 1.3"),
        ({"kind": "live", "age": None}, "live"),
        ({"kind": "ended", "word": "finished", "at": 43200, "cause": "done"}, "ended finished 12:00 · done"),
        ({"kind": "stale", "at": 43200}, "stale 12:00"),
        ({"kind": "idle", "cut": [200, 1234]}, "cut 200 1,234"),
    ],
)
def test_the_status_line_reads(status: dict[str, Any], text: str) -> None:
    say = "(key, values = {}) => [key, ...Object.values(values)].join(' ')"
    assert evaluate("bar", f"it.statusText({json.dumps(status)}, 1, {say})") == text
