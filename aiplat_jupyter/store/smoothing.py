"""Smoothing of a whole line, answered at the points that are drawn: so a zoom never changes a smoothed value.

``ema`` and ``twema`` are the recurrence  y ← a·y + v,  d ← a·d + 1,  smoothed = y / d  over the finite points. With
a = weight this is TensorBoard's debiased average (``line_chart_v2/data_transformer.ts``); ``twema`` has
a = weight^(Δstep / gap), so that it does not depend on how densely a run logs. Their states at the starts of blocks are
remembered: an answer then touches only blocks that are drawn, or new. ``gaussian`` and ``mean`` are centred windows of
points, an even width counting as the next odd one.

NaN and ±Inf pass through and move nothing; a line whose points are all equal stays as it is.
"""

from typing import Final, NamedTuple, Self

import numpy as np

from aiplat_jupyter.core.curves import Smoothing
from aiplat_jupyter.store.archive import Archive
from aiplat_jupyter.store.lines import Line
from aiplat_jupyter.store.segments import BLOCK
from aiplat_jupyter.store.stats import Bools, Floats, Ints

_REACH: Final = 4.0
_AT_ONCE: Final = 2_048
_WINDOW_AT_ONCE: Final = 2_000_000


class Method(NamedTuple):
    """How to smooth: `weight` as in `CurveQuery`; `gap` is the step gap that counts as one for ``twema``."""

    name: Smoothing
    weight: float
    gap: float

    @property
    def reach(self) -> int:
        """How many later points have a say in a point's smoothed value."""
        if self.name == "gaussian":
            return int(np.ceil(_REACH * self.weight))
        return int(self.weight) // 2 if self.name == "mean" else 0


def smoothed(archive: Archive, line: Line, numbers: Ints, method: Method) -> Floats:
    """Return the smoothed values of the points with these rising `numbers` on the line."""
    total = line.whole
    if total.min[0] == total.max[0] and total.finite[0] == total.points[0]:
        return np.full(len(numbers), total.min[0])
    if method.name in ("ema", "twema"):
        return _averaged(archive, line, numbers, method)
    return _windowed(archive, line, numbers, method)


def scan(factor: Floats, term: Floats, start: Floats) -> Floats:
    """Return y[i] = factor[i] · y[i − 1] + term[i] along the last axis, where y[−1] = `start`.

    Each row is cut into stretches that advance together; a scan of the stretches' ends then links them (Blelloch,
    Prefix Sums and Their Applications, 1990).
    """
    rows, length = factor.shape
    if length <= BLOCK:
        return _advance(factor, term, start)
    pad = -length % BLOCK
    factor = np.pad(factor, ((0, 0), (0, pad)), constant_values=1.0).reshape(-1, BLOCK)
    term = np.pad(term, ((0, 0), (0, pad))).reshape(-1, BLOCK)
    power = _advance(factor, np.zeros_like(term), np.ones(len(factor)))
    local = _advance(factor, term, np.zeros(len(factor)))
    ends = scan(power[:, -1].reshape(rows, -1), local[:, -1].reshape(rows, -1), start)
    starts = np.concatenate([start[:, None], ends[:, :-1]], axis=1).ravel()
    linked: Floats = local + power * starts[:, None]
    return linked.reshape(rows, -1)[:, :length]


def _advance(factor: Floats, term: Floats, state: Floats) -> Floats:
    """Scan short rows, all of them one place at a time."""
    result = np.empty(factor.shape[::-1])
    for place, (a, b) in enumerate(zip(factor.T, term.T, strict=True)):
        state = np.multiply(a, state, out=result[place])
        state += b
    return result.T


# Averages that only look back


class States(NamedTuple):
    """The averages before each block of a line: `identity` names the blocks that they are right for.

    `sum` and `weight` are y and d of the recurrence, `step` that of the last finite point. The columns are one longer
    than `identity`: the last entry is the state behind the last block.
    """

    identity: Ints
    sum: Floats
    weight: Floats
    step: Floats


