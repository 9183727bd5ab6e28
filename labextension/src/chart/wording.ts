/** What a chart says in words. */

import { count, duration, exactTime, significant, timeSpan } from '../format';
import type { Trans } from '../i18n';
import type { Curve, Smoothing } from '../records';
import type { Census, Range } from './curves';
import type { Reading } from './readout';
import type { XKind } from './view';

/** The unit of the x axis. */
export function xWord(kind: XKind, trans: Trans): string {
  switch (kind) {
    case 'step':
      return trans.__('step');
    case 'metric:epoch':
      return trans.__('epoch');
    case 'relative':
      return trans.__('time since start');
    case 'wall':
      return trans.__('time');
    default:
      return kind.slice('metric:'.length);
  }
}

/** A place on the x axis. */
export function xText(x: number, kind: XKind): string {
  switch (kind) {
    case 'step':
      return count(Math.round(x));
    case 'relative':
      return x < 60 ? timeSpan([Number(x.toPrecision(3)), 's']) : duration(x);
    case 'wall':
      return exactTime(x);
    default:
      return significant(x);
  }
}

export function smoothingWord(smoothing: Smoothing, trans: Trans): string {
  switch (smoothing) {
    case 'none':
      return trans.__('no smoothing');
    case 'twema':
      return trans.__('TWEMA');
    case 'ema':
      return trans.__('EMA');
    case 'gaussian':
      return trans.__('Gaussian');
    case 'mean':
      return trans.__('running mean');
  }
}

/** `n 2,000 of 1,240,113, 12 NaN`. */
export function censusText({ shown, total, nan, infinite }: Census, trans: Trans): string {
  const points =
    shown < total ? trans.__('n %1 of %2', count(shown), count(total)) : trans.__('n %1', count(total));
  return [
    points,
    ...(nan > 0 ? [trans.__('%1 NaN', count(nan))] : []),
    ...(infinite > 0 ? [trans.__('%1 ±∞', count(infinite))] : [])
  ].join(', ');
}

/** The value that is read: a number, `NaN` or `∞`. */
export function readingText({ drawn, posinf, neginf }: Reading): string {
  if (drawn !== null) {
    return significant(drawn);
  }
  return posinf > 0 ? significant(Infinity) : neginf > 0 ? significant(-Infinity) : significant(null);
}

/** What a bucket holds besides its value: the raw value under a smoothed one, the range, how many points. */
export function readingDetail(reading: Reading, trans: Trans): string {
  const { curve, mean, drawn, min, max, nan } = reading;
  const isSmooth = curve.columns.smooth.length > 0 && mean !== null && mean !== drawn;
  return [
    ...(isSmooth ? [trans.__('raw %1', significant(mean))] : []),
    ...(reading.count > 1 && min !== null && max !== null
      ? [`${significant(min)} – ${significant(max)}`]
      : []),
    ...(reading.count > 1 ? [trans.__('n %1', count(reading.count))] : []),
    ...(nan > 0 && reading.count > 1 ? [trans.__('%1 NaN', count(nan))] : [])
  ].join(' · ');
}

/** One sentence for those who do not see the chart. */
export function summaryText(
  title: string,
  curves: readonly Curve[],
  range: Range | null,
  kind: XKind,
  name: (curve: Curve) => string,
  trans: Trans
): string {
  if (range === null || curves.length === 0) {
    return trans.__('%1: no points', title);
  }
  const where = trans.__(
    '%1 from %2 to %3',
    xWord(kind, trans),
    xText(range[0], kind),
    xText(range[1], kind)
  );
  const lines = curves.slice(0, 3).map(curve => {
    const { last, min } = curve.summary;
    return trans.__('%1: last %2, lowest %3', name(curve), significant(last), significant(min));
  });
  const rest = curves.length > 3 ? [trans.__('and %1 more', curves.length - 3)] : [];
  return [title, where, ...lines, ...rest].join('; ');
}
