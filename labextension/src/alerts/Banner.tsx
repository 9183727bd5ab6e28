/** What fires on an experiment or a task, at the top of its page. */

import { useEffect, useState, type JSX } from 'react';

import { CommandIDs } from '../commands';
import type { Alert } from '../records';
import type { Services } from '../services';
import { useSignals } from '../signals';
import { AcknowledgeButton, AlertState, AlertTime, look } from './cells';
import { OpenAlerts } from './openAlerts';
import { addition, alertLine, alertText, ruleName } from './words';

/** So many stand there; the page of alerts has the rest. */
const MOST = 3;

interface Props {
  readonly about: { readonly experiment: string[] } | { readonly task: string };
  readonly services: Services;
}

export function AlertBanner({ about, services }: Props): JSX.Element | null {
  const key = JSON.stringify(about);
  const [model, setModel] = useState<OpenAlerts | null>(null);
  useEffect(() => {
    const made = new OpenAlerts(services, JSON.parse(key) as Props['about']);
    setModel(made);
    return () => made.dispose();
  }, [services, key]);
  return model && <Lines model={model} services={services} />;
}

function Lines({ model, services }: { model: OpenAlerts; services: Services }): JSX.Element {
  useSignals(model.changed);
  const { trans, commands } = services;
  const { standing } = model;
  const rest = standing.length - MOST;
  return (
    <div className="aiplat-AlertBanner" role="status">
      {standing.slice(0, MOST).map(alert => (
        <Line key={alert.uid} alert={alert} services={services} />
      ))}
      {rest > 0 && (
        <button
          type="button"
          className="aiplat-ChartLink"
          onClick={() => void commands.execute(CommandIDs.openAlerts)}
        >
          {trans._n('%1 more alert', '%1 more alerts', rest)}
        </button>
      )}
    </div>
  );
}

function Line({ alert, services }: { alert: Alert; services: Services }): JSX.Element {
  const { trans, commands } = services;
  const { rule, subject } = alert;
  const isAboutMore = subject === 'gpu' || subject === 'host';
  return (
    <div className="aiplat-AlertBannerLine" data-severity={look(alert)}>
      <AlertState alert={alert} trans={trans} />
      <span className="aiplat-AlertBannerText">
        {isAboutMore ? alertLine(alert, trans) : alertText(alert, trans)}
        <small>
          {' '}
          {[rule === null ? '' : ruleName(alert, trans), addition(alert)].filter(Boolean).join(' · ')}
        </small>
      </span>
      <AlertTime alert={alert} trans={trans} />
      <AcknowledgeButton alert={alert} services={services} />
      {rule !== null && (
        <button
          type="button"
          className="aiplat-TextButton"
          onClick={() => void commands.execute(CommandIDs.editRule, { uid: rule })}
        >
          {trans.__('Rule…')}
        </button>
      )}
    </div>
  );
}