def _averaged(archive: Archive, line: Line, numbers: Ints, method: Method) -> Floats:
    states = _states(archive, line, method)
    blocks = np.flatnonzero(np.bincount(numbers // BLOCK))
    grid = _Grid.of(archive, line, blocks)
    factor, term, one = grid.recurrence(method, states.step[blocks])
    sums, weights = _advance(factor, term, states.sum[blocks]), _advance(factor, one, states.weight[blocks])
    place = np.searchsorted(blocks, numbers // BLOCK), numbers % BLOCK
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        return np.where(grid.finite[place], sums[place] / weights[place], grid.value[place])


def _states(archive: Archive, line: Line, method: Method) -> States:
    """Return the states along `line`; those of an earlier answer are right up to the first block that is another."""
    key = ("states", int(line.identity[0]), method)
    known: States | None = archive.memory.get(key)
    if known is None:
        known = States(line.identity[:0], np.zeros(1), np.zeros(1), np.full(1, -np.inf))
    common = min(len(known.identity), len(line.identity))
    differs = np.flatnonzero(known.identity[:common] != line.identity[:common])
    right = int(differs[0]) if len(differs) else common
    if right == len(line.identity):
        return known
    states = _continued(archive, line, method, known, right)
    archive.memory.put(key, states, sum(column.nbytes for column in states))
    return states


def _continued(archive: Archive, line: Line, method: Method, known: States, start: int) -> States:
    """Return the states along `line`, of which those in front of block `start` and before are `known`."""
    parts = [known._replace(**{name: getattr(known, name)[: start + 1] for name in ("sum", "weight", "step")})]
    for low in range(start, len(line.identity), _AT_ONCE):
        blocks = np.arange(low, min(low + _AT_ONCE, len(line.identity)))
        parts.append(_behind(_Grid.of(archive, line, blocks), parts[-1], method))
    columns = [np.concatenate(column) for column in list(zip(*parts, strict=True))[1:]]
    return States(line.identity, *columns)


def _behind(grid: "_Grid", before: States, method: Method) -> States:
    """Return the states behind each of some neighbouring blocks; the last of `before` is the one in front of them."""
    last = np.where(grid.finite, grid.step, -np.inf).max(axis=1)
    step = np.maximum.accumulate(np.append(before.step[-1:], last))
    factor, term, one = grid.recurrence(method, step[:-1])
    behind = np.ones(factor.shape)
    behind[:, :-1] = np.cumprod(factor[:, :0:-1], axis=1)[:, ::-1]
    power = (behind[:, 0] * factor[:, 0])[None]
    sums = scan(power, np.einsum("ij,ij->i", term, behind)[None], before.sum[-1:])[0]
    weights = scan(power, np.einsum("ij,ij->i", one, behind)[None], before.weight[-1:])[0]
    return States(before.identity, sums, weights, step[1:])


class _Grid(NamedTuple):
    """Blocks as rows of 64 places; those behind the end of a short block are not finite."""

    step: Floats
    value: Floats
    finite: Bools

    @classmethod
    def of(cls, archive: Archive, line: Line, blocks: Ints) -> Self:
        samples, number = line.points(archive, blocks)
        sizes = line.blocks.stats.points[blocks]
        place = number + np.repeat((np.arange(len(blocks)) - blocks) * BLOCK, sizes)
        step, value = np.zeros(len(blocks) * BLOCK), np.full(len(blocks) * BLOCK, np.nan)
        step[place], value[place] = samples.step, samples.value
        shape = len(blocks), BLOCK
        return cls(step.reshape(shape), value.reshape(shape), np.isfinite(value).reshape(shape))

    def recurrence(self, method: Method, previous: Floats) -> tuple[Floats, Floats, Floats]:
        """Return a, v and 1 of the recurrence: 1, 0 and 0 where no finite point is.

        `previous` is the step of the last finite point before each row.
        """
        factor = np.where(self.finite, self._factor(method, previous), 1.0)
        return factor, np.where(self.finite, self.value, 0.0), self.finite.astype(np.float64)

    def _factor(self, method: Method, previous: Floats) -> Floats | float:
        if method.name == "ema" or method.weight == 0:
            return method.weight
        ahead = np.column_stack([previous, self.step[:, :-1]])
        if not self.finite.all():
            ahead[:, 1:][~self.finite[:, :-1]] = -np.inf
            np.maximum.accumulate(ahead, axis=1, out=ahead)
        with np.errstate(invalid="ignore", over="ignore"):
            factor: Floats = np.exp(np.log(method.weight) / method.gap * (self.step - ahead))
        return factor


# Centred windows


def _windowed(archive: Archive, line: Line, numbers: Ints, method: Method) -> Floats:
    at_once = max(1, _WINDOW_AT_ONCE // (2 * method.reach + 1))
    parts = [_window(archive, line, numbers[low : low + at_once], method) for low in range(0, len(numbers), at_once)]
    return np.concatenate(parts) if parts else np.empty(0)


def _window(archive: Archive, line: Line, numbers: Ints, method: Method) -> Floats:
    """Return the mean of the finite points around each number, weighted by their distance in points."""
    before, reach = line.before, method.reach
    middle = before[numbers // BLOCK] + numbers % BLOCK
    ends = (np.clip(middle + distance, 0, before[-1] - 1) for distance in (-reach, reach))
    blocks = _between(*(np.searchsorted(before, end, side="right") - 1 for end in ends))
    value = line.points(archive, blocks).samples.value
    sizes = line.blocks.stats.points[blocks]
    row = np.searchsorted(blocks, numbers // BLOCK)
    place = (np.cumsum(sizes) - sizes)[row] + numbers % BLOCK
    offsets = np.arange(-reach, reach + 1)
    inside = (middle[:, None] + offsets >= 0) & (middle[:, None] + offsets < before[-1])
    around = value[np.where(inside, place[:, None] + offsets, place[:, None])]
    kernel = np.where(inside & np.isfinite(around), _kernel(method, offsets), 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        mean = (kernel * np.where(kernel > 0, around, 0.0)).sum(axis=1) / kernel.sum(axis=1)
    centre = value[place]
    smooth: Floats = np.where(np.isfinite(centre), mean, centre)
    return smooth


def _between(firsts: Ints, lasts: Ints) -> Ints:
    """Return all numbers that lie in one of the ranges, bounds included; rising."""
    depth = np.zeros(lasts.max() + 2, np.int64)
    np.add.at(depth, firsts, 1)
    np.add.at(depth, lasts + 1, -1)
    return np.flatnonzero(np.cumsum(depth))


def _kernel(method: Method, offsets: Ints) -> Floats:
    if method.name == "mean":
        return np.ones(len(offsets))
    return np.exp(-0.5 * (offsets / method.weight) ** 2)
