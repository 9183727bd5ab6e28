/** Curves for tests. */

import type { Columns, Curve } from '../records';

/** Columns of single points (x, value); null is NaN. */
export function points(...pairs: readonly (readonly [number, number | null])[]): Columns {
  const values = pairs.map(([, value]) => value);
  const xs = pairs.map(([x]) => x);
  const nan = values.map(value => (value === null ? 1 : 0));
  return {
    ...{ x: xs, first_x: xs, mean: values, min: values, max: values, last: values },
    count: pairs.map(() => 1),
    nan: values.includes(null) ? nan : [],
    posinf: [],
    neginf: [],
    smooth: []
  };
}

export function curve(columns: Columns, change: Partial<Curve> = {}): Curve {
  const metric = change.metric ?? 'loss';
  const { x, mean } = columns;
  return {
    experiment: 'a',
    metric,
    context: '',
    columns,
    shown: x.length,
    total: x.length,
    raw: true,
    summary: {
      ...{ metric, context: '', count: x.length, nan: 0, infinite: 0 },
      ...{ last: mean[mean.length - 1] ?? null, last_step: null, last_wall: null },
      ...{ min: Math.min(...mean.map(value => value ?? Infinity)), min_step: null, max: null, max_step: null }
    },
    x_extent: x.length > 0 ? [x[0], x[x.length - 1]] : null,
    from_x: null,
    abandoned: [],
    ...change
  };
}
