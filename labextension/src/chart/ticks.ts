/** Where an axis has its ticks (at most five) and how they read. */

import { timeSpan } from '../format';
import { locale } from '../i18n';
import type { Range } from './curves';
import { niceStep } from './ranges';

export type Scale = 'linear' | 'log' | 'duration' | 'time';

export const MOST_TICKS = 5;

const MINUTE = 60;
const HOUR = 3600;
const DAY = 86400;
const CLOCK_STEPS = [1, 2, 5, 10, 15, 30].flatMap(n => [n, n * MINUTE]);
const TIME_STEPS = [
  ...CLOCK_STEPS,
  ...[1, 2, 3, 6, 12].map(n => n * HOUR),
  ...[1, 2, 7, 14, 30, 90, 180, 365].map(n => n * DAY)
].sort((one, other) => one - other);

/** Tick positions within `range`; `whole` allows only integers. */
export function ticks(range: Range, scale: Scale, whole = false, most = MOST_TICKS): number[] {
  if (scale === 'log') {
    return logTicks(range, most);
  }
  const offset = scale === 'time' ? localOffset(range[0]) : 0;
  const least = Math.max((range[1] - range[0]) / most, whole ? 1 : 0);
  const step = stepOf(scale, least);
  const found = multiples(range, step, offset);
  return found.length <= most ? found : multiples(range, stepOf(scale, step * 1.01), offset);
}

/** The smallest step that is not below `least`: round, or on a clock where the axis is one. */
function stepOf(scale: Scale, least: number): number {
  if (scale === 'linear' || least < 1) {
    return niceStep(least);
  }
  return TIME_STEPS.find(one => one >= least) ?? niceStep(least / DAY) * DAY;
}

/** Seconds to add to UTC so that midnights fall on multiples of a day. */
function localOffset(time: number): number {
  return -new Date(time * 1000).getTimezoneOffset() * MINUTE;
}

function multiples([low, high]: Range, step: number, offset = 0): number[] {
  const found: number[] = [];
  const first = Math.ceil((low + offset) / step - 1e-9);
  for (let i = first; i * step - offset <= high + step * 1e-9; i++) {
    found.push(Number((i * step - offset).toPrecision(15)));
  }
  return found;
}

function logTicks(range: Range, most: number): number[] {
  const [low, high] = range;
  const first = Math.ceil(Math.log10(low) - 1e-9);
  const last = Math.floor(Math.log10(high) + 1e-9);
  const decades = last - first + 1;
  if (decades < 2) {
    const within = [1, 2, 5].flatMap(n => [Number(`${n}e${first - 1}`), Number(`${n}e${first}`)]);
    const inside = within.filter(tick => tick >= low && tick <= high).sort((one, other) => one - other);
    return inside.length >= 2 ? inside : multiples(range, niceStep((high - low) / most));
  }
  if (decades === 2 && most >= MOST_TICKS) {
    const halves = Array.from({ length: 4 }, (_, i) => first - 1 + i).flatMap(power => [
      Number(`1e${power}`),
      Number(`3e${power}`)
    ]);
    return halves.filter(tick => tick >= low && tick <= high).slice(0, most);
  }
  const stride = Math.ceil(decades / most);
  return Array.from({ length: Math.ceil(decades / stride) }, (_, i) => Number(`1e${first + i * stride}`));
}

/** The texts of `at`, all with the digits that tell neighbours apart. */
export function tickLabels(at: readonly number[], scale: Scale): string[] {
  if (scale === 'time') {
    return timeLabels(at);
  }
  if (scale === 'duration') {
    return at.map(seconds => durationLabel(seconds));
  }
  return scale === 'log' ? at.map(value => short(value)) : numberLabels(at);
}

function numberLabels(at: readonly number[]): string[] {
  const largest = Math.max(...at.map(Math.abs));
  const step = at.length > 1 ? Math.abs(at[1] - at[0]) : largest;
  if (largest !== 0 && (step < 1e-5 || largest >= 1e15)) {
    return at.map(value => (value === 0 ? '0' : exponential(value)));
  }
  const digits = Math.max(0, Math.min(10, -Math.floor(Math.log10(step || 1) + 1e-9)));
  const compact = new Intl.NumberFormat(locale(), { notation: 'compact', maximumFractionDigits: 2 });
  const full = new Intl.NumberFormat(locale(), {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits
  });
  const texts = at.map(value => (largest >= 1e4 ? compact : full).format(value));
  return new Set(texts).size === texts.length ? texts : at.map(value => full.format(value));
}

function short(value: number): string {
  return value >= 1e-3 && value < 1e5
    ? new Intl.NumberFormat(locale(), { maximumSignificantDigits: 3 }).format(value)
    : exponential(value);
}

function exponential(value: number): string {
  return Number(value.toPrecision(4)).toExponential().replace('e+', 'e');
}

function durationLabel(seconds: number): string {
  const sign = seconds < 0 ? '−' : '';
  const rest = Math.abs(seconds);
  if (rest < MINUTE) {
    return sign + timeSpan([Number(rest.toPrecision(3)), 's']);
  }
  const [large, one, small, other] =
    rest < HOUR
      ? ([MINUTE, 'm', 1, 's'] as const)
      : rest < DAY
        ? ([HOUR, 'h', MINUTE, 'm'] as const)
        : ([DAY, 'd', HOUR, 'h'] as const);
  const major = [Math.floor(rest / large), one] as const;
  const minor = Math.round((rest % large) / small);
  return sign + (minor > 0 ? timeSpan(major, [minor, other]) : timeSpan(major));
}

function timeLabels(at: readonly number[]): string[] {
  const step = at.length > 1 ? at[1] - at[0] : HOUR;
  const day: Intl.DateTimeFormatOptions = { month: 'short', day: 'numeric' };
  const clock: Intl.DateTimeFormatOptions = {
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    ...(step < MINUTE ? { second: '2-digit' } : {}),
    ...(step < 1 ? { fractionalSecondDigits: step < 0.1 ? 2 : 1 } : {})
  };
  const crossesDays =
    at.length > 0 && new Date(at[0] * 1000).getDate() !== new Date(at[at.length - 1] * 1000).getDate();
  const parts = step >= DAY ? day : crossesDays ? { ...day, ...clock } : clock;
  const format = new Intl.DateTimeFormat(locale(), parts);
  return at.map(time => format.format(new Date(time * 1000)));
}
