/** Curves as plain data: joining live deltas, and finding buckets. */

import type { Columns, Curve, CurveAnswer } from '../records';

export type Range = readonly [number, number];

/** Columns that the server leaves empty when they would hold only zeros. */
const SPARSE = ['nan', 'posinf', 'neginf'] as const;
const DENSE = ['x', 'first_x', 'mean', 'min', 'max', 'last', 'count'] as const;

/** What tells one curve from another within an answer. */
export function curveKey(curve: Pick<Curve, 'experiment' | 'metric' | 'context'>): string {
  return JSON.stringify([curve.experiment, curve.metric, curve.context]);
}

/** Index of the first bucket whose x is not below `x`; `xs` rises. */
export function lowerBound(xs: readonly number[], x: number): number {
  let low = 0;
  let high = xs.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (xs[middle] < x) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/** Index of the bucket nearest to `x`, or -1 when there is none. */
export function nearest(xs: readonly number[], x: number): number {
  const right = lowerBound(xs, x);
  if (right === 0) {
    return xs.length > 0 ? 0 : -1;
  }
  return right < xs.length && xs[right] - x < x - xs[right - 1] ? right : right - 1;
}

/** `columns` up to (not including) `from`, followed by `tail`. */
export function splice(columns: Columns, from: number, tail: Columns): Columns {
  const kept = lowerBound(columns.x, from);
  const joined: Record<string, (number | null)[]> = {};
  for (const name of DENSE) {
    joined[name] = [...columns[name].slice(0, kept), ...tail[name]];
  }
  for (const name of SPARSE) {
    joined[name] = joinSparse(columns[name], kept, tail[name], tail.x.length);
  }
  joined.smooth = [...columns.smooth.slice(0, kept), ...tail.smooth];
  return joined as unknown as Columns;
}

function joinSparse(head: readonly number[], kept: number, tail: readonly number[], added: number): number[] {
  if (head.length === 0 && tail.length === 0) {
    return [];
  }
  const zeros = (length: number): number[] => new Array<number>(length).fill(0);
  return [
    ...(head.length > 0 ? head.slice(0, kept) : zeros(kept)),
    ...(tail.length > 0 ? tail : zeros(added))
  ];
}

/** `have` brought up to date by a delta: replaced, spliced or extended, in the order of first appearance. */
export function mergeCurves(have: readonly Curve[], delta: CurveAnswer): Curve[] {
  const merged = new Map(have.map(curve => [curveKey(curve), curve]));
  for (const curve of delta.curves) {
    const key = curveKey(curve);
    const old = merged.get(key);
    merged.set(key, old ? mergeCurve(old, curve) : curve);
  }
  return [...merged.values()];
}

function mergeCurve(old: Curve, curve: Curve): Curve {
  if (curve.from_x === null) {
    return curve;
  }
  const columns = splice(old.columns, curve.from_x, curve.columns);
  const { abandoned } = old;
  return { ...curve, columns, abandoned, shown: columns.x.length, raw: old.raw && curve.raw, from_x: null };
}

/** How many buckets and points, NaN and infinite ones, are in view. */
export interface Census {
  shown: number;
  total: number;
  nan: number;
  infinite: number;
}

export function census(curves: readonly Curve[]): Census {
  const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
  return curves.reduce<Census>(
    (all, { columns, shown, total }) => ({
      shown: all.shown + shown,
      total: all.total + total,
      nan: all.nan + sum(columns.nan),
      infinite: all.infinite + sum(columns.posinf) + sum(columns.neginf)
    }),
    { shown: 0, total: 0, nan: 0, infinite: 0 }
  );
}

/**
 * Smallest and largest x of all curves, whatever range was asked; null without points. With `log` only what is above
 * zero counts.
 */
export function xExtent(curves: readonly Curve[], log: boolean): Range | null {
  const extents = curves.flatMap(curve => {
    const [low, high] = curve.x_extent ?? [NaN, NaN];
    const least = log && low <= 0 ? curve.columns.x.find(x => x > 0) : low;
    return least !== undefined && least <= high ? [[least, high] as const] : [];
  });
  if (extents.length === 0) {
    return null;
  }
  return [Math.min(...extents.map(([low]) => low)), Math.max(...extents.map(([, high]) => high))];
}
