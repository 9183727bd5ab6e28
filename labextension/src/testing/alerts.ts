/** Alerts and rules as a server answers them, for tests. */

import type { Alert, AlertTarget, Rule, RuleSpec } from '../records';

export function aTarget(change: Partial<AlertTarget> = {}): AlertTarget {
  return {
    key: 'GPU-0',
    label: 'GPU 0 · box1',
    agent: 'agent0',
    gpu: 'GPU-0',
    experiment: null,
    task: null,
    project: null,
    kernel: null,
    notebook: null,
    ...change
  };
}

export function anAlert(change: Partial<Alert> = {}): Alert {
  return {
    uid: 'alert0',
    rule: 'rule0',
    name: 'GPU memory almost full',
    preset: 'gpu_memory',
    severity: 'warning',
    state: 'firing',
    subject: 'gpu',
    target: aTarget(),
    title: '',
    text: '',
    metric: 'memory_share',
    condition: 'above',
    value: 97,
    threshold: 95,
    for_s: 60,
    step: null,
    count: 1,
    fired_at: 1_700_000_000,
    updated_at: 1_700_000_000,
    resolved_at: null,
    acknowledged_at: null,
    acknowledged_by: '',
    is_silenced: false,
    deliveries: [],
    ...change
  };
}

export function aSpec(change: Partial<RuleSpec> = {}): RuleSpec {
  return {
    subject: 'gpu',
    metric: 'memory_share',
    condition: 'above',
    scope: { agents: [], gpus: [], projects: [], experiments: [], tasks: [] },
    aggregate: 'last',
    window_s: 0,
    warning: 95,
    critical: null,
    clear_warning: 90,
    clear_critical: null,
    for_s: 60,
    keep_firing_s: 0,
    repeat_s: 0,
    no_data: 'ignore',
    actions: [],
    ...change
  };
}

export function aRule(change: Partial<Omit<Rule, 'spec'>> & { spec?: Partial<RuleSpec> } = {}): Rule {
  const { spec, ...more } = change;
  return {
    uid: 'rule0',
    name: 'GPU memory almost full',
    preset: 'gpu_memory',
    owner: 'ada',
    is_enabled: true,
    silenced_until: 0,
    spec: aSpec(spec),
    created_at: 1_700_000_000,
    updated_at: 1_700_000_000,
    may_edit: true,
    firing: 0,
    pending: 0,
    ...more
  };
}
