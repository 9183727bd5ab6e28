/** The form of a rule without its looks: the draft, whether it is right, what it would have done, and saving it. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAbort, type ApiError } from '../errors';
import type { Rule, RuleReplay, RuleSpec } from '../records';
import type { Services } from '../services';
import { meaningOf, nameOf, type Draft, type Field, type Problems } from './draft';
import { translated } from './faults';

const CHECK_AFTER_MS = 400;
const HOUR = 3600;

/** How far back a preview may look, in hours. */
export const REACHES = [1, 6, 24, 168] as const;
export type Reach = (typeof REACHES)[number];

/** Something to choose from: what the rule keeps, and what people call it. */
export interface Choice {
  readonly uid: string;
  readonly label: string;
}

export interface Choices {
  /** Names of metrics that experiments have. */
  readonly metrics: readonly string[];
  readonly gpus: readonly Choice[];
  readonly agents: readonly Choice[];
  readonly projects: readonly Choice[];
  readonly experiments: readonly Choice[];
  readonly tasks: readonly Choice[];
}

const NOTHING: Choices = { metrics: [], gpus: [], agents: [], projects: [], experiments: [], tasks: [] };

/** Which field of the form shows what is said of a field of the record. */
const SHOWN_AT: Readonly<Record<string, keyof Draft>> = {
  clear_warning: 'clearWarning',
  clear_critical: 'clearCritical',
  for_s: 'time',
  window_s: 'window',
  keep_firing_s: 'keepFiring',
  repeat_s: 'repeat',
  no_data: 'noData'
};

export class RuleModel implements IDisposable {
  problems: Problems = {};
  /** What the rule would have done, as far as it is known; it belongs to `replayed`. */
  replay: RuleReplay | null = null;
  replayed: RuleSpec | null = null;
  isReplaying = false;
  isSending = false;
  /** Why it could not be checked or saved, where no field is to blame. */
  error: ApiError | null = null;
  choices = NOTHING;

  private _draft: Draft;
  private _reach: Reach = 24;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = new AbortController();
  private readonly lifetime = new AbortController();
  private readonly _changed = new Signal<this, void>(this);

  constructor(
    draft: Draft,
    readonly services: Pick<Services, 'api' | 'trans' | 'events'>
  ) {
    this._draft = draft;
    void this.loadChoices();
    void this.test();
  }

  get draft(): Draft {
    return this._draft;
  }

  get reach(): Reach {
    return this._reach;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  /** Take over what was typed; a moment later it is checked. */
  edit(change: Partial<Draft>): void {
    this._draft = { ...this._draft, ...change };
    this.error = null;
    const kept = Object.entries(this.problems).filter(([field]) => !(field in change));
    this.problems = Object.fromEntries(kept);
    this.testSoon();
  }

  setReach(reach: Reach): void {
    this._reach = reach;
    this.testSoon();
  }

  /** Replay it again at once. */
  retry(): void {
    this.error = null;
    void this.test();
  }

  /** Save it; null when it was refused. */
  async submit(): Promise<Rule | null> {
    clearTimeout(this.timer);
    const spec = this.meant();
    if (spec === null) {
      return null;
    }
    this.isSending = true;
    this._changed.emit();
    try {
      return await this.send(spec);
    } catch (reason) {
      this.take(asApiError(reason));
      return null;
    } finally {
      this.isSending = false;
      this._changed.emit();
    }
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.asking.abort();
    this.lifetime.abort();
    Signal.clearData(this);
  }

  private send(spec: RuleSpec): Promise<Rule> {
    const { api, trans } = this.services;
    const { uid, preset } = this.draft;
    const name = nameOf(this.draft, spec, trans);
    if (uid === null) {
      return api.createRule({ ...spec, name });
    }
    // The name of a default rule is the table's, in each reader's language.
    return api.updateRule(uid, preset === '' ? { name, spec } : { spec });
  }

  private testSoon(): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.test(), CHECK_AFTER_MS);
    this._changed.emit();
  }

  /** Let the server check it and replay it on the past. */
  private async test(): Promise<void> {
    const spec = this.meant();
    if (spec === null) {
      return;
    }
    this.asking.abort();
    const mine = (this.asking = new AbortController());
    this.isReplaying = true;
    this._changed.emit();
    try {
      const start = Date.now() / 1000 - this.reach * HOUR;
      this.replay = await this.services.api.testRule({ spec, start }, mine.signal);
      this.replayed = spec;
      this.problems = {};
      this.error = null;
    } catch (reason) {
      if (isAbort(reason)) {
        return;
      }
      this.take(asApiError(reason));
    }
    this.isReplaying = false;
    this._changed.emit();
  }

  private meant(): RuleSpec | null {
    const { spec, problems } = meaningOf(this.draft, this.services.trans);
    if (spec === null) {
      this.problems = problems;
      this._changed.emit();
    }
    return spec;
  }

  private take(error: ApiError): void {
    this.problems = this.shown(error.fields);
    this.error = Object.keys(this.problems).length === 0 ? error : null;
    this._changed.emit();
  }

  private shown(fields: Readonly<Record<string, string>>): Problems {
    const problems: Problems = {};
    for (const [path, right] of Object.entries(fields)) {
      problems[fieldOf(path)] = translated(right, this.services.trans);
    }
    return problems;
  }

  /** What there is to choose from; what cannot be asked just now is not offered. */
  private async loadChoices(): Promise<void> {
    const { api } = this.services;
    const { signal } = this.lifetime;
    const query = { limit: 100, sort: '-created' };
    const [status, agents, projects, experiments, tasks] = await Promise.all([
      silently(api.gpuStatus('', signal)),
      silently(api.agents(signal)),
      silently(api.projects({ limit: 100, sort: '-updated' }, signal)),
      silently(api.experiments(query, signal)),
      silently(api.tasks(query, signal))
    ]);
    const host = status?.host ?? '';
    this.choices = {
      gpus: (status?.devices ?? []).map(one => ({
        uid: one.uuid,
        label: `${one.index} · ${one.name} · ${host}`
      })),
      agents: (agents ?? []).map(one => ({ uid: one.uid, label: `${one.machine} (${one.username})` })),
      projects: named(projects?.items),
      experiments: named(experiments?.items),
      tasks: named(tasks?.items),
      metrics: await this.seenMetrics((experiments?.items ?? []).slice(0, 5).map(one => one.uid))
    };
    this._changed.emit();
  }

  private async seenMetrics(experiments: readonly string[]): Promise<string[]> {
    const { api } = this.services;
    const found = await Promise.all(experiments.map(uid => silently(api.metrics(uid, this.lifetime.signal))));
    const names = found.flatMap(series => (series ?? []).map(one => one.metric));
    return [...new Set(names)].sort();
  }
}

const named = (items: readonly { uid: string; name: string }[] = []): Choice[] =>
  items.map(({ uid, name }) => ({ uid, label: name }));

async function silently<T>(work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (reason) {
    if (!isAbort(reason)) {
      console.debug('aiplat: nothing to choose from.', reason);
    }
    return null;
  }
}

function fieldOf(path: string): Field {
  const [name = '', at = ''] = path.replace(/^spec\./, '').split('.');
  if (name === 'actions') {
    return `action${Number(at)}`;
  }
  return SHOWN_AT[name] ?? (name as keyof Draft);
}
