/** What is said of GPUs and machines: their states, why a value is missing, who holds what. */

import type { Trans } from '../i18n';
import { exactTime } from '../format';
import type { GpuDevice, GpuHolder, GpuProcess, GpuReading, GpuStatus } from '../records';

export type MonitorState = GpuStatus['state'];
export type Absence = GpuReading['reason'];
export type Throttle = GpuDevice['throttle'][number];

/** A word for what is the matter, and what can be done about it. */
export interface Said {
  readonly word: string;
  readonly hint: string;
}

/** What keeps a machine's GPUs from being read; null while they are. */
export function describeMonitor(status: GpuStatus, trans: Trans): Said | null {
  const { state, detail } = status;
  switch (state) {
    case 'ok':
      return null;
    case 'starting':
      return { word: trans.__('starting'), hint: trans.__('The first reading is on its way.') };
    case 'no_gpu':
      return {
        word: trans.__('no GPU'),
        hint: trans.__('This machine has no GPU that its driver knows of.')
      };
    case 'no_driver':
      return { word: trans.__('no driver'), hint: noDriver(detail, trans) };
    case 'driver_mismatch':
      return { word: trans.__('driver mismatch'), hint: mismatch(detail, trans) };
    case 'driver_stalled':
      return { word: trans.__('driver stalled'), hint: stalled(detail, trans) };
    case 'failed':
      return { word: trans.__('restarting'), hint: failed(detail, trans) };
    case 'away':
      return { word: trans.__('away'), hint: away(status, trans) };
  }
}

function withDetail(hint: string, detail: string): string {
  return detail === '' ? hint : `${hint}\n${detail}`;
}

function noDriver(detail: string, trans: Trans): string {
  const hint = trans.__(
    'No GPU driver was found. If there is a GPU, install its driver; in a container, start it with access to GPUs.'
  );
  return withDetail(hint, detail);
}

function mismatch(detail: string, trans: Trans): string {
  const hint = trans.__(
    'The driver was updated and its parts no longer fit together: restart the machine, or load the driver’s module again.'
  );
  return withDetail(hint, detail);
}

function stalled(detail: string, trans: Trans): string {
  const hint = trans.__(
    'The driver does not answer, so nothing is known of what its GPUs do. Programs on them may hang too; if it lasts, restart the machine.'
  );
  return withDetail(hint, detail);
}

function failed(detail: string, trans: Trans): string {
  const hint = trans.__('The process that reads the GPUs has ended and is started again.');
  return withDetail(hint, detail);
}

function away({ host, at }: GpuStatus, trans: Trans): string {
  return trans.__('No server runs on %1. What is shown is of %2.', host, exactTime(at));
}

/** Why there is no value. */
export function absence(reason: Absence, trans: Trans): string {
  switch (reason) {
    case 'not_supported':
      return trans.__('This GPU does not tell it.');
    case 'no_permission':
      return trans.__('Reading it takes rights that the server does not have.');
    case 'function_missing':
      return trans.__('The driver is too old to tell it.');
    case 'lost':
      return trans.__('The GPU is lost.');
    case 'timeout':
      return trans.__('The driver did not answer in time.');
    case 'unknown':
    case '':
      return trans.__('It was not read.');
  }
}

/** Why a GPU does not tell a reading: one that is split, and its instances, tell less than a whole one. */
export function absenceOf(
  device: GpuDevice,
  reading: Pick<GpuReading, 'reason'>,
  devices: readonly GpuDevice[],
  trans: Trans
): string {
  const isSplit = device.parent !== null || devices.some(({ parent }) => parent === device.uuid);
  return isSplit && reading.reason === 'not_supported'
    ? trans.__('Not available with MIG.')
    : absence(reading.reason, trans);
}

/** Why none of `devices` tells a reading; null if one does, or may yet. */
export function commonAbsence(
  devices: readonly GpuDevice[],
  read: (device: GpuDevice) => GpuReading,
  trans: Trans
): string | null {
  const [first] = devices;
  const isTold = devices.map(read).some(({ value, reason }) => value !== null || reason === 'unknown');
  return first === undefined || isTold ? null : absenceOf(first, read(first), devices, trans);
}

/** Why nothing is known of the disk. */
export function diskAbsence(reason: Absence, trans: Trans): string {
  return reason === 'timeout' ? trans.__('The disk does not answer.') : absence(reason, trans);
}

/** Why a GPU is slower than it could be. */
export function throttleWord(reason: Throttle, trans: Trans): string {
  switch (reason) {
    case 'idle':
      return trans.__('idle');
    case 'thermal':
      return trans.__('slowed by heat');
    case 'power':
      return trans.__('at its power limit');
    case 'power_brake':
      return trans.__('slowed by its power supply');
    case 'hardware':
      return trans.__('slowed by its hardware protection');
    case 'sync':
      return trans.__('in step with other GPUs');
    case 'settings':
      return trans.__('held back by settings');
  }
}

/** The last part of a notebook's path. */
export function fileName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/** Whom a holder stands for, in a word or two. */
export function holderName(holder: GpuHolder, trans: Trans): string {
  if (holder.is_hidden) {
    return trans.__('another project');
  }
  const notebook = holder.notebook === null ? null : fileName(holder.notebook);
  const named = holder.task_name ?? notebook ?? holder.experiment_name;
  return named ?? holder.task ?? holder.experiment ?? trans.__('a kernel without a notebook');
}

/** Who a process belongs to. */
export function processOwner(process: GpuProcess, trans: Trans): string {
  if (process.holder !== null) {
    return holderName(process.holder, trans);
  }
  if (process.is_foreign) {
    return trans.__('outside of this container');
  }
  return process.name === '' ? trans.__('process %1', process.pid) : fileName(process.name);
}

/** Everyone who holds a GPU, the largest first and each once; whoever leased it where no process is seen. */
export function holders(device: GpuDevice, trans: Trans): string[] {
  const bySize = [...device.processes].sort(
    (one, other) => (other.memory.value ?? 0) - (one.memory.value ?? 0)
  );
  const names = bySize.map(process => processOwner(process, trans));
  const lease = device.lease === null ? [] : [holderName(device.lease, trans)];
  return [...new Set([...names, ...lease])];
}
