/** Carries out what a reader asks of a chart. */

import type { Curve } from '../records';
import type { Range } from './curves';
import type { Intent } from './gestures';
import type { Linked } from './linked';
import { stepFrom } from './readout';
import type { XKind } from './view';
import { between, clamped, fractionOf, panned, scaled, undo, valueAt, zoomTo, type AxisView } from './zoom';

export interface Stage {
  readonly chart: string;
  readonly kind: XKind;
  readonly linked: Linked;
  readonly axis: AxisView;
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
      zoom(between(axis, ...intent.span), stage, false);
      break;
    case 'scale':
      zoom(scaled(axis, intent.factor, intent.pivot ?? pivotOf(stage)), stage, true);
      break;
    case 'pan':
      if (linked.zoom.now) {
        zoom(panned(axis, intent.by, linked.extent(kind)), stage, true);
      }
      break;
    case 'reset':
      linked.zoom = zoomTo(linked.zoom, null);
      break;
    case 'undo':
      linked.zoom = undo(linked.zoom);
      break;
    case 'leave':
      linked.crosshair = null;
      break;
  }
}

function zoom(range: Range, { linked, kind }: Stage, moving: boolean): void {
  const [low, high] = range;
  if (high - low > LEAST_SPAN * Math.max(Math.abs(low), Math.abs(high), 1e-6)) {
    linked.zoom = zoomTo(linked.zoom, clamped(range, linked.extent(kind)), moving);
  }
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
