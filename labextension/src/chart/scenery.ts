/** From curves and the way they are looked at to what is drawn. */

import type { Curve } from '../records';
import type { Range } from './curves';
import type { Axis, Backdrop, Scene } from './paint';
import type { PlotScene } from './plot';
import { clippedBuckets, steppedValues, valueExtent } from './ranges';
import { xScale, type ChartView } from './view';

export interface Outlook {
  readonly curves: readonly Curve[];
  readonly strokes: Scene['strokes'];
  readonly view: ChartView;
  /** The range of the x axis; null: there is nothing to show. */
  readonly x: Range | null;
  /** The range of the values; null: all of them. */
  readonly height: Range | null;
  readonly xLabel: string;
  readonly logLabel: string;
  readonly backdrop?: Backdrop;
  /** The x axis says nothing. */
  readonly isBare: boolean;
}

export interface Outcome {
  /** Null: nothing to draw in this range. */
  readonly scene: PlotScene | null;
  readonly clipped: number;
  readonly nonPositive: number;
}

/** Makes scenes whose value axis stays where it is while the data fit. */
export class Scenery {
  private before: Range | null = null;
  private settings = '';

  make(outlook: Outlook): Outcome {
    const { curves, view, x, strokes } = outlook;
    const scale = xScale(view);
    const xLog = scale === 'log';
    const valueView = { x, xLog, log: view.yLog, band: view.band, outliers: view.outliers };
    const { range, nonPositive } = valueExtent(curves, valueView);
    if (x === null || range === null) {
      return { scene: null, clipped: 0, nonPositive };
    }
    const y: Axis = {
      range: chosen(outlook) ?? this.settle(withLevels(range, outlook), outlook),
      log: view.yLog
    };
    const clipped = view.outliers ? clippedBuckets(curves, valueView, y.range) : 0;
    const scene: PlotScene = {
      ...{
        curves,
        strokes,
        y,
        band: view.band,
        outliers: view.outliers,
        ends: !outlook.isBare,
        backdrop: outlook.backdrop
      },
      x: { range: x, log: xLog },
      xScale: scale,
      xBare: outlook.isBare,
      xWhole: view.x === 'step',
      xLabel: xLog ? `${outlook.xLabel} · ${outlook.logLabel}` : outlook.xLabel,
      yLabel: view.yLog ? outlook.logLabel : ''
    };
    return { scene, clipped, nonPositive };
  }

  private settle(values: Range, { curves, view, x, backdrop }: Outlook): Range {
    const { yLog, outliers, band, smoothing } = view;
    const shown = [yLog, outliers, band, smoothing, x?.[0], curves.length];
    const settings = JSON.stringify([...shown, backdrop?.levels]);
    const before = settings === this.settings ? this.before : null;
    this.settings = settings;
    this.before = steppedValues(values, before, view.yLog);
    return this.before;
  }
}

/** The range of values that the reader chose, if the axis can show it. */
function chosen({ height, view }: Outlook): Range | null {
  return height !== null && view.yLog && height[0] <= 0 ? null : height;
}

/** The values, and the levels behind them. */
function withLevels([low, high]: Range, { backdrop }: Outlook): Range {
  const levels = backdrop?.levels.map(({ value }) => value) ?? [];
  return [Math.min(low, ...levels), Math.max(high, ...levels)];
}
