// @vitest-environment node
import { readFileSync } from 'node:fs';

import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { describe as describeState, LIVE, STATES } from './status';

const SOURCE = readFileSync(new URL('../../aiplat_jupyter/core/states.py', import.meta.url), 'utf8');
const trans = nullTranslator.load('aiplat_jupyter');

describe('the table of states', () => {
  it('is that of core/states.py', () => {
    const rows = [...SOURCE.matchAll(/"(\w+)": State\("(.+?)", "(.+?)", "(.+?)"/g)];
    const theirs = new Map(rows.map(([, name, icon, en, zh]) => [name, { icon, en, zh }]));
    expect(theirs.size).toBeGreaterThan(5);
    expect(STATES).toEqual(Object.fromEntries(theirs));
  });

  it('calls the same states live', () => {
    const [, live = ''] = /LIVE: Final = frozenset\({(.+?)}\)/.exec(SOURCE) ?? [];
    expect(live.replaceAll('"', '').split(', ').sort()).toEqual([...LIVE].sort());
  });
});

describe('a state in words', () => {
  const row = { status: 'running' as const, cause: '', unreachable: false, stop_requested: false };

  it('tells when the machine is not heard of', () => {
    expect(describeState({ ...row, unreachable: true }, trans)).toMatchObject({
      icon: '?',
      word: 'unreachable'
    });
  });

  it('tells that a stop was asked for until it happened', () => {
    expect(describeState({ ...row, stop_requested: true }, trans).word).toBe('stopping');
    expect(describeState({ ...row, status: 'stopped', stop_requested: true }, trans).word).toBe('stopped');
  });
});
