import { describe, expect, it } from 'vitest';

import { between, clamped, fractionOf, NO_ZOOM, panned, scaled, undo, valueAt, zoomTo } from '../zoom';

const LINEAR = { range: [10, 20], log: false } as const;
const LOG = { range: [1, 100], log: true } as const;

describe('zoomTo', () => {
  it('is undone step by step', () => {
    const twice = zoomTo(zoomTo(NO_ZOOM, { now: [0, 5] }), { now: [1, 2] });
    expect(undo(twice).now).toEqual([0, 5]);
    expect(undo(undo(twice)).now).toBeNull();
    expect(undo(undo(undo(twice))).now).toBeNull();
  });

  it('undoes one turn of the wheel as a whole', () => {
    const first = zoomTo(NO_ZOOM, { now: [0, 5] }, true, 1000);
    const turned = zoomTo(zoomTo(first, { now: [0, 4] }, true, 1100), { now: [0, 3] }, true, 1200);
    expect(undo(turned).now).toBeNull();
    expect(undo(zoomTo(turned, { now: [0, 2] }, true, 5000)).now).toEqual([0, 3]);
  });

  it('does not remember what changes nothing', () => {
    const zoom = zoomTo(NO_ZOOM, { now: [0, 5] });
    expect(zoomTo(zoom, { now: [0, 5] })).toBe(zoom);
  });

  it('forgets the oldest of many', () => {
    let zoom = NO_ZOOM;
    for (let i = 1; i < 200; i++) {
      zoom = zoomTo(zoom, { now: [0, i] });
    }
    expect(zoom.past.length).toBe(50);
  });
});

describe('an axis', () => {
  it('tells values from fractions and back', () => {
    expect(valueAt(LINEAR, 0.5)).toBe(15);
    expect(valueAt(LOG, 0.5)).toBeCloseTo(10);
    expect(fractionOf(LOG, 10)).toBeCloseTo(0.5);
  });

  it('orders what was dragged backwards', () => {
    expect(between(LINEAR, 0.8, 0.2)).toEqual([12, 18]);
  });

  it('keeps the pivot in place', () => {
    const range = scaled(LINEAR, 0.5, 0.3);
    expect(range[1] - range[0]).toBeCloseTo(5);
    expect(fractionOf({ range, log: false }, 13)).toBeCloseTo(0.3);
  });

  it('pans no further than to the end, at its length', () => {
    expect(panned(LINEAR, 0.2, [0, 100])).toEqual([12, 22]);
    expect(panned(LINEAR, 9, [0, 24])).toEqual([14, 24]);
    expect(panned(LINEAR, -9, [8, 24])).toEqual([8, 18]);
  });
});

describe('clamped', () => {
  it('is null where all would be seen', () => {
    expect(clamped([-1, 11], [0, 10])).toBeNull();
    expect(clamped([-1, 5], [0, 10])).toEqual([0, 5]);
    expect(clamped([20, 30], [0, 10])).toBeNull();
  });
});
