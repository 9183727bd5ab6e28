/** The past of GPUs and machines as the charts show it: asked once for a range, then carried on by what is sampled. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Range } from '../chart/curves';
import type { Linked } from '../chart/linked';
import { asApiError, isAbort, type ApiError } from '../errors';
import type { GpuHistory, GpuHistoryQuery, GpuStatus } from '../records';
import type { Services } from '../services';
import { GPU_METRICS, HOST_METRICS, linesOf, namesOf, type Line } from './series';

/** What is to be shown. */
export interface Question {
  /** Uids of agents; none: nothing yet. */
  readonly agents: readonly string[];
  /** Seconds back from now. */
  readonly span: number;
  /** Points for each line. */
  readonly width: number;
}

export interface HistoryState {
  /** Null until the first answer. */
  readonly lines: readonly Line[] | null;
  /** By UUID of the GPU, and uid of the agent. */
  readonly names: ReadonlyMap<string, string>;
  readonly asking: boolean;
  /** Why the last question got no answer; cleared by the next answer. */
  readonly error: ApiError | null;
  /** When the lines were last known to be current, in ms since 1970; null before the first answer. */
  readonly currentAt: number | null;
}

/** An answer, and the range that it answers. */
interface Answer {
  readonly histories: readonly GpuHistory[];
  readonly range: Range;
}

const SETTLE_MS = 80;
const RETRY_MS = 10_000;
/** What is carried on by samples is asked anew after a twentieth of the span, in seconds within these. */
const RENEW: Range = [60, 300];
/** The axis moves on in so many steps. */
const STEPS = 60;
/** Kept of each agent; more come only while nobody looks. */
const MOST_SAMPLES = 600;
/** A GPU that has no history yet is asked for again, in seconds. */
const NEW_GPU = 5;
const CHART = 'history';

export class HistoryModel implements IDisposable {
  state: HistoryState = { lines: null, names: new Map(), asking: true, error: null, currentAt: null };

  private question: Question = { agents: [], span: 3600, width: 600 };
  private whole: Answer | null = null;
  private detail: Answer | null = null;
  private tails = new Map<string, GpuStatus[]>();
  private askedAt = -Infinity;
  private isShown = true;
  private request: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private _isDisposed = false;
  private readonly _changed = new Signal<this, HistoryState>(this);

  constructor(
    private readonly services: Pick<Services, 'api' | 'gpus'>,
    private readonly linked: Linked
  ) {
    services.gpus.sampled.connect(this.onSampled);
    linked.zoomChanged.connect(this.onZoom);
  }

  get changed(): ISignal<this, HistoryState> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** Show this from now on. */
  show(question: Question): void {
    const { agents, span } = this.question;
    if (JSON.stringify(question) === JSON.stringify(this.question)) {
      return;
    }
    this.question = question;
    if (span !== question.span) {
      this.linked.forget();
    }
    if (agents.join() !== question.agents.join()) {
      this.whole = this.detail = null;
      this.set({ lines: null });
    }
    this.ask(SETTLE_MS);
  }

  /** Ask nothing while nobody looks. */
  setShown(isShown: boolean): void {
    const isSeenAgain = isShown && !this.isShown;
    this.isShown = isShown;
    if (isSeenAgain) {
      this.ask(0);
    }
  }

  retry(): void {
    this.ask(0);
  }

  dispose(): void {
    this._isDisposed = true;
    clearTimeout(this.timer);
    this.request?.abort();
    this.services.gpus.sampled.disconnect(this.onSampled);
    this.linked.zoomChanged.disconnect(this.onZoom);
    Signal.clearData(this);
  }

  private get now(): number {
    const ats = [...this.tails.values()].flatMap(tail => tail.at(-1)?.at ?? []);
    return ats.length > 0 ? Math.max(...ats) : Date.now() / 1000;
  }

  /** The range that is shown when nothing is zoomed: its end runs ahead of the samples, in steps. */
  private window(): Range {
    const { span } = this.question;
    const step = span / STEPS;
    const end = Math.ceil(this.now / step) * step;
    return [end - span, end];
  }

