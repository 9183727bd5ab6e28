/** What a person does to projects and experiments, with what is said about it. */

import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';

import type { Api } from './api';
import { asApiError } from './errors';
import { bytes, count } from './format';
import type { Trans } from './i18n';
import type { BulkResult, Verb } from './records';
import type { Services } from './services';
import type { Target } from './target';

type Things = Pick<Target, 'kind' | 'uids'>;

const CHUNK = 100;
const UNDO_TIME = 10_000;

/** Archive, restore or trash; what was put away can be taken back from the notification. */
export async function move(services: Services, target: Things, verb: Exclude<Verb, 'purge'>): Promise<void> {
  const { trans } = services;
  const result = await inChunks(services, target, verb);
  if (result === null || result.done.length === 0) {
    return;
  }
  const undo = {
    label: trans.__('Undo'),
    callback: (): void => void move(services, { ...target, uids: result.done }, 'restore')
  };
  const message = moved(verb, count(result.done.length), trans);
  Notification.success(message, { autoClose: UNDO_TIME, actions: verb === 'restore' ? [] : [undo] });
}

/** Delete for good, after asking. */
export async function purge(services: Services, target: Things): Promise<void> {
  const { trans } = services;
  const answer = await showDialog({
    title: trans.__('Delete for good?'),
    body: purgeQuestion(target, trans),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Delete') })]
  });
  if (!answer.button.accept) {
    return;
  }
  const result = await inChunks(services, target, 'purge');
  if (result !== null && result.done.length > 0) {
    Notification.success(trans.__('Deleted for good, %1 freed', bytes(result.freed_bytes)), {
      autoClose: 5000
    });
  }
}

/** Give a new name; answer whether it was taken. */
export async function rename(services: Services, target: Things, name: string): Promise<boolean> {
  const [uid = ''] = target.uids;
  return reporting(services.trans, async () => {
    await (target.kind === 'project'
      ? services.api.updateProject(uid, { name })
      : services.api.updateExperiment(uid, { name }));
  });
}

/** Ask experiments to stop; each does so when it next looks. */
export async function stop(services: Services, uids: readonly string[]): Promise<void> {
  const { trans } = services;
  const isAsked = await reporting(trans, async () => {
    await Promise.all(uids.map(uid => services.api.applyToExperiment(uid, 'stop')));
  });
  if (isAsked) {
    Notification.info(trans.__('Asked to stop; training ends when it next checks exp.should_stop'), {
      autoClose: 5000
    });
  }
}

/** Say why `reason` came; for failures that no part of the page shows. */
export function report(trans: Trans, reason: unknown): void {
  const error = asApiError(reason);
  const what = error.isUnreachable
    ? trans.__('The server cannot be reached; nothing was changed.')
    : error.detail;
  const fields = Object.entries(error.fields).map(([field, wanted]) => `${field}: ${wanted}`);
  Notification.error([what, ...fields, error.hint].filter(Boolean).join(' '), { autoClose: false });
}

async function reporting(trans: Trans, work: () => Promise<void>): Promise<boolean> {
  try {
    await work();
    return true;
  } catch (reason) {
    report(trans, reason);
    return false;
  }
}

/** Apply `verb` a hundred at a time, showing how far it is; null when it failed as a whole. */
async function inChunks(services: Services, target: Things, verb: Verb): Promise<BulkResult | null> {
  const { api, trans } = services;
  const total = target.uids.length;
  const sum: BulkResult = { done: [], failed: {}, freed_bytes: 0 };
  const notice =
    total > CHUNK ? Notification.emit(progress(0, total, trans), 'in-progress', { autoClose: false }) : null;
  const isDone = await reporting(trans, async () => {
    for (let at = 0; at < total; at += CHUNK) {
      const result = await applyToMany(api, target.kind, verb, target.uids.slice(at, at + CHUNK));
      sum.done.push(...result.done);
      Object.assign(sum.failed, result.failed);
      sum.freed_bytes += result.freed_bytes;
      if (notice !== null) {
        Notification.update({ id: notice, message: progress(at, total, trans), progress: at / total });
      }
    }
  });
  if (notice !== null) {
    Notification.dismiss(notice);
  }
  tellFailed(sum, total, trans);
  return isDone || sum.done.length > 0 ? sum : null;
}

function applyToMany(api: Api, kind: Target['kind'], verb: Verb, uids: string[]): Promise<BulkResult> {
  return kind === 'project' ? api.bulkProjects(verb, uids) : api.bulkExperiments(verb, uids);
}

function progress(done: number, total: number, trans: Trans): string {
  return trans.__('%1 of %2 done', count(done), count(total));
}

function tellFailed(result: BulkResult, total: number, trans: Trans): void {
  const problems = Object.values(result.failed);
  const [first] = problems;
  if (first !== undefined) {
    const head = trans.__('%1 of %2 could not be changed:', count(problems.length), count(total));
    Notification.error([head, first.detail, first.hint].filter(Boolean).join(' '), { autoClose: false });
  }
}

function moved(verb: Exclude<Verb, 'purge'>, number: string, trans: Trans): string {
  switch (verb) {
    case 'archive':
      return trans.__('%1 archived', number);
    case 'restore':
      return trans.__('%1 restored', number);
    case 'trash':
      return trans.__('%1 moved to the trash', number);
  }
}

function purgeQuestion(target: Things, trans: Trans): string {
  const number = target.uids.length;
  return target.kind === 'project'
    ? trans._n(
        '%1 project with all its experiments, points and journals will be deleted. This cannot be undone.',
        '%1 projects with all their experiments, points and journals will be deleted. This cannot be undone.',
        number
      )
    : trans._n(
        '%1 experiment with its points and journals will be deleted. This cannot be undone.',
        '%1 experiments with their points and journals will be deleted. This cannot be undone.',
        number
      );
}
