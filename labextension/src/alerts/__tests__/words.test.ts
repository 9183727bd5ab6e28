import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import type { Alert, RuleSpec } from '../../records';
import { aRule, aSpec, anAlert, aTarget } from '../../testing/alerts';
import { alertLine, alertText, conditionText, failedDeliveries, ruleName, scopeText } from '../words';

const trans = nullTranslator.load('aiplat_jupyter');

const SAID: readonly [Partial<Alert>, string][] = [
  [{}, 'memory at 97 % for 60 sec (limit 95 %)'],
  [{ value: 97.26, for_s: 0 }, 'memory at 97.3 % (limit 95 %)'],
  [{ value: null }, 'memory: no data for 60 sec (limit 95 %)'],
  [
    { metric: 'memory_used', value: 64 * 2 ** 30, threshold: 60 * 2 ** 30, for_s: 0 },
    'used memory at 64 GiB (limit 60 GiB)'
  ],
  [
    { metric: 'leased_idle', value: 98, threshold: 95, for_s: 600 },
    'utilization at 2 % while a task holds it for 10 min (limit 5 %)'
  ],
  [{ metric: 'lost', value: 1, threshold: 0, for_s: 0 }, 'lost: it no longer answers on its bus'],
  [
    { metric: 'throttled', value: 1, threshold: 0, for_s: 30 },
    'slowed down by heat or power supply for 30 sec'
  ],
  [{ metric: 'xid', value: 79, threshold: 0, for_s: 0 }, 'the driver reports fault XID 79'],
  [{ metric: 'ecc_uncorrected', value: 3, threshold: 0, for_s: 0 }, '3 memory errors could not be corrected'],
  [{ subject: 'host', metric: 'disk_share', value: 96, for_s: 0 }, 'disk at 96 % (limit 95 %)'],
  [
    {
      subject: 'experiment',
      metric: 'loss',
      condition: 'not_finite',
      value: null,
      text: 'nan',
      step: 1204,
      for_s: 0
    },
    'loss is NaN at step 1,204'
  ],
  [
    { subject: 'experiment', metric: 'loss', condition: 'diverges', value: 4.21, threshold: 3, for_s: 50 },
    'loss is 4.21 times as bad as its best (limit 3)'
  ],
  [
    { subject: 'experiment', metric: 'loss', condition: 'plateau', value: 10_000, threshold: null },
    'loss no better for 10,000 steps'
  ],
  [
    { subject: 'experiment', metric: '', condition: 'silent', value: 1800, threshold: 1800, for_s: 0 },
    'no new point of the loss for 30 min'
  ],
  [{ subject: 'task', metric: '', condition: 'failed', value: 1, threshold: 0 }, 'failed'],
  [
    { subject: 'task', metric: '', condition: 'waits', value: 14_460, threshold: 14_400 },
    'has been waiting for 4h 01m'
  ],
  [
    { subject: 'task', metric: '', condition: 'overdue', value: 2.5, threshold: 2 },
    'runs 2.5 times as long as before'
  ],
  [{ title: 'Loss is odd', condition: null, count: 3, rule: null }, 'Loss is odd ×3']
];

describe('what alerts say', () => {
  it.each(SAID)('%o', (change, text) => {
    expect(alertText(anAlert(change), trans)).toBe(text);
  });

  it('names whom it is about', () => {
    expect(alertLine(anAlert({ target: aTarget({ label: 'GPU 0' }) }), trans)).toBe(
      'GPU 0: memory at 97 % for 60 sec (limit 95 %)'
    );
  });

  it('tells why an action was not done', () => {
    const done = { kind: 'webhook', at: 1, tries: 3 } as const;
    const deliveries = [
      { ...done, problem: 'HTTP 500' },
      { ...done, problem: '' }
    ];
    expect(failedDeliveries(anAlert({ deliveries }), trans)).toBe('Webhook failed: HTTP 500');
  });
});

const WAITED_FOR: readonly [Partial<RuleSpec>, string][] = [
  [{}, 'memory above 95 %, for 60 sec'],
  [{ critical: 98, for_s: 0 }, 'memory above 95 %, critical 98 %'],
  [{ metric: 'lost', warning: null, critical: 0, for_s: 0 }, 'it is lost'],
  [
    { metric: 'utilization', condition: 'below', warning: 20, for_s: 1800 },
    'utilization below 20 %, for 30 min'
  ],
  [
    { subject: 'experiment', metric: 'loss', condition: 'diverges', warning: 3, for_s: 50 },
    'loss more than 3 times as bad as its best for 50 steps'
  ],
  [
    { subject: 'task', metric: '', condition: 'waits', warning: 14_400, for_s: 0 },
    'waits for more than 4 hr'
  ],
  [
    { subject: 'task', metric: '', condition: 'overdue', warning: 2, for_s: 0 },
    'runs 2 times as long as its runs before'
  ]
];

describe('what rules wait for', () => {
  it.each(WAITED_FOR)('%o', (change, text) => {
    expect(conditionText(aSpec(change), trans)).toBe(text);
  });

  it('says whom a rule watches', () => {
    const { scope } = aSpec();
    expect(scopeText(aSpec(), trans)).toBe('every GPU');
    expect(scopeText(aSpec({ scope: { ...scope, gpus: ['a', 'b'], agents: ['c'] } }), trans)).toBe(
      '2 GPU, 1 machine'
    );
  });

  it('calls a default rule as the table does, and others as they are called', () => {
    expect(ruleName(aRule({ name: 'anything' }), trans)).toBe('GPU memory almost full');
    expect(ruleName(aRule({ preset: '', name: '<b>mine</b>' }), trans)).toBe('<b>mine</b>');
    expect(ruleName(aRule({ preset: 'of-a-later-version', name: 'New one' }), trans)).toBe('New one');
  });
});
