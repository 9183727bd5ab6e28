import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { RuleSpec } from '../../records';
import { aRule, aSpec } from '../../testing/alerts';
import {
  copyOf,
  draftOf,
  meaningOf,
  nameOf,
  newDraft,
  withCondition,
  withMetric,
  withSubject
} from '../draft';

const trans = nullTranslator.load('aiplat_jupyter');

const SPECS: readonly Partial<RuleSpec>[] = [
  {},
  { metric: 'memory_used', warning: 60 * 2 ** 30, critical: 70.5 * 2 ** 30, clear_warning: 50 * 2 ** 30 },
  { metric: 'lost', warning: null, critical: 0, clear_warning: null, for_s: 0 },
  { metric: 'ecc_uncorrected', warning: 0, clear_warning: null, aggregate: 'delta', window_s: 600 },
  {
    condition: 'below',
    metric: 'utilization',
    warning: 20,
    clear_warning: null,
    for_s: 1800,
    no_data: 'alert'
  },
  { subject: 'host', metric: 'disk_share', warning: 95, critical: 99, clear_critical: 98, repeat_s: 3600 },
  {
    subject: 'experiment',
    metric: '',
    condition: 'not_finite',
    warning: null,
    critical: 0,
    clear_warning: null
  },
  { subject: 'experiment', metric: '*', condition: 'silent', warning: 1800, clear_warning: null },
  {
    subject: 'experiment',
    metric: 'acc',
    condition: 'diverges',
    warning: 3,
    clear_warning: null,
    aggregate: 'max'
  },
  {
    subject: 'experiment',
    metric: 'loss',
    condition: 'plateau',
    warning: 0,
    clear_warning: null,
    for_s: 10_000
  },
  {
    subject: 'task',
    metric: '',
    condition: 'waits',
    warning: 14_400,
    clear_warning: null,
    keep_firing_s: 90
  },
  { subject: 'task', metric: '', condition: 'overdue', warning: 2.5, clear_warning: null }
];

describe('the form of a rule', () => {
  it.each(SPECS)('means again what it was filled in from: %o', change => {
    const spec = aSpec(change);
    expect(meaningOf(draftOf(aRule({ spec }), trans), trans)).toEqual({ spec, problems: null });
  });

  it('begins with what is usual, for everything that can be watched', () => {
    for (const subject of ['gpu', 'host', 'experiment', 'task'] as const) {
      expect(meaningOf(withSubject(newDraft({}, trans), subject, trans), trans).problems).toBeNull();
    }
    const { spec } = meaningOf(newDraft({ task: 'task1' }, trans), trans);
    expect(spec).toMatchObject({ subject: 'task', condition: 'failed', scope: { tasks: ['task1'] } });
    expect(newDraft({ experiment: 'e1' }, trans)).toMatchObject({
      subject: 'experiment',
      scope: { experiments: ['e1'] }
    });
  });

  it('takes nothing of one subject over to another that would not fit', () => {
    const gpu = {
      ...newDraft({}, trans),
      name: 'mine',
      repeat: '1h',
      aggregate: 'delta',
      window: '5m'
    } as const;
    const actions = [{ kind: 'interrupt_kernel', url: '' } as const, { kind: 'stop_task', url: '' } as const];
    const task = withSubject({ ...gpu, actions }, 'task', trans);
    expect(meaningOf(task, trans).spec).toMatchObject({
      condition: 'failed',
      for_s: 0,
      window_s: 0,
      aggregate: 'last',
      repeat_s: 3600,
      actions: [{ kind: 'stop_task' }]
    });
    expect(task.name).toBe('mine');
    expect(withSubject(task, 'host', trans).actions).toEqual([]);
    expect(meaningOf(withSubject(gpu, 'experiment', trans), trans).spec).toMatchObject({ for_s: 0 });
  });

  it('takes usual thresholds along with a value and a condition', () => {
    const hot = withMetric(newDraft({}, trans), 'temperature', trans);
    expect(meaningOf(hot, trans).spec).toMatchObject({ condition: 'above', warning: 85, for_s: 60 });
    const silent = withCondition(withSubject(hot, 'experiment', trans), 'silent');
    expect(meaningOf(silent, trans).spec).toMatchObject({ condition: 'silent', warning: 1800 });
  });

  it('says what is wrong with what was typed', () => {
    const draft = { ...newDraft({}, trans), warning: 'much', time: 'long', repeat: '1 week' };
    const { problems } = meaningOf(draft, trans);
    expect(problems).toEqual({
      warning: 'a number',
      time: 'a time such as 90s, 15m, 2h or 1d',
      repeat: 'a time such as 90s, 15m, 2h or 1d'
    });
    expect(meaningOf({ ...draft, warning: '', time: '', repeat: '' }, trans).problems).toEqual({
      warning: 'a threshold here, or for critical'
    });
  });

  it('takes a comma for a point', () => {
    const { spec } = meaningOf({ ...newDraft({}, trans), warning: '97,5' }, trans);
    expect(spec?.warning).toBe(97.5);
  });

  it('names a rule by what it watches where it was given no name', () => {
    const draft = newDraft({}, trans);
    const { spec } = meaningOf(draft, trans);
    expect(nameOf(draft, spec as RuleSpec, trans)).toBe('memory above 95 %, for 60 sec');
    expect(nameOf({ ...draft, name: ' mine ' }, spec as RuleSpec, trans)).toBe('mine');
  });

  it('copies a rule without the addresses that only the server knows', () => {
    const actions = [
      { kind: 'webhook', url: 'https://hooks.test/***ab12' },
      { kind: 'stop_task', url: '' }
    ] as const;
    const copy = copyOf(aRule({ spec: { actions: [...actions] } }), trans);
    expect(copy).toMatchObject({ uid: null, preset: '', name: 'GPU memory almost full (copy)' });
    expect(copy.actions).toEqual([{ kind: 'webhook', url: '' }, actions[1]]);
  });
});
