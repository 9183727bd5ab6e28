/** The lines of one log (all, or those of a level) that are known here, as pieces of it without gaps. */

import type { LogLine } from './source';

/** All lines with `from` ≤ number < `to` are in `lines`, in order. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly LogLine[];
}

/** Far from the reader, what exceeds this is forgotten. */
const MOST_CHARACTERS = 16_000_000;
const MOST_LINES = 20_000;
const KEPT_AROUND = 4_000;

export class Lines {
  private pieces: Piece[] = [];

  /** Whether it is known what is in line `number`. */
  knows(number: number): boolean {
    return this.pieceAt(number) !== undefined;
  }

  /** The line with this number, if it is one of these and known. */
  get(number: number): LogLine | undefined {
    const found = this.after(number);
    return found !== null && found.number === number ? found : undefined;
  }

  /** The first line at or after `number`; null if that is not known, or there is none in what is known. */
  after(number: number): LogLine | null {
    const piece = this.pieceAt(number);
    return piece?.lines[lowest(piece.lines, number)] ?? null;
  }

  /** The last line at or before `number`; null as for `after`. */
  before(number: number): LogLine | null {
    const piece = this.pieceAt(number);
    return piece?.lines[lowest(piece.lines, number + 1) - 1] ?? null;
  }

  /** Up to where (exclusive) all is known from `number` on. */
  knownTo(number: number): number {
    return this.pieceAt(number)?.to ?? number;
  }

  /** Down to where (inclusive) all is known back from `number`. */
  knownFrom(number: number): number {
    return this.pieceAt(number)?.from ?? number + 1;
  }

  /** `lines` are all there is from `from` up to `to` (exclusive); what was known of that range is replaced. */
  add(from: number, to: number, lines: readonly LogLine[]): void {
    if (to <= from) {
      return;
    }
    const touching = this.pieces.filter(piece => piece.to >= from && piece.from <= to);
    const before = touching.flatMap(piece => piece.lines.filter(line => line.number < from));
    const after = touching.flatMap(piece => piece.lines.filter(line => line.number >= to));
    const merged: Piece = {
      from: Math.min(from, ...touching.map(piece => piece.from)),
      to: Math.max(to, ...touching.map(piece => piece.to)),
      lines: [...before, ...lines, ...after]
    };
    this.pieces = [...this.pieces.filter(piece => !touching.includes(piece)), merged].sort(
      (one, other) => one.from - other.from
    );
  }

  /** Forget what is far from line `number` when it has become too much. */
  trim(number: number): void {
    const all = this.pieces.flatMap(piece => piece.lines);
    const characters = all.reduce((sum, line) => sum + line.text.length, 0);
    if (all.length > MOST_LINES || characters > MOST_CHARACTERS) {
      const reach = characters > MOST_CHARACTERS ? KEPT_AROUND / 10 : KEPT_AROUND;
      this.pieces = this.pieces.flatMap(piece => clipped(piece, number - reach, number + reach));
    }
  }

  private pieceAt(number: number): Piece | undefined {
    return this.pieces.find(piece => piece.from <= number && number < piece.to);
  }
}

function clipped(piece: Piece, low: number, high: number): Piece[] {
  const [from, to] = [Math.max(piece.from, low), Math.min(piece.to, high)];
  const lines = piece.lines.slice(lowest(piece.lines, from), lowest(piece.lines, to));
  return from < to ? [{ from, to, lines }] : [];
}

/** The index of the first line with at least this number. */
function lowest(lines: readonly LogLine[], number: number): number {
  return lowestBy(lines.length, i => lines[i].number >= number);
}

/** The first index below `length` for which `isReached`, which must stay true from there on; else `length`. */
export function lowestBy(length: number, isReached: (index: number) => boolean): number {
  let [low, high] = [0, length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isReached(middle)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}
