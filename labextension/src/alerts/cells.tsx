/** The small parts of an alert, as rows, banners and the sidebar show them. */

import type { JSX } from 'react';

import { duration, exactTime, relative } from '../format';
import type { Trans } from '../i18n';
import type { Alert } from '../records';
import type { Services } from '../services';
import { useNow } from '../signals';
import * as deeds from './deeds';
import { isOpen, SEVERITIES, severityWord } from './severity';
import { addition, doneDeliveries, failedDeliveries } from './words';

/** How an alert looks: as bad as it is while it is open, and grey when it is over. */
export function look(alert: Alert): string {
  return alert.state === 'resolved' ? 'resolved' : alert.severity;
}

/** Icon and word of how bad it is, and that it is over. */
export function AlertState({ alert, trans }: { alert: Alert; trans: Trans }): JSX.Element {
  const isOver = alert.state === 'resolved';
  const word = severityWord(alert.severity, trans);
  return (
    <span
      className="aiplat-AlertState"
      data-severity={look(alert)}
      title={isOver ? trans.__('%1, over', word) : trans.__('%1, firing', word)}
    >
      <span className="aiplat-AlertIcon" data-severity={look(alert)} aria-hidden="true">
        {isOver ? '✓' : SEVERITIES[alert.severity].icon}
      </span>
      {word}
      {isOver && <span className="aiplat-Hidden">{trans.__('over')}</span>}
    </span>
  );
}

/** Since when, and how long it was so. */
export function AlertTime({ alert, trans }: { alert: Alert; trans: Trans }): JSX.Element {
  const now = useNow(alert.state === 'firing' ? 1 : 60);
  const { fired_at: start, resolved_at: end } = alert;
  const title = [
    trans.__('fired %1', exactTime(start)),
    ...(end === null ? [] : [trans.__('over %1', exactTime(end))])
  ].join('\n');
  return (
    <span className="aiplat-AlertTime" title={title}>
      {end === null ? duration(now - start) : trans.__('over %1', relative(end, 'short', now))}
      {end !== null && <span className="aiplat-AlertTook"> · {duration(end - start)}</span>}
    </span>
  );
}

/** What it is about, as a way there. */
export function TargetLink({ alert, services }: { alert: Alert; services: Services }): JSX.Element {
  const { target } = alert;
  const { trans } = services;
  const isReachable = [target.experiment, target.task, target.gpu, target.agent].some(one => one !== null);
  return (
    <span className="aiplat-AlertTarget">
      {isReachable ? (
        <button
          type="button"
          className="aiplat-ChartLink"
          title={trans.__('Open %1', target.label)}
          onClick={() => deeds.openTarget(services, alert)}
        >
          {target.label}
        </button>
      ) : (
        <span title={target.label}>{target.label}</span>
      )}
      <Worker alert={alert} services={services} />
    </span>
  );
}

/** The notebook that a GPU, say, works for. */
function Worker({ alert, services }: { alert: Alert; services: Services }): JSX.Element | null {
  const { notebook } = alert.target;
  if (notebook === null) {
    return null;
  }
  return (
    <button
      type="button"
      className="aiplat-ChartLink"
      title={services.trans.__('Open %1', notebook)}
      onClick={() => deeds.openNotebook(services, notebook)}
    >
      {notebook.split('/').pop()}
    </button>
  );
}

/** Who has seen it, whether it was silenced, and what became of its actions. */
export function AlertNotes({ alert, trans }: { alert: Alert; trans: Trans }): JSX.Element | null {
  const { acknowledged_at: at, acknowledged_by: by } = alert;
  const failed = failedDeliveries(alert, trans);
  const notes = [
    addition(alert),
    at === null ? '' : trans.__('acknowledged by %1, %2', by || '?', relative(at)),
    alert.is_silenced ? trans.__('silenced') : '',
    doneDeliveries(alert, trans)
  ].filter(part => part !== '');
  if (notes.length === 0 && failed === '') {
    return null;
  }
  return (
    <span className="aiplat-AlertNotes" title={[...notes, failed].filter(Boolean).join('\n')}>
      {failed !== '' && <span className="aiplat-AlertFailed">✕ {failed}</span>}
      {notes.join(' · ')}
    </span>
  );
}

export function AcknowledgeButton({
  alert,
  services
}: {
  alert: Alert;
  services: Services;
}): JSX.Element | null {
  const { trans } = services;
  if (!isOpen(alert) || alert.acknowledged_at !== null) {
    return null;
  }
  return (
    <button
      type="button"
      className="aiplat-TextButton"
      aria-label={trans.__('Acknowledge: %1', alert.target.label)}
      onClick={() => void deeds.acknowledge(services, alert.uid)}
    >
      {trans.__('Acknowledge')}
    </button>
  );
}
