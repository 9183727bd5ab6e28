/** From the history of machines, and what came since, to the curves that charts draw. */

import type { Range } from '../chart/curves';
import type { Columns, Curve, GpuHistory, GpuSeries, GpuStatus } from '../records';
import { gib, shortName } from './figures';

export type Metric = GpuSeries['metric'];

/** Metrics of GPUs, and of the machine around them, that have a chart. */
export const GPU_METRICS = ['utilization', 'memory_used', 'temperature', 'power'] as const satisfies Metric[];
export const HOST_METRICS = ['cpu', 'host_memory_used'] as const satisfies Metric[];

/** Seconds without a sample after which a line is broken, in distances of points. */
const GAP = 3;

/** One metric of one GPU or machine over time, in the unit in which it is drawn. */
export interface Line {
  readonly metric: Metric;
  readonly curve: Curve;
  /** The largest possible value; null: not known. */
  readonly limit: number | null;
}

/** What a curve stands for: the UUID of a GPU, or the agent of a machine. */
export function subjectOf(agent: string, gpu: string): string {
  return gpu === '' ? agent : gpu;
}

/** Bytes are drawn in GiB. */
function scaleOf(metric: Metric): (value: number) => number {
  return metric.endsWith('memory_used') ? gib : value => value;
}

/** The lines of `history`, followed by the samples of `tail` that are newer. */
export function linesOf(history: GpuHistory, tail: readonly GpuStatus[]): Line[] {
  return history.series.map(series => {
    const scale = scaleOf(series.metric);
    const columns = extended(scaled(series, scale), tail, series, Math.max(history.resolution, 1));
    const limit = series.limit === null ? null : scale(series.limit);
    const experiment = subjectOf(history.agent, series.gpu);
    return { metric: series.metric, limit, curve: curveOf(experiment, series.metric, columns) };
  });
}

type Triple = Pick<Columns, 'x' | 'mean' | 'min' | 'max'>;

function scaled({ at, mean, min, max }: GpuSeries, scale: (value: number) => number): Triple {
  const all = (values: readonly (number | null)[]): (number | null)[] =>
    values.map(value => (value === null ? null : scale(value)));
  return { x: [...at], mean: all(mean), min: all(min), max: all(max) };
}

function extended(
  columns: Triple,
  tail: readonly GpuStatus[],
  { gpu, metric }: GpuSeries,
  resolution: number
): Triple {
  const scale = scaleOf(metric);
  // A point of history stands in the middle of the samples that it is made of.
  const told = (columns.x.at(-1) ?? -Infinity) + resolution / 2;
  for (const status of tail.filter(status => status.at > told)) {
    const last = columns.x.at(-1) ?? -Infinity;
    const distance = status.at - last;
    if (distance > 0) {
      if (distance > GAP * Math.max(resolution, status.interval) && Number.isFinite(last)) {
        append(columns, last + distance / 2, null);
      }
      const value = valueOf(status, gpu, metric);
      append(columns, status.at, value === null ? null : scale(value));
    }
  }
  return columns;
}

function append({ x, mean, min, max }: Triple, at: number, value: number | null): void {
  x.push(at);
  [mean, min, max].forEach(column => column.push(value));
}

function valueOf(status: GpuStatus, gpu: string, metric: Metric): number | null {
  switch (metric) {
    case 'cpu':
      return status.system?.cpu ?? null;
    case 'host_memory_used':
      return status.system?.memory_used ?? null;
    case 'disk_used':
      return status.system?.disk_used.value ?? null;
    default:
      return status.devices.find(device => device.uuid === gpu)?.[metric].value ?? null;
  }
}

function curveOf(experiment: string, metric: string, { x, mean, min, max }: Triple): Curve {
  const known = mean.filter(value => value !== null);
  const lows = min.filter(value => value !== null);
  return {
    ...{ experiment, metric, context: '' },
    columns: {
      ...{ x, first_x: x, mean, min, max, last: mean },
      ...{ count: x.map(() => 1), nan: [], posinf: [], neginf: [], smooth: [] }
    },
    ...{ shown: x.length, total: x.length, raw: false, from_x: null, abandoned: [] },
    summary: {
      ...{ metric, context: '', count: known.length, nan: 0, infinite: 0 },
      ...{ last: known.at(-1) ?? null, last_step: null, last_wall: null },
      ...{
        min: lows.length === 0 ? null : lows.reduce((one, other) => Math.min(one, other)),
        min_step: null
      },
      ...{ max: null, max_step: null }
    },
    x_extent: x.length > 0 ? [x[0], x[x.length - 1]] : null
  };
}

/** The scale of a metric's values, which does not move: shares to 100, the rest to what is possible. */
export function heightOf(metric: Metric, lines: readonly Line[]): Range {
  if (metric === 'utilization' || metric === 'cpu') {
    return [0, 100];
  }
  const limits = lines.map(line => line.limit ?? largest(line.curve) * 1.1);
  const most = Math.max(metric === 'temperature' ? 100 : 0, ...limits);
  return [0, most > 0 ? most : 1];
}

function largest({ columns }: Curve): number {
  return columns.max.reduce<number>((most, value) => Math.max(most, value ?? 0), 0);
}

/** `GPU 0` where all are of one model, else `0 · H100`; and of several that would be called the same who they are. */
function shortNames(names: Readonly<Record<string, string>>): [uuid: string, name: string][] {
  const parts = Object.entries(names).map(([uuid, name]) => {
    const [index, ...model] = name.split(' · ');
    return { uuid, index, model: shortName(model.join(' · ')) };
  });
  const isUniform = new Set(parts.map(({ model }) => model)).size === 1;
  const called = parts.map(({ index, model }) => (isUniform ? `GPU ${index}` : `${index} · ${model}`));
  return parts.map(({ uuid }, at) => {
    const isRepeated = called.filter(one => one === called[at]).length > 1;
    return [uuid, isRepeated ? `${called[at]} (${uuid.slice(-6)})` : called[at]];
  });
}

/** Names of GPUs and machines: what history knows, as it also knows those that are gone. */
export function namesOf(histories: readonly GpuHistory[]): Map<string, string> {
  const isAlone = histories.length === 1;
  return new Map(
    histories.flatMap(({ agent, host, names }): [string, string][] => [
      [agent, host],
      ...shortNames(names).map(([uuid, name]): [string, string] => [
        uuid,
        isAlone ? name : `${host} · ${name}`
      ])
    ])
  );
}
