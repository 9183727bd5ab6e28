/** What logs add to JupyterLab: their pages, links to their lines, and sources for panels in notebooks. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { MainAreaWidget, WidgetTracker } from '@jupyterlab/apputils';

import { CommandIDs } from '../commands';
import { taskIcon } from '../icons';
import type { Services } from '../services';
import { IServices } from '../services';
import { answerPanels } from './door';
import { LINK, RestSource } from './rest';
import type { Target, LogWidget } from './widget';

type LogPageWidget = MainAreaWidget<LogWidget>;

const PAGE = 'aiplat-log:';

class LogPages {
  readonly tracker = new WidgetTracker<LogPageWidget>({ namespace: 'aiplat-log' });
  private last: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly labShell: ILabShell | null,
    private readonly services: Services
  ) {}

  /** Show a log, each in one page. One at a time: two clicks mean the same page. */
  open(target: Target): Promise<LogPageWidget> {
    const page = this.last.then(() => this.show(target));
    this.last = page.catch(() => undefined);
    return page;
  }

  private async show(target: Target): Promise<LogPageWidget> {
    const known = this.tracker.find(page => page.id === PAGE + target.task);
    known?.content.go(target);
    const page = known ?? (await this.create(target));
    this.app.shell.activateById(page.id);
    return page;
  }

  private async create(target: Target): Promise<LogPageWidget> {
    const { LogWidget } = await import('./widget');
    const page = new MainAreaWidget({ content: new LogWidget(target, this.services) });
    page.id = PAGE + target.task;
    page.toolbar.hide();
    page.title.icon = taskIcon;
    page.title.closable = true;
    // Notebook 7's main area holds the notebook alone.
    this.app.shell.add(page, this.labShell === null ? 'right' : 'main');
    await this.tracker.add(page);
    page.content.stateChanged.connect(() => void this.tracker.save(page));
    return page;
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
