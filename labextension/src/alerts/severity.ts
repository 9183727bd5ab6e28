/** How bad an alert is, as people see it: icon and word beside the colour. */

import type { Trans } from '../i18n';
import type { Alert, Severity } from '../records';
import type { State } from '../status';

/** The worst first. The icons are letters to every font, not pictures. */
export const SEVERITIES: Readonly<Record<Severity, State>> = {
  critical: { icon: '✕', en: 'critical', zh: '严重' },
  warning: { icon: '⚠\uFE0E', en: 'warning', zh: '警告' },
  info: { icon: 'ℹ\uFE0E', en: 'info', zh: '提示' }
};

export const WORST_FIRST: readonly Severity[] = ['critical', 'warning', 'info'];

export function severityWord(severity: Severity, trans: Trans): string {
  return trans.__(SEVERITIES[severity].en);
}

/** Whether `severity` is at least as bad as `least`. */
export function isAtLeast(severity: Severity, least: Severity): boolean {
  return WORST_FIRST.indexOf(severity) <= WORST_FIRST.indexOf(least);
}

/** The worst of those that are there; null when none is. */
export function worst(severities: Iterable<Severity>): Severity | null {
  const found = new Set(severities);
  return WORST_FIRST.find(severity => found.has(severity)) ?? null;
}

/** It fires, or nobody has acknowledged it. */
export function isOpen({ state, acknowledged_at: at }: Pick<Alert, 'state' | 'acknowledged_at'>): boolean {
  return state === 'firing' || at === null;
}
