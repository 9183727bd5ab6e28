/** What the charts of one page share: the zoom, the crosshair and the extent of x. */

import { Signal, type ISignal } from '@lumino/signaling';

import type { Range } from './curves';
import { steppedX } from './ranges';
import { NO_ZOOM, type Zoom } from './zoom';

/** The crosshair, and which chart it was set in. */
export interface Crosshair {
  readonly x: number;
  readonly chart: string;
}

export class Linked {
  private _zoom: Zoom;
  private _crosshair: Crosshair | null = null;
  private readonly extents = new Map<string, Range>();
  private before: Range | null = null;
  private readonly _zoomChanged = new Signal<this, Zoom>(this);
  private readonly _crosshairChanged = new Signal<this, Crosshair | null>(this);
  private readonly _extentChanged = new Signal<this, void>(this);

  constructor(range: Range | null = null) {
    this._zoom = { ...NO_ZOOM, now: range };
  }

  get zoomChanged(): ISignal<this, Zoom> {
    return this._zoomChanged;
  }

  get crosshairChanged(): ISignal<this, Crosshair | null> {
    return this._crosshairChanged;
  }

  get extentChanged(): ISignal<this, void> {
    return this._extentChanged;
  }

  get zoom(): Zoom {
    return this._zoom;
  }

  set zoom(zoom: Zoom) {
    if (zoom !== this._zoom) {
      this._zoom = zoom;
      this._zoomChanged.emit(zoom);
    }
  }

  get crosshair(): Crosshair | null {
    return this._crosshair;
  }

  set crosshair(crosshair: Crosshair | null) {
    if (crosshair?.x !== this._crosshair?.x || crosshair?.chart !== this._crosshair?.chart) {
      this._crosshair = crosshair;
      this._crosshairChanged.emit(crosshair);
    }
  }

  /** Smallest and largest x over all charts. */
  get extent(): Range | null {
    const all = [...this.extents.values()];
    return all.length === 0
      ? null
      : [Math.min(...all.map(([low]) => low)), Math.max(...all.map(([, high]) => high))];
  }

  /** Take note of the extent of x in `chart`; null when it has no points or is gone. */
  report(chart: string, extent: Range | null): void {
    const old = this.extents.get(chart) ?? null;
    if (old?.[0] === extent?.[0] && old?.[1] === extent?.[1]) {
      return;
    }
    if (extent) {
      this.extents.set(chart, extent);
    } else {
      this.extents.delete(chart);
    }
    this._extentChanged.emit();
  }

  /** The range of the x axis: the zoom, or all there is, with room for what comes while it is `live`. */
  axis(live: boolean, log: boolean): Range | null {
    if (this._zoom.now) {
      return this._zoom.now;
    }
    const extent = this.extent;
    this.before = extent && steppedX(extent, this.before, live, log);
    return this.before;
  }

  /** x is measured in something else now: nothing known about it holds any more. */
  forget(): void {
    this.extents.clear();
    this.before = null;
    this.crosshair = null;
    this.zoom = NO_ZOOM;
    this._extentChanged.emit();
  }
}
