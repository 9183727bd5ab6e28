"""Questions about metrics and their answers: at most one bucket per pixel column, over all points."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from aiplat_jupyter.core.records import SeriesSummary

Smoothing = Literal["none", "twema", "ema", "gaussian", "mean"]
"""``twema``: time-weighted EMA; ``ema``: as TensorBoard; ``gaussian``; ``mean``: centred running mean."""


Value = Annotated[float, Meta(extra_json_schema={"x-nan": "null"})]
"""A float that may be NaN: MessagePack has it as it is, JSON as null."""


class CurveQuery(Struct, frozen=True, kw_only=True):
    """Which curves, and how they are looked at.

    Attributes
    ----------
    experiments, metrics : uids and metric names; every pair that exists is answered (≤ 200 × ≤ 50).
    x : ``step``, ``relative`` (seconds since the attempt line's first point), ``wall`` (seconds since 1970) or
        ``metric:<name>``: the last value of that metric at ≤ step (``metric:epoch``).
    start, end : bounds of x, inclusive; None: all there is.
    width : pixel columns; at most one bucket is answered for each.
    smoothing, weight : method and its parameter: twema/ema 0–0.999 (0.6 is usual), gaussian σ in points, mean a window
        in points.
    abandoned : also answer the tails that a later attempt left behind.
    cursor : of an earlier answer to the same query; only buckets that may have changed since are answered.
    """

    experiments: list[str]
    metrics: list[str]
    x: str = "step"
    start: float | None = None
    end: float | None = None
    width: int = 1000
    smoothing: Smoothing = "none"
    weight: float = 0.6
    abandoned: bool = True
    cursor: str | None = None


class Columns(Struct, frozen=True, kw_only=True):
    """Buckets in rising x, as parallel columns. A bucket of one point has min = max = mean = last.

    `x` is the x of the bucket's last point, `first_x` that of its first. Statistics are over finite values and null
    (NaN) where there is none; `count` counts all points, `nan`, `posinf`, `neginf` the others; these three are empty
    lists when they would hold only zeros.
    """

    x: list[float]
    first_x: list[float]
    mean: list[Value]
    min: list[Value]
    max: list[Value]
    last: list[Value]
    count: list[int]
    nan: list[int] = []
    posinf: list[int] = []
    neginf: list[int] = []
    smooth: list[Value] = []
    """The smoothed value at the bucket's last point; empty without smoothing."""


class AbandonedTail(Struct, frozen=True, kw_only=True):
    """What an attempt logged at or after the step from which the next one went on."""

    attempt: str
    columns: Columns


class Curve(Struct, frozen=True, kw_only=True):
    """One metric of one experiment along its line of descent.

    Attributes
    ----------
    shown, total : how many buckets are answered, and how many points the line has in the asked range of x.
    raw : every bucket is one point.
    from_x : with a cursor: replace what you have from this x on (None: replace everything). If it is set, `abandoned`
        is empty: the tails are as they were.
    summary : over the whole line, whatever range was asked.
    x_extent : smallest and largest x of the whole line; None when it is empty.
    """

    experiment: str
    metric: str
    context: str = ""
    columns: Columns
    shown: int
    total: int
    raw: bool
    summary: SeriesSummary
    x_extent: tuple[float, float] | None
    from_x: float | None = None
    abandoned: list[AbandonedTail] = []


class CurveAnswer(Struct, frozen=True, kw_only=True):
    """The curves, and the cursor with which to ask for what changes next."""

    curves: list[Curve]
    cursor: str


class History(Struct, frozen=True, kw_only=True):
    """All points of some metrics of one experiment, as columns, a page at a time (rising step, then arrival)."""

    metric: list[str]
    context: list[str]
    attempt: list[str]
    step: list[int]
    wall: list[float]
    value: list[Value]
    next_cursor: str | None = None


class LossPoint(Struct, frozen=True, kw_only=True):
    """One point as the plan wants it; `epoch` is the last value of the metric ``epoch`` at ≤ step."""

    step: int
    loss: float | None
    epoch: float | None
