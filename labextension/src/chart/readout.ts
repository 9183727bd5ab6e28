/** What curves say at one x, for the tooltip and for screen readers. */

import type { Curve } from '../records';
import { curveKey, nearest } from './curves';

export interface Reading {
  readonly key: string;
  readonly curve: Curve;
  /** The x of the first and last point of the bucket that was read. */
  readonly firstX: number;
  readonly x: number;
  /** What is drawn there: the smoothed value, or the mean. Null for NaN and ±∞. */
  readonly drawn: number | null;
  readonly mean: number | null;
  readonly min: number | null;
  readonly max: number | null;
  /** Points in the bucket, and how many of them are NaN, +∞ and −∞. */
  readonly count: number;
  readonly nan: number;
  readonly posinf: number;
  readonly neginf: number;
}

/**
 * The readings of `curves` at the buckets nearest to `x`. With `distance` (from a drawn value), the nearest come
 * first; those that have no value there come last.
 */
export function readingsAt(
  curves: readonly Curve[],
  x: number,
  distance?: (value: number) => number
): Reading[] {
  const readings = curves.flatMap(curve => {
    const i = nearest(curve.columns.x, x);
    return i >= 0 ? [readingOf(curve, i)] : [];
  });
  if (!distance) {
    return readings;
  }
  const from = ({ drawn }: Reading): number => {
    const length = drawn === null ? NaN : distance(drawn);
    return Number.isNaN(length) ? Infinity : length;
  };
  return readings
    .map(reading => ({ reading, at: from(reading) }))
    .sort(byDistance)
    .map(({ reading }) => reading);
}

function byDistance(one: { at: number }, other: { at: number }): number {
  return one.at === other.at ? 0 : one.at - other.at;
}

function readingOf(curve: Curve, i: number): Reading {
  const { columns } = curve;
  return {
    key: curveKey(curve),
    curve,
    firstX: columns.first_x[i],
    x: columns.x[i],
    drawn: columns.smooth.length > 0 ? columns.smooth[i] : columns.mean[i],
    mean: columns.mean[i],
    min: columns.min[i],
    max: columns.max[i],
    count: columns.count[i],
    nan: columns.nan[i] ?? 0,
    posinf: columns.posinf[i] ?? 0,
    neginf: columns.neginf[i] ?? 0
  };
}

/** The x that lies `by` buckets from `x`, over the buckets of all `curves`; null without any. */
export function stepFrom(curves: readonly Curve[], x: number | null, by: number): number | null {
  const xs = [...new Set(curves.flatMap(({ columns }) => columns.x))].sort((one, other) => one - other);
  if (xs.length === 0) {
    return null;
  }
  const from = x === null ? (by > 0 ? -1 : xs.length) : nearest(xs, x);
  return xs[Math.max(0, Math.min(xs.length - 1, from + by))];
}
