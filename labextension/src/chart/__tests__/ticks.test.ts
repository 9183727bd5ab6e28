import { describe, expect, it } from 'vitest';

import { MOST_TICKS, tickLabels, ticks, type Scale } from '../ticks';

describe('ticks', () => {
  it('are round numbers', () => {
    expect(ticks([0, 1], 'linear')).toEqual([0, 0.5, 1]);
    expect(ticks([0.01, 1], 'linear')).toEqual([0.2, 0.4, 0.6, 0.8, 1]);
    expect(ticks([0.03, 2.31], 'linear')).toEqual([0.5, 1, 1.5, 2]);
  });

  it('are whole where the axis is', () => {
    expect(ticks([3, 5], 'linear', true)).toEqual([3, 4, 5]);
  });

  it('are decades, thinned out', () => {
    expect(ticks([0.0009, 1100], 'log')).toEqual([1e-3, 0.1, 10, 1000]);
    expect(ticks([0.05, 3], 'log')).toEqual([0.1, 0.3, 1, 3]);
  });

  it('are values within one decade', () => {
    expect(ticks([2, 8], 'log')).toEqual([2, 5]);
    expect(ticks([3.1, 3.4], 'log').length).toBeGreaterThan(1);
  });

  it('are times of the clock', () => {
    expect(ticks([0, 7200], 'duration')).toEqual([0, 1800, 3600, 5400, 7200]);
  });

  it.each(['linear', 'log', 'duration', 'time'] as Scale[])('are never many: %s', scale => {
    for (let i = 1; i < 400; i++) {
      const low = scale === 'time' ? 1.7e9 : 10 ** ((i % 17) - 8);
      const found = ticks([low, low * (1 + i / 7)], scale);
      expect(found.length).toBeLessThanOrEqual(MOST_TICKS);
    }
  });
});

describe('tickLabels', () => {
  it('have the digits that tell them apart', () => {
    expect(tickLabels([0, 0.2, 0.4], 'linear')).toEqual(['0.0', '0.2', '0.4']);
    expect(tickLabels([0, 50000, 100000], 'linear')).toEqual(['0', '50K', '100K']);
    expect(tickLabels([123456, 123457], 'linear')).toEqual(['123,456', '123,457']);
    expect(tickLabels([1e-7, 2e-7], 'linear')).toEqual(['1e-7', '2e-7']);
  });

  it('are short on a log axis', () => {
    expect(tickLabels([1e-6, 0.01, 1], 'log')).toEqual(['1e-6', '0.01', '1']);
  });

  it('are durations', () => {
    expect(tickLabels([0, 30, 1800, 5400, 90000], 'duration')).toEqual([
      '0s',
      '30s',
      '30m',
      '1h 30m',
      '1d 1h'
    ]);
  });

  it('are durations in the language of the page', () => {
    document.documentElement.lang = 'zh-CN';
    expect(tickLabels([30, 1800, 5400], 'duration')).toEqual(['30秒', '30分', '1小时30分']);
    document.documentElement.lang = '';
  });

  it('are times, with the day where it changes', () => {
    const at = new Date(2026, 0, 31, 22, 0).getTime() / 1000;
    expect(tickLabels([at, at + 1800], 'time')).toEqual(['22:00', '22:30']);
    expect(tickLabels([at, at + 0.5], 'time')).toEqual(['22:00:00.0', '22:00:00.5']);
    expect(tickLabels([at, at + 4 * 3600], 'time')[1]).toContain('Feb');
  });
});
