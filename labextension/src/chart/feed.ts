/** Keeps the curves of one chart current: whole answers when the question changes, deltas while points arrive. */

import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAbort, type ApiError } from '../errors';
import type { Curve, CurveAnswer, CurveQuery } from '../records';
import { mergeCurves } from './curves';

export type AskCurves = (query: CurveQuery, signal: AbortSignal) => Promise<CurveAnswer>;

export interface FeedState {
  /** Null until the first answer. */
  readonly curves: readonly Curve[] | null;
  /** The question that `curves` answer; an older one while a new answer is awaited. */
  readonly query: CurveQuery | null;
  /** An answer to another question is awaited. */
  readonly asking: boolean;
  /** Why the last question got no answer; cleared by the next answer. */
  readonly error: ApiError | null;
  /** When the shown curves were last known to be current, in ms since 1970; null before the first answer. */
  readonly currentAt: number | null;
}

/** At most four deltas a second for one chart, and ten for all charts in view together. */
const LEAST_INTERVAL_MS = 250;
const SHARED_INTERVAL_MS = 100;
const SETTLE_MS = 60;
const RETRY_MS = [1000, 2000, 5000, 10000];

/** How many feeds somebody looks at. */
let live = 0;

export class CurveFeed {
  state: FeedState = { curves: null, query: null, asking: false, error: null, currentAt: null };

  private readonly _changed = new Signal<this, FeedState>(this);
  private wanted: CurveQuery | null = null;
  private cursor: string | null = null;
  private dirty = false;
  private paused = false;
  private failures = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private request: AbortController | null = null;
  private asked = -Infinity;
  private isDisposed = false;

  constructor(private readonly ask: AskCurves) {
    live += 1;
  }

  get changed(): ISignal<this, FeedState> {
    return this._changed;
  }

  /** Ask `query` from now on. Questions that follow each other quickly (a slider) become one. */
  show(query: CurveQuery): void {
    if (JSON.stringify(query) === JSON.stringify(this.wanted)) {
      return;
    }
    const first = this.wanted === null;
    this.wanted = query;
    this.cursor = null;
    this.request?.abort();
    this.request = null;
    this.set({ asking: true });
    this.schedule(first ? 0 : SETTLE_MS);
  }

  /** Something may have changed on the server. */
  touch(): void {
    this.dirty = true;
    if (this.request === null && this.timer === undefined) {
      this.schedule(this.untilNext());
    }
  }

  /** Stop asking while nobody looks; `touch` and `show` are remembered. */
  pause(paused: boolean): void {
    if (paused !== this.paused) {
      live += paused ? -1 : 1;
      this.paused = paused;
    }
    if (!paused && (this.dirty || this.state.asking)) {
      this.schedule(0);
    }
  }

  retry(): void {
    this.failures = 0;
    this.schedule(0);
  }

  dispose(): void {
    if (!this.isDisposed) {
      this.pause(true);
      this.isDisposed = true;
      clearTimeout(this.timer);
      this.request?.abort();
      Signal.clearData(this);
    }
  }

  private untilNext(): number {
    const interval = Math.max(LEAST_INTERVAL_MS, SHARED_INTERVAL_MS * live);
    return Math.max(0, this.asked + interval - performance.now());
  }

  private schedule(delay: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.timer = undefined;
      if (!this.paused && !this.isDisposed && this.wanted) {
        void this.load(this.wanted, this.cursor);
      }
    }, delay);
  }

  private async load(query: CurveQuery, cursor: string | null): Promise<void> {
    this.request?.abort();
    const request = new AbortController();
    this.request = request;
    this.asked = performance.now();
    this.dirty = false;
    try {
      const answer = await this.ask(cursor === null ? query : { ...query, cursor }, request.signal);
      if (this.request === request) {
        this.take(query, answer, cursor !== null);
      }
    } catch (reason) {
      if (this.request === request && !isAbort(reason)) {
        this.fail(asApiError(reason), cursor !== null);
      }
    }
  }

  private take(query: CurveQuery, answer: CurveAnswer, isDelta: boolean): void {
    this.request = null;
    this.cursor = answer.cursor;
    this.failures = 0;
    const curves = isDelta ? mergeCurves(this.state.curves ?? [], answer) : answer.curves;
    this.set({ curves, query, asking: false, error: null, currentAt: Date.now() });
    if (this.dirty) {
      this.schedule(this.untilNext());
    }
  }

  private fail(error: ApiError, isDelta: boolean): void {
    this.request = null;
    this.cursor = null;
    if (isDelta && !error.isTransient) {
      // The cursor may be too old for the server; the whole will tell.
      this.schedule(this.untilNext());
      return;
    }
    this.set({ error, asking: false });
    if (error.isTransient) {
      this.schedule(RETRY_MS[Math.min(this.failures, RETRY_MS.length - 1)]);
      this.failures += 1;
    }
  }

  private set(change: Partial<FeedState>): void {
    this.state = { ...this.state, ...change };
    this._changed.emit(this.state);
  }
}
