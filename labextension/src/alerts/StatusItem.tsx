/** How many alerts nobody has acknowledged, in the status bar. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import { CommandIDs } from '../commands';
import { count } from '../format';
import type { Services } from '../services';
import { useSignals } from '../signals';
import { SEVERITIES, severityWord, WORST_FIRST } from './severity';
import type { AlertWatch } from './watch';

export class StatusItem extends ReactWidget {
  constructor(
    private readonly watch: AlertWatch,
    private readonly services: Services
  ) {
    super();
  }

  protected override render(): JSX.Element {
    return <Count watch={this.watch} services={this.services} />;
  }
}

function Count({ watch, services }: { watch: AlertWatch; services: Services }): JSX.Element | null {
  useSignals(watch.changed);
  const { trans, commands } = services;
  const { worst, number } = watch;
  if (worst === null) {
    return null;
  }
  const { unacknowledged } = watch.counts;
  const parts = WORST_FIRST.filter(severity => (unacknowledged[severity] ?? 0) > 0).map(severity =>
    trans.__('%1 %2', count(unacknowledged[severity] ?? 0), severityWord(severity, trans))
  );
  const spoken = trans.__('Alerts: %1', parts.join(trans.__(', ')));
  return (
    <button
      type="button"
      className="aiplat-StatusItem jp-mod-highlighted"
      title={spoken}
      aria-label={spoken}
      onClick={() => void commands.execute(CommandIDs.openAlerts)}
    >
      <span className="aiplat-AlertIcon" data-severity={worst} aria-hidden="true">
        {SEVERITIES[worst].icon}
      </span>{' '}
      <span aria-hidden="true">{count(number)}</span>
    </button>
  );
}
