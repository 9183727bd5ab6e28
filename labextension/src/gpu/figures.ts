/** Readings as people read them. */

import { locale } from '../locale';
import type { GpuReading } from '../records';

/** What stands where there is no value: never a zero that nobody measured. */
export const NONE = '–';

const GIB = 2 ** 30;

export function gib(bytes: number): number {
  return bytes / GIB;
}

/** `61`, `2.1`: gibibytes with two digits at least, as far as they matter. */
export function gibText(bytes: number): string {
  const value = gib(bytes);
  const digits = value !== 0 && value < 9.95 ? 1 : 0;
  return value.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** `61/80 G`, with a dash for what is not known. */
export function memoryText(used: number | null, total: number | null): string {
  return `${used === null ? NONE : gibText(used)}/${total === null ? NONE : gibText(total)} G`;
}

/** `87 %`. */
export function percentText(value: number | null): string {
  return value === null ? NONE : `${Math.round(value)} %`;
}

/** `1,980`. */
export function wholeText(value: number | null): string {
  return value === null ? NONE : value.toLocaleString(locale(), { maximumFractionDigits: 0 });
}

/** `310 W`; a unit needs a value. */
export function withUnit({ value }: GpuReading, unit: string): string {
  return value === null ? NONE : `${wholeText(value)} ${unit}`;
}

/** How much of what there is, from 0 to 1; null where that is not known. */
export function share(used: number | null, total: number | null): number | null {
  return used === null || total === null || total <= 0 ? null : Math.min(1, Math.max(0, used / total));
}

/** The words of a model's name that tell it from others: `NVIDIA H100 80GB HBM3` is an `H100`. */
export function shortName(name: string): string {
  const short = name
    .replace(/^.* (?=MIG )/, '')
    .replace(/^(NVIDIA|AMD)\s+/, '')
    .replace(/^(GeForce|Tesla|Quadro|Instinct|Radeon)\s+(?=\S)/, '')
    .replace(/[-\s](SXM\d*|PCIe|HBM\w*|NVL|\d+\s?GB)(?=[-\s]|$)/g, '')
    .trim();
  return short === '' ? name : short;
}
