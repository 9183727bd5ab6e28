/** The commands that act on what is selected in the sidebar, and its own. */

import { Clipboard, InputDialog, Notification } from '@jupyterlab/apputils';
import type { CommandRegistry } from '@lumino/commands';

import * as actions from './actions';
import { CommandIDs } from './commands';
import type { Services } from './services';
import type { Sidebar } from './sidebar/sidebar';
import { experimentCode, projectCode } from './snippets';
import type { Target } from './target';

interface Deed {
  id: string;
  label: string;
  /** Whether it makes sense for `target`; it is hidden elsewhere. */
  fits: (target: Target) => boolean;
  act: (target: Target) => Promise<void>;
}

const isPutAway = (target: Target): boolean => target.lifecycle !== 'active';
const isTrashed = (target: Target): boolean => target.lifecycle === 'trashed';
const isOne = (target: Target): boolean => target.uids.length === 1;

function deeds(sidebar: Sidebar): Deed[] {
  const { services, model } = sidebar;
  const { trans } = services;
  const then = (work: Promise<void>): Promise<void> => work.then(() => model.refresh());
  return [
    {
      id: CommandIDs.open,
      label: trans.__('Open'),
      fits: target => target.kind === 'experiment',
      act: async ({ uids }) => {
        await Promise.all(uids.map(uid => services.commands.execute(CommandIDs.openExperiment, { uid })));
      }
    },
    {
      id: CommandIDs.copyCode,
      label: trans.__('Copy Code'),
      fits: target => !isTrashed(target) && (target.kind === 'experiment' || isOne(target)),
      act: target => copyCode(target, services)
    },
    {
      id: CommandIDs.stop,
      label: trans.__('Stop'),
      fits: target => target.live.length > 0 && !isTrashed(target),
      act: target => then(actions.stop(services, target.live))
    },
    {
      id: CommandIDs.rename,
      label: trans.__('Rename…'),
      fits: target => isOne(target) && !isTrashed(target),
      act: async () => {
        sidebar.startRenaming();
        return Promise.resolve();
      }
    },
    {
      id: CommandIDs.archive,
      label: trans.__('Archive'),
      fits: target => target.lifecycle === 'active',
      act: target => then(actions.move(services, target, 'archive'))
    },
    {
      id: CommandIDs.restore,
      label: trans.__('Restore'),
      fits: isPutAway,
      act: target => then(actions.move(services, target, 'restore'))
    },
    {
      id: CommandIDs.trash,
      label: trans.__('Move to Trash'),
      fits: target => !isTrashed(target),
      act: target => then(actions.move(services, target, 'trash'))
    },
    {
      id: CommandIDs.purge,
      label: trans.__('Delete for Good…'),
      fits: isTrashed,
      act: target => then(actions.purge(services, target))
    }
  ];
}

/** Add the commands; answer the ids of those that act on the selection. */
export function addSidebarCommands(commands: CommandRegistry, sidebar: Sidebar): string[] {
  const { trans } = sidebar.services;
  const all = deeds(sidebar);
  for (const { id, label, fits, act } of all) {
    const suits = (): boolean => {
      const target = sidebar.target();
      return target !== null && fits(target);
    };
    commands.addCommand(id, {
      label,
      isEnabled: suits,
      isVisible: suits,
      execute: async () => {
        const target = sidebar.target();
        if (target !== null && fits(target)) {
          await act(target);
        }
      }
    });
  }
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Projects and Experiments'),
    execute: () => sidebar.model.start()
  });
  commands.addCommand(CommandIDs.createProject, {
    label: trans.__('New Project…'),
    execute: () => createProject(sidebar)
  });
  return all.map(deed => deed.id);
}

async function copyCode(target: Target, { trans }: Services): Promise<void> {
  Clipboard.copyToSystem(target.kind === 'project' ? projectCode(target.name) : experimentCode(target.uids));
  Notification.success(trans.__('Copied; paste it into a cell'), { autoClose: 3000 });
  return Promise.resolve();
}

async function createProject(sidebar: Sidebar): Promise<void> {
  const { api, trans } = sidebar.services;
  const answer = await InputDialog.getText({
    title: trans.__('New project'),
    label: trans.__('Name'),
    okLabel: trans.__('Create')
  });
  const name = answer.value?.trim() ?? '';
  if (answer.button.accept && name !== '') {
    try {
      await api.createProject(name);
      await sidebar.model.refresh();
    } catch (reason) {
      actions.report(trans, reason);
    }
  }
}
