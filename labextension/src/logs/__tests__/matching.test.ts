import { describe, expect, it } from 'vitest';

import { finder } from '../matching';

const find = (q: string, text: string, more = {}): unknown =>
  finder({ q, regex: false, case: false, ...more })?.(text) ?? null;

describe('marks', () => {
  it('are literal, without case, unless asked otherwise', () => {
    expect(find('a.B', 'xA.bA.b')).toEqual([
      [1, 4],
      [4, 7]
    ]);
    expect(find('a.B', 'xA.b', { case: true })).toEqual([]);
    expect(find('a.b', 'xAxB', { regex: true })).toEqual([[1, 4]]);
  });

  it('are not for expressions that this browser does not understand', () => {
    expect(find('(?P<x>a', 'a', { regex: true })).toBeNull();
    expect(find('', 'a')).toBeNull();
  });

  it.each([
    '(a+)+$',
    '(a|aa)+$',
    '(.*)\\1x',
    'a*a*a*a*a*b',
    '(a*)*b',
    '.*.*.*x',
    '.*.*x',
    '.*x',
    `${'a?'.repeat(30)}b`
  ])('never hang on %s', q => {
    const before = performance.now();
    find(q, `${'a'.repeat(5000)}!`, { regex: true });
    expect(performance.now() - before).toBeLessThan(200);
  });
});
