/** What is known of one log, kept current: its head (totals), its owner, and the lines that were looked at. */

import { asApiError, isAbort, type ApiError } from '../errors';
import { Lines } from './lines';
import { Observable } from './observable';
import type { Row, Shelf } from './rows';
import {
  RANKS,
  type Level,
  type LogLine,
  type LogOwner,
  type LogPage,
  type LogQuery,
  type News,
  type Source
} from './source';

export type Head = Omit<LogPage, 'lines'>;
/** What the reader has to be told once: the job began its file anew, a further attempt has begun, or has no such file. */
export type Happening = 'truncated' | 'attempt' | 'file' | null;

export interface Choice {
  /** Uid; empty: the newest. */
  readonly attempt: string;
  /** Name; empty: the console, or all ranks if these say more. */
  readonly stream: string;
  readonly level: Level | null;
}

export const NO_CHOICE: Choice = { attempt: '', stream: '', level: null };

type Blank = Row & { readonly kind: 'blank' };

const PAGE = 200;
/** So much a launcher says of itself before the ranks begin. */
const LAUNCHER_LINES = 20;
const MOST_REQUESTS = 3;
/** Milliseconds between two questions about growth. */
const PACE = 100;
const RETRIES = [1000, 2000, 5000, 10_000];

export class LogModel extends Observable {
  head: Head | null = null;
  owner: LogOwner | null = null;
  error: ApiError | null = null;
  happening: Happening = null;
  /** The reader is at the end: what is new is shown at once. */
  isFollowing = true;

  private all = new Lines();
  private chosen: Lines | null = null;
  private readonly whole = new Map<number, string>();
  private readonly asked = new Set<string>();
  private readonly vain = new Set<string>();
  private wanted: readonly Row[] = [];
  private life = new AbortController();
  private lines = new AbortController();
  private isRefreshing = false;
  private isDirty = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private readonly unfollow: () => void;

  constructor(
    readonly source: Source,
    private _choice: Choice = NO_CHOICE
  ) {
    super();
    this.chosen = _choice.level === null ? null : new Lines();
    this.unfollow = source.follow(news => this.onNews(news));
    void this.loadOwner();
    void this.refresh();
  }

  get choice(): Choice {
    return this._choice;
  }

  dispose(): void {
    this.unfollow();
    clearTimeout(this.timer);
    this.life.abort();
    this.lines.abort();
  }

  /** Show another attempt, file or level. */
  choose(choice: Partial<Choice>): void {
    const before = this._choice;
    this._choice = { ...before, ...choice };
    const isSameFile = before.attempt === this._choice.attempt && before.stream === this._choice.stream;
    this.forget(isSameFile);
    this.happening = null;
    this.emit();
    void this.refresh();
  }

  shelf(around: Shelf['around'], open: ReadonlySet<number>): Shelf {
    return { total: this.head?.total ?? 0, all: this.all, chosen: this.chosen, around, open };
  }

  /** The line as it is known here. */
  line(number: number): LogLine | undefined {
    return this.all.get(number) ?? this.chosen?.get(number);
  }

  /** All of a line's text that was cut, once it was asked for. */
  wholeText(number: number): string | undefined {
    return this.whole.get(number);
  }

  async loadWhole(number: number): Promise<void> {
    const page = await this.ask({ line: number, n: 1, whole: true }, false);
    const [line] = page?.lines ?? [];
    if (line?.number === number) {
      this.whole.set(number, line.text);
      this.emit();
    }
  }

  /** Ask for what stands blank in `rows`; what was wanted before and is not yet asked for no longer is. */
  need(rows: readonly Row[]): void {
    const blank = rows.filter(row => row.kind === 'blank');
    // What the reader waits for is not held up by what may be wanted later.
    this.wanted = blank.length > 0 ? blank : this.nearby(rows);
    this.askWanted();
  }

