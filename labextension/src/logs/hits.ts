/** The hits of a search that are known here: all there are, or of very many those nearest to where the reader was. */

import { lowestBy } from './lines';
import type { LogHits } from './source';

/** Where a step leads. */
export type Step =
  | { readonly line: number; readonly isRound: boolean }
  /** To a hit that is not known here, at line `beyond` or further. */
  | { readonly beyond: number; readonly isRound: boolean };

/** A line behind every log's end. */
const END = 2 ** 50;

export class Hits {
  constructor(
    /** Where the reader was. */
    readonly from: number,
    /** Numbers of the lines, in order. */
    readonly lines: readonly number[] = [],
    /** How many there are in all. */
    readonly count = 0,
    /** How many come before those of `lines`; null: not known yet. */
    private readonly skipped: number | null = from <= 1 ? 0 : null
  ) {}

  /** These and those of a further part of the answer. */
  and({ lines, count, before }: Pick<LogHits, 'lines' | 'count' | 'before'>): Hits {
    const all = [...this.lines, ...lines];
    const isOrdered = (lines[0] ?? Infinity) > (this.lines[this.lines.length - 1] ?? 0);
    const ordered = isOrdered ? all : all.sort((one, other) => one - other);
    const own = lowestBy(ordered.length, i => ordered[i] >= this.from);
    return new Hits(this.from, ordered, count, before == null ? this.skipped : before - own);
  }

  has(line: number): boolean {
    return this.lines[lowestBy(this.lines.length, i => this.lines[i] >= line)] === line;
  }

  /** Which of all hits a line is, from 1; null: that is not known. */
  rank(line: number): number | null {
    const index = lowestBy(this.lines.length, i => this.lines[i] >= line);
    return this.skipped === null || this.lines[index] !== line ? null : this.skipped + index + 1;
  }

  /** The next hit at or behind line `from` (`way` 1), or the one at or before it (-1); at the last it goes round. */
  step(way: 1 | -1, from: number): Step | null {
    const { lines } = this;
    const [first, last] = [lines[0], lines[lines.length - 1]];
    if (first === undefined || last === undefined) {
      return null;
    }
    if (way === 1) {
      if (from <= last && !(from < first && this.isCutBefore)) {
        return { line: lines[lowestBy(lines.length, i => lines[i] >= from)], isRound: false };
      }
      if (from <= last || this.isCutBehind) {
        return { beyond: from, isRound: false };
      }
      return this.isCutBefore ? { beyond: 1, isRound: true } : { line: first, isRound: true };
    }
    if (from >= first && !(from > last && this.isCutBehind)) {
      return { line: lines[lowestBy(lines.length, i => lines[i] > from) - 1], isRound: false };
    }
    if (from >= first || (this.isCutBefore && from >= 1)) {
      return { beyond: from, isRound: false };
    }
    return this.isCutBehind ? { beyond: END, isRound: true } : { line: last, isRound: true };
  }

  private get isCutBefore(): boolean {
    return this.skipped !== null && this.skipped > 0;
  }

  private get isCutBehind(): boolean {
    return this.skipped !== null && this.skipped + this.lines.length < this.count;
  }
}
