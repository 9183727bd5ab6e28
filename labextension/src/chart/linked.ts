/** What the charts of one page share: the zoom, the crosshair and the extent of x. */

import { Signal, type ISignal } from '@lumino/signaling';

import type { Range } from './curves';
import { steppedX } from './ranges';
import type { XKind } from './view';
import { NO_ZOOM, type Heights, type Zoom } from './zoom';

/** The crosshair: where on which kind of x, and in which chart it was set. */
export interface Crosshair {
  readonly x: number;
  readonly kind: XKind;
  readonly chart: string;
}

export class Linked {
  private _zoom: Zoom;
  private _crosshair: Crosshair | null = null;
  /** A chart goes on showing its old kind of x until it has the answer for the new one. */
  private readonly extents = new Map<string, { kind: XKind; extent: Range }>();
  private readonly before = new Map<string, Range>();
  private readonly _zoomChanged = new Signal<this, Zoom>(this);
  private readonly _crosshairChanged = new Signal<this, Crosshair | null>(this);
  private readonly _extentChanged = new Signal<this, void>(this);

  constructor(range: Range | null = null, heights: Heights = {}) {
    this._zoom = { ...NO_ZOOM, now: range, heights };
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

  /** Smallest and largest x over all charts that show this kind. */
  extent(kind: XKind): Range | null {
    const all = [...this.extents.values()].filter(one => one.kind === kind).map(({ extent }) => extent);
    return all.length === 0
      ? null
      : [Math.min(...all.map(([low]) => low)), Math.max(...all.map(([, high]) => high))];
  }

  /** Take note of the extent of x in `chart`; null when it has no points. */
  report(chart: string, kind: XKind, extent: Range | null): void {
    const old = this.extents.get(chart);
    if (old?.kind === kind && old.extent[0] === extent?.[0] && old.extent[1] === extent[1]) {
      return;
    }
    if (extent) {
      this.extents.set(chart, { kind, extent });
      this._extentChanged.emit();
    } else {
      this.leave(chart);
    }
  }

  /** `chart` is gone, or has nothing to show. */
  leave(chart: string): void {
    if (this.extents.delete(chart)) {
      this._extentChanged.emit();
    }
  }

  /**
   * The range of the x axis: the zoom, or all there is, with room for what comes while it is `live`. Null when there is
   * nothing, or nothing yet that a log axis could show.
   */
  axis(kind: XKind, live: boolean, log: boolean): Range | null {
    const extent = this._zoom.now ?? this.extent(kind);
    const key = `${kind} ${log}`;
    if (extent === null || (log && extent[0] <= 0)) {
      return null;
    }
    if (this._zoom.now) {
      return extent;
    }
    const range = steppedX(extent, this.before.get(key) ?? null, live, log);
    this.before.set(key, range);
    return range;
  }

  /** x is measured in something else now: the zoom and the crosshair make no sense any more. */
  forget(): void {
    this.crosshair = null;
    this.zoom = NO_ZOOM;
  }
}
