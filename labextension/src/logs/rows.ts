/** What stands in the rows of the view: lines, folded parts of tracebacks, and places of lines that are still to come. */

import { lowestBy, type Lines } from './lines';
import type { LogLine } from './source';

export type Row =
  | { readonly kind: 'line'; readonly number: number; readonly line: LogLine; readonly isContext: boolean }
  /** Lines `number` to `to` of a traceback. */
  | { readonly kind: 'fold'; readonly number: number; readonly to: number; readonly group: number }
  /** Asked for: a line of all, or the next of those of the level. `isBackward`: the next towards the start. */
  | {
      readonly kind: 'blank';
      readonly number: number;
      readonly of: 'all' | 'chosen';
      readonly isBackward: boolean;
    };

/** What is shown of a log. */
export interface Shelf {
  readonly total: number;
  readonly all: Lines;
  /** Lines of the chosen level; null: all are shown. */
  readonly chosen: Lines | null;
  /** Numbers, in order, of the lines around which others are shown too; null: none. `'chosen'`: around each. */
  readonly around: readonly number[] | 'chosen' | null;
  /** Tracebacks that are open: the numbers of their first lines. */
  readonly open: ReadonlySet<number>;
}

/** Lines of a traceback that stay in view, besides its last. */
export const HEAD_OF_TRACEBACK = 6;
/** How many lines around a hit are its context. */
export const CONTEXT = 5;
/** Behind so many lines a "traceback" is something else, and is not folded. */
const LONGEST_FOLD = 500;

/** The row at line `number` or after it; null behind the last. */
export function rowFrom(shelf: Shelf, number: number): Row | null {
  const found = shownFrom(shelf, Math.max(1, number));
  return found === null ? null : toRow(shelf, found, false);
}

/** The row at line `number` or before it; null before the first. */
export function rowUpTo(shelf: Shelf, number: number): Row | null {
  const found = shownUpTo(shelf, Math.min(shelf.total, number));
  return found === null ? null : toRow(shelf, found, true);
}

export function lastOf(row: Row): number {
  return row.kind === 'fold' ? row.to : row.number;
}

interface Found {
  readonly number: number;
  readonly of: 'all' | 'chosen';
  readonly isContext: boolean;
}

const found = (number: number, of: 'all' | 'chosen', isContext = false): Found => ({ number, of, isContext });

function shownFrom(shelf: Shelf, number: number): Found | null {
  if (number > shelf.total) {
    return null;
  }
  if (shelf.chosen === null) {
    return found(number, 'all');
  }
  const context = contextFrom(shelf, number);
  const own = shelf.chosen.after(number)?.number ?? null;
  if (own !== null && own <= (context ?? own)) {
    return found(own, 'chosen');
  }
  const edge = shelf.chosen.knownTo(number);
  if (context !== null && (own !== null || context < edge || edge > shelf.total)) {
    return found(context, 'all', true);
  }
  return edge > shelf.total ? null : found(edge, 'chosen');
}

function shownUpTo(shelf: Shelf, number: number): Found | null {
  if (number < 1) {
    return null;
  }
  if (shelf.chosen === null) {
    return found(number, 'all');
  }
  const context = contextUpTo(shelf, number);
  const own = shelf.chosen.before(number)?.number ?? null;
  if (own !== null && own >= (context ?? own)) {
    return found(own, 'chosen');
  }
  const edge = shelf.chosen.knownFrom(number);
  if (context !== null && (own !== null || context >= edge || edge <= 1)) {
    return found(context, 'all', true);
  }
  return edge <= 1 ? null : found(edge - 1, 'chosen');
}

/** The first line at or after `number` that is near one of those around which others are shown. */
function contextFrom(shelf: Shelf, number: number): number | null {
  const centre = centreFrom(shelf, number - CONTEXT);
  return centre === null ? null : within(Math.max(number, centre - CONTEXT), shelf);
}

function contextUpTo(shelf: Shelf, number: number): number | null {
  const centre = centreUpTo(shelf, number + CONTEXT);
  return centre === null ? null : within(Math.min(number, centre + CONTEXT), shelf);
}

function within(number: number, { total }: Shelf): number | null {
  return number >= 1 && number <= total ? number : null;
}

function centreFrom({ around, chosen }: Shelf, number: number): number | null {
  if (around === 'chosen') {
    const from = Math.max(1, number);
    return chosen?.after(from)?.number ?? null;
  }
  return around?.[lowestBy(around.length, i => around[i] >= number)] ?? null;
}

function centreUpTo({ around, chosen, total }: Shelf, number: number): number | null {
  if (around === 'chosen') {
    return chosen?.before(Math.min(total, number))?.number ?? null;
  }
  return around?.[lowestBy(around.length, i => around[i] > number) - 1] ?? null;
}

function toRow(shelf: Shelf, { number, of, isContext }: Found, isBackward: boolean): Row {
  const line = (of === 'chosen' ? shelf.chosen : shelf.all)?.get(number);
  if (line === undefined) {
    return { kind: 'blank', number, of, isBackward };
  }
  return foldAround(shelf, line) ?? { kind: 'line', number, line, isContext };
}

/** The folded part of a traceback to which `line` belongs; null if it is to be seen. */
function foldAround(shelf: Shelf, line: LogLine): Row | null {
  if (!isHidden(shelf, line) || line.group == null) {
    return null;
  }
  let [first, last] = [line.number, line.number];
  while (isHiddenAt(shelf, first - 1, line.group)) {
    first -= 1;
  }
  while (isHiddenAt(shelf, last + 1, line.group)) {
    last += 1;
  }
  return last > first ? { kind: 'fold', number: first, to: last, group: line.group } : null;
}

function isHiddenAt(shelf: Shelf, number: number, group: number): boolean {
  const line = (shelf.chosen ?? shelf.all).get(number);
  return line?.group === group && isHidden(shelf, line);
}

function isHidden(shelf: Shelf, { number, group }: LogLine): boolean {
  if (group == null || shelf.open.has(group)) {
    return false;
  }
  const place = number - group;
  const next = (shelf.chosen ?? shelf.all).get(number + 1);
  return place >= HEAD_OF_TRACEBACK && place < LONGEST_FOLD && next?.group === group;
}
