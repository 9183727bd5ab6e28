import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { PALETTE } from '../../colour';
import { curve, points } from '../../testing/curves';
import { curveKey } from '../curves';
import { mapper, spread } from '../paint';
import { readingsAt, stepFrom } from '../readout';
import { Scenery } from '../scenery';
import { lowest, strokes } from '../stroke';
import { DEFAULT_VIEW, queryOf, restoreView, type ChartView } from '../view';
import { censusText, readingDetail, readingText, summaryText, xText } from '../wording';

const trans = nullTranslator.load('aiplat_jupyter');
const A = curve(points([0, 1], [10, 2], [20, null]));
const B = curve(points([1, 5], [11, 6]), { experiment: 'b' });

describe('readingsAt', () => {
  it('reads the nearest bucket of each curve, the nearest value first', () => {
    const readings = readingsAt([A, B], 10, value => Math.abs(value - 6));
    expect(readings.map(({ x, drawn }) => [x, drawn])).toEqual([
      [11, 6],
      [10, 2]
    ]);
  });

  it('puts what has no value last, and says what it is', () => {
    const inf = curve({ ...points([20, null]), posinf: [1], nan: [] }, { experiment: 'c' });
    const readings = readingsAt([A, inf, B], 20, () => 1);
    expect(readings.map(readingText)).toEqual(['6', 'NaN', '∞']);
  });

  it('prefers the smoothed value and tells the raw one', () => {
    const smooth = curve({ ...points([0, 1]), smooth: [0.9], count: [7], min: [0.5], max: [3] });
    const [reading] = readingsAt([smooth], 0);
    expect(readingText(reading)).toBe('0.9');
    expect(readingDetail(reading, trans)).toBe('raw 1 · 0.5 – 3 · n 7');
  });
});

describe('stepFrom', () => {
  it('walks over the buckets of all curves and stops at the ends', () => {
    expect(stepFrom([A, B], 1, 1)).toBe(10);
    expect(stepFrom([A, B], 10, -1)).toBe(1);
    expect(stepFrom([A, B], 20, 1)).toBe(20);
    expect(stepFrom([A, B], null, 1)).toBe(0);
    expect(stepFrom([A, B], null, -1)).toBe(20);
    expect(stepFrom([], 3, 1)).toBeNull();
  });
});

describe('words', () => {
  it('count what is shown of how much', () => {
    expect(censusText({ shown: 2000, total: 1240113, nan: 12, infinite: 0 }, trans)).toBe(
      'n 2,000 of 1,240,113, 12 NaN'
    );
    expect(censusText({ shown: 5, total: 5, nan: 0, infinite: 1 }, trans)).toBe('n 5, 1 ±∞');
  });

  it('name places by their unit', () => {
    expect([
      xText(1234, 'step'),
      xText(1.5, 'metric:epoch'),
      xText(30, 'relative'),
      xText(7500, 'relative')
    ]).toEqual(['1,234', '1.5', '30s', '2h 05m']);
  });

  it('sum a chart up', () => {
    const text = summaryText('loss', [A], [0, 20], 'step', () => 'mlp', trans);
    expect(text).toContain('step from 0 to 20');
    expect(text).toContain('mlp: last NaN, lowest 1');
    expect(summaryText('loss', [], null, 'step', () => '', trans)).toBe('loss: no points');
  });
});

describe('strokes', () => {
  const many = (n: number) =>
    Array.from({ length: n }, (_, i) => curve(points([0, i]), { experiment: String.fromCharCode(65 + i) }));

  it('give eight experiments eight colours', () => {
    const found = [...strokes(many(8), new Set()).values()];
    expect(new Set(found.map(({ colour }) => colour)).size).toBe(PALETTE.length);
    expect(found.every(({ dash }) => dash.length === 0)).toBe(true);
  });

  it('tell a repeated colour apart by dashes', () => {
    const found = [...strokes(many(16), new Set()).values()];
    expect(new Set(found.map(({ colour, dash }) => `${String(colour)} ${dash.join()}`)).size).toBe(16);
  });

  it('leave, of more than sixteen, colour to those that matter', () => {
    const curves = many(20);
    const best = lowest(curves);
    expect(best).toBe(curveKey(curves[0]));
    const found = strokes(curves, new Set([best ?? '']));
    expect([...found.values()].filter(({ colour }) => colour !== null).length).toBe(1);
  });
});

