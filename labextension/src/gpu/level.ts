/** When a reading is worth a look (amber), and when something is broken (red). */

import type { GpuDevice, GpuHost, GpuStatus } from '../records';
import type { Throttle } from './words';

export type Level = 'normal' | 'warning' | 'critical';

const ORDER: readonly Level[] = ['normal', 'warning', 'critical'];
// As the default rules of alerts have them (core/alert_presets.py), so that amber and red mean one thing everywhere.
/** Shares of what there is. */
const MEMORY_WARNING = 0.95;
const DISK_WARNING = 0.95;
const DISK_CRITICAL = 0.99;
/** °C below the limit that the GPU itself tells, at which it slows down. */
const HOT = 5;
/** °C, where the GPU tells no limit of its own. */
const USUAL_LIMIT = 90;
const FAULTS: readonly Throttle[] = ['thermal', 'power_brake', 'hardware'];

export function worst(...levels: readonly Level[]): Level {
  return ORDER[Math.max(0, ...levels.map(level => ORDER.indexOf(level)))] ?? 'normal';
}

export function temperatureLevel({ temperature, temperature_limit }: GpuDevice): Level {
  const limit = temperature_limit.value ?? USUAL_LIMIT;
  const value = temperature.value ?? -Infinity;
  if (value >= limit) {
    return 'critical';
  }
  return value >= limit - HOT ? 'warning' : 'normal';
}

export function memoryLevel(used: number | null, total: number | null): Level {
  return used !== null && total !== null && used >= MEMORY_WARNING * total ? 'warning' : 'normal';
}

export function diskLevel({ disk_used, disk_total }: GpuHost): Level {
  const [used, total] = [disk_used.value, disk_total.value];
  if (used === null || total === null) {
    return 'normal';
  }
  if (used >= DISK_CRITICAL * total) {
    return 'critical';
  }
  return used >= DISK_WARNING * total ? 'warning' : 'normal';
}

export function isFault(reason: Throttle): boolean {
  return FAULTS.includes(reason);
}

/** What is worst about a GPU. */
export function deviceLevel(device: GpuDevice): Level {
  if (device.state === 'lost') {
    return 'critical';
  }
  const hasErrors = (device.ecc_uncorrected.value ?? 0) > 0 || device.xid !== null;
  return worst(
    temperatureLevel(device),
    memoryLevel(device.memory_used.value, device.memory_total.value),
    device.throttle.some(isFault) ? 'warning' : 'normal',
    hasErrors ? 'warning' : 'normal'
  );
}

/** What the state of a machine's driver means. */
export function monitorLevel(state: GpuStatus['state']): Level {
  switch (state) {
    case 'driver_mismatch':
    case 'driver_stalled':
      return 'critical';
    case 'failed':
    case 'away':
      return 'warning';
    default:
      return 'normal';
  }
}
