/** The ⋯ and context menu of a task. */

import { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import { CommandIDs } from '../commands';
import type { Schedule, TaskRow } from '../records';
import type { Services } from '../services';
import { isLiveTask } from '../taskStatus';
import * as deeds from './deeds';

type Where = HTMLElement | { x: number; y: number };
type Entry = readonly [id: string, label: string, act: () => void, fits: boolean];

export function openTaskMenu(row: TaskRow, services: Services, where: Where): void {
  open(where, taskEntries(row, services));
}

export function openScheduleMenu(schedule: Schedule, services: Services, where: Where): void {
  const { trans, commands } = services;
  const { uid, last_task: last, role } = schedule;
  const canWrite = role !== 'viewer';
  const edit = (): void => void commands.execute(CommandIDs.newTask, { schedule: uid });
  const openLast = (): void => void commands.execute(CommandIDs.openTask, { uid: last });
  open(where, [
    ['run', trans.__('Run Now'), () => void deeds.runSchedule(services, uid), canWrite],
    ['edit', trans.__('Edit…'), edit, canWrite],
    ['last', trans.__('Open Last Task'), openLast, last !== null],
    ['remove', trans.__('Delete…'), () => void deeds.removeSchedule(services, schedule), canWrite]
  ]);
}

/** Open a menu at a place, or below a button, which then gets the focus back. */
function open(where: Where, entries: readonly Entry[]): void {
  const commands = new CommandRegistry();
  const menu = new Menu({ commands });
  for (const [id, label, execute] of entries.filter(([, , , fits]) => fits)) {
    commands.addCommand(id, { label, execute });
    menu.addItem({ command: id });
  }
  if (where instanceof HTMLElement) {
    menu.aboutToClose.connect(() => where.focus());
    const box = where.getBoundingClientRect();
    menu.open(box.left, box.bottom, { horizontalAlignment: 'right' });
  } else {
    menu.open(where.x, where.y);
  }
}

function taskEntries(row: TaskRow, services: Services): Entry[] {
  const { trans, commands } = services;
  const { uid, state, lifecycle, experiment } = row;
  const isLive = isLiveTask(state);
  const isActive = lifecycle === 'active';
  const isOurs = row.kind !== 'notebook-live';
  const run = (id: string, args: { uid: string | null }) => () => void commands.execute(id, args);
  return [
    ['open', trans.__('Open'), run(CommandIDs.openTask, { uid }), true],
    [
      'experiment',
      trans.__('Open Experiment'),
      run(CommandIDs.openExperiment, { uid: experiment }),
      experiment !== null
    ],
    ['stop', deeds.stopLabel(row, trans), () => void deeds.stop(services, row), isLive],
    ['retry', trans.__('Retry'), () => void deeds.retry(services, uid), !isLive && isActive && isOurs],
    ['clone', trans.__('Clone'), () => void deeds.clone(services, uid), isActive && isOurs],
    ['edit', trans.__('Clone and Edit…'), run(CommandIDs.newTask, { uid }), isActive && isOurs],
    ['archive', trans.__('Archive'), () => void deeds.move(services, [uid], 'archive'), !isLive && isActive],
    ['restore', trans.__('Restore'), () => void deeds.move(services, [uid], 'restore'), !isActive],
    [
      'trash',
      trans.__('Move to Trash'),
      () => void deeds.move(services, [uid], 'trash'),
      !isLive && lifecycle !== 'trashed'
    ],
    ['purge', trans.__('Delete for Good…'), () => void deeds.purge(services, [uid]), lifecycle === 'trashed']
  ];
}