  /** Lines that will come into view soon, so that they are there by then. */
  private nearby(rows: readonly Row[]): Row[] {
    const [first, last] = [rows[0], rows[rows.length - 1]];
    const total = this.head?.total ?? 0;
    const numbers = first && this.chosen === null ? [first.number - PAGE, last.number + PAGE] : [];
    return numbers
      .filter(number => number >= 1 && number <= total && !this.all.knows(number))
      .map(number => ({ kind: 'blank', number, of: 'all', isBackward: false }));
  }

  /** Ask a question about the shown file; null if it failed, or is no longer of interest. */
  async ask(query: LogQuery, isFiltered: boolean): Promise<LogPage | null> {
    const { signal } = this.lines;
    const { attempt, stream, level } = this._choice;
    const min_level = isFiltered && level !== null ? { min_level: level } : {};
    try {
      const page = await this.source.page({ attempt, stream, ...query, ...min_level }, signal);
      return signal.aborted ? null : page;
    } catch (reason) {
      if (!signal.aborted && !isAbort(reason)) {
        this.refuse(asApiError(reason));
      }
      return null;
    }
  }

  retry(): void {
    this.failures = 0;
    this.vain.clear();
    void this.loadOwner();
    void this.refresh();
  }

  /** Keep only lines near `number` when there are too many. */
  trim(number: number): void {
    this.all.trim(number);
    this.chosen?.trim(number);
  }

  private onNews(news: News): void {
    if (news === 'changed') {
      void this.loadOwner();
    }
    void this.refresh();
  }

  private async loadOwner(): Promise<void> {
    try {
      this.owner = await this.source.owner(this.life.signal);
      this.emit();
    } catch (reason) {
      if (!isAbort(reason)) {
        this.fail(asApiError(reason));
      }
    }
  }

  /** Learn how long the log is now; at the end also what its last lines are. */
  private async refresh(): Promise<void> {
    this.isDirty = true;
    if (this.isRefreshing) {
      return;
    }
    this.isRefreshing = true;
    while (this.isDirty && !this.life.signal.aborted) {
      this.isDirty = false;
      const query = this.growthQuery();
      const page = await this.ask(query, true);
      if (page !== null && this.isBetterOfRanks(page)) {
        this.choose({ stream: RANKS });
        continue;
      }
      if (page !== null) {
        this.take(page, true);
        this.keep(query, page, this.chosen ?? this.all);
        this.failures = 0;
        this.error = null;
        // The server is still reading a log that nobody had opened.
        this.isDirty ||= page.indexed < page.size;
        this.emit();
      }
      await new Promise(resolve => setTimeout(resolve, PACE));
    }
    this.isRefreshing = false;
  }

  /** Nobody chose a file, nor reads back in the console, where only a launcher speaks: the ranks write more. */
  private isBetterOfRanks({ total, size, streams = [] }: LogPage): boolean {
    const isUnread = this.head === null || (this.isFollowing && total <= LAUNCHER_LINES);
    const ranks = streams.find(({ name }) => name === RANKS);
    return this._choice.stream === '' && isUnread && ranks !== undefined && ranks.size > size;
  }

  /** The last line may have grown, so it is always asked for again. */
  private growthQuery(): LogQuery {
    const total = this.head?.total ?? 0;
    return this.isFollowing || total === 0 ? { tail: PAGE } : { line: total, n: 20 };
  }

  /** Take over the totals. Only an answer about the chosen level tells how many lines match it. */
  private take(head: Head, isFiltered: boolean): void {
    const before = this.head;
    if (before !== null && before.attempt !== head.attempt) {
      this.beginAnew(this._choice.attempt === '' ? 'attempt' : null);
    } else if (before?.stream === head.stream && before.generation !== head.generation) {
      this.beginAnew('truncated');
    } else if (before !== null && before.size > head.size) {
      // It was overtaken by a newer answer.
      return;
    } else if (before?.total !== head.total) {
      this.vain.clear();
    }
    const isTold = isFiltered || this.chosen === null;
    this.head = isTold ? head : { ...head, matching: before?.matching ?? NaN };
  }

  private beginAnew(happening: Happening): void {
    this.forget(false);
    this.happening = happening;
  }

