/** The plugin of GPUs. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { IStatusBar } from '@jupyterlab/statusbar';

import { CommandIDs } from '../commands';
import { gpuIcon } from '../icons';
import type { Services } from '../services';
import { IServices } from '../services';
import { GpuPages } from '.';
import { GpuStatusItem } from './StatusItem';

export const gpus: JupyterFrontEndPlugin<void> = {
  id: 'aiplat-jupyter:gpus',
  description: 'GPUs: their page, and the status bar’s gauge.',
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
    const pages = new GpuPages(app, labShell, services);
    app.commands.addCommand(CommandIDs.openGpus, {
      label: trans.__('GPUs'),
      caption: trans.__('Show what GPUs and machines do, did, and for whom'),
      icon: gpuIcon,
      execute: ({ agent, saved }) => pages.open(typeof agent === 'string' ? agent : null, saved)
    });
    void restorer?.restore(pages.tracker, {
      command: CommandIDs.openGpus,
      args: page => ({ saved: page.content.saved }),
      name: page => page.id
    });
    statusBar?.registerStatusItem('aiplat-jupyter:gpus', {
      item: new GpuStatusItem(services),
      align: 'left',
      rank: 31
    });
    palette?.addItem({ command: CommandIDs.openGpus, category: trans.__('AI Platform') });
    launcher?.add({ command: CommandIDs.openGpus, category: trans.__('AI Platform'), rank: 4 });
  }
};
