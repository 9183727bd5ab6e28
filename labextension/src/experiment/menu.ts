/** The page's ⋯ menu. */

import { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import * as actions from '../actions';
import type { Experiment, Verb } from '../records';
import type { Services } from '../services';
import type { ExperimentModel } from './model';

interface MenuContext {
  readonly model: ExperimentModel;
  readonly experiment: Experiment;
  readonly services: Services;
  readonly onRename: () => void;
}

/** Open the menu below `button`. */
export function openMenu(button: HTMLElement, context: MenuContext): void {
  const commands = new CommandRegistry();
  const menu = new Menu({ commands });
  for (const [id, label, execute] of deeds(context)) {
    commands.addCommand(id, { label, execute });
    menu.addItem({ command: id });
  }
  menu.aboutToClose.connect(() => button.focus());
  const box = button.getBoundingClientRect();
  menu.open(box.left, box.bottom, { horizontalAlignment: 'right' });
}

function deeds(context: MenuContext): [id: string, label: string, act: () => void][] {
  const { model, experiment, services, onRename } = context;
  const { trans } = services;
  const target = { kind: 'experiment' as const, uids: [experiment.uid] };
  const move = (verb: Exclude<Verb, 'purge'>) => () =>
    void actions.move(services, target, verb).then(() => model.reload());
  const purge = (): void => void actions.purge(services, target).then(() => model.reload());
  const reload = (): void => model.reload();
  const all: [string, string, () => void, boolean][] = [
    ['reload', trans.__('Refresh'), reload, true],
    [
      'rename',
      trans.__('Rename…'),
      onRename,
      experiment.role !== 'viewer' && experiment.lifecycle !== 'trashed'
    ],
    ['archive', trans.__('Archive'), move('archive'), experiment.lifecycle === 'active'],
    ['restore', trans.__('Restore'), move('restore'), experiment.lifecycle !== 'active'],
    ['trash', trans.__('Move to Trash'), move('trash'), experiment.lifecycle !== 'trashed'],
    ['purge', trans.__('Delete for Good…'), purge, experiment.lifecycle === 'trashed']
  ];
  return all.filter(([, , , fits]) => fits).map(([id, label, act]) => [id, label, act]);
}
