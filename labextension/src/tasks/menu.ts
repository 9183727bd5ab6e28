/** The ⋯ and context menu of a task. */

import { CommandIDs } from '../commands';
import { openMenu, type Entry, type Where } from '../page/menu';
import type { Schedule, TaskRow } from '../records';
import type { Services } from '../services';
import { isLiveTask } from '../taskStatus';
import * as deeds from './deeds';

export function openTaskMenu(row: TaskRow, services: Services, where: Where): void {
  openMenu(where, taskEntries(row, services));
}

export function openScheduleMenu(schedule: Schedule, services: Services, where: Where): void {
  const { trans, commands } = services;
  const { uid, last_task: last, role } = schedule;
  const canWrite = role !== 'viewer';
  const edit = (): void => void commands.execute(CommandIDs.newTask, { schedule: uid });
  const openLast = (): void => void commands.execute(CommandIDs.openTask, { uid: last });
  openMenu(where, [
    ['run', trans.__('Run Now'), () => void deeds.runSchedule(services, uid), canWrite],
    ['edit', trans.__('Edit…'), edit, canWrite],
    ['last', trans.__('Open Last Task'), openLast, last !== null],
    ['remove', trans.__('Delete…'), () => void deeds.removeSchedule(services, schedule), canWrite]
  ]);
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
