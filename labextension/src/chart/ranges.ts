/** Which part of an axis to show: all of the data, but moving in steps so that nothing jumps with each point. */

import type { Columns, Curve } from '../records';
import { lowerBound, type Range } from './curves';

export interface ValueView {
  /** The part of x in view; null: all. */
  readonly x: Range | null;
  readonly xLog: boolean;
  readonly log: boolean;
  /** Min–max bands are drawn, so they must fit. */
  readonly band: boolean;
  /** Show the 5th to 95th percentile only. */
  readonly outliers: boolean;
}

export interface ValueExtent {
  /** Null: nothing to draw. */
  readonly range: Range | null;
  /** At least so many points in view have a step or value ≤ 0, and so no place on a log axis. */
  readonly nonPositive: number;
}

/** The indices [from, to) of the buckets in view, with the neighbour on each side so that lines reach the edges. */
export function visible(columns: Columns, x: Range | null): readonly [number, number] {
  if (x === null) {
    return [0, columns.x.length];
  }
  const from = Math.max(0, lowerBound(columns.first_x, x[0]) - 1);
  const to = Math.min(columns.x.length, lowerBound(columns.x, x[1]) + 1);
  return [from, Math.max(from, to)];
}

/** Extent of the values of `curves` in `view`. */
export function valueExtent(curves: readonly Curve[], view: ValueView): ValueExtent {
  const lows: number[] = [];
  const highs: number[] = [];
  let nonPositive = 0;
  for (const { columns } of curves) {
    const [from, to] = visible(columns, view.x);
    for (let i = from; i < to; i++) {
      if (view.xLog && columns.x[i] <= 0) {
        nonPositive += columns.count[i];
        continue;
      }
      nonPositive += view.log ? atMostZero(columns, i) : 0;
      collect(view.band ? columns.min[i] : columns.mean[i], view.log, lows);
      collect(view.band ? columns.max[i] : columns.mean[i], view.log, highs);
      collect(columns.smooth[i], view.log, lows);
    }
  }
  const all = [...lows, ...highs];
  if (all.length === 0) {
    return { range: null, nonPositive };
  }
  return { range: view.outliers ? percentiles(all) : extentOf(all), nonPositive };
}

function collect(value: number | null | undefined, log: boolean, into: number[]): void {
  if (value !== null && value !== undefined && (!log || value > 0)) {
    into.push(value);
  }
}

function atMostZero(columns: Columns, i: number): number {
  const { min, max, count } = columns;
  if (min[i] === null || min[i] > 0) {
    return 0;
  }
  return max[i] !== null && max[i] <= 0 ? count[i] : 1;
}

function extentOf(values: readonly number[]): Range {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return [low, high];
}

function percentiles(values: readonly number[]): Range {
  const sorted = Float64Array.from(values).sort();
  const at = (share: number): number => sorted[Math.round(share * (sorted.length - 1))];
  return [at(0.05), at(0.95)];
}

/** How many of the buckets in view hold something below or above `range`. */
export function clippedBuckets(curves: readonly Curve[], view: ValueView, [low, high]: Range): number {
  let clipped = 0;
  for (const { columns } of curves) {
    const [from, to] = visible(columns, view.x);
    for (let i = from; i < to; i++) {
      const [least, most] = view.band ? [columns.min[i], columns.max[i]] : [columns.mean[i], columns.mean[i]];
      const isBelow = least !== null && least < low && (!view.log || least > 0);
      clipped += isBelow || (most !== null && most > high) ? 1 : 0;
    }
  }
  return clipped;
}

/** 1, 2 or 5 times a power of ten: the smallest that is not below `atLeast`. */
export function niceStep(atLeast: number): number {
  const power = Math.pow(10, Math.floor(Math.log10(atLeast)));
  const step = [1, 2, 5, 10].find(factor => factor * power >= atLeast * (1 - 1e-9)) ?? 10;
  return step * power;
}

const ROOM = 0.04;
const SLACK = 0.55;

/**
 * The range of the value axis: `data` with some room, rounded outwards. Stays `before` while the data fit and fill
 * more than half of it.
 */
export function steppedValues(data: Range, before: Range | null, log: boolean): Range {
  const length = (range: Range): number => (log ? Math.log(range[1] / range[0]) : range[1] - range[0]);
  const fits = before !== null && before[0] < data[0] && before[1] > data[1];
  if (fits && length(data) >= SLACK * length(before)) {
    return before;
  }
  return log ? paddedLog(data) : paddedLinear(data);
}

function paddedLinear([low, high]: Range): Range {
  const span = high - low || Math.abs(high) || 1;
  const step = niceStep(span / 20);
  return [Math.floor((low - span * ROOM) / step) * step, Math.ceil((high + span * ROOM) / step) * step];
}

function paddedLog([low, high]: Range): Range {
  const room = Math.max(Math.pow(high / low, ROOM), 1.05);
  return [low / room, high * room];
}

/**
 * The range of x when nothing is zoomed. While points arrive, the right end stays ahead of them and moves on in
 * steps of a tenth; afterwards it is exact.
 */
export function steppedX(extent: Range, before: Range | null, live: boolean, log: boolean): Range {
  const [low, high] = extent;
  if (low === high) {
    return log ? [low / 1.1, high * 1.1] : [low - 0.5, high + 0.5];
  }
  if (!live || log) {
    return extent;
  }
  if (before !== null && before[0] === low && before[1] >= high && high - low > 0.5 * (before[1] - low)) {
    return before;
  }
  const step = niceStep((high - low) / 10);
  return [low, low + (Math.floor((high - low) / step) + 1) * step];
}
