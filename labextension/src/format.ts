/** Numbers and times as people read them, in the locale that Lab shows. */

import { locale } from './locale';

/** Four significant digits (`0.03142`, `1.2e-6`); whole numbers are grouped; null is NaN. */
export function significant(value: number | null): string {
  if (value === null || Number.isNaN(value)) {
    return 'NaN';
  }
  if (!Number.isFinite(value)) {
    return value > 0 ? '∞' : '−∞';
  }
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) {
    return value
      .toExponential(3)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  }
  return Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(4)));
}

/** A count, grouped as the reader's locale does. */
export function count(value: number): string {
  return value.toLocaleString(locale());
}

type TimeUnit = 'd' | 'h' | 'm' | 's';

const CHINESE_UNITS: Readonly<Record<TimeUnit, string>> = { d: '天', h: '小时', m: '分', s: '秒' };

/** Numbers with their units of time, as the reader's language writes them: `2h 05m`, `2小时05分`. */
export function timeSpan(...parts: readonly (readonly [value: number | string, unit: TimeUnit])[]): string {
  return locale().startsWith('zh')
    ? parts.map(([value, unit]) => `${value}${CHINESE_UNITS[unit]}`).join('')
    : parts.map(([value, unit]) => `${value}${unit}`).join(' ');
}

/** `12s`, `5m 09s`, `2h 05m` or `3d 4h`; in Chinese `12秒`, `5分09秒`, `2小时05分` or `3天4小时`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const two = (value: number): string => String(value).padStart(2, '0');
  if (days > 0) {
    return timeSpan([days, 'd'], [hours, 'h']);
  }
  if (hours > 0) {
    return timeSpan([hours, 'h'], [two(minutes), 'm']);
  }
  return minutes > 0 ? timeSpan([minutes, 'm'], [two(whole % 60), 's']) : timeSpan([whole, 's']);
}

const UNITS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ['year', 365 * 86400],
  ['month', 30 * 86400],
  ['week', 7 * 86400],
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1]
];

/** `3 min. ago`; `at` and `now` in seconds since 1970. `style` as of `Intl.RelativeTimeFormat`. */
export function relative(
  at: number,
  style: Intl.RelativeTimeFormatStyle = 'short',
  now: number = Date.now() / 1000
): string {
  const passed = Math.max(0, now - at);
  const [unit, size] = UNITS.find(([, seconds]) => passed >= seconds) ?? (['second', 1] as const);
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style }).format(
    -Math.floor(passed / size),
    unit
  );
}

/** How long until something, in its largest unit: `in 5 hr.`. */
export function ahead(at: number, now: number): string {
  const left = Math.max(0, at - now);
  const [unit, size] = UNITS.find(([, seconds]) => left >= seconds) ?? (['second', 1] as const);
  const form = new Intl.RelativeTimeFormat(locale(), { numeric: 'always', style: 'short' });
  return form.format(Math.floor(left / size), unit);
}

/** Without months, whose short form is that of minutes. */
const SHORT_UNITS = ['year', 'week', 'day', 'hour', 'minute', 'second'];

/** How long ago as one number and its unit: `2d`, `3m`; less than a minute is `now`, in the locale's word. */
export function shortAge(at: number, now: number): string {
  return now - at < 60
    ? new Intl.RelativeTimeFormat(locale(), { numeric: 'auto' }).format(0, 'second')
    : shortDuration(now - at);
}

/** The largest unit of a duration alone: `12s`, `5m`, `2h`, `3d`, in the locale's own letters. */
export function shortDuration(seconds: number): string {
  const passed = Math.max(0, seconds);
  const fitting = UNITS.find(([name, size]) => SHORT_UNITS.includes(name) && passed >= size);
  const [unit, size] = fitting ?? (['second', 1] as const);
  const format = new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'narrow' });
  return format.format(Math.floor(passed / size));
}

/** Date and time to the second; `at` in seconds since 1970. */
export function exactTime(at: number): string {
  return new Date(at * 1000).toLocaleString(locale(), { dateStyle: 'medium', timeStyle: 'medium' });
}

/** The time of the day to the second; `at` in seconds since 1970. */
export function clockTime(at: number): string {
  return new Date(at * 1000).toLocaleTimeString(locale(), { timeStyle: 'medium' });
}

/** `812 B`, `1.4 MB`, `2.1 GB`. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = size;
  let at = 0;
  while (value >= 1000 && at < units.length - 1) {
    value /= 1000;
    at += 1;
  }
  const digits = at === 0 || value >= 100 ? 0 : 1;
  return `${value.toLocaleString(locale(), { maximumFractionDigits: digits })} ${units[at] ?? ''}`;
}
