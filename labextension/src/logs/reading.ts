/** Where the reader is in a log, and how that moves: by hand, by jumps, or along with the end. */

import type { Place } from './composing';
import type { LogModel } from './model';
import { Observable } from './observable';
import { HEAD_OF_TRACEBACK } from './rows';
import type { LogLine, LogPage } from './source';

/** How much of the view is above a line that was jumped to. */
const ABOVE = 1 / 3;
/** Height of a row that is not wrapped, as in the style sheet. */
export const ROW = 18;
const ERROR_PAGE = 50;
const MOST_ERROR_PAGES = 40;

export class Reading extends Observable {
  place: Place = { at: 'end' };
  /** The line that was jumped or linked to. */
  mark: number | null = null;
  /** The last jump went round the end of the log. */
  hasWrapped = false;
  /** There was nothing to jump to. */
  isInVain = false;
  /** Of the view, in pixels. */
  height = 400;

  private unfolded: ReadonlySet<number> = new Set();
  /** Lines that there were when the reader left the end; NaN: not known yet. */
  private seen = NaN;
  private file: string | null = null;
  /** Which way the reader moves by hand; a step down to the last line is how following begins again. */
  private way: 1 | -1 | 0 = 0;
  /** Whether the reader has moved by hand since a line was marked. */
  private hasGoneOn = false;
  private readonly unsubscribe: () => void;

  constructor(private readonly model: LogModel) {
    super();
    this.unsubscribe = model.subscribe(() => this.notice());
  }

  dispose(): void {
    this.unsubscribe();
  }

  get isFollowing(): boolean {
    return this.place.at === 'end';
  }

  /** Lines that have come since the reader left the end. */
  get unseen(): number {
    const matching = this.model.head?.matching ?? 0;
    return this.isFollowing ? 0 : Math.max(0, matching - this.seen) || 0;
  }

  /** The first line in view. */
  get first(): number {
    return this.place.at === 'line' ? this.place.number : (this.model.head?.total ?? 1);
  }

  /** The marked line, as long as it is in view; null when the reader has gone on by hand. */
  get here(): number | null {
    const isNear =
      this.mark !== null && this.mark >= this.first && this.mark - this.first < this.height / ROW;
    return isNear || !this.hasGoneOn ? this.mark : null;
  }

  /** Tracebacks that are unfolded, by their first lines: those that were opened, and the one with the marked line. */
  get open(): ReadonlySet<number> {
    const group = this.mark === null ? null : this.model.line(this.mark)?.group;
    const isDeep = group != null && (this.mark ?? 0) - group >= HEAD_OF_TRACEBACK;
    return isDeep ? new Set([...this.unfolded, group]) : this.unfolded;
  }

  /** Begin to count anew what has come: other lines are shown now. */
  recount(): void {
    this.seen = NaN;
  }

  toEnd(): void {
    this.mark = null;
    this.move({ at: 'end' });
  }

  toStart(): void {
    this.move({ at: 'line', number: 1, dy: 0 });
  }

  /** Bring line `number` into view and mark it. */
  jump(number: number): void {
    this.mark = number;
    this.move({ at: 'line', number, dy: -this.height * ABOVE });
    this.hasGoneOn = false;
  }

  /** Show line `number` at the top, without marking it: the scrollbar's way. */
  go(number: number): void {
    this.move({ at: 'line', number: Math.max(1, Math.round(number)), dy: 0 });
  }

  /** Move by so many pixels from `top`, what is in view now. */
  scroll(by: number, top: Place): void {
    if (top.at === 'line') {
      this.move({ ...top, dy: top.dy + by });
      this.way = by > 0 ? 1 : -1;
    }
  }

  /** Stay at `top` while the log grows. */
  hold(top: Place): void {
    if (this.isFollowing && top.at === 'line') {
      this.move(top);
    }
  }

  /** What came of moving: the row at the top, and whether the last line is in view. */
  settle(top: Place, isAtEnd: boolean): void {
    if (isAtEnd && this.way === 1) {
      this.move({ at: 'end' });
    } else if (!this.isFollowing) {
      this.place = top;
    }
    this.way = 0;
  }

  toggle(group: number): void {
    const open = new Set(this.open);
    if (open.delete(group)) {
      this.mark = null;
    } else {
      open.add(group);
    }
    this.unfolded = open;
    this.emit();
  }

  select(number: number | null): void {
    this.mark = number;
    this.hasGoneOn = false;
    this.emit();
  }

  /** Jump to the next error (`way` 1) or the one before (-1); all lines of a traceback are one. */
  async toError(way: 1 | -1): Promise<void> {
    const from = this.here ?? this.first + (way === 1 ? -1 : 0);
    const found = (await this.seek(from, way)) ?? (await this.seek(way === 1 ? 0 : this.total + 1, way));
    if (found === null) {
      this.isInVain = true;
      this.emit();
      return;
    }
    this.jump(found);
    this.hasWrapped = way === 1 ? found <= from : found >= from;
    this.emit();
  }

  /** Jump to the first error there is. */
  async toFirstError(): Promise<void> {
    this.mark = null;
    this.toStart();
    await this.toError(1);
  }

  /** Show what was written at `time`, in seconds since 1970. */
  async toTime(time: number): Promise<void> {
    const page = await this.model.ask({ time, n: 1 }, false);
    const number = page?.lines[0]?.number ?? (page === null ? null : page.total);
    if (number !== null && number > 0) {
      this.jump(number);
    }
  }

  private get total(): number {
    return this.model.head?.total ?? 0;
  }

  private move(place: Place): void {
    if (this.isFollowing && place.at === 'line') {
      this.seen = this.model.head?.matching ?? NaN;
    }
    this.place = place;
    this.way = 0;
    this.hasGoneOn = true;
    this.hasWrapped = false;
    this.isInVain = false;
    this.model.isFollowing = this.isFollowing;
    this.emit();
  }

  /** Numbers of lines mean nothing in another file, nor does what was seen of it. */
  private notice(): void {
    const { head } = this.model;
    const file = head && `${head.attempt} ${head.stream} ${head.generation}`;
    if (this.file !== null && file !== null && file !== this.file) {
      this.mark = null;
      this.unfolded = new Set();
      this.toEnd();
    }
    if (Number.isNaN(this.seen)) {
      this.seen = head?.matching ?? NaN;
    }
    this.file = file ?? this.file;
  }

  /** The first line of the nearest error beyond line `from`. */
  private async seek(from: number, way: 1 | -1): Promise<number | null> {
    const own = this.model.line(from)?.group ?? null;
    let at = from;
    for (let pages = 0; pages < MOST_ERROR_PAGES; pages++) {
      const page = await this.errorsBeyond(at, way);
      const lines = page === null ? [] : way === 1 ? page.lines : [...page.lines].reverse();
      const found = lines.find(({ group }) => group == null || group !== own);
      if (found !== undefined) {
        return this.headOf(found);
      }
      if (lines.length < ERROR_PAGE) {
        return null;
      }
      at = lines[lines.length - 1].number;
    }
    return null;
  }

  private headOf({ number, group }: LogLine): number {
    return group ?? number;
  }

  private errorsBeyond(at: number, way: 1 | -1): Promise<LogPage | null> {
    const where = way === 1 ? { line: at + 1, n: ERROR_PAGE } : { line: Math.max(1, at), n: -ERROR_PAGE };
    return this.model.ask({ ...where, min_level: 'ERROR' }, false);
  }
}
