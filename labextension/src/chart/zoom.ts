/** Zoom with undo, as a value: the ranges that are looked at, and the ones before them. */

import type { Range } from './curves';

/** The ranges of the value axes of charts, by their titles; a chart that is not in it shows all its values. */
export type Heights = Readonly<Record<string, Range>>;

interface Looked {
  /** The range of x, which all charts share; null: all there is. */
  readonly now: Range | null;
  readonly heights: Heights;
}

export interface Zoom extends Looked {
  readonly past: readonly Looked[];
  /** When the last continuous gesture (wheel, keys) moved the view, so that one gesture is one undo. */
  readonly movedAt: number;
}

export const NO_ZOOM: Zoom = { now: null, heights: {}, past: [], movedAt: -Infinity };

const MEMORY = 50;
const ONE_GESTURE_MS = 600;

/** Look at something else. A `moving` gesture extends the one before it instead of being undone by itself. */
export function zoomTo(
  zoom: Zoom,
  { now = zoom.now, heights = zoom.heights }: Partial<Looked>,
  moving = false,
  at = performance.now()
): Zoom {
  if (same(zoom.now, now) && heights === zoom.heights) {
    return zoom;
  }
  const goesOn = moving && at - zoom.movedAt < ONE_GESTURE_MS;
  const past = goesOn ? zoom.past : [...zoom.past, { now: zoom.now, heights: zoom.heights }].slice(-MEMORY);
  return { now, heights, past, movedAt: moving ? at : -Infinity };
}

/** Look at everything, in all charts. */
export function reset(zoom: Zoom): Zoom {
  const heights = Object.keys(zoom.heights).length > 0 ? {} : zoom.heights;
  return zoomTo(zoom, { now: null, heights });
}

export function undo(zoom: Zoom): Zoom {
  const last = zoom.past.at(-1);
  return last === undefined ? zoom : { ...last, past: zoom.past.slice(0, -1), movedAt: -Infinity };
}

function same(one: Range | null, other: Range | null): boolean {
  return one === other || (one !== null && other !== null && one[0] === other[0] && one[1] === other[1]);
}

/** Positions along an axis are fractions of its length, so that log and linear axes zoom alike. */
export interface AxisView {
  readonly range: Range;
  readonly log: boolean;
}

/** The value at `fraction` (0 left, 1 right) of the axis. */
export function valueAt({ range: [low, high], log }: AxisView, fraction: number): number {
  return log ? low * Math.pow(high / low, fraction) : low + (high - low) * fraction;
}

/** Where `value` lies on the axis: 0 at its left end, 1 at its right one. */
export function fractionOf({ range: [low, high], log }: AxisView, value: number): number {
  return log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
}

/** The range between two fractions of the axis, in rising order. */
export function between(axis: AxisView, one: number, other: number): Range {
  return [valueAt(axis, Math.min(one, other)), valueAt(axis, Math.max(one, other))];
}

/** The range `factor` times as long (< 1 zooms in), with the value at `pivot` staying where it is. */
export function scaled(axis: AxisView, factor: number, pivot: number): Range {
  return between(axis, pivot - pivot * factor, pivot + (1 - pivot) * factor);
}

/** The range moved by a fraction of its length, and no further than to the end of `all`. */
export function panned(axis: AxisView, by: number, all: Range | null): Range {
  const [least, most] = all
    ? [fractionOf(axis, all[0]), fractionOf(axis, all[1]) - 1]
    : [-Infinity, Infinity];
  const held = Math.min(Math.max(by, Math.min(least, 0)), Math.max(most, 0));
  return between(axis, held, 1 + held);
}

/** `range` within `all`; null where it would hold all of it. */
export function clamped(range: Range, all: Range | null): Range | null {
  if (all === null) {
    return range;
  }
  const [low, high] = [Math.max(range[0], all[0]), Math.min(range[1], all[1])];
  if (low >= high) {
    return null;
  }
  return low <= all[0] && high >= all[1] ? null : [low, high];
}
