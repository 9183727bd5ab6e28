/** What rules can watch, with its unit, and the units in which people write numbers. */

import { duration, significant } from '../format';
import { locale } from '../locale';
import type { Trans } from '../i18n';
import type { RuleCondition, Subject } from '../records';

export interface Measure {
  /** As the server knows it. */
  readonly metric: string;
  readonly word: string;
  /** Shown behind the number; empty: a number without one. */
  readonly unit: string;
  /** How many of the server's units one shown unit is. */
  readonly factor: number;
  /** It happens or it does not: there is no threshold to choose. */
  readonly isEvent: boolean;
  /** Which side of the threshold is bad, usually, and a usual threshold in the shown unit. */
  readonly usual: { readonly condition: 'above' | 'below'; readonly at: number };
}

const GIB = 2 ** 30;

type Row = readonly [
  metric: string,
  word: string,
  unit: string,
  factor: number,
  condition: 'above' | 'below',
  at: number
];

function measure([metric, word, unit, factor, condition, at]: Row): Measure {
  return { metric, word, unit, factor, isEvent: false, usual: { condition, at } };
}

function event(metric: string, word: string): Measure {
  return { metric, word, unit: '', factor: 1, isEvent: true, usual: { condition: 'above', at: 0 } };
}

/** What a rule on this subject can watch, the most wanted first; an experiment's metrics have names of their own. */
export function measures(subject: Subject, trans: Trans): readonly Measure[] {
  switch (subject) {
    case 'gpu':
      return gpuMeasures(trans);
    case 'host':
      return hostMeasures(trans);
    default:
      return [];
  }
}

function gpuMeasures(trans: Trans): Measure[] {
  const rows: Row[] = [
    ['memory_share', trans.__('memory'), '%', 1, 'above', 95],
    ['utilization', trans.__('utilization'), '%', 1, 'below', 5],
    ['leased_idle', trans.__('idle share of a GPU that a task holds'), '%', 1, 'above', 95],
    ['temperature', trans.__('temperature'), '°C', 1, 'above', 85],
    ['temperature_margin', trans.__('temperature margin to slowdown'), '°C', 1, 'below', 5],
    ['power_share', trans.__('power (of its limit)'), '%', 1, 'above', 98],
    ['power', trans.__('power'), 'W', 1, 'above', 300],
    ['memory_used', trans.__('used memory'), 'GiB', GIB, 'above', 16]
  ];
  return [
    ...rows.map(measure),
    event('lost', trans.__('it is lost')),
    event('stalled', trans.__('its driver does not answer')),
    event('throttled', trans.__('it is slowed down by heat or power supply')),
    event('xid', trans.__('its driver reports a fault (XID)')),
    event('ecc_uncorrected', trans.__('memory errors that could not be corrected')),
    event('foreign_process', trans.__('a process from elsewhere is on a GPU that a task holds'))
  ];
}

function hostMeasures(trans: Trans): Measure[] {
  const rows: Row[] = [
    ['disk_share', trans.__('disk'), '%', 1, 'above', 90],
    ['memory_share', trans.__('main memory'), '%', 1, 'above', 95],
    ['cpu', trans.__('CPU'), '%', 1, 'above', 95],
    ['host_memory_used', trans.__('used main memory'), 'GiB', GIB, 'above', 16],
    ['disk_used', trans.__('used disk'), 'GiB', GIB, 'above', 100]
  ];
  return rows.map(measure);
}

/** What `metric` of `subject` is; one of an experiment, or one that is not known here, is a bare number. */
export function measureOf(subject: Subject, metric: string, trans: Trans): Measure {
  return (
    measures(subject, trans).find(one => one.metric === metric) ??
    measure([metric, metricWord(metric, trans), '', 1, 'above', 0])
  );
}

/** No name stands for the loss that lists show, an asterisk for every metric. */
function metricWord(metric: string, trans: Trans): string {
  const words: Readonly<Record<string, string>> = { '': trans.__('the loss'), '*': trans.__('a metric') };
  return words[metric] ?? metric;
}

/** In what the threshold of a condition is written. */
export type ThresholdKind = 'measure' | 'duration' | 'times' | 'none';

export function thresholdKind(condition: RuleCondition, isEvent: boolean): ThresholdKind {
  switch (condition) {
    case 'above':
    case 'below':
      return isEvent ? 'none' : 'measure';
    case 'silent':
    case 'waits':
      return 'duration';
    case 'diverges':
    case 'overdue':
      return 'times';
    default:
      return 'none';
  }
}

/** Whether the rule's time is counted in steps of the experiment. */
export function countsSteps(condition: RuleCondition): boolean {
  return condition === 'diverges' || condition === 'plateau';
}

/** `97 %`, `61.2 GiB`, `0.0314`; `value` in the server's unit. */
export function measureText({ unit, factor }: Measure, value: number | null): string {
  const number = value === null ? significant(value) : rounded(value / factor, unit);
  return unit === '' ? number : `${number} ${unit}`;
}

/** Shares, degrees and watts need no more than one decimal. */
function rounded(value: number, unit: string): string {
  return unit === '' ? significant(value) : significant(Number(value.toFixed(1)));
}

const SPANS: readonly [string, number][] = [
  ['day', 86400],
  ['hour', 3600],
  ['minute', 60],
  ['second', 1]
];

/** More of a unit is no number that one reads at a glance. */
const MOST_OF_A_UNIT = 120;

/** `60 sec`, `10 min`, `2 hr` as the locale writes them, where a unit divides it into few; else `4h 01m`. */
export function spanText(seconds: number): string {
  const [unit, size] = SPANS.find(([, size]) => seconds >= 2 * size && seconds % size === 0) ?? ['', 0];
  if (unit !== '' && (unit === 'day' || seconds <= MOST_OF_A_UNIT * size)) {
    return inUnit(unit, seconds / size);
  }
  return seconds < 60 ? inUnit('second', seconds) : duration(seconds);
}

function inUnit(unit: string, value: number): string {
  const format = new Intl.NumberFormat(locale(), { style: 'unit', unit, unitDisplay: 'short' });
  return format.format(Number(value.toPrecision(3)));
}
