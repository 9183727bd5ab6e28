/** What a page remembers when Lab restores its layout. */

import type { JSONObject } from '@lumino/coreutils';

import type { Range } from '../chart/curves';
import { DEFAULT_VIEW, restoreView, type ChartView } from '../chart/view';
import type { Heights } from '../chart/zoom';

export interface PageState {
  readonly view: ChartView;
  readonly zoom: Range | null;
  /** Charts whose values are zoomed. */
  readonly heights: Heights;
  /** The metrics that the reader chose to see; null: those that the page chooses. */
  readonly metrics: readonly string[] | null;
  /** Uids of the experiments that are overlaid. */
  readonly compared: readonly string[];
}

export const DEFAULT_STATE: PageState = {
  view: DEFAULT_VIEW,
  zoom: null,
  heights: {},
  metrics: null,
  compared: []
};

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every(item => typeof item === 'string');

const isRange = (value: unknown): value is Range =>
  Array.isArray(value) &&
  value.length === 2 &&
  value.every(item => Number.isFinite(item)) &&
  value[0] < value[1];

/** The state that was saved; what makes no sense is left at `otherwise`. */
export function restoreState(saved: unknown, otherwise: PageState = DEFAULT_STATE): PageState {
  if (typeof saved !== 'object' || saved === null) {
    return otherwise;
  }
  const given = saved as Partial<Record<keyof PageState, unknown>>;
  return {
    view: given.view === undefined ? otherwise.view : restoreView(given.view),
    zoom: isRange(given.zoom) ? given.zoom : null,
    heights: restoreHeights(given.heights),
    metrics: isTexts(given.metrics) ? given.metrics : null,
    compared: isTexts(given.compared) ? given.compared : []
  };
}

function restoreHeights(saved: unknown): Heights {
  const given = typeof saved === 'object' && saved !== null ? Object.entries(saved) : [];
  return Object.fromEntries(given.filter((entry): entry is [string, Range] => isRange(entry[1])));
}

/** `state` as JSON, for Lab to keep. */
export function savedState(state: PageState): JSONObject {
  return JSON.parse(JSON.stringify(state)) as JSONObject;
}
