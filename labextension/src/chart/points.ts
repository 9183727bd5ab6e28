/** A curve of single points that did not come from the metrics' store. */

import type { Curve } from '../records';

interface Given {
  /** What tells the curve from others, and gives it its colour. */
  readonly experiment: string;
  readonly metric: string;
  /** Rising. */
  readonly x: readonly number[];
  /** Null: not a number. */
  readonly values: readonly (number | null)[];
}

export function points({ experiment, metric, x, values }: Given): Curve {
  const [xs, all] = [[...x], [...values]];
  const finite = all.filter(value => value !== null);
  const isWhole = finite.length === all.length;
  return {
    experiment,
    metric,
    context: '',
    columns: {
      ...{ x: xs, first_x: xs, mean: all, min: all, max: all, last: all, count: xs.map(() => 1) },
      nan: isWhole ? [] : all.map(value => (value === null ? 1 : 0)),
      ...{ posinf: [], neginf: [], smooth: [] }
    },
    ...{ shown: xs.length, total: xs.length, raw: true, from_x: null, abandoned: [] },
    summary: {
      ...{ metric, context: '', count: xs.length, nan: all.length - finite.length, infinite: 0 },
      ...{ last: all.at(-1) ?? null, last_step: null, last_wall: null },
      ...{ min: least(finite), min_step: null, max: most(finite), max_step: null }
    },
    x_extent: xs.length > 0 ? [xs[0], xs[xs.length - 1]] : null
  };
}

const least = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((one, other) => Math.min(one, other));

const most = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((one, other) => Math.max(one, other));
