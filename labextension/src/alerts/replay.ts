/** A replayed rule as a chart draws it: one curve a target, thresholds behind them, and when it would have fired. */

import type { Backdrop } from '../chart/paint';
import { points } from '../chart/points';
import type { AlertTarget, Curve, Replayed, RuleReplay, RuleSpec, Severity } from '../records';
import type { Trans } from '../i18n';
import { measureOf, thresholdKind } from './measures';

/** Colours of severities, as the theme has them at a place of the page. */
export type Colours = Readonly<Record<Severity, string>>;

export function curvesOf(replay: RuleReplay, spec: RuleSpec, trans: Trans): Curve[] {
  const factor = factorOf(spec, trans);
  const named = replay.targets.filter(({ x }) => x.length > 0);
  return named.map(replayed => curveOf(replayed, targetName(replayed.target, replay), factor));
}

function curveOf({ target, x, value }: Replayed, metric: string, factor: number): Curve {
  const values = value.map(one => (one === null ? null : one / factor));
  return points({ experiment: target.key, metric, x, values });
}

/** What a target of a replay is called: metrics of one experiment by their names as well. */
export function targetName({ key, label }: AlertTarget, { targets }: RuleReplay): string {
  const isAlone = targets.filter(({ target }) => target.label === label).length === 1;
  const metric = key.slice(key.indexOf('/') + 1);
  return isAlone || metric === key ? label : `${label} · ${metric}`;
}

export function backdropOf(replay: RuleReplay, spec: RuleSpec, colours: Colours, trans: Trans): Backdrop {
  const factor = factorOf(spec, trans);
  const isDrawn =
    thresholdKind(spec.condition, measureOf(spec.subject, spec.metric, trans).isEvent) !== 'none';
  const level = (value: number | null, severity: Severity): Backdrop['levels'] =>
    value === null || !isDrawn ? [] : [{ value: value / factor, colour: colours[severity] }];
  return {
    levels: [...level(spec.warning, 'warning'), ...level(spec.critical, 'critical')],
    spans: replay.targets.flatMap(({ fired }) =>
      fired.map(([from, to, severity]) => ({ range: [from, to] as const, colour: colours[severity] }))
    )
  };
}

/** What is drawn is in the unit that people read. */
function factorOf(spec: RuleSpec, trans: Trans): number {
  const measure = measureOf(spec.subject, spec.metric, trans);
  return thresholdKind(spec.condition, measure.isEvent) === 'measure' ? measure.factor : 1;
}
