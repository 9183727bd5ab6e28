/** System metrics: what the machine did beside a run. Which series they are, and what is shown of them under its curves. */

import type { Trans } from '../i18n';
import type { Curve, SeriesSummary } from '../records';

/** A small chart of shares in percent. */
export interface StripPlan {
  /** `gpu`: all of the one GPU there is; `utilization`, `memory`: that of several; `machine`: there is no GPU. */
  readonly kind: 'gpu' | 'utilization' | 'memory' | 'machine';
  readonly metrics: readonly string[];
  /** How many GPUs there are, of which `metrics` name the first. */
  readonly total: number;
}

/** Fewer than the server answers at once. */
const MOST_LINES = 48;
const PREFIX = 'system/';
const GPU_READING = /^system\/gpu\.([^.]+)\.(\w+)$/;
const GPU = /^system\/gpu\.([^.]+)\.(util|memory)$/;
const UNITS: readonly (readonly [RegExp, string])[] = [
  [/^system\/gpu\.[^.]+\.(util|memory)$|^system\/(cpu|memory|disk|process\.cpu)$/, '%'],
  [/memory_used$|process[._]memory$/, 'GiB'],
  [/\.temperature$/, '°C'],
  [/\.power$/, 'W']
];

/** What is to be known of a series. */
export type SystemSeries = Pick<SeriesSummary, 'metric' | 'context'>;

/** Whether a series has a time and no step. */
export function isClock({ context }: Pick<SystemSeries, 'context'>): boolean {
  return context.split(',')[0] === 'clock';
}

/** What a context says to people: which rank. */
export function placeOf(context: string): string {
  return context.replace(/^clock,?/, '');
}

/** `GPU 0 power · W`; of what has no words its name. */
export function systemTitle(metric: string, trans: Trans): string {
  const unit = UNITS.find(([pattern]) => pattern.test(metric));
  const bare = metric.startsWith(PREFIX) ? metric.slice(PREFIX.length) : metric;
  const name = gpuReading(metric, trans) ?? hostReading(bare, trans) ?? bare;
  return unit ? `${name} · ${unit[1]}` : name;
}

function gpuReading(metric: string, trans: Trans): string | undefined {
  const [, gpu = '', reading = ''] = GPU_READING.exec(metric) ?? [];
  const names: Readonly<Record<string, () => string>> = {
    util: () => trans.__('GPU %1 utilization', gpu),
    memory: () => trans.__('GPU %1 memory', gpu),
    memory_used: () => trans.__('GPU %1 memory used', gpu),
    process_memory: () => trans.__('GPU %1 memory of this run', gpu),
    temperature: () => trans.__('GPU %1 temperature', gpu),
    power: () => trans.__('GPU %1 power', gpu)
  };
  return names[reading]?.();
}

function hostReading(name: string, trans: Trans): string | undefined {
  const names: Readonly<Record<string, () => string>> = {
    cpu: () => 'CPU',
    memory: () => trans.__('Host memory'),
    disk: () => trans.__('Disk'),
    'process.cpu': () => trans.__('CPU of this run'),
    'process.memory': () => trans.__('Memory of this run')
  };
  return names[name]?.();
}

/** What to show under the curves: utilization and memory of the GPUs, else CPU and memory of the machine. */
export function stripsOf(summaries: readonly SystemSeries[]): StripPlan[] {
  const names = [...new Set(summaries.filter(isClock).map(({ metric }) => metric))];
  const gpus = new Set(summaries.filter(one => isClock(one) && GPU.test(one.metric)).map(gpuKey));
  const of = (kind: string): string[] => names.filter(name => GPU.exec(name)?.[2] === kind).sort(byNumber);
  const [util, memory] = [of('util'), of('memory')];
  const plans: StripPlan[] =
    gpus.size === 0
      ? [
          {
            kind: 'machine',
            metrics: ['system/cpu', 'system/memory'].filter(name => names.includes(name)),
            total: 0
          }
        ]
      : gpus.size === 1
        ? [{ kind: 'gpu', metrics: [...util, ...memory], total: 1 }]
        : [
            { kind: 'utilization', metrics: util.slice(0, MOST_LINES), total: util.length },
            { kind: 'memory', metrics: memory.slice(0, MOST_LINES), total: memory.length }
          ];
  return plans.filter(({ metrics }) => metrics.length > 0);
}

function gpuKey({ metric, context }: SystemSeries): string {
  return `${GPU.exec(metric)?.[1]} ${context}`;
}

function byNumber(one: string, other: string): number {
  return one.localeCompare(other, undefined, { numeric: true });
}

/** What a strip is called. */
export function stripTitle({ kind, metrics, total }: StripPlan, trans: Trans): string {
  const title = {
    gpu: () => trans.__('GPU %1', numberOf(metrics[0])),
    utilization: () => trans.__('GPU utilization'),
    memory: () => trans.__('GPU memory'),
    machine: () => trans.__('Machine')
  }[kind]();
  return metrics.length < total ? trans.__('%1, first %2 of %3', title, metrics.length, total) : title;
}

/** What a strip is called where its place does not say what it belongs to: by a screen reader. */
export function stripLabel(plan: StripPlan, trans: Trans): string {
  const title = stripTitle(plan, trans);
  switch (plan.kind) {
    case 'gpu':
      return trans.__('Machine: %1 utilization and memory', title);
    case 'machine':
      return trans.__('Machine: CPU and memory');
    default:
      return trans.__('Machine: %1', title);
  }
}

/** What a line of a strip is called. */
export function lineName(
  { kind }: StripPlan,
  curve: Pick<Curve, 'metric' | 'context'>,
  trans: Trans
): string {
  const isMemory = curve.metric.endsWith('memory');
  const name =
    kind === 'gpu'
      ? isMemory
        ? trans.__('GPU memory')
        : trans.__('Utilization')
      : kind === 'machine'
        ? isMemory
          ? trans.__('Host memory')
          : 'CPU'
        : trans.__('GPU %1', numberOf(curve.metric));
  return [name, placeOf(curve.context)].filter(Boolean).join(' · ');
}

function numberOf(metric: string): string {
  return GPU.exec(metric)?.[1] ?? '';
}