  private forget(isSameFile: boolean): void {
    this.lines.abort();
    this.lines = new AbortController();
    this.asked.clear();
    this.vain.clear();
    this.chosen = this._choice.level === null ? null : new Lines();
    this.error = null;
    if (isSameFile && this.head !== null) {
      // Until the server has said how many match, no number is shown that may be wrong.
      this.head = { ...this.head, matching: this._choice.level === null ? this.head.total : NaN };
    } else {
      this.head = null;
      this.all = new Lines();
      this.whole.clear();
    }
  }

  private keep(query: LogQuery, page: LogPage, into: Lines): void {
    const [first, last] = [page.lines[0], page.lines[page.lines.length - 1]];
    const count = Math.abs(query.n ?? query.tail ?? PAGE);
    // A level's lines are not numbered through, so only a page that is not full tells that no more follow.
    const isAll = page.lines.length < count && (into === this.chosen ? !isFull(page) : first === undefined);
    const end = page.total + 1;
    if (query.tail !== undefined) {
      into.add(isAll || !first ? 1 : first.number, end, page.lines);
    } else if (query.line !== undefined && (query.n ?? PAGE) < 0) {
      into.add(isAll || !first ? 1 : first.number, query.line, page.lines);
    } else if (query.line !== undefined) {
      into.add(query.line, isAll || !last ? end : last.number + 1, page.lines);
    }
  }

  private askWanted(): void {
    for (const row of this.wanted) {
      if (this.asked.size >= MOST_REQUESTS) {
        return;
      }
      if (row.kind !== 'blank' || this.linesOf(row).knows(row.number)) {
        continue;
      }
      const [query, key] = this.questionFor(row);
      if (!this.asked.has(key) && !this.vain.has(key)) {
        void this.fill(row, query, key);
      }
    }
  }

  private async fill(row: Blank, query: LogQuery, key: string): Promise<void> {
    const { signal } = this.lines;
    this.asked.add(key);
    const page = await this.ask(query, row.of === 'chosen');
    if (signal.aborted) {
      return;
    }
    this.asked.delete(key);
    if (page !== null) {
      this.take(page, row.of === 'chosen');
      this.keep(query, page, this.linesOf(row));
    }
    if (!this.linesOf(row).knows(row.number)) {
      this.vain.add(key);
    }
    this.emit();
    this.askWanted();
  }

  /** How to ask for a blank row, and a name for that question. */
  private questionFor({ number, of, isBackward }: Blank): [LogQuery, string] {
    if (of === 'chosen') {
      return isBackward
        ? [{ line: number + 1, n: -PAGE }, `before ${number}`]
        : [{ line: number, n: PAGE }, `from ${number}`];
    }
    let line = Math.floor((number - 1) / PAGE) * PAGE + 1;
    while (line < number && this.all.knows(line)) {
      line = Math.min(number, this.all.knownTo(line));
    }
    return [{ line, n: PAGE }, `all ${line}`];
  }

  private linesOf({ of }: Blank): Lines {
    return (of === 'chosen' ? this.chosen : null) ?? this.all;
  }

  /** A newer attempt need not have the file that was chosen. */
  private refuse(error: ApiError): void {
    if (error.status === 404 && this._choice.attempt === '' && this._choice.stream !== '') {
      this.choose({ stream: '' });
      this.happening = 'file';
    } else {
      this.fail(error);
    }
  }

  private fail(error: ApiError): void {
    this.error = error;
    this.emit();
    if (error.isTransient) {
      clearTimeout(this.timer);
      const delay = RETRIES[Math.min(this.failures, RETRIES.length - 1)];
      this.failures += 1;
      this.timer = setTimeout(() => {
        this.vain.clear();
        void this.refresh();
      }, delay);
    }
  }
}

/** Pages have at most 2 MiB of text, whatever their lines. */
const FULL = 2 * 1024 * 1024 - 16 * 1024;

function isFull({ lines }: LogPage): boolean {
  return lines.reduce((sum, line) => sum + line.text.length, 0) >= FULL;
}