  private readonly onZoom = (): void => {
    this.detail = null;
    if (this.linked.zoom.now === null) {
      this.redraw();
    } else {
      this.ask(SETTLE_MS);
    }
  };

  private readonly onSampled = (_: unknown, status: GpuStatus): void => {
    const tail = this.tails.get(status.agent) ?? [];
    const last = tail.at(-1);
    if (last !== undefined && status.at <= last.at) {
      return;
    }
    this.tails.set(status.agent, [...tail, status].slice(-MOST_SAMPLES));
    if (!this.isShown || !this.question.agents.includes(status.agent)) {
      return;
    }
    if (this.isOld || this.isNews(status)) {
      this.ask(0);
    } else {
      this.redraw();
    }
  };

  /** Seconds since the last question. */
  private get age(): number {
    return (performance.now() - this.askedAt) / 1000;
  }

  private get isOld(): boolean {
    const [least, most] = RENEW;
    return this.age > Math.min(most, Math.max(least, this.question.span / 20));
  }

  /** Whether a GPU has come of which the last answer knew nothing. */
  private isNews({ devices }: GpuStatus): boolean {
    const known = new Set(this.whole?.histories.flatMap(({ series }) => series.map(({ gpu }) => gpu)));
    return this.whole !== null && this.age > NEW_GPU && devices.some(({ uuid }) => !known.has(uuid));
  }

  private ask(delay: number): void {
    clearTimeout(this.timer);
    if (this.question.agents.length === 0 || !this.isShown || this._isDisposed) {
      return;
    }
    this.set({ asking: true });
    this.timer = setTimeout(() => void this.load(), delay);
  }

  private async load(): Promise<void> {
    this.request?.abort();
    const request = (this.request = new AbortController());
    this.askedAt = performance.now();
    const zoom = this.linked.zoom.now;
    const range = zoom ?? this.window();
    try {
      const answer = { histories: await this.histories(range, request.signal), range };
      if (this.request === request) {
        this.take(answer, zoom !== null);
      }
    } catch (reason) {
      if (this.request === request && !isAbort(reason)) {
        this.set({ asking: false, error: asApiError(reason) });
        this.timer = setTimeout(() => void this.load(), RETRY_MS);
      }
    }
  }

  /** The histories of all agents that answer; throws what the first says if none does. */
  private async histories([start, end]: Range, signal: AbortSignal): Promise<GpuHistory[]> {
    const { agents, width } = this.question;
    const metrics: GpuHistoryQuery['metrics'] = [...GPU_METRICS, ...HOST_METRICS];
    const answers = await Promise.allSettled(
      agents.map(agent => this.services.api.gpuHistory({ agent, metrics, start, end, width }, signal))
    );
    const given = answers.flatMap(answer => (answer.status === 'fulfilled' ? [answer.value] : []));
    const [first] = answers;
    if (given.length === 0 && first?.status === 'rejected') {
      throw first.reason;
    }
    return given;
  }

  private take(answer: Answer, isDetail: boolean): void {
    if (isDetail) {
      this.detail = answer;
    } else {
      this.whole = answer;
      this.forgetSamples(answer.histories);
    }
    this.state = { ...this.state, asking: false, error: null, currentAt: Date.now() };
    this.redraw();
  }

  /** Samples that an answer holds already need not be kept, but the newest, which says what time it is. */
  private forgetSamples(histories: readonly GpuHistory[]): void {
    for (const { agent, series } of histories) {
      const last = Math.max(...series.map(({ at }) => at.at(-1) ?? -Infinity));
      const tail = this.tails.get(agent) ?? [];
      this.tails.set(agent, [...tail.slice(0, -1).filter(({ at }) => at > last), ...tail.slice(-1)]);
    }
  }

  private redraw(): void {
    const answer = (this.linked.zoom.now === null ? null : this.detail) ?? this.whole;
    if (answer === null) {
      return;
    }
    this.linked.report(CHART, 'wall', this.window());
    const lines = answer.histories.flatMap(one => linesOf(one, this.tails.get(one.agent) ?? []));
    this.set({ lines, names: namesOf(answer.histories) });
  }

  private set(change: Partial<HistoryState>): void {
    this.state = { ...this.state, ...change };
    this._changed.emit(this.state);
  }
}
