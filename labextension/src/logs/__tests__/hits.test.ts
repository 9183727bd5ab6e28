import { describe, expect, it } from 'vitest';

import { Hits } from '../hits';

/** Of 100 hits, in lines 10, 20 … 1000, those around line 500. */
const window = new Hits(500)
  .and({ lines: [500, 510, 520], count: 100, before: null })
  .and({ lines: [480, 490], count: 100, before: 49 });

describe('some of very many hits', () => {
  it('are in order and know which of all they are', () => {
    expect(window.lines).toEqual([480, 490, 500, 510, 520]);
    expect(window.rank(480)).toBe(48);
    expect(window.rank(500)).toBe(50);
    expect(window.rank(505)).toBeNull();
    expect([window.has(490), window.has(495)]).toEqual([true, false]);
  });

  it('lead from one to the next, and beyond what is known', () => {
    expect(window.step(1, 501)).toEqual({ line: 510, isRound: false });
    expect(window.step(-1, 499)).toEqual({ line: 490, isRound: false });
    expect(window.step(1, 521)).toEqual({ beyond: 521, isRound: false });
    expect(window.step(-1, 479)).toEqual({ beyond: 479, isRound: false });
  });

  it('are no answer for a reader who is elsewhere', () => {
    expect(window.step(1, 100)).toEqual({ beyond: 100, isRound: false });
    expect(window.step(-1, 900)).toEqual({ beyond: 900, isRound: false });
  });
});

describe('the first or the last of very many hits', () => {
  it('go round to the ones that are not known', () => {
    const last = new Hits(1000)
      .and({ lines: [1000], count: 100, before: null })
      .and({ lines: [980, 990], count: 100, before: 99 });
    expect(last.step(1, 1001)).toEqual({ beyond: 1, isRound: true });
    const first = new Hits(1).and({ lines: [10, 20], count: 100, before: 0 });
    const back = first.step(-1, 9);
    expect(back).toMatchObject({ isRound: true });
    expect(back !== null && 'beyond' in back && back.beyond > 10 ** 12).toBe(true);
  });
});

describe('all hits', () => {
  it('go round at both ends', () => {
    const all = new Hits(15)
      .and({ lines: [20, 30], count: 3, before: null })
      .and({ lines: [10], count: 3, before: 1 });
    expect(all.step(1, 31)).toEqual({ line: 10, isRound: true });
    expect(all.step(-1, 9)).toEqual({ line: 30, isRound: true });
    expect(all.step(1, 25)).toEqual({ line: 30, isRound: false });
    expect(new Hits(1).step(1, 1)).toBeNull();
  });

  it('have no number while it is not known how many come before', () => {
    const running = new Hits(15).and({ lines: [20, 30], count: 2, before: null });
    expect(running.rank(20)).toBeNull();
    expect(running.step(1, 31)).toEqual({ line: 20, isRound: true });
  });
});
