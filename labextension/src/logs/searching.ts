/** A search through the whole log: what is looked for, the hits so far, and which of them is looked at. */

import { asApiError, isAbort, type ApiError } from '../errors';
import { Hits } from './hits';
import { finder, type Span, type Wanted } from './matching';
import { Observable } from './observable';
import type { LogModel } from './model';
import type { LogHits } from './source';

export const NOTHING: Wanted = { q: '', regex: false, case: false };
/** Hits that are told; all are counted. */
const MOST_HITS = 10_000;

/** How a search began: which hit is wanted, and whether the way there went over the end, or the start. */
interface Goal {
  /** Line from which it is looked for, that one included. */
  readonly from: number;
  readonly way: 1 | -1;
  readonly isRound: boolean;
}

export class Searching extends Observable {
  wanted = NOTHING;
  hits = new Hits(1);
  progress: Omit<LogHits, 'lines' | 'before'> | null = null;
  error: ApiError | null = null;
  /** Line of the hit that is looked at; null: none yet. */
  current: number | null = null;
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

  /**
   * Look for `wanted`; `onFirst` is called with the first hit at or behind line `from` as soon as that is known, or with
   * the last before it.
   */
  async start(wanted: Wanted, from: number, onFirst: (hit: number) => void): Promise<void> {
    await this.seek(wanted, { from, way: 1, isRound: false }, onFirst);
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

  /**
   * Go to the next hit at or behind line `from` (`way` 1), or the one at or before it (-1); where more were found than
   * are known here, it is searched again from there. `onHit` is not called without any.
   */
  step(way: 1 | -1, from: number, onHit: (hit: number) => void): void {
    const step = this.hits.step(way, from);
    if (step === null) {
      return;
    }
    const { isRound } = step;
    // Before it goes round, what was written since is looked through.
    const isUnseen = isRound && way === 1 && this.isOld;
    if ('beyond' in step || isUnseen) {
      const goal =
        'beyond' in step && !isUnseen ? { from: step.beyond, way, isRound } : { from, way, isRound: false };
      void this.seek(this.wanted, goal, onHit);
    } else {
      this.reach(step.line, isRound ? way : null);
      onHit(step.line);
    }
  }

  private reach(line: number, round: 1 | -1 | null): void {
    this.current = line;
    this.wrapped = round === null ? null : round === 1 ? 'to-start' : 'to-end';
    this.emit();
  }

  private async seek(wanted: Wanted, goal: Goal, onHit: (hit: number) => void): Promise<void> {
    this.cancel();
    const isAgain = wanted === this.wanted && wanted.q !== '';
    this.wanted = wanted;
    this.find = finder(wanted);
    this.hits = new Hits(goal.way === 1 ? goal.from : goal.from + 1);
    this.current = isAgain ? this.current : null;
    this.wrapped = null;
    this.error = null;
    this.progress = wanted.q === '' ? null : { count: 0, scanned: 0, size: 0, state: 'running' };
    this.emit();
    if (wanted.q !== '') {
      await this.run(goal, onHit);
    }
  }

  private async run(goal: Goal, onHit: (hit: number) => void): Promise<void> {
    const { signal } = this.running;
    const { attempt, stream, level } = this.model.choice;
    const min_level = level === null ? {} : { min_level: level };
    const from_line = Math.max(1, this.hits.from);
    const search = { ...this.wanted, attempt, stream, ...min_level, from_line, limit: MOST_HITS };
    let isReached = false;
    const settle = (isEnd: boolean): void => {
      if (!isReached && (isEnd || this.isAhead(goal))) {
        isReached = this.arrive(goal, onHit);
      }
    };
    try {
      await this.model.source.search(search, hits => this.take(hits, signal, settle), signal);
      settle(!signal.aborted);
    } catch (reason) {
      this.fail(reason, signal);
    }
  }

  /** Whether a hit that lies the wanted way is known, before all are: those behind come first. */
  private isAhead({ from, way }: Goal): boolean {
    const { lines } = this.hits;
    return way === 1 && lines.length > 0 && lines[lines.length - 1] >= from;
  }

  private arrive({ from, way, isRound }: Goal, onHit: (hit: number) => void): boolean {
    const ahead = this.hits.step(way, from);
    const step =
      ahead?.isRound === true && !isRound && this.current === null ? this.hits.step(-1, from) : ahead;
    if (step === null) {
      return false;
    }
    const isFarRound = isRound || step.isRound;
    if ('beyond' in step) {
      void this.seek(this.wanted, { from: step.beyond, way, isRound: isFarRound }, onHit);
    } else {
      this.reach(step.line, isFarRound ? way : null);
      onHit(step.line);
    }
    return true;
  }

  private take(
    { lines, before, ...progress }: LogHits,
    signal: AbortSignal,
    settle: (isEnd: boolean) => void
  ): void {
    if (!signal.aborted) {
      this.hits = this.hits.and({ lines, before, count: progress.count });
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
