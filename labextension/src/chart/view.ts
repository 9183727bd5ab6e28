/** How a reader looks at curves: what the controls say, and the question to the server that follows from it. */

import type { CurveQuery, Smoothing } from '../records';
import type { Range } from './curves';
import type { Scale } from './ticks';

/** `metric:<name>`: the last value of that metric at ≤ step. */
export type XKind = 'step' | 'relative' | 'wall' | `metric:${string}`;

export interface ChartView {
  readonly x: XKind;
  readonly xLog: boolean;
  readonly yLog: boolean;
  readonly band: boolean;
  readonly outliers: boolean;
  readonly smoothing: Smoothing;
  /** twema and ema: 0–0.999; gaussian: σ in points; mean: a window in points. */
  readonly weight: number;
}

export const DEFAULT_VIEW: ChartView = {
  x: 'step',
  xLog: false,
  yLog: false,
  band: true,
  outliers: false,
  smoothing: 'none',
  weight: 0.6
};

/** The range of `weight` and the value to start with, for each method. */
export const WEIGHTS: Readonly<Record<Smoothing, { min: number; max: number; step: number; usual: number }>> =
  {
    none: { min: 0, max: 0.999, step: 0.001, usual: 0.6 },
    twema: { min: 0, max: 0.999, step: 0.001, usual: 0.6 },
    ema: { min: 0, max: 0.999, step: 0.001, usual: 0.6 },
    gaussian: { min: 0, max: 200, step: 1, usual: 10 },
    mean: { min: 1, max: 1000, step: 1, usual: 20 }
  };

export const X_KINDS: readonly XKind[] = ['step', 'metric:epoch', 'relative', 'wall'];
export const SMOOTHINGS: readonly Smoothing[] = ['none', 'twema', 'ema', 'gaussian', 'mean'];

const MOST_COLUMNS = 4000;
const LEAST_COLUMNS = 100;

/** Which curves are asked for. */
export interface Subject {
  readonly experiments: readonly string[];
  readonly metrics: readonly string[];
}

/** The query for what `view` shows of `subject`; `pixels` are those of the device. */
export function queryOf(subject: Subject, view: ChartView, range: Range | null, pixels: number): CurveQuery {
  const smooth = view.smoothing !== 'none' && view.weight > 0;
  return {
    experiments: [...subject.experiments],
    metrics: [...subject.metrics],
    x: view.x,
    ...(range ? { start: range[0], end: range[1] } : {}),
    width: Math.max(LEAST_COLUMNS, Math.min(MOST_COLUMNS, Math.round(pixels))),
    ...(smooth ? { smoothing: view.smoothing, weight: view.weight } : {})
  };
}

export function isXKind(x: unknown): x is XKind {
  return typeof x === 'string' && (x.startsWith('metric:') || X_KINDS.some(kind => kind === x));
}

/** The scale of the x axis. */
export function xScale(view: ChartView): Scale {
  if (view.xLog && view.x !== 'wall') {
    return 'log';
  }
  return view.x === 'wall' ? 'time' : view.x === 'relative' ? 'duration' : 'linear';
}

/** What a saved layout or notebook says, with anything it does not know left at the default. */
export function restoreView(saved: unknown): ChartView {
  const known: Record<string, unknown> = { ...DEFAULT_VIEW };
  const given = typeof saved === 'object' && saved !== null ? (saved as Record<string, unknown>) : {};
  for (const name of Object.keys(known)) {
    if (typeof given[name] === typeof known[name]) {
      known[name] = given[name];
    }
  }
  const view = known as unknown as ChartView;
  const x = isXKind(view.x) ? view.x : DEFAULT_VIEW.x;
  const smoothing = SMOOTHINGS.includes(view.smoothing) ? view.smoothing : DEFAULT_VIEW.smoothing;
  return { ...view, x, smoothing };
}
