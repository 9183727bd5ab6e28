/** The plugin of alerts. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { IStatusBar } from '@jupyterlab/statusbar';

import { CommandIDs } from '../commands';
import { alertIcon } from '../icons';
import type { Services } from '../services';
import { IServices } from '../services';
import { AlertPages } from '.';
import { Claims } from './claims';
import { StatusItem } from './StatusItem';
import { AlertWatch } from './watch';

export const alerts: JupyterFrontEndPlugin<void> = {
  id: 'aiplat-jupyter:alerts',
  description:
    'Alerts and their rules: the page, the form of a rule, the status bar’s count, and notifications.',
  autoStart: true,
  requires: [IServices],
  optional: [ILabShell, ILayoutRestorer, ICommandPalette, ILauncher, IStatusBar],
  activate: (
    app: JupyterFrontEnd,
    services: Services,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    statusBar: IStatusBar | null
  ): void => {
    const { trans } = services;
    const pages = new AlertPages(app, labShell, services);
    addCommands(app, pages, services);
    void restorer?.restore(pages.tracker, {
      command: CommandIDs.openAlerts,
      args: page => ({ page: page.id }),
      name: page => page.id
    });
    const watch = new AlertWatch(services, new Claims(window.localStorage));
    statusBar?.registerStatusItem('aiplat-jupyter:alerts', {
      item: new StatusItem(watch, services),
      align: 'left',
      rank: 31,
      isActive: () => watch.number > 0,
      activeStateChanged: watch.changed
    });
    [CommandIDs.openAlerts, CommandIDs.editRule].forEach(command => {
      palette?.addItem({ command, category: trans.__('AI Platform') });
    });
    launcher?.add({ command: CommandIDs.openAlerts, category: trans.__('AI Platform'), rank: 5 });
  }
};

function addCommands(app: JupyterFrontEnd, pages: AlertPages, { trans }: Services): void {
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  app.commands.addCommand(CommandIDs.openAlerts, {
    label: trans.__('Alerts'),
    caption: trans.__('Show what needs attention, and the rules that watch'),
    icon: alertIcon,
    execute: args =>
      args.page === undefined
        ? pages.open(args.at === 'rules' ? 'rules' : 'alerts')
        : pages.restore(args.page)
  });
  app.commands.addCommand(CommandIDs.editRule, {
    label: trans.__('New Alert Rule…'),
    caption: trans.__('Be told when something is wrong'),
    icon: alertIcon,
    execute: args =>
      pages.openForm({
        uid: text(args.uid),
        from: text(args.from),
        experiment: text(args.experiment),
        task: text(args.task)
      })
  });
}
