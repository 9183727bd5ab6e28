/** A search through the whole log: what is looked for, the hits so far, and which of them is looked at. */

import { asApiError, isAbort, type ApiError } from '../errors';
import { lowestBy } from './lines';
import { finder, type Span, type Wanted } from './matching';
import { Observable } from './observable';
import type { LogModel } from './model';
import type { LogHits } from './source';

export const NOTHING: Wanted = { q: '', regex: false, case: false };
/** Hits that are told; all are counted. */
const MOST_HITS = 10_000;

export class Searching extends Observable {
  wanted = NOTHING;
  /** Numbers of the lines, in order. */
  hits: readonly number[] = [];
  progress: Omit<LogHits, 'lines'> | null = null;
  error: ApiError | null = null;
  /** Index of the hit that is looked at; -1: none yet. */
  current = -1;
  /** The last step went over the end, or the start. */
  wrapped: 'to-start' | 'to-end' | null = null;
  find: ((text: string) => Span[]) | null = null;

  private running = new AbortController();

  constructor(private readonly model: LogModel) {
    super();
  }

  get isRunning(): boolean {
    return this.progress?.state === 'running';
  }

  /** The log has grown since, so there may be more. */
  get isOld(): boolean {
    return this.progress !== null && !this.isRunning && (this.model.head?.size ?? 0) > this.progress.size;
  }

  isHit(number: number): boolean {
    return this.hits[lowestBy(this.hits.length, i => this.hits[i] >= number)] === number;
  }

  /**
   * Look for `wanted`; `onFirst` is called with the first hit at or behind line `from` as soon as that is known, or with
   * the last before it.
   */
  async start(wanted: Wanted, from: number, onFirst: (hit: number) => void): Promise<void> {
    this.cancel();
    this.wanted = wanted;
    this.find = finder(wanted);
    this.hits = [];
    this.current = -1;
    this.wrapped = null;
    this.error = null;
    this.progress = wanted.q === '' ? null : { count: 0, scanned: 0, size: 0, state: 'running' };
    this.emit();
    if (wanted.q !== '') {
      await this.run(from, onFirst);
    }
  }

  /** End a search that runs, with what it has found. */
  cancel(): void {
    this.running.abort();
    this.running = new AbortController();
    if (this.progress !== null && this.isRunning) {
      this.progress = { ...this.progress, state: 'partial' };
      this.emit();
    }
  }

  /** Forget what was looked for. */
  clear(): void {
    void this.start({ ...this.wanted, q: '' }, 1, () => undefined);
  }

  /** The next hit (`way` 1) or the one before (-1), as seen from line `from` if none was looked at; null without any. */
  step(way: 1 | -1, from: number): number | null {
    const { length } = this.hits;
    if (length === 0) {
      return null;
    }
    const next = this.current < 0 ? this.nearest(from, way) : this.current + way;
    this.wrapped = next >= length ? 'to-start' : next < 0 ? 'to-end' : null;
    this.current = (next + length) % length;
    this.emit();
    return this.hits[this.current];
  }

  private nearest(from: number, way: 1 | -1): number {
    const index = lowestBy(this.hits.length, i => this.hits[i] >= from);
    return way === 1 || this.hits[index] === from ? index : index - 1;
  }

  private async run(from: number, onFirst: (hit: number) => void): Promise<void> {
    const { signal } = this.running;
    const { attempt, stream, level } = this.model.choice;
    const min_level = level === null ? {} : { min_level: level };
    const search = { ...this.wanted, attempt, stream, ...min_level, limit: MOST_HITS };
    const settle = (isEnd: boolean): void => {
      const last = this.hits[this.hits.length - 1];
      if (this.current < 0 && last !== undefined && (isEnd || last >= from)) {
        onFirst(this.step(last >= from ? 1 : -1, from) ?? last);
      }
    };
    try {
      await this.model.source.search(search, hits => this.take(hits, signal, settle), signal);
      settle(!signal.aborted);
    } catch (reason) {
      this.fail(reason, signal);
    }
  }

  private take({ lines, ...progress }: LogHits, signal: AbortSignal, settle: (isEnd: boolean) => void): void {
    if (!signal.aborted) {
      this.hits = [...this.hits, ...lines];
      this.progress = progress;
      this.emit();
      settle(progress.state !== 'running');
    }
  }

  private fail(reason: unknown, signal: AbortSignal): void {
    if (!signal.aborted && !isAbort(reason)) {
      this.error = asApiError(reason);
      this.progress = null;
      this.emit();
    }
  }
}
