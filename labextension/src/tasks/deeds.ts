/** What a person does to tasks, with what is said about it. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';

import { report } from '../actions';
import { CommandIDs } from '../commands';
import { bytes, count } from '../format';
import type { Trans } from '../i18n';
import type { BulkResult, Schedule, Task, TaskRow, TaskVerb } from '../records';
import type { Services } from '../services';

const UNDO_MS = 10_000;
const SAID_MS = 5_000;

/** Answer what `work` does; a failure is said, and answered with null. */
export async function attempt<T>(services: Services, work: Promise<T>): Promise<T | null> {
  try {
    return await work;
  } catch (reason) {
    report(services.trans, reason);
    return null;
  }
}

/** The word on the button that ends a task. */
export function stopLabel({ state }: Pick<TaskRow, 'state'>, trans: Trans): string {
  if (state === 'queued') {
    return trans.__('Cancel');
  }
  return state === 'stopping' ? trans.__('Kill…') : trans.__('Stop');
}

/** Ask a task to end; asked again while it is stopping, it is killed after a question. */
export async function stop(services: Services, task: Pick<TaskRow, 'uid' | 'name' | 'state'>): Promise<void> {
  const { api, trans } = services;
  const again = task.state === 'stopping';
  if (again && !(await confirmed(trans.__('Kill “%1”?', task.name), killing(services), trans.__('Kill')))) {
    return;
  }
  await attempt(services, api.stopTask(task.uid, again));
}

function killing({ trans }: Services): string {
  return trans.__('It was asked to end and has not yet. Killed at once, it cannot save what it was doing.');
}

async function confirmed(title: string, body: string, label: string): Promise<boolean> {
  const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label })];
  return (await showDialog({ title, body, buttons })).button.accept;
}

export async function retry(services: Services, uid: string): Promise<Task | null> {
  return attempt(services, services.api.applyToTask(uid, 'retry'));
}

/** Queue the same once more, as a task of its own; it can be opened from the notification. */
export async function clone(services: Services, uid: string): Promise<Task | null> {
  return sayQueued(services, await attempt(services, services.api.applyToTask(uid, 'clone')));
}

function sayQueued({ trans, commands }: Services, made: Task | null): Task | null {
  if (made !== null) {
    const open = (): void => void commands.execute(CommandIDs.openTask, { uid: made.uid });
    Notification.success(trans.__('“%1” is queued', made.name), {
      autoClose: SAID_MS,
      actions: [{ label: trans.__('Open'), callback: open }]
    });
  }
  return made;
}

/** Queue a schedule's task now, besides its times; it can be opened from the notification. */
export async function runSchedule(services: Services, uid: string): Promise<Task | null> {
  return sayQueued(services, await attempt(services, services.api.runSchedule(uid)));
}

/** Let a schedule rest, or go on. */
export async function enableSchedule(services: Services, uid: string, isOn: boolean): Promise<void> {
  await attempt(services, services.api.updateSchedule(uid, { is_enabled: isOn }));
}

/** Remove a schedule, after asking; what it queued stays. */
export async function removeSchedule(services: Services, { uid, name }: Schedule): Promise<void> {
  const { api, trans } = services;
  const body = trans.__('It queues nothing more. The tasks that it has queued stay.');
  if (await confirmed(trans.__('Delete the schedule “%1”?', name), body, trans.__('Delete'))) {
    await attempt(services, api.removeSchedule(uid));
  }
}

/** Put a queued task before another one. */
export async function moveBefore(services: Services, uid: string, before: string): Promise<void> {
  await attempt(services, services.api.updateTask(uid, { before }));
}

/** Archive, restore or trash; what was put away can be taken back from the notification. */
export async function move(
  services: Services,
  uids: readonly string[],
  verb: 'archive' | 'restore' | 'trash'
): Promise<void> {
  const { trans } = services;
  const result = await bulk(services, uids, verb);
  if (result === null || result.done.length === 0) {
    return;
  }
  const undo = { label: trans.__('Undo'), callback: () => void move(services, result.done, 'restore') };
  const number = count(result.done.length);
  const said = {
    archive: trans.__('%1 archived', number),
    restore: trans.__('%1 restored', number),
    trash: trans.__('%1 moved to the trash', number)
  };
  Notification.success(said[verb], { autoClose: UNDO_MS, actions: verb === 'restore' ? [] : [undo] });
}

/** Delete for good, after asking. */
export async function purge(services: Services, uids: readonly string[]): Promise<void> {
  const { trans } = services;
  const question = trans._n(
    '%1 task with its logs and files will be deleted. This cannot be undone.',
    '%1 tasks with their logs and files will be deleted. This cannot be undone.',
    uids.length
  );
  if (!(await confirmed(trans.__('Delete for good?'), question, trans.__('Delete')))) {
    return;
  }
  const result = await bulk(services, uids, 'purge');
  if (result !== null && result.done.length > 0) {
    const message = trans.__('Deleted for good, %1 freed', bytes(result.freed_bytes));
    Notification.success(message, { autoClose: SAID_MS });
  }
}

async function bulk(services: Services, uids: readonly string[], verb: TaskVerb): Promise<BulkResult | null> {
  const { api, trans } = services;
  const result = await attempt(services, api.bulkTasks(verb, [...uids]));
  const problems = Object.values(result?.failed ?? {});
  const [first] = problems;
  if (first !== undefined) {
    const head = trans.__('%1 of %2 could not be changed:', count(problems.length), count(uids.length));
    Notification.error([head, first.detail, first.hint].filter(Boolean).join(' '), { autoClose: false });
  }
  return result;
}
