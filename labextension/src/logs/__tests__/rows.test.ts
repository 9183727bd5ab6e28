import { describe, expect, it } from 'vitest';

import { compose, MOST_ROWS, type Place } from '../composing';
import { Lines } from '../lines';
import { lastOf, rowFrom, rowUpTo, type Row, type Shelf } from '../rows';
import type { LogLine } from '../source';

const line = (number: number, more: Partial<LogLine> = {}): LogLine => ({
  number,
  offset: number * 10,
  text: `line ${number}`,
  ...more
});

const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

function known(from: number, to: number, numbers = range(from, to)): Lines {
  const lines = new Lines();
  lines.add(
    from,
    to,
    numbers.map(number => line(number))
  );
  return lines;
}

const shelf = (all: Lines, total: number, more: Partial<Shelf> = {}): Shelf => ({
  ...{ all, total, chosen: null, around: null, open: new Set<number>() },
  ...more
});

function forth(at: Shelf, number = 1): Row[] {
  const rows: Row[] = [];
  for (let row = rowFrom(at, number); row !== null; row = rowFrom(at, lastOf(row) + 1)) {
    rows.push(row);
    if (row.kind === 'blank' && row.of === 'chosen') {
      break;
    }
  }
  return rows;
}

function back(at: Shelf): Row[] {
  const rows: Row[] = [];
  for (let row = rowUpTo(at, at.total); row !== null; row = rowUpTo(at, row.number - 1)) {
    rows.unshift(row);
    if (row.kind === 'blank' && row.of === 'chosen') {
      break;
    }
  }
  return rows;
}

const told = (row: Row): string =>
  row.kind === 'line' ? `${row.number}` : row.kind === 'fold' ? `${row.number}-${row.to}` : `?${row.number}`;

describe('lines', () => {
  it('join where they meet, and newer ones replace older ones', () => {
    const lines = known(1, 4);
    lines.add(7, 9, [line(7), line(8)]);
    expect(lines.knows(5)).toBe(false);
    lines.add(3, 7, [line(3, { text: 'new' }), line(4), line(5), line(6)]);
    expect(lines.knownTo(1)).toBe(9);
    expect(lines.get(3)?.text).toBe('new');
    expect(lines.after(8)?.number).toBe(8);
  });

  it('of a level know that there is none between', () => {
    const lines = known(1, 100, [10, 50]);
    expect(lines.after(11)?.number).toBe(50);
    expect(lines.before(49)?.number).toBe(10);
    expect(lines.after(51)).toBeNull();
    expect(lines.knows(51)).toBe(true);
  });

  it('are forgotten far from the reader when they are many', () => {
    const lines = known(1, 30_001);
    lines.trim(15_000);
    expect([lines.knows(15_000), lines.knows(1), lines.knows(30_000)]).toEqual([true, false, false]);
    const few = known(1, 1000);
    few.trim(500_000);
    expect(few.knows(1)).toBe(true);
  });
});

describe('rows', () => {
  it('of unknown lines are blank, one for each', () => {
    expect(forth(shelf(known(3, 5), 6)).map(told)).toEqual(['?1', '?2', '3', '4', '?5', '?6']);
  });

  it('of a level end in one blank where the next is not known', () => {
    const chosen = known(1, 50, [5, 20]);
    const at = shelf(new Lines(), 100, { chosen });
    expect(forth(at).map(told)).toEqual(['5', '20', '?50']);
    chosen.add(50, 101, [line(70)]);
    expect(forth(at).map(told)).toEqual(['5', '20', '70']);
    expect(back(at).map(told)).toEqual(['5', '20', '70']);
  });

  it('fold a traceback but for six lines and its last, from either side', () => {
    const all = new Lines();
    all.add(1, 13, [line(1), ...range(2, 12).map(number => line(number, { group: 2 })), line(12)]);
    const rows = ['1', '2', '3', '4', '5', '6', '7', '8-10', '11', '12'];
    expect(forth(shelf(all, 12)).map(told)).toEqual(rows);
    expect(back(shelf(all, 12)).map(told)).toEqual(rows);
    expect(forth(shelf(all, 12, { open: new Set([2]) }))).toHaveLength(12);
  });

  it('do not fold a single line, nor a traceback that does not end', () => {
    const short = new Lines();
    short.add(
      1,
      9,
      range(1, 9).map(number => line(number, { group: 1 }))
    );
    expect(forth(shelf(short, 8)).map(told)).toEqual(range(1, 9).map(String));
    const endless = new Lines();
    endless.add(
      1,
      2001,
      range(1, 2001).map(number => line(number, { group: 1 }))
    );
    expect(forth(shelf(endless, 2000)).length).toBeGreaterThan(1400);
  });

  it('show the lines around those of a level, once each', () => {
    const all = known(1, 101);
    const chosen = known(1, 101, [20, 26, 90]);
    const rows = forth(shelf(all, 100, { chosen, around: 'chosen' }));
    expect(rows.map(({ number }) => number)).toEqual([...range(15, 32), ...range(85, 96)]);
    const own = rows.filter(row => row.kind === 'line' && !row.isContext);
    expect(own.map(({ number }) => number)).toEqual([20, 26, 90]);
    expect(back(shelf(all, 100, { chosen, around: 'chosen' }))).toEqual(rows);
  });

  it('show the lines around hits only', () => {
    const at = shelf(known(1, 101), 100, { chosen: known(1, 101, [20, 60]), around: [60] });
    expect(forth(at).map(({ number }) => number)).toEqual([20, ...range(55, 66)]);
  });
});

describe('composing', () => {
  const huge = shelf(new Lines(), 10_000_000);
  const at = (number: number, dy = 0): Place => ({ at: 'line', number, dy });

  it.each([at(1), at(9_999_999), at(5_000_000, -400), at(5_000_000, 2000), { at: 'end' } as const])(
    'fills the view from %o with few rows',
    place => {
      const { rows } = compose(huge, place, 1200, 18);
      expect(rows.length).toBeGreaterThanOrEqual(67);
      expect(rows.length).toBeLessThanOrEqual(MOST_ROWS);
      rows.slice(1).forEach((row, i) => expect(row.number).toBe(rows[i].number + 1));
    }
  );

  it('knows the first and the last row', () => {
    const short = shelf(known(1, 4), 3);
    expect(compose(short, { at: 'end' }, 400, 18)).toMatchObject({
      hasStart: true,
      hasEnd: true,
      anchor: -1
    });
    expect(compose(huge, at(500), 400, 18)).toMatchObject({ hasStart: false, hasEnd: false });
    expect(compose(huge, at(9_999_999), 400, 18)).toMatchObject({ hasEnd: true });
  });
});
