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
  const isOver = alert.state === 'resolved';
  const word = severityWord(alert.severity, trans);
  const text = alertText(alert, trans);
  const { label } = alert.target;
  const isQuiet = isOver || alert.acknowledged_at !== null;
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
      <span className="aiplat-Name" data-quiet={isQuiet} title={`${label}\n${text}`}>
        <span className="aiplat-AlertSays">{trans.__('%1: %2', label, text)}</span>
      </span>
      <Age alert={alert} trans={trans} />
    </>
  );
}

/** For how long it fires, or since when it is over. */
function Age({ alert, trans }: { alert: Alert; trans: Trans }): JSX.Element {
  const now = useNow(60);
  const { fired_at: start, resolved_at: end } = alert;
  const fired = trans.__('fired %1', exactTime(start));
  return end === null ? (
    <span className="aiplat-Age" title={fired}>
      {shortAge(start, now)}
    </span>
  ) : (
    <span className="aiplat-Age" title={`${fired}\n${trans.__('over %1', exactTime(end))}`}>
      {trans.__('over · %1', shortAge(end, now))}
    </span>
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
