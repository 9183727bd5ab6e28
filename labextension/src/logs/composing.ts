/** Which rows are drawn for a place in the log. */

import { lastOf, rowFrom, rowUpTo, type Row, type Shelf } from './rows';

/**
 * Where the reader is: at the end, moving with it; or `dy` pixels below the top of the row of line `number` (above it
 * when negative).
 */
export type Place =
  { readonly at: 'end' } | { readonly at: 'line'; readonly number: number; readonly dy: number };

export interface Composed {
  readonly rows: readonly Row[];
  /** Index of the row from which the place is measured; -1 at the end. */
  readonly anchor: number;
  /** Whether the first row is the first of all, and the last the last. */
  readonly hasStart: boolean;
  readonly hasEnd: boolean;
}

/** Drawn beyond what is in view, on either side. */
const MARGIN = 8;
/** Never more rows than this are drawn. */
export const MOST_ROWS = 280;

/** The rows for `place` in a view that is `height` pixels high, in which a row has at least `rowHeight`. */
export function compose(shelf: Shelf, place: Place, height: number, rowHeight: number): Composed {
  const inView = Math.min(MOST_ROWS / 2, Math.ceil(height / rowHeight) + 1);
  if (place.at === 'end') {
    const { rows, isEdge } = back(shelf, shelf.total, inView + MARGIN);
    return { rows, anchor: -1, hasStart: isEdge, hasEnd: true };
  }
  const shift = Math.round(place.dy / rowHeight);
  const below = forth(shelf, place.number, clamp(inView + MARGIN + shift));
  const missing = Math.max(0, inView + shift - below.rows.length);
  const first = below.rows[0]?.number ?? shelf.total + 1;
  const above = back(shelf, first - 1, clamp(MARGIN + Math.max(0, -shift) + missing));
  return {
    rows: [...above.rows, ...below.rows],
    anchor: above.rows.length,
    hasStart: above.isEdge,
    hasEnd: below.isEdge
  };
}

function clamp(count: number): number {
  return Math.max(1, Math.min(MOST_ROWS / 2, count));
}

interface Run {
  readonly rows: Row[];
  /** Nothing is beyond. */
  readonly isEdge: boolean;
}

function forth(shelf: Shelf, number: number, count: number): Run {
  const rows: Row[] = [];
  let next = rowFrom(shelf, number);
  while (next !== null && rows.length < count) {
    rows.push(next);
    if (isGap(next)) {
      return { rows, isEdge: false };
    }
    next = rowFrom(shelf, lastOf(next) + 1);
  }
  return { rows, isEdge: next === null };
}

function back(shelf: Shelf, number: number, count: number): Run {
  const rows: Row[] = [];
  let next = rowUpTo(shelf, number);
  while (next !== null && rows.length < count) {
    rows.unshift(next);
    if (isGap(next)) {
      return { rows, isEdge: false };
    }
    next = rowUpTo(shelf, next.number - 1);
  }
  return { rows, isEdge: next === null };
}

/** Nobody knows how many lines of the level are missing there. */
function isGap(row: Row): boolean {
  return row.kind === 'blank' && row.of === 'chosen';
}
