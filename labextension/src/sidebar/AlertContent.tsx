/** What the row of an alert shows. */

import type { JSX } from 'react';

import { look } from '../alerts/cells';
import { SEVERITIES, severityWord } from '../alerts/severity';
import { alertText } from '../alerts/words';
import { exactTime, shortAge } from '../format';
import type { Trans } from '../i18n';
import type { Alert, Severity } from '../records';
import { useNow } from '../signals';

export function AlertContent({ alert, trans }: { alert: Alert; trans: Trans }): JSX.Element {
  const now = useNow(60);
  const isOver = alert.state === 'resolved';
  const word = severityWord(alert.severity, trans);
  const text = alertText(alert, trans);
  const { label } = alert.target;
  return (
    <>
      <span
        className="aiplat-AlertIcon"
        data-severity={look(alert)}
        role="img"
        aria-label={isOver ? trans.__('%1, over', word) : word}
      >
        {isOver ? '✓' : SEVERITIES[alert.severity].icon}
      </span>
      <span className="aiplat-Name" data-seen={alert.acknowledged_at !== null} title={`${label}\n${text}`}>
        <span className="aiplat-AlertSays">{trans.__('%1: %2', label, text)}</span>
      </span>
      <span className="aiplat-Age" title={exactTime(alert.fired_at)}>
        {shortAge(alert.fired_at, now)}
      </span>
    </>
  );
}

/** How bad the worst of a section's alerts is. */
export function SeverityIcon({ severity, trans }: { severity: Severity; trans: Trans }): JSX.Element {
  const word = severityWord(severity, trans);
  return (
    <span className="aiplat-AlertIcon" data-severity={severity} role="img" aria-label={word} title={word}>
      {SEVERITIES[severity].icon}
    </span>
  );
}
