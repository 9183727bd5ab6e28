/** The plugin of tasks. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { FileDialog, IDefaultFileBrowser, IFileBrowserFactory } from '@jupyterlab/filebrowser';
import { ILauncher } from '@jupyterlab/launcher';
import { IStatusBar } from '@jupyterlab/statusbar';

import { CommandIDs } from '../commands';
import { taskIcon } from '../icons';
import type { Services } from '../services';
import { IServices } from '../services';
import { TaskPages } from '.';
import { StatusItem } from './StatusItem';
import { TaskWatch } from './watch';

/** Files that can run. */
const RUNNABLE = /\.(py|sh|ipynb)$/;

export const tasks: JupyterFrontEndPlugin<void> = {
  id: 'aiplat-jupyter:tasks',
  description: 'Tasks: their pages, the form of a new one, the status bar’s counts, and notifications.',
  autoStart: true,
  requires: [IServices],
  optional: [
    ILabShell,
    ILayoutRestorer,
    ICommandPalette,
    ILauncher,
    IStatusBar,
    IDefaultFileBrowser,
    IFileBrowserFactory
  ],
  activate: (
    app: JupyterFrontEnd,
    services: Services,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    statusBar: IStatusBar | null,
    files: IDefaultFileBrowser | null,
    browsers: IFileBrowserFactory | null
  ): void => {
    const { trans } = services;
    const browse = files === null ? null : () => chooseFile(files, trans.__('File to run'));
    const pages = new TaskPages(app, labShell, services, browse);
    addCommands(app, pages, services);
    void restorer?.restore(pages.tracker, {
      command: CommandIDs.openTask,
      args: page => ({ page: page.id }),
      name: page => page.id
    });
    const watch = new TaskWatch(services);
    statusBar?.registerStatusItem('aiplat-jupyter:tasks', {
      item: new StatusItem(watch, services),
      align: 'left',
      rank: 30
    });
    [CommandIDs.openTasks, CommandIDs.newTask].forEach(command => {
      palette?.addItem({ command, category: trans.__('AI Platform') });
    });
    launcher?.add({ command: CommandIDs.openTasks, category: trans.__('AI Platform'), rank: 3 });
    if (browsers !== null) {
      addFileCommand(app, browsers, services);
    }
  }
};

function addCommands(app: JupyterFrontEnd, pages: TaskPages, { trans }: Services): void {
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  app.commands.addCommand(CommandIDs.openTasks, {
    label: trans.__('Tasks'),
    caption: trans.__('Show the queue and what has run'),
    icon: taskIcon,
    execute: () => pages.openList()
  });
  app.commands.addCommand(CommandIDs.openTask, {
    label: trans.__('Open Task'),
    execute: args =>
      args.page === undefined
        ? pages.openTask(text(args.uid) ?? '', args.at === 'error')
        : pages.restore(args.page)
  });
  app.commands.addCommand(CommandIDs.newTask, {
    label: trans.__('New Task…'),
    caption: trans.__('Run a script, a command or a notebook in the background'),
    icon: taskIcon,
    execute: args =>
      pages.openForm({ uid: text(args.uid), schedule: text(args.schedule), path: text(args.path) })
  });
}

/** “Run as task…” in the file browser's context menu, on a notebook or a script. */
function addFileCommand(
  app: JupyterFrontEnd,
  browsers: IFileBrowserFactory,
  { trans, commands }: Services
): void {
  const selected = (): string | null => {
    const [item] = browsers.tracker.currentWidget?.selectedItems() ?? [];
    return item !== undefined && item.type !== 'directory' && RUNNABLE.test(item.path) ? item.path : null;
  };
  app.commands.addCommand(CommandIDs.runFile, {
    label: trans.__('Run as Task…'),
    icon: taskIcon,
    isVisible: () => selected() !== null,
    execute: () => {
      const path = selected();
      return path === null ? null : commands.execute(CommandIDs.newTask, { path });
    }
  });
  app.contextMenu.addItem({
    command: CommandIDs.runFile,
    selector: '.jp-DirListing-item[data-isdir="false"]',
    rank: 3.5
  });
}

async function chooseFile(files: IDefaultFileBrowser, title: string): Promise<string | null> {
  const answer = await FileDialog.getOpenFiles({
    manager: files.model.manager,
    title,
    defaultPath: files.model.path,
    filter: item => (item.type === 'directory' || RUNNABLE.test(item.path) ? {} : null)
  });
  const [chosen] = answer.value ?? [];
  return answer.button.accept && chosen !== undefined ? chosen.path : null;
}