describe('spread', () => {
  it('moves labels apart within their room, in order', () => {
    expect(spread([50, 52, 10], 10, 0, 100)).toEqual([50, 60, 10]);
    const low = spread([95, 96, 97], 10, 0, 100);
    expect(low).toEqual([80, 90, 100]);
  });
});

describe('mapper', () => {
  it('has no place for zero and below on a log axis', () => {
    const toY = mapper({ range: [1, 100], log: true }, 0, 100);
    expect(toY(10)).toBeCloseTo(50);
    expect(toY(0)).toBeNaN();
    expect(mapper({ range: [0, 10], log: false }, 100, -100)(5)).toBe(50);
  });
});

describe('view', () => {
  it('becomes a question with bounded width', () => {
    const view: ChartView = { ...DEFAULT_VIEW, x: 'metric:epoch', smoothing: 'ema', weight: 0.9 };
    expect(queryOf({ experiments: ['a'], metrics: ['loss'] }, view, [1, 2], 99999)).toEqual({
      ...{ experiments: ['a'], metrics: ['loss'], x: 'metric:epoch', start: 1, end: 2 },
      ...{ width: 4000, smoothing: 'ema', weight: 0.9 }
    });
    expect(queryOf({ experiments: [], metrics: [] }, DEFAULT_VIEW, null, 3)).toMatchObject({ width: 100 });
  });

  it('is restored from what makes sense', () => {
    const saved = { x: 'metric:tokens', smoothing: 'cubic', yLog: true, weight: '0.9', band: false };
    expect(restoreView(saved)).toEqual({ ...DEFAULT_VIEW, x: 'metric:tokens', yLog: true, band: false });
    expect(restoreView('x')).toEqual(DEFAULT_VIEW);
  });
});

describe('Scenery', () => {
  const outlook = {
    strokes: new Map(),
    xLabel: 'step',
    logLabel: 'log',
    view: DEFAULT_VIEW,
    height: null,
    isBare: false
  };

  it('keeps the value axis while the data fit', () => {
    const scenery = new Scenery();
    const first = scenery.make({ ...outlook, curves: [A], x: [0, 20] }).scene;
    const grown = curve(points([0, 1], [10, 2], [21, 1.5]));
    expect(scenery.make({ ...outlook, curves: [grown], x: [0, 30] }).scene?.y).toEqual(first?.y);
  });

  it('says what a log axis leaves out, and that nothing is left', () => {
    const view = { ...DEFAULT_VIEW, yLog: true };
    const negative = curve(points([0, -1], [1, -2]));
    expect(new Scenery().make({ ...outlook, view, curves: [negative], x: [0, 1] })).toEqual({
      scene: null,
      clipped: 0,
      nonPositive: 2
    });
    expect(new Scenery().make({ ...outlook, view, curves: [A], x: [0, 1] }).scene?.yLabel).toBe('log');
  });

  it('shows the values that the reader chose, unless a log axis has no place for them', () => {
    const at = { ...outlook, curves: [A], x: [0, 20] as const, height: [-1, 7] as const };
    expect(new Scenery().make(at).scene?.y.range).toEqual([-1, 7]);
    const log = new Scenery().make({ ...at, view: { ...DEFAULT_VIEW, yLog: true } });
    expect(log.scene?.y.range[0]).toBeGreaterThan(0);
  });

  it('has nothing to draw without a range', () => {
    expect(new Scenery().make({ ...outlook, curves: [A], x: null }).scene).toBeNull();
  });
});
