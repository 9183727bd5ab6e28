/** The plugins: what this extension adds to JupyterLab and to Notebook 7. */

import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ILauncher } from '@jupyterlab/launcher';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStateDB } from '@jupyterlab/statedb';
import { ITranslator } from '@jupyterlab/translation';

import { alerts } from './alerts/plugin';
import { Api } from './api';
import { CommandIDs } from './commands';
import { Events } from './events';
import { GpuMonitor } from './gpu/monitor';
import { gpus } from './gpu/plugin';
import { load } from './i18n';
import { platformIcon } from './icons';
import { logs } from './logs/plugin';
import { curveOutput } from './mime';
import { ExperimentPages, uidOfPage } from './pages';
import { Preferences } from './preferences';
import { insertQuickstart, openQuickstart } from './quickstart';
import type { Services } from './services';
import { IServices } from './services';
import { translateSettings } from './settings';
import { remember } from './sidebar/memory';
import { SidebarWidget } from './sidebar/widget';
import { addSidebarCommands } from './sidebarCommands';
import { tasks } from './tasks/plugin';

/** The parameter of Lab's address that opens an experiment's page: what the Python client's `exp.url` has. */
const LINK = 'aiplat-experiment';

const SETTINGS = 'aiplat-jupyter:services';

const services: JupyterFrontEndPlugin<Services> = {
  id: SETTINGS,
  description: 'Talks to the server part of aiplat_jupyter, for all other plugins.',
  autoStart: true,
  provides: IServices,
  optional: [ISettingRegistry, ITranslator],
  activate: (
    app: JupyterFrontEnd,
    settings: ISettingRegistry | null,
    translator: ITranslator | null
  ): Services => {
    const api = new Api(app.serviceManager.serverSettings);
    const events = new Events(api);
    app.serviceManager.connectionFailure.connect(events.check);
    const preferences = new Preferences();
    preferences.changed.connect((_, choices) => events.setPolling(choices.changes === 'poll'));
    const trans = load(translator);
    if (settings !== null) {
      translateSettings(settings, SETTINGS, trans);
    }
    settings
      ?.load(SETTINGS)
      .then(loaded => preferences.follow(loaded))
      .catch((reason: unknown) => console.error('aiplat: no settings.', reason));
    return { api, events, trans, commands: app.commands, preferences, gpus: new GpuMonitor(api, events) };
  }
};

const pages: JupyterFrontEndPlugin<void> = {
  id: 'aiplat-jupyter:pages',
  description: 'Experiment pages in the main area.',
  autoStart: true,
  requires: [IServices],
  optional: [ILabShell, ILayoutRestorer],
  activate: (
    app: JupyterFrontEnd,
    services: Services,
    labShell: ILabShell | null,
    restorer: ILayoutRestorer | null
  ): void => {
    const { trans } = services;
    const pages = new ExperimentPages(app.shell, labShell, services);
    app.commands.addCommand(CommandIDs.openExperiment, {
      label: trans.__('Open Experiment'),
      execute: args => pages.open(args.uid as string, args.preview === true, args.saved)
    });
    void restorer?.restore(pages.tracker, {
      command: CommandIDs.openExperiment,
      args: page => ({ uid: uidOfPage(page), saved: page.content.saved }),
      name: uidOfPage
    });
    const linked = new URLSearchParams(window.location.search).get(LINK);
    if (linked !== null) {
      void app.restored.then(() => app.commands.execute(CommandIDs.openExperiment, { uid: linked }));
    }
  }
};

const sidebar: JupyterFrontEndPlugin<void> = {
  id: 'aiplat-jupyter:sidebar',
  description: 'Projects and experiments in the left sidebar.',
  autoStart: true,
  requires: [IServices],
  optional: [ILayoutRestorer, ICommandPalette, ILauncher, IStateDB],
  activate: (
    app: JupyterFrontEnd,
    services: Services,
    restorer: ILayoutRestorer | null,
    palette: ICommandPalette | null,
    launcher: ILauncher | null,
    state: IStateDB | null
  ): void => {
    const { trans } = services;
    const widget = new SidebarWidget(services);
    app.shell.add(widget, 'left', { rank: 300, type: 'AI Platform' });
    restorer?.add(widget, widget.id);
    if (state !== null) {
      void remember(widget.sidebar.model, state);
    }
    const onSelection = addSidebarCommands(app.commands, widget.sidebar);
    addGeneralCommands(app, services, widget);
    const listed = [
      CommandIDs.showSidebar,
      CommandIDs.openQuickstart,
      CommandIDs.createProject,
      CommandIDs.refresh
    ];
    [...listed, ...onSelection].forEach(command => {
      palette?.addItem({ command, category: trans.__('AI Platform') });
    });
    const card = { category: trans.__('AI Platform'), args: { isLauncher: true } };
    launcher?.add({ ...card, command: CommandIDs.openQuickstart, rank: 1 });
    launcher?.add({ ...card, command: CommandIDs.showSidebar, rank: 2 });
  }
};

function addGeneralCommands(app: JupyterFrontEnd, { trans }: Services, widget: SidebarWidget): void {
  const { contents } = app.serviceManager;
  app.commands.addCommand(CommandIDs.showSidebar, {
    label: args =>
      args.isLauncher === true ? trans.__('Projects') : trans.__('Show Projects and Experiments'),
    caption: trans.__('Show projects and experiments'),
    icon: platformIcon,
    execute: () => app.shell.activateById(widget.id)
  });
  app.commands.addCommand(CommandIDs.openQuickstart, {
    label: args => (args.isLauncher === true ? trans.__('Quickstart') : trans.__('AI Platform Quickstart')),
    caption: trans.__('Log a first run and watch its curve'),
    icon: platformIcon,
    execute: () => openQuickstart(contents, app.commands)
  });
  app.commands.addCommand(CommandIDs.insertQuickstart, {
    label: trans.__('Insert the Lines of a First Run'),
    execute: () => insertQuickstart(contents, app.commands)
  });
}

export default [services, pages, sidebar, tasks, gpus, alerts, logs, curveOutput];
