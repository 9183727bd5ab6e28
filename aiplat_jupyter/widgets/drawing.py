"""From series and the way they are looked at to rows of marks, axes, legend and counts. Pure; the panel writes it."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from aiplat_jupyter.widgets.colours import MAX_COLOURED, Style, styles
from aiplat_jupyter.widgets.domains import Range, transformed, x_home, y_range
from aiplat_jupyter.widgets.figure import ABANDONED, BAND, BANDS, LINE, RAW, Row
from aiplat_jupyter.widgets.looks import Look
from aiplat_jupyter.widgets.series import Buckets, Floats, Series

QUIET = 0.5
"""Opacity of a grey curve among many."""


class Drawing(Struct, frozen=True, kw_only=True):
    """What is to be drawn: rows of marks, ranges, and per curve its entry with the rows that belong to it."""

    rows: list[Row]
    entries: list[dict[str, Any]]
    links: list[dict[str, int]]
    """Per entry: ``line``, ``raw``, ``min``, ``max`` → number of the row."""
    x: Range
    y: Range
    badge: dict[str, Any]


def drawing(
    series: Sequence[Series], names: Sequence[str], look: Look, *, growing: bool, y_before: Range | None = None
) -> Drawing:
    """Return how `series`, called `names`, look."""
    shown = [each.key not in look.hidden for each in series]
    looks = styles([(each.experiment, each.metric + each.context) for each in series], _standing_out(series, look))
    rows: list[Row] = []
    links: list[dict[str, int]] = []
    few, bands = sum(shown) <= len(BANDS), iter(BANDS)
    for each, visible, style in zip(series, shown, looks, strict=True):
        own = _rows(each, look, style, next(bands, None) if few else None) if visible else {}
        links.append({role: len(rows) + i for i, role in enumerate(own) if not role.startswith("tail")})
        rows.extend(own.values())
    drawn = [each for each, visible in zip(series, shown, strict=True) if visible]
    y = look.y_interval or y_range([row.y for row in rows], y_before, cut=look.cut_outliers)
    cut = y if look.cut_outliers and not look.y_interval else None
    entries = [
        _entry(each, name, look, style, cut) | {"end": few or (style.stands_out and len(series) > MAX_COLOURED)}
        for each, name, style in zip(series, names, looks, strict=True)
    ]
    return Drawing(
        rows=rows,
        entries=entries,
        links=links,
        x=look.interval or x_home([each.extent for each in drawn if each.extent], growing=growing, log=look.x_log),
        y=y,
        badge=_badge(drawn, look, cut),
    )


def _standing_out(series: Sequence[Series], look: Look) -> frozenset[int]:
    chosen = look.kept | {look.hovered}
    lowest = min(
        (i for i, each in enumerate(series) if each.summary.min is not None),
        key=lambda i: series[i].summary.min or 0.0,
        default=None,
    )
    return frozenset(i for i, each in enumerate(series) if each.key in chosen or i == lowest)


def _rows(series: Series, look: Look, style: Style, band: str | None) -> dict[str, Row]:
    buckets = series.buckets
    x = transformed(buckets.x, look.x_log)
    smooth = look.smoothing != "none" and bool(np.isfinite(buckets.smooth).any())

    def row(kind: str, x: Floats, y: Floats, opacity: float) -> Row:
        return Row(kind, x, transformed(y, look.y_log), style.colour, opacity)

    rows = {}
    if look.band and band and bool((buckets.count > 1).any()):
        low = np.where(buckets.min > 0, buckets.min, np.nan) if look.y_log else buckets.min
        high = np.where(np.isfinite(low), buckets.max, np.nan)  # bqplot leaves a gap only for the upper edge
        rows["max"], rows["min"] = row(band, x, high, BAND), row(band, x, low, BAND)
    if smooth and style.stands_out:
        rows["raw"] = row("raw", x, buckets.mean, RAW)
    for i, tail in enumerate(series.tails):
        rows[f"tail{i}"] = row("dashed", transformed(tail.x, look.x_log), tail.mean, ABANDONED)
    line = buckets.smooth if smooth else buckets.mean
    rows["line"] = row(style.dash, x, line, LINE if style.stands_out else QUIET)
    return rows


def _entry(series: Series, name: str, look: Look, style: Style, cut: Range | None) -> dict[str, Any]:
    last = series.summary.last
    return {
        "key": series.key,
        "name": name,
        "color": style.colour,
        "dash": style.dash,
        "hidden": series.key in look.hidden,
        "legend": True,
        "last": last if last is None or math.isfinite(last) else None,
        "odd": _odd(series.buckets, look, cut),
    }


def _odd(buckets: Buckets, look: Look, cut: Range | None) -> dict[str, list[float]]:
    x = transformed(buckets.x, look.x_log)
    where = {kind: getattr(buckets, kind) > 0 for kind in ("nan", "posinf", "neginf")}
    if cut:
        where |= _clipped(buckets, look, cut)
    places = {kind: x[there & np.isfinite(x)] for kind, there in where.items()}
    return {kind: [float(value) for value in values] for kind, values in places.items() if values.size}


def _clipped(buckets: Buckets, look: Look, cut: Range) -> dict[str, NDArray[np.bool_]]:
    """Return which buckets have something above, and which below `cut`."""
    low, high = transformed(buckets.min, look.y_log), transformed(buckets.max, look.y_log)
    return {"above": high > cut[1], "below": low < cut[0]}


def _cut_off(buckets: Buckets, look: Look, cut: Range) -> int:
    where = _clipped(buckets, look, cut)
    return int((where["above"] | where["below"]).sum())


def _badge(series: Sequence[Series], look: Look, cut: Range | None) -> dict[str, Any]:
    counts = [_left_out(each, look) for each in series]
    return {
        "shown": sum(len(each.buckets) for each in series),
        "total": sum(each.total for each in series),
        "nan": int(sum(each.buckets.nan.sum() for each in series)),
        "infinite": int(sum((each.buckets.posinf + each.buckets.neginf).sum() for each in series)),
        "left_out": sum(count for count, _ in counts),
        "exact": all(exact for _, exact in counts),
        "clipped": sum(_cut_off(each.buckets, look, cut) for each in series) if cut else 0,
    }


def _left_out(series: Series, look: Look) -> tuple[int, bool]:
    """Return how many points a log axis has no place for, and whether that is exact: a bucket may hold some of both."""
    buckets = series.buckets
    none = np.zeros(len(buckets), bool)
    gone = (buckets.x <= 0 if look.x_log else none) | (buckets.max <= 0 if look.y_log else none)
    mixed = ~gone & (buckets.min <= 0 if look.y_log else none)
    return int(buckets.count[gone].sum() + mixed.sum()), not bool(mixed.any())
