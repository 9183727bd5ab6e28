/** The form of a rule without its looks: the draft, whether it is right, what it would have done, and saving it. */

import { isAbort } from '../errors';
import { DraftModel } from '../page/draftModel';
import type { Rule, RuleReplay, RuleSpec } from '../records';
import type { Services } from '../services';
import { meaningOf, nameOf, type Draft, type Field } from './draft';
import { translated } from './faults';

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

export class RuleModel extends DraftModel<Draft, Field, RuleSpec, Rule> {
  /** What the rule would have done, as far as it is known; it belongs to `replayed`. */
  replay: RuleReplay | null = null;
  replayed: RuleSpec | null = null;
  choices = NOTHING;
  private _reach: Reach = 24;

  constructor(draft: Draft, services: Pick<Services, 'api' | 'trans'>) {
    super(draft, services, { fieldOf, translated });
    void this.loadChoices();
    void this.check();
  }

  get reach(): Reach {
    return this._reach;
  }

  setReach(reach: Reach): void {
    this._reach = reach;
    this.checkSoon();
  }

  /** Replay it again at once. */
  retry(): void {
    this.error = null;
    void this.check();
  }

  protected override async send(): Promise<Rule | null> {
    const spec = this.meant();
    if (spec === null) {
      return null;
    }
    const { api, trans } = this.services;
    const { uid, preset } = this.draft;
    const name = nameOf(this.draft, spec, trans);
    if (uid === null) {
      return api.createRule({ ...spec, name });
    }
    // The name of a default rule is the table's, in each reader's language.
    return api.updateRule(uid, preset === '' ? { name, spec } : { spec });
  }

  /** Replay it on the past. */
  protected override async ask(
    spec: RuleSpec,
    signal: AbortSignal
  ): Promise<Readonly<Record<string, string>>> {
    const start = Date.now() / 1000 - this.reach * HOUR;
    this.replay = await this.services.api.testRule({ spec, start }, signal);
    this.replayed = spec;
    return {};
  }

  protected override meant(): RuleSpec | null {
    const { spec, problems } = meaningOf(this.draft, this.services.trans);
    if (spec === null) {
      this.problems = problems;
      this._changed.emit();
    }
    return spec;
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
