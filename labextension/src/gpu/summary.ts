/** A GPU, or a machine, in one line for hovers and screen readers. */

import { bytes, relative } from '../format';
import type { Trans } from '../i18n';
import type { GpuDevice, GpuHost, GpuReading } from '../records';
import { gibText, percentText, withUnit } from './figures';
import { isFault } from './level';
import type { Machine } from './monitor';
import { absenceOf, diskAbsence, holders, throttleWord } from './words';

/** What is the matter with a GPU, in words; empty where all is well. */
export function troubles(device: GpuDevice, trans: Trans): string[] {
  const slowed = device.throttle.filter(isFault).map(reason => throttleWord(reason, trans));
  return [...slowed, ...faults(device, trans)];
}

/** What is the matter with it beside what slows it down. */
export function faults(device: GpuDevice, trans: Trans): string[] {
  const { temperature, temperature_limit: limit, ecc_uncorrected: ecc, xid, xid_at } = device;
  const isHot = temperature.value !== null && limit.value !== null && temperature.value >= limit.value;
  return [
    ...(device.state === 'lost' ? [trans.__('lost: it no longer answers. Restart the machine.')] : []),
    ...(isHot ? [trans.__('hotter than its limit')] : []),
    ...((ecc.value ?? 0) > 0 ? [trans.__('%1 memory errors that could not be corrected', ecc.value)] : []),
    ...(xid === null
      ? []
      : [trans.__('fault Xid %1', xid) + (xid_at === null ? '' : `, ${relative(xid_at)}`)])
  ];
}

/** The number of a GPU; of an instance its place in its GPU as well, as its system metrics have it: `0:1`. */
export function numberOf(device: GpuDevice, devices: readonly GpuDevice[]): string {
  const siblings = devices.filter(({ parent }) => parent !== null && parent === device.parent);
  const place = siblings.findIndex(({ uuid }) => uuid === device.uuid);
  return place < 0 ? String(device.index) : `${device.index}:${place}`;
}

/** The lines of a GPU's hover: model, readings, who holds it, what is the matter. */
export function deviceLines(device: GpuDevice, devices: readonly GpuDevice[], trans: Trans): string[] {
  const { utilization, memory_used: used, memory_total: total, temperature, power } = device;
  const told = (reading: GpuReading, text: string): string =>
    reading.value === null ? absenceOf(device, reading, devices, trans) : text;
  const memory = trans.__('%1 of %2 GiB', gibText(used.value ?? 0), gibText(total.value ?? 0));
  const who = holders(device, trans);
  return [
    `${numberOf(device, devices)} ${device.name}`,
    ...troubles(device, trans),
    `${trans.__('Utilization')}: ${told(utilization, percentText(utilization.value))}`,
    `${memoryWord(device, trans)}: ${told(used, told(total, memory))}`,
    `${trans.__('Temperature')}: ${told(temperature, withUnit(temperature, '°C'))}`,
    `${trans.__('Power')}: ${told(power, withUnit(power, 'W'))}`,
    ...(who.length > 0 ? [trans.__('Held by %1', who.join(', '))] : [])
  ];
}

/** What stands for itself: a GPU that is split into instances is counted once, as are its memory and its faults. */
export function whole(devices: readonly GpuDevice[]): GpuDevice[] {
  return devices.filter(device => device.parent === null);
}

/** CPU and GPU of some machines share one memory. */
export function memoryWord({ is_unified }: GpuDevice, trans: Trans): string {
  return is_unified ? trans.__('Memory, shared with the CPU') : trans.__('Memory');
}

export function hostLines(host: GpuHost, trans: Trans): string[] {
  const { cpu, cores, load, memory_used, memory_total, disk_used } = host;
  const disk = disk_used.value === null ? diskAbsence(disk_used.reason, trans) : diskText(host);
  return [
    trans.__('CPU: %1 of %2 cores, load %3', percentText(cpu), cores, load.toFixed(2)),
    `${trans.__('Host memory')}: ${trans.__('%1 of %2 GiB', gibText(memory_used), gibText(memory_total))}`,
    `${trans.__('Disk')}: ${disk}`
  ];
}

/** `400 GB / 2 TB`. */
export function diskText({ disk_used: used, disk_total: total }: GpuHost): string {
  return `${bytes(used.value ?? 0)} / ${bytes(total.value ?? 0)}`;
}

/** `GPU 0, GPU 1` for UUIDs, by the numbers that a machine has told; a UUID that none knows stands for itself. */
export function gpuNames(uuids: readonly string[], machines: readonly Machine[], trans: Trans): string {
  const devices = machines.flatMap(({ status }) => status?.devices ?? []);
  const numbers = new Map(devices.map(device => [device.uuid, numberOf(device, devices)]));
  return uuids
    .map(uuid => (numbers.has(uuid) ? trans.__('GPU %1', numbers.get(uuid) ?? '') : uuid))
    .join(', ');
}
