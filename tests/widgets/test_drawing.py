"""Ranges, colours, rows and pictures: what is pure about a curve."""

import base64
import io
import re
from pathlib import Path

import msgspec
import numpy as np
import pytest
from PIL import Image

from aiplat_jupyter.core.curves import AbandonedTail, Columns, Curve
from aiplat_jupyter.core.records import SeriesSummary
from aiplat_jupyter.widgets import colours, domains, picture
from aiplat_jupyter.widgets.drawing import drawing
from aiplat_jupyter.widgets.figure import BANDS, Canvas, Row
from aiplat_jupyter.widgets.looks import Look
from aiplat_jupyter.widgets.series import Series, merged

ROOT = Path(__file__).parents[2]
SOLID = len(BANDS) + 1


def columns(x: list[float], y: list[float], **more: list) -> Columns:
    given = {"x": x, "first_x": x, "mean": y, "min": y, "max": y, "last": y, "count": [1] * len(x)}
    return Columns(**(given | more))


def curve(x: list[float], y: list[float], *, uid: str = "a", from_x: float | None = None, **more: list) -> Curve:
    return Curve(
        experiment=uid, metric="loss", columns=columns(x, y, **more), shown=len(x), total=len(x), raw=True,
        summary=SeriesSummary(metric="loss", count=len(x), last=y[-1] if y else None, min=min(y, default=None)),
        x_extent=(min(x), max(x)) if x else None, from_x=from_x,
    )  # fmt: skip


# Colours


def test_the_palette_is_the_page_s() -> None:
    source = (ROOT / "labextension/src/colour.ts").read_text("utf-8")
    assert tuple(re.findall(r"'(#[0-9a-f]{6})'", source)) == colours.PALETTE


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", colours.PALETTE)
@pytest.mark.parametrize("background", ["#ffffff", "#111111"])
def test_colours_are_seen_on_light_and_dark(colour: str, background: str) -> None:
    light, dark = sorted([luminance(colour), luminance(background)], reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


def test_dashes_tell_curves_of_one_hue_apart() -> None:
    pairs = [(uid, metric) for uid in ("a", "b") for metric in ("loss", "val", "lr", "epoch")]
    styles = colours.styles(pairs, frozenset())
    assert [style.dash for style in styles] == ["solid", "dashed", "dotted", "dash_dotted"] * 2
    assert {style.colour for style in styles[:4]} == {colours.PALETTE[colours.colour_index("a")]}


def test_experiments_of_one_chart_differ_while_there_are_colours() -> None:
    assert list(colours.hues(["a", "i", "b", "a"]).values()) == [1, 2, 3], "a and i have one colour, b the next"
    assert len(set(colours.hues(f"same{number}" for number in range(9)).values())) == 8


# Series


def test_a_delta_replaces_from_its_x_on() -> None:
    series = merged({}, [curve([0, 1, 2], [3, 2, 1])], delta=False)
    series = merged(series, [curve([2, 3], [9, 8], from_x=2)], delta=True)
    buckets = next(iter(series.values())).buckets
    assert (buckets.x.tolist(), buckets.mean.tolist()) == ([0, 1, 2, 3], [3, 2, 9, 8])


def test_a_delta_leaves_the_abandoned_tails_as_they_were() -> None:
    tail = AbandonedTail(attempt="first", columns=columns([1, 2], [5, 5]))
    series = merged({}, [msgspec.structs.replace(curve([0, 1], [3, 2]), abandoned=[tail])], delta=False)
    series = merged(series, [curve([1, 2], [2, 1], from_x=1)], delta=True)
    (found,) = next(iter(series.values())).tails
    assert found.x.tolist() == [1, 2]
    series = merged(series, [curve([0, 1], [3, 2])], delta=True)
    assert next(iter(series.values())).tails == []


def test_a_delta_may_bring_a_curve_and_a_whole_answer_drops_one() -> None:
    series = merged({}, [curve([0], [1])], delta=False)
    series = merged(series, [curve([0], [2], uid="b")], delta=True)
    assert [each.experiment for each in series.values()] == ["a", "b"]
    assert [each.experiment for each in merged(series, [curve([0], [1])], delta=False).values()] == ["a"]


# Ranges


@pytest.mark.parametrize(("span", "round_span"), [(1.0, 1.0), (1.01, 1.25), (7.2, 8.0), (9.0, 10.0), (0.0021, 0.0025)])
def test_round_spans(span: float, round_span: float) -> None:
    assert domains.step_up(span) == pytest.approx(round_span)


def test_x_is_exact_at_the_end_and_has_room_before() -> None:
    assert domains.x_home([(0, 97), (10, 130)], growing=False, log=False) == (0, 130)
    assert domains.x_home([(0, 97), (10, 130)], growing=True, log=False) == (0, 150)
    assert domains.x_home([(5, 5)], growing=False, log=False) == (4.5, 5.5)
    assert domains.x_home([], growing=False, log=False) == (0, 1)
    assert domains.x_home([(-3, 1000)], growing=False, log=True) == (0, 3)


def test_y_stays_while_it_suits() -> None:
    first = domains.y_range([np.array([0.1, 2.0])], None)
    assert first[0] <= 0.1
    assert first[1] >= 2.0
    assert domains.y_range([np.array([0.2, 1.9])], first) == first
    assert domains.y_range([np.array([0.2, 0.3])], first)[1] < 0.5
    assert domains.y_range([np.array([np.nan])], first) == first


@pytest.mark.parametrize("value", [0.0, 5.0, -3.0, 1e300, 1e-300])
def test_a_flat_line_has_room(value: float) -> None:
    low, high = domains.y_range([np.array([value, value])], None)
    assert low < value < high


# Rows of marks


def test_rows_of_unequal_length_share_a_mark() -> None:
    canvas = Canvas()
    rows = [
        Row("solid", np.array([0.0, 1.0, 2.0]), np.array([1.0, 2.0, np.nan]), "#111111"),
        Row("solid", np.array([5.0]), np.array([6.0]), "#222222"),
        Row("solid", np.array([7.0]), np.array([np.nan]), "#333333"),
    ]
    places, sent = canvas.draw(rows)
    mark = canvas.overlay.parts["marks"][SOLID]
    assert places == [(SOLID, 0), (SOLID, 1), None]
    assert np.isfinite(mark.y[:, -1]).all(), "bqplot cannot place its label at a NaN"
    assert mark.x[1].tolist() == [5.0, 5.0, 5.0, 5.0]
    assert sent == mark.x.nbytes + mark.y.nbytes
    assert canvas.draw(rows) == (places, 0), "what is the same is not sent again"


def test_steps_beyond_32_bits_are_drawn_right() -> None:
    canvas = Canvas()
    canvas.draw([Row("solid", np.array([2.0**53 - 1, 2.0**53]), np.array([1.0, 2.0]), "#111111")])
    mark = canvas.overlay.parts["marks"][SOLID]
    assert mark.x.dtype == np.float64
    assert mark.x[1] == 2.0**53


def test_one_point_is_drawn() -> None:
    canvas = Canvas()
    places, _ = canvas.draw([Row("solid", np.array([3.0]), np.array([1.0]), "#111111")])
    assert places == [(SOLID, 0)]


def test_a_band_ends_at_both_edges_at_once() -> None:
    answer = curve([1.0, 2.0, 3.0], [2.0, 2.0, 2.0], min=[1.0, -1.0, 1.0], max=[3.0, 3.0, 3.0], count=[2, 2, 2])
    drawn = drawing([Series(answer)], ["loss"], Look(y_log=True, smoothing="none"), growing=False)
    high, low = (row for row in drawn.rows if row.kind == "band0")
    assert np.isfinite(high.y).tolist() == np.isfinite(low.y).tolist() == [True, False, True]
    assert (drawn.badge["left_out"], drawn.badge["exact"]) == (1, False)


# Pictures


def pixels_of(png: str) -> np.ndarray:
    """Return the picture as rows of columns of red, green, blue."""
    with Image.open(io.BytesIO(base64.b64decode(png))) as image:
        assert image.size == picture.SIZE
        return np.asarray(image.convert("RGB"), int)


def places_of(png: str, colour: str) -> np.ndarray:
    """Return where (row, column) the picture has about this colour."""
    wanted = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)])
    return np.argwhere(np.abs(pixels_of(png) - wanted).sum(axis=2) < 24)


