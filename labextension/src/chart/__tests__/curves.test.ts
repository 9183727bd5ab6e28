import { describe, expect, it } from 'vitest';

import { census, mergeCurves, nearest, splice, xExtent } from '../curves';
import { curve, points } from '../../testing/curves';

describe('nearest', () => {
  it.each([
    [-5, 0],
    [2, 0],
    [6, 1],
    [100, 2]
  ])('finds for %d the bucket %d', (x, index) => {
    expect(nearest([1, 5, 9], x)).toBe(index);
  });

  it('finds none among none', () => {
    expect(nearest([], 3)).toBe(-1);
  });
});

describe('splice', () => {
  it('replaces from an x on', () => {
    const joined = splice(points([1, 10], [2, 20], [3, 30]), 3, points([3, 31], [4, 40]));
    expect(joined.x).toEqual([1, 2, 3, 4]);
    expect(joined.mean).toEqual([10, 20, 31, 40]);
    expect(joined.nan).toEqual([]);
  });

  it('fills columns of zeros that only one side has', () => {
    const joined = splice(points([1, 10], [2, 20]), 3, points([3, null]));
    expect(joined.nan).toEqual([0, 0, 1]);
    expect(splice(points([1, null], [2, 20]), 2, points([2, 21], [3, 30])).nan).toEqual([1, 0, 0]);
  });
});

describe('mergeCurves', () => {
  it('splices a delta, and keeps what it does not mention', () => {
    const abandoned = [{ attempt: 'first', columns: points([2, 25]) }];
    const have = [curve(points([1, 10], [2, 20]), { abandoned }), curve(points([1, 5]), { metric: 'acc' })];
    const delta = curve(points([2, 21], [3, 30]), { from_x: 2, total: 3 });
    const [loss, acc] = mergeCurves(have, { curves: [delta], cursor: 'c' });
    expect(loss.columns.mean).toEqual([10, 21, 30]);
    expect([loss.shown, loss.total]).toEqual([3, 3]);
    expect(loss.abandoned).toBe(abandoned);
    expect(acc).toBe(have[1]);
  });

  it('takes a curve whole without from_x, and a new one at the end', () => {
    const have = [curve(points([1, 10], [2, 20]))];
    const whole = curve(points([5, 50]));
    const other = curve(points([1, 1]), { experiment: 'b' });
    expect(mergeCurves(have, { curves: [other, whole], cursor: 'c' })).toEqual([whole, other]);
  });
});

describe('census', () => {
  it('counts what is shown, all, NaN and infinite points', () => {
    const columns = { ...points([1, null], [2, 3]), posinf: [0, 2] };
    const curves = [curve(columns, { total: 900 }), curve(points([1, 1]))];
    expect(census(curves)).toEqual({ shown: 3, total: 901, nan: 1, infinite: 2 });
  });
});

describe('xExtent', () => {
  it('spans all curves', () => {
    expect(xExtent([curve(points([0, 1], [7, 1])), curve(points([3, 1], [9, 1]))], false)).toEqual([0, 9]);
  });

  it('leaves out what a log axis cannot show, and empty curves', () => {
    expect(xExtent([curve(points([0, 1], [2, 1], [7, 1])), curve(points())], true)).toEqual([2, 7]);
    expect(xExtent([curve(points())], false)).toBeNull();
  });
});
