import { afterEach, describe, expect, it } from 'vitest';

import { bytes, count, duration, relative, shortAge, significant } from './format';

afterEach(() => {
  document.documentElement.lang = '';
});

describe('significant', () => {
  it.each([
    [0.031416, '0.03142'],
    [0.0314, '0.0314'],
    [1.2e-6, '1.2e-6'],
    [-1.23456e-9, '-1.235e-9'],
    [1.2044, '1.204'],
    [123456.7, '123500'],
    [1.5e9, '1.5e9'],
    [1e9, '1e9'],
    [9000, '9,000'],
    [0, '0'],
    [Infinity, '∞'],
    [-Infinity, '−∞'],
    [null, 'NaN'],
    [NaN, 'NaN']
  ])('%s is %s', (value, text) => {
    expect(significant(value)).toBe(text);
  });
});

describe('times', () => {
  it.each([
    [0, '0s'],
    [59.9, '59s'],
    [309, '5m 09s'],
    [7500, '2h 05m'],
    [3 * 86400 + 4 * 3600, '3d 4h'],
    [-5, '0s']
  ])('%s seconds last %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it.each([
    [59.9, '59秒'],
    [309, '5分09秒'],
    [7500, '2小时05分'],
    [3 * 86400 + 4 * 3600, '3天4小时']
  ])('%s seconds last %s in Chinese', (seconds, text) => {
    document.documentElement.lang = 'zh-CN';
    expect(duration(seconds)).toBe(text);
  });

  it('are relative in the language of Lab', () => {
    expect(relative(1000, 'long', 1180)).toBe('3 minutes ago');
    expect(shortAge(0, 2 * 86400 + 5)).toBe('2d');
    document.documentElement.lang = 'zh-CN';
    expect(relative(1000, 'long', 1180)).toBe('3分钟前');
    expect(shortAge(0, 2 * 86400 + 5)).toBe('2天');
  });

  it('have a word for just now, also when clocks disagree', () => {
    expect(shortAge(100, 130)).toBe('now');
    expect(shortAge(500, 130)).toBe('now');
  });

  it('have no two units of one letter', () => {
    expect(shortAge(0, 40 * 86400)).toBe('5w');
    expect(shortAge(0, 400 * 86400)).toBe('1y');
  });
});

describe('sizes', () => {
  it.each([
    [812, '812 B'],
    [1_440_000, '1.4 MB'],
    [999_950_000, '1,000 MB'],
    [2_100_000_000, '2.1 GB']
  ])('%s is %s', (size, text) => {
    expect(bytes(size)).toBe(text);
  });

  it('counts are grouped', () => {
    expect(count(1_240_113)).toBe('1,240,113');
  });
});
