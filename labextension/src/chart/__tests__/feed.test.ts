import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

import { ApiError } from '../../errors';
import type { CurveAnswer, CurveQuery } from '../../records';
import { curve, points } from '../../testing/curves';
import { CurveFeed } from '../feed';

const QUERY: CurveQuery = { experiments: ['a'], metrics: ['loss'], width: 100 };
const WHOLE: CurveAnswer = { curves: [curve(points([1, 10], [2, 20]))], cursor: 'c1' };

let asked: CurveQuery[];
let answer: (query: CurveQuery, signal: AbortSignal) => Promise<CurveAnswer>;
let feed: CurveFeed;

beforeEach(() => {
  vi.useFakeTimers();
  asked = [];
  answer = () => Promise.resolve(WHOLE);
  feed = new CurveFeed((query, signal) => {
    asked.push(query);
    return answer(query, signal);
  });
});

afterEach(() => {
  feed.dispose();
  vi.useRealTimers();
});

const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
const values = (): unknown => feed.state.curves?.map(({ columns }) => columns.mean);

describe('CurveFeed', () => {
  it('asks once for the whole, then for what changed since', async () => {
    feed.show(QUERY);
    await pass(0);
    expect(asked).toEqual([QUERY]);
    expect(feed.state).toMatchObject({ asking: false, query: QUERY, error: null });
    const delta = curve(points([2, 21], [3, 30]), { from_x: 2 });
    answer = () => Promise.resolve({ curves: [delta], cursor: 'c2' });
    feed.touch();
    await pass(300);
    expect(asked[1]).toEqual({ ...QUERY, cursor: 'c1' });
    expect(values()).toEqual([[10, 21, 30]]);
  });

  it('asks no more than four times a second, and not at all without news', async () => {
    feed.show(QUERY);
    for (let i = 0; i < 200; i++) {
      feed.touch();
      await pass(10);
    }
    expect(asked.length).toBeGreaterThanOrEqual(7);
    expect(asked.length).toBeLessThanOrEqual(10);
    await pass(400);
    const { length } = asked;
    await pass(10_000);
    expect(asked.length).toBe(length);
  });

  it('shows the old curves until the new answer is there, and only the last of many questions', async () => {
    feed.show(QUERY);
    await pass(0);
    for (let weight = 0; weight < 1; weight += 0.1) {
      feed.show({ ...QUERY, smoothing: 'ema', weight });
      await pass(10);
    }
    expect(feed.state).toMatchObject({ asking: true, query: QUERY });
    expect(values()).toEqual([[10, 20]]);
    await pass(100);
    expect(asked.length).toBe(2);
    expect(asked[1].weight).toBeCloseTo(1);
  });

  it('drops an answer that comes after another question', async () => {
    let resolve: (late: CurveAnswer) => void = () => undefined;
    answer = () => new Promise(done => (resolve = done));
    feed.show(QUERY);
    await pass(0);
    answer = () => Promise.resolve({ curves: [curve(points([5, 50]))], cursor: 'new' });
    feed.show({ ...QUERY, width: 200 });
    await pass(100);
    resolve(WHOLE);
    await pass(0);
    expect(values()).toEqual([[50]]);
  });

  it('keeps the curves when the server goes, says why, and finds it again by itself', async () => {
    feed.show(QUERY);
    await pass(0);
    answer = () => Promise.reject(new ApiError({ code: 'unreachable', status: 0, detail: 'gone' }));
    feed.touch();
    await pass(300);
    expect(feed.state.error?.code).toBe('unreachable');
    expect(values()).toEqual([[10, 20]]);
    answer = () => Promise.resolve(WHOLE);
    await pass(1000);
    expect(feed.state.error).toBeNull();
    expect(asked[asked.length - 1]).toEqual(QUERY);
  });

  it('leaves a failure that will not pass to the reader', async () => {
    answer = () => Promise.reject(new ApiError({ code: 'invalid_input', status: 400, detail: 'no' }));
    feed.show(QUERY);
    await pass(60_000);
    expect(asked.length).toBe(1);
    answer = () => Promise.resolve(WHOLE);
    feed.retry();
    await pass(0);
    expect(values()).toEqual([[10, 20]]);
  });

  it('asks for the whole when a cursor is refused', async () => {
    feed.show(QUERY);
    await pass(0);
    answer = query =>
      query.cursor
        ? Promise.reject(new ApiError({ code: 'invalid_input', status: 400, detail: 'cursor' }))
        : Promise.resolve({ curves: [curve(points([7, 70]))], cursor: 'c3' });
    feed.touch();
    await pass(600);
    expect(values()).toEqual([[70]]);
    expect(feed.state.error).toBeNull();
  });

  it('is quiet while nobody looks, and catches up', async () => {
    feed.show(QUERY);
    await pass(0);
    feed.pause(true);
    feed.touch();
    await pass(5000);
    expect(asked.length).toBe(1);
    feed.pause(false);
    await pass(0);
    expect(asked.length).toBe(2);
  });

  it('does nothing after its end', async () => {
    feed.show(QUERY);
    feed.dispose();
    await pass(5000);
    expect(asked.length).toBe(0);
  });
});
