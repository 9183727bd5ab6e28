/** Carries out what a reader asks of a chart. */

import type { Curve } from '../records';
import type { Range } from './curves';
import type { Box, Intent } from './gestures';
import type { Linked } from './linked';
import { stepFrom } from './readout';
import type { XKind } from './view';
import {
  between,
  clamped,
  fractionOf,
  panned,
  reset,
  scaled,
  undo,
  valueAt,
  zoomTo,
  type AxisView,
  type Heights
} from './zoom';

export interface Stage {
  readonly chart: string;
  /** By which the chart's own zoom is known. */
  readonly title: string;
  readonly kind: XKind;
  readonly linked: Linked;
  readonly axis: AxisView;
  readonly values: AxisView;
  readonly curves: readonly Curve[];
}

const LEAST_SPAN = 1e-12;

/** Carry out `intent`. Those that concern only one chart's looks (a selection, a hint) are the chart's own. */
export function carryOut(intent: Intent, stage: Stage): void {
  const { linked, axis, chart, kind } = stage;
  switch (intent.kind) {
    case 'hover':
      linked.crosshair = intent.at && { x: valueAt(axis, intent.at.x), kind, chart };
      break;
    case 'step':
      stepCrosshair(intent.by, stage);
      break;
    case 'zoom':
      linked.crosshair = null;
      zoomToBox(intent.box, stage);
      break;
    case 'scale':
      show(scaled(axis, intent.factor, intent.pivot ?? pivotOf(stage)), stage);
      break;
    case 'heighten':
      linked.zoom = zoomTo(linked.zoom, { heights: heightened(stage, intent.factor) }, true);
      break;
    case 'pan':
      pan(intent.by, intent.up, stage);
      break;
    case 'reset':
      linked.zoom = reset(linked.zoom);
      break;
    case 'undo':
      linked.zoom = undo(linked.zoom);
      break;
    case 'leave':
      linked.crosshair = null;
      break;
  }
}

function show(range: Range, { linked, kind }: Stage): void {
  if (hasLength(range)) {
    linked.zoom = zoomTo(linked.zoom, { now: clamped(range, linked.extent(kind)) }, true);
  }
}

function zoomToBox(box: Box, { linked, axis, values, kind, title }: Stage): void {
  const range = box.x && between(axis, ...box.x);
  const height = box.y && between(values, 1 - box.y[0], 1 - box.y[1]);
  const { now, heights } = linked.zoom;
  linked.zoom = zoomTo(linked.zoom, {
    now: range && hasLength(range) ? clamped(range, linked.extent(kind)) : now,
    heights: height && hasLength(height) ? { ...heights, [title]: height } : heights
  });
}

function pan(by: number, up: number, { linked, axis, values, kind, title }: Stage): void {
  const { now, heights } = linked.zoom;
  const isHigh = title in heights && up !== 0;
  const next = {
    now: now && panned(axis, by, linked.extent(kind)),
    heights: isHigh ? { ...heights, [title]: panned(values, up, null) } : heights
  };
  linked.zoom = zoomTo(linked.zoom, next, true);
}

function heightened({ linked, values, title }: Stage, factor: number): Heights {
  return { ...linked.zoom.heights, [title]: scaled(values, factor, 0.5) };
}

function hasLength([low, high]: Range): boolean {
  return high - low > LEAST_SPAN * Math.max(Math.abs(low), Math.abs(high), 1e-6);
}

function stepCrosshair(by: number, { linked, curves, axis, kind, chart }: Stage): void {
  const x = stepFrom(curves, linked.crosshair?.x ?? null, by);
  if (x !== null) {
    const [low, high] = axis.range;
    linked.crosshair = { x: Math.max(low, Math.min(high, x)), kind, chart };
  }
}

/** Keys zoom about the crosshair, or about the middle. */
function pivotOf({ linked, axis }: Stage): number {
  const at = linked.crosshair ? fractionOf(axis, linked.crosshair.x) : NaN;
  return at >= 0 && at <= 1 ? at : 0.5;
}
