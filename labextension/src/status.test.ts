// @vitest-environment node
import { readFileSync } from 'node:fs';

import { nullTranslator } from '@jupyterlab/translation';
import { describe, expect, it } from 'vitest';

import { describe as describeState, LIVE, STATES } from './status';
import {
  describeTask,
  isLiveTask,
  REASONS,
  reasonText,
  TASK_ENDED,
  TASK_LIVE,
  TASK_STATES
} from './taskStatus';

const SOURCE = readFileSync(new URL('../../aiplat_jupyter/core/states.py', import.meta.url), 'utf8');
const trans = nullTranslator.load('aiplat_jupyter');

function tableOf(name: string): object {
  const [, table = ''] = new RegExp(`^${name}: Final.*?= {$(.+?)^}$`, 'ms').exec(SOURCE) ?? [];
  const rows = [...table.matchAll(/"(\w+)": State\("(.+?)", "(.+?)", "(.+?)"/g)];
  return Object.fromEntries(rows.map(([, name, icon, en, zh]) => [name, { icon, en, zh }]));
}

describe('the tables of states', () => {
  it('are those of core/states.py', () => {
    expect(Object.keys(STATES)).toHaveLength(7);
    expect(STATES).toEqual(tableOf('EXPERIMENT'));
    expect(Object.keys(TASK_STATES)).toHaveLength(9);
    expect(TASK_STATES).toEqual(tableOf('TASK'));
  });

  it('give the same reasons', () => {
    const rows = [...SOURCE.matchAll(/"(\w*)": Reason\("(.*?)", "(.*?)"\)/g)];
    const put = (text = ''): string => text.replace('{detail}', '%1');
    const theirs = rows.map(([, name, en, zh]) => [name, { en: put(en), zh: put(zh) }]);
    expect(theirs.length).toBeGreaterThan(10);
    expect(REASONS).toEqual(Object.fromEntries(theirs));
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

describe('a task in words', () => {
  const row = {
    state: 'running' as const,
    reason: '' as const,
    detail: '',
    unreachable: false,
    stop_requested: false,
    machine: 'box'
  };

  it('tells why it waits, and how it ended', () => {
    expect(reasonText({ reason: 'after', detail: 'prepare' }, trans)).toBe('after prepare');
    expect(reasonText({ reason: 'exit', detail: '7' }, trans)).toBe('exit code 7');
    expect(reasonText(row, trans)).toBe('');
  });

  it('tells that its machine is silent, or that it is being stopped', () => {
    expect(describeTask({ ...row, unreachable: true }, trans)).toMatchObject({
      icon: '?',
      word: 'unreachable'
    });
    expect(describeTask({ ...row, stop_requested: true }, trans).word).toBe('stopping');
  });

  it('is live until it has ended', () => {
    expect([...TASK_LIVE, ...TASK_ENDED].sort()).toEqual(Object.keys(TASK_STATES).sort());
    expect(TASK_ENDED.some(isLiveTask)).toBe(false);
  });
});
