/** What logs add to JupyterLab: their pages, links to their lines, and sources for panels in notebooks. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import type { MainAreaWidget } from '@jupyterlab/apputils';

import { CommandIDs } from '../commands';
import { taskIcon } from '../icons';
import { MainArea } from '../page/mainArea';
import type { Services } from '../services';
import { IServices } from '../services';
import { answerPanels } from './door';
import { LINK, RestSource } from './rest';
import type { Target, LogWidget } from './widget';

type LogPageWidget = MainAreaWidget<LogWidget>;

const PAGE = 'aiplat-log:';

class LogPages {
  private readonly area: MainArea<LogWidget>;
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    app: JupyterFrontEnd,
    labShell: ILabShell | null,
    private readonly services: Services
  ) {
    this.area = new MainArea(app.shell, labShell, { namespace: 'aiplat-log', icon: taskIcon });
  }

  get tracker(): MainArea<LogWidget>['tracker'] {
    return this.area.tracker;
  }

  /** Show a log, each in one page. One at a time: two clicks mean the same page. */
  open(target: Target): Promise<LogPageWidget> {
    const page = this.last.then(() => this.show(target));
    this.last = page.catch(() => undefined);
    return page;
  }

  private async show(target: Target): Promise<LogPageWidget> {
    const { LogWidget } = await import('./widget');
    const id = PAGE + target.task;
    this.area.find(id)?.content.go(target);
    return this.area.show(id, () => {
      const content = new LogWidget(target, this.services);
      content.stateChanged.connect(() => void this.area.save(id));
      return content;
    });
  }
}

export const logs: JupyterFrontEndPlugin<void> = {
  id: 'aiplat-jupyter:logs',
  description: 'Logs of tasks: their pages, and sources for panels in notebooks.',
  autoStart: true,
  requires: [IServices],
  optional: [ILabShell, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    services: Services,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const pages = new LogPages(app, labShell, services);
    app.commands.addCommand(CommandIDs.openLog, {
      label: services.trans.__('Open Log'),
      execute: args => pages.open(args as unknown as Target)
    });
    void restorer?.restore(pages.tracker, {
      command: CommandIDs.openLog,
      args: ({ content }) => ({ task: content.target.task, saved: content.saved }),
      name: ({ content }) => content.target.task
    });
    const linked = targetOf(window.location);
    if (linked !== null) {
      void app.restored.then(() => pages.open(linked));
    }
    answerPanels(async (task, server) => {
      const info = await services.api.server();
      const isSame = info.machine === server.machine && info.data_dir === server.data_dir;
      return isSame ? new RestSource(services.api, services.events, task) : null;
    });
  }
};

/** The log to which an address of the page links; null if to none. */
function targetOf({ search, hash }: Location): Target | null {
  const query = new URLSearchParams(search);
  const task = query.get(LINK.task);
  const line = /^#L(\d+)$/.exec(hash)?.[1];
  return task === null
    ? null
    : {
        task,
        attempt: query.get(LINK.attempt) ?? '',
        stream: query.get(LINK.stream) ?? '',
        line: line === undefined ? undefined : Number(line)
      };
}
