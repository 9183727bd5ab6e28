/** How many tasks run and wait, in the status bar. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { JSX } from 'react';

import { CommandIDs } from '../commands';
import { count } from '../format';
import type { Services } from '../services';
import { useSignals } from '../signals';
import type { TaskWatch } from './watch';

export class StatusItem extends ReactWidget {
  constructor(
    private readonly watch: TaskWatch,
    private readonly services: Services
  ) {
    super();
  }

  protected override render(): JSX.Element {
    return <Counts watch={this.watch} services={this.services} />;
  }
}

function Counts({ watch, services }: { watch: TaskWatch; services: Services }): JSX.Element {
  useSignals(watch.changed);
  const { trans, commands } = services;
  const { queued = 0, starting = 0, running = 0, stopping = 0 } = watch.counts;
  const active = starting + running + stopping;
  const spoken = trans.__('Tasks: %1 running, %2 queued', count(active), count(queued));
  return (
    <button
      type="button"
      className="aiplat-StatusItem jp-mod-highlighted"
      title={spoken}
      aria-label={spoken}
      onClick={() => void commands.execute(CommandIDs.openTasks)}
    >
      <span aria-hidden="true" data-live={active > 0}>
        ● {count(active)} ◌ {count(queued)}
      </span>
    </button>
  );
}
