/** One experiment as its page knows it: kept current, and edited before the server has answered. */

import { Signal, type ISignal } from '@lumino/signaling';

import { isClock } from '../chart/system';
import { asApiError, isAbort, type ApiError } from '../errors';
import type { Change, Experiment, ExperimentPatch, SeriesSummary } from '../records';
import type { Services } from '../services';

/** Milliseconds between two questions about what has changed. */
const PACE = { details: 500, metrics: 1000 } as const;
const RETRY_MS = 5000;

type Part = keyof typeof PACE;

export class ExperimentModel {
  /** Why there is no experiment, or why it is not current. */
  error: ApiError | null = null;
  /** Why there are no summaries, or why they are not current. */
  metricsError: ApiError | null = null;
  /** Summaries of what the run logged; null before they are known. */
  metrics: readonly SeriesSummary[] | null = null;
  /** Summaries of what its machine did. */
  system: readonly SeriesSummary[] = [];

  private known: Experiment | null = null;
  private readonly pending: ExperimentPatch[] = [];
  private edits = 0;
  private readonly timers = new Map<Part, ReturnType<typeof setTimeout>>();
  private readonly asked = new Map<Part, number>();
  private readonly controller = new AbortController();
  private readonly following;
  private readonly _changed = new Signal<this, void>(this);

  constructor(
    readonly uid: string,
    readonly services: Pick<Services, 'api' | 'events'>
  ) {
    this.following = services.events.follow([`experiment:${uid}`], news => this.onNews(news));
    this.reload();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** The experiment, with what is being changed as if it were; null before it is known. */
  get experiment(): Experiment | null {
    return (
      this.known && this.pending.reduce((experiment, patch) => ({ ...experiment, ...patch }), this.known)
    );
  }

  /** Ask for everything again. */
  reload(): void {
    this.schedule('details', 0);
    this.schedule('metrics', 0);
  }

  /** Show `patch` at once and send it; when that fails it is taken back and the reason is thrown. */
  async edit(patch: ExperimentPatch): Promise<void> {
    this.pending.push(patch);
    this._changed.emit();
    try {
      this.known = await this.services.api.updateExperiment(this.uid, patch);
      this.edits += 1;
    } finally {
      this.pending.splice(this.pending.indexOf(patch), 1);
      this._changed.emit();
    }
  }

  /** Take over what an action answered. */
  async apply(verb: 'archive' | 'restore' | 'trash' | 'stop'): Promise<void> {
    this.known = await this.services.api.applyToExperiment(this.uid, verb);
    this.edits += 1;
    this._changed.emit();
  }

  dispose(): void {
    this.following.dispose();
    this.controller.abort();
    this.timers.forEach(timer => clearTimeout(timer));
    Signal.clearData(this);
  }

  private onNews(news: Change | 'resync'): void {
    if (news === 'resync' || news.kind !== 'points') {
      this.schedule('details');
    }
    this.schedule('metrics');
  }

  private schedule(part: Part, delay = this.untilNext(part)): void {
    if (this.controller.signal.aborted || (delay > 0 && this.timers.has(part))) {
      return;
    }
    clearTimeout(this.timers.get(part));
    const timer = setTimeout(() => {
      this.timers.delete(part);
      this.asked.set(part, performance.now());
      void (part === 'details' ? this.loadDetails() : this.loadMetrics());
    }, delay);
    this.timers.set(part, timer);
  }

  private untilNext(part: Part): number {
    return Math.max(1, (this.asked.get(part) ?? -Infinity) + PACE[part] - performance.now());
  }

  private async loadDetails(): Promise<void> {
    const { edits } = this;
    await this.load('details', async signal => {
      const experiment = await this.services.api.experiment(this.uid, signal);
      if (edits === this.edits) {
        this.known = experiment;
      }
    });
  }

  private async loadMetrics(): Promise<void> {
    await this.load('metrics', async signal => {
      const summaries = await this.services.api.metrics(this.uid, signal);
      this.metrics = summaries.filter(one => !isClock(one));
      this.system = summaries.filter(isClock);
    });
  }

  private async load(part: Part, ask: (signal: AbortSignal) => Promise<void>): Promise<void> {
    try {
      await ask(this.controller.signal);
      this.setError(part, null);
    } catch (reason) {
      if (isAbort(reason)) {
        return;
      }
      const error = asApiError(reason);
      this.setError(part, error);
      if (error.isTransient) {
        this.schedule(part, RETRY_MS);
      }
    }
    this._changed.emit();
  }

  private setError(part: Part, error: ApiError | null): void {
    if (part === 'details') {
      this.error = error;
    } else {
      this.metricsError = error;
    }
  }
}
