/** The small parts of an experiment's row. */

import type { JSX } from 'react';

import { duration, exactTime, relative, shortAge, shortDuration, significant } from '../format';
import type { Trans } from '../i18n';
import type { Curve, ExperimentRow } from '../records';
import { useNow } from '../signals';
import { describe, isLive } from '../status';

/** Icon of the state; its word and cause are read out and shown on hover. */
export function StatusIcon({ row, trans }: { row: ExperimentRow; trans: Trans }): JSX.Element {
  const { icon, word, cause } = describe(row, trans);
  return (
    <span
      className="aiplat-Status"
      data-status={row.status === 'running' && row.unreachable ? 'lost' : row.status}
      role="img"
      aria-label={cause === '' ? word : `${word}: ${cause}`}
      title={cause === '' ? word : `${word}: ${cause}`}
    >
      {icon}
      <span className="aiplat-StateWord">{word}</span>
    </span>
  );
}

/** The newest value of the metric that stands for the experiment. */
export function LastValue({
  row,
  curve,
  trans
}: {
  row: ExperimentRow;
  curve?: Curve;
  trans: Trans;
}): JSX.Element {
  const { headline } = row;
  if (headline === null) {
    return <span className="aiplat-Value" />;
  }
  const summary = curve !== undefined && curve.summary.count >= headline.count ? curve.summary : headline;
  const value = significant(summary.last);
  const where = summary.last_step === null ? '' : significant(summary.last_step);
  return (
    <span
      className="aiplat-Value"
      data-finite={summary.last !== null}
      title={trans.__('%1 %2 at step %3', headline.metric, value, where)}
    >
      <span className="aiplat-MetricName">{headline.metric}</span>
      {value}
    </span>
  );
}

interface AgeProps {
  row: ExperimentRow;
  /** Tell to the second how long it has been running. */
  isExact: boolean;
  trans: Trans;
}

/** How long it has been running, or how long ago it ended. */
export function Age({ row, isExact, trans }: AgeProps): JSX.Element {
  return isLive(row.status) ? (
    <Elapsed row={row} isExact={isExact} trans={trans} />
  ) : (
    <Ended row={row} trans={trans} />
  );
}

function Elapsed({ row, isExact, trans }: AgeProps): JSX.Element {
  const now = useNow();
  if (row.started_at === null) {
    return <span className="aiplat-Age" />;
  }
  return (
    <span
      className="aiplat-Age"
      data-exact={isExact}
      title={trans.__('started %1', exactTime(row.started_at))}
    >
      {isExact ? duration(now - row.started_at) : shortDuration(now - row.started_at)}
    </span>
  );
}

function Ended({ row, trans }: { row: ExperimentRow; trans: Trans }): JSX.Element {
  const now = useNow(60);
  const at = row.ended_at ?? row.updated_at;
  return (
    <span className="aiplat-Age" title={trans.__('ended %1 (%2)', relative(at, 'long', now), exactTime(at))}>
      {shortAge(at, now)}
    </span>
  );
}
