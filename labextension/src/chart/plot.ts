/** The imperative side of a chart: uPlot lays out scales, axes and grid; `paint` draws the curves into it. */

import uPlot from 'uplot';

import type { Range } from './curves';
import { paint, type Scene } from './paint';
import { readTheme } from './theme';
import { MOST_TICKS, tickLabels, ticks, type Scale } from './ticks';

export interface PlotScene extends Omit<Scene, 'theme'> {
  readonly xScale: Scale;
  /** x takes only whole numbers. */
  readonly xWhole: boolean;
  /** x has neither label nor numbers. */
  readonly xBare: boolean;
  readonly xLabel: string;
  readonly yLabel: string;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

/** The plotting area in CSS pixels, relative to the chart's host. */
export interface Frame extends Size {
  readonly left: number;
  readonly top: number;
}

const LEFT = 58;
/** Room for the newest value, `0.0009742`. */
const RIGHT = 66;
const PIXELS_PER_TICK = 70;

export class Plot {
  private plot: uPlot | null = null;
  private shape = '';
  private scene: PlotScene | null = null;
  private size: Size = { width: 0, height: 0 };

  constructor(private readonly host: HTMLElement) {}

  /** Where curves are drawn. */
  get frame(): Frame | null {
    if (this.plot === null) {
      return null;
    }
    const { left, top, width, height } = this.plot.bbox;
    const ratio = devicePixelRatio;
    return { left: left / ratio, top: top / ratio, width: width / ratio, height: height / ratio };
  }

  /** Draw `scene` at `size`. */
  draw(scene: PlotScene, size: Size): void {
    this.scene = scene;
    const shape = JSON.stringify([scene.xScale, scene.y.log, scene.xLabel, scene.yLabel]);
    if (this.plot === null || shape !== this.shape) {
      this.shape = shape;
      this.build(scene, size);
    } else {
      this.update(this.plot, scene, size);
    }
    this.size = size;
  }

  /** Draw again with the colours of a changed theme. */
  redraw(): void {
    this.plot?.redraw(false, true);
  }

  dispose(): void {
    this.plot?.destroy();
    this.plot = null;
  }

  private update(plot: uPlot, scene: PlotScene, size: Size): void {
    plot.batch(() => {
      if (size.width !== this.size.width || size.height !== this.size.height) {
        plot.setSize(size);
      }
      setScale(plot, 'x', scene.x.range);
      setScale(plot, 'y', scene.y.range);
    });
    plot.redraw(false, true);
  }

  private build(scene: PlotScene, size: Size): void {
    this.plot?.destroy();
    const options: uPlot.Options = {
      ...size,
      class: 'aiplat-Plot',
      series: [{}],
      padding: [10, RIGHT, 0, 0],
      cursor: { show: false },
      legend: { show: false },
      scales: { x: scaleOf(scene.x.log, scene.x.range), y: scaleOf(scene.y.log, scene.y.range) },
      axes: [this.xAxis(scene), this.yAxis(scene)],
      hooks: { draw: [plot => this.paint(plot)] }
    };
    this.plot = new uPlot(options, [[...scene.x.range]], this.host);
    this.update(this.plot, scene, size);
  }

  private xAxis(scene: PlotScene): uPlot.Axis {
    return {
      ...this.axisLook(),
      ...(scene.xBare ? { size: 6 } : { label: scene.xLabel, labelSize: 16, labelGap: 0, size: 24 }),
      splits: (plot, _axis, low, high) =>
        ticks([low, high], scene.xScale, scene.xWhole, mostTicks(plot.bbox.width / devicePixelRatio)),
      values: (_plot, splits) => (scene.xBare ? splits.map(() => null) : tickLabels(splits, scene.xScale))
    };
  }

  private yAxis(scene: PlotScene): uPlot.Axis {
    const scale = scene.y.log ? 'log' : 'linear';
    return {
      ...this.axisLook(),
      scale: 'y',
      size: LEFT,
      splits: (_plot, _axis, low, high) => ticks([low, high], scale),
      values: (_plot, splits) => tickLabels(splits, scale)
    };
  }

  private axisLook(): uPlot.Axis {
    const theme = (): ReturnType<typeof readTheme> => readTheme(this.host);
    const font = theme().font;
    return {
      font,
      labelFont: font,
      gap: 4,
      stroke: () => theme().ink,
      grid: { stroke: () => theme().grid, width: 1 },
      // Of the ticks of a log axis uPlot would leave some without text.
      filter: (_plot, splits) => splits,
      ticks: { show: false },
      border: { show: true, stroke: () => theme().grey, width: 1 }
    };
  }

  private paint(plot: uPlot): void {
    if (this.scene) {
      paint(
        plot.ctx,
        { ...plot.bbox, ratio: devicePixelRatio },
        { ...this.scene, theme: readTheme(this.host) }
      );
    }
  }
}

function scaleOf(log: boolean, [min, max]: Range): uPlot.Scale {
  const scale: uPlot.Scale = { time: false, auto: false, min, max, range: (_plot, low, high) => [low, high] };
  // uPlot's number for a logarithmic scale; its enum exists only in its types.
  return log ? Object.assign(scale, { distr: 3 }) : scale;
}

function setScale(plot: uPlot, key: string, [min, max]: Range): void {
  if (plot.scales[key].min !== min || plot.scales[key].max !== max) {
    plot.setScale(key, { min, max });
  }
}

function mostTicks(width: number): number {
  return Math.max(2, Math.min(MOST_TICKS, Math.floor(width / PIXELS_PER_TICK)));
}