@pytest.mark.parametrize(
    "look",
    [
        Look(),
        Look(y_log=True, smoothing="none"),
        Look(x="wall"),
        Look(x="relative", x_log=True),
        Look(x="metric:epoch"),
    ],
)
def test_a_picture_shows_the_curve(look: Look) -> None:
    x, y = [1.0, 2.0, 3.0, 4.0, 5.0], [3.0, 2.0, float("nan"), 1.0, -1.0]
    answer = curve(x, y, smooth=y, count=[2] * 5)
    drawn = drawing([Series(answer)], ["损失 <b>曲线</b>"], look, growing=False)
    assert len(places_of(picture.picture([picture.Part(drawn, look)]), drawn.rows[-1].colour))


def test_a_picture_marks_infinity_and_draws_no_line_to_it() -> None:
    inf = float("inf")
    answer = curve([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 1.0, inf, 1.0, 1.0], posinf=[0, 0, 1, 0, 0])
    look = Look(smoothing="none")
    drawn = drawing([Series(answer)], ["loss"], look, growing=False)
    found = places_of(picture.picture([picture.Part(drawn, look, "loss")], "mlp · finished"), drawn.rows[-1].colour)
    left, top, right, bottom = picture.BOX
    inside = found[(found[:, 0] > top + 20) & (found[:, 0] < bottom)]
    assert np.ptp(inside[:, 0]) < 8, "a flat line"
    at_the_top = found[(found[:, 0] >= top - 2) & (found[:, 0] <= top + 12)]
    assert abs(at_the_top[:, 1].mean() - (left + right) / 2) < 4


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [(-1.3, 0.1, [0.1, 0.2, 0.5, 1]), (-2, 1, [0.01, 0.1, 1, 10]), (0.1, 0.3, [1.4, 1.6, 1.8]), (-12, 0, None)],
)
def test_log_ticks_of_a_picture_are_round(low: float, high: float, labels: list[float] | None) -> None:
    found = picture.log_ticks(low, high)
    assert 2 <= len(found) <= 6
    if labels:
        assert [10**value for value in found] == pytest.approx(labels)


def test_dashes_leave_gaps() -> None:
    parts = picture.dashes(np.array([[0.0, 0.0], [100.0, 0.0]]), (14, 10))
    assert [(part[0, 0], part[-1, 0]) for part in parts] == [(0.0, 28.0), (48.0, 76.0), (96.0, 100.0)]
