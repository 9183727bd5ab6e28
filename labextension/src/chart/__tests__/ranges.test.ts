import { describe, expect, it } from 'vitest';

import { clippedBuckets, niceStep, steppedValues, steppedX, valueExtent, visible } from '../ranges';
import { curve, points } from '../../testing/curves';

const VIEW = { x: null, xLog: false, log: false, band: true, outliers: false };

describe('visible', () => {
  it('takes one bucket more on each side', () => {
    const columns = points([0, 1], [1, 1], [2, 1], [3, 1], [4, 1]);
    expect(visible(columns, [1.5, 2.5])).toEqual([1, 4]);
    expect(visible(columns, null)).toEqual([0, 5]);
    expect(visible(columns, [90, 99])).toEqual([4, 5]);
  });
});

describe('valueExtent', () => {
  const buckets = { ...points([0, 5], [1, 6]), min: [-2, 1], max: [9, 8] };

  it('makes room for the band only if it is drawn', () => {
    expect(valueExtent([curve(buckets)], VIEW).range).toEqual([-2, 9]);
    expect(valueExtent([curve(buckets)], { ...VIEW, band: false }).range).toEqual([5, 6]);
  });

  it('counts what a log axis leaves out', () => {
    const extent = valueExtent([curve(points([0, -3], [1, 0], [2, 4], [3, 7]))], { ...VIEW, log: true });
    expect(extent).toEqual({ range: [4, 7], nonPositive: 2 });
    const byStep = valueExtent([curve(points([0, 5], [1, 4]))], { ...VIEW, xLog: true });
    expect(byStep).toEqual({ range: [4, 4], nonPositive: 1 });
  });

  it('has no range without finite values', () => {
    expect(valueExtent([curve(points([0, null]))], VIEW).range).toBeNull();
    expect(valueExtent([curve(points([0, -1]))], { ...VIEW, log: true }).range).toBeNull();
  });

  it('cuts outliers off and says how many', () => {
    const values = Array.from({ length: 100 }, (_, i): [number, number] => [i, i === 50 ? 1e6 : i]);
    const view = { ...VIEW, outliers: true };
    const { range } = valueExtent([curve(points(...values))], view);
    expect(range).toEqual([5, 95]);
    expect(clippedBuckets([curve(points(...values))], view, [5, 97])).toBe(5 + 3);
  });

  it('looks only at what is in view', () => {
    const extent = valueExtent([curve(points([0, 900], [1, 2], [2, 3], [3, 4], [4, 900]))], {
      ...VIEW,
      x: [1.9, 2.1]
    });
    expect(extent.range).toEqual([2, 4]);
  });
});

describe('niceStep', () => {
  it.each([
    [0.7, 1],
    [1, 1],
    [1.1, 2],
    [3e-5, 5e-5],
    [700, 1000]
  ])('of %d is %d', (atLeast, step) => {
    expect(niceStep(atLeast)).toBeCloseTo(step, 12);
  });
});

describe('steppedValues', () => {
  it('holds the data', () => {
    const [low, high] = steppedValues([0.0312, 2.31], null, false);
    expect(low).toBeLessThan(0.0312);
    expect(high).toBeGreaterThan(2.31);
  });

  it('stays while the data fit, moves when they leave or shrink', () => {
    const before = steppedValues([0, 2], null, false);
    expect(steppedValues([0.1, 1.9], before, false)).toBe(before);
    expect(steppedValues([0, 9], before, false)[1]).toBeGreaterThan(9);
    expect(steppedValues([0, 0.3], before, false)[1]).toBeLessThan(1);
  });

  it('gives a constant room, also on a log axis', () => {
    const [low, high] = steppedValues([5, 5], null, false);
    expect(low).toBeLessThan(5);
    expect(high).toBeGreaterThan(5);
    const [logLow, logHigh] = steppedValues([5, 5], null, true);
    expect(logLow).toBeLessThan(5);
    expect(logHigh).toBeGreaterThan(5);
    expect(steppedValues([0, 0], null, false)[0]).toBeLessThan(0);
  });
});

describe('steppedX', () => {
  it('is exact when nothing comes any more', () => {
    expect(steppedX([0, 103], null, false, false)).toEqual([0, 103]);
  });

  it('stays ahead of live points and moves in steps', () => {
    const first = steppedX([0, 103], null, true, false);
    expect(first[1]).toBeGreaterThan(103);
    expect(steppedX([0, first[1]], first, true, false)).toBe(first);
    const next = steppedX([0, first[1] + 1], first, true, false);
    expect(next[1]).toBeGreaterThan(first[1] + 1);
  });

  it('gives a single point room', () => {
    expect(steppedX([4, 4], null, true, false)).toEqual([3.5, 4.5]);
  });
});
