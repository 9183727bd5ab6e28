import { describe, expect, it } from 'vitest';

import { experiment } from '../testing/records';
import { endOf } from './Cut';
import type { Row } from './rows';
import { above, drawn, edges, ROW_HEIGHT, shiftOf } from './viewport';

const section = (key: string): Row => ({
  kind: 'section',
  key,
  level: 1,
  name: 'projects',
  isExpanded: true,
  total: 0
});
const run = (uid: string): Row => ({
  kind: 'experiment',
  key: `digits/${uid}`,
  level: 3,
  experiment: experiment(uid),
  showsProject: false,
  at: 1,
  of: 1
});
const runs = (from: number, to: number): Row[] =>
  Array.from({ length: to - from }, (_, at) => run(`r${from + at}`));
const placed = (rows: Row[]): { rows: Row[]; tops: number[] } => ({ rows, tops: edges(rows) });

describe('the rows that are drawn', () => {
  it('lie one below the other, sections a little apart', () => {
    expect(edges([section('a'), run('x'), section('b'), run('y')])).toEqual([0, 24, 56, 80, 104]);
  });

  it('are few of ten thousand, and the active one wherever it is', () => {
    const { tops } = placed(runs(0, 10_000));
    const seen = drawn(tops, { from: 5000 * ROW_HEIGHT, to: 5040 * ROW_HEIGHT }, 3);
    expect(seen[0]).toBe(3);
    expect(seen.slice(1)).toEqual(Array.from({ length: seen.length - 1 }, (_, at) => 4990 + at));
    expect(seen.length).toBeLessThan(70);
  });
});

describe('the place of what is read', () => {
  const old = placed(runs(10, 60));

  it('moves by what came above it, which is counted', () => {
    const now = placed([...runs(7, 60)]);
    expect(shiftOf(old, now, 20 * ROW_HEIGHT)).toEqual({ by: 3 * ROW_HEIGHT, came: ['r7', 'r8', 'r9'] });
  });

  it('holds on to the next row when the first in view goes', () => {
    const now = placed(old.rows.filter(row => row.key !== 'digits/r30'));
    expect(shiftOf(old, now, 20 * ROW_HEIGHT)).toEqual({ by: -ROW_HEIGHT, came: [] });
  });

  it('is not held at the top, where new rows slide in', () => {
    expect(shiftOf(old, placed(runs(7, 60)), 0)).toBeNull();
  });

  it('does not count what comes below', () => {
    expect(shiftOf(old, placed(runs(10, 90)), 20 * ROW_HEIGHT)).toEqual({ by: 0, came: [] });
  });
});

describe('what came above', () => {
  const { rows, tops } = placed(runs(0, 20));
  const fresh = new Set(['r1', 'r3']);

  it('is counted to the row, however little of the list is scrolled', () => {
    expect(above({ rows, tops }, 3 * ROW_HEIGHT + 1, fresh)).toEqual({ count: 2, top: ROW_HEIGHT });
    expect(above({ rows, tops }, 3 * ROW_HEIGHT, fresh)).toEqual({ count: 1, top: ROW_HEIGHT });
    expect(above({ rows, tops }, ROW_HEIGHT, fresh)).toEqual({ count: 0, top: 0 });
  });
});

describe('a long name', () => {
  it('keeps its end, without cutting a letter of several code points', () => {
    expect(endOf('resnet18 lr=0.003')).toBe('=0.003');
    expect(endOf('abcdefghijklm👩‍👩‍👧')).toBe('ijklm👩‍👩‍👧');
    expect(endOf('lora r64')).toBe('');
  });
});
