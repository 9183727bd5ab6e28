/** GPUs and machines as a server answers them, for tests. */

import type {
  Agent,
  GpuDevice,
  GpuHistory,
  GpuHolder,
  GpuHost,
  GpuProcess,
  GpuReading,
  GpuSeries,
  GpuStatus
} from '../records';

const GIB = 2 ** 30;

export function reading(value: number): GpuReading {
  return { value, reason: '' };
}

export function absent(reason: GpuReading['reason']): GpuReading {
  return { value: null, reason };
}

export function aHolder(change: Partial<GpuHolder> = {}): GpuHolder {
  return {
    ...{ kernel: null, notebook: null, experiment: null, experiment_name: null },
    ...{ task: null, task_name: null, project: null, is_hidden: false },
    ...change
  };
}

export const NOTEBOOK = aHolder({
  kernel: 'kernel0',
  notebook: 'work/train.ipynb',
  experiment: 'mlp',
  experiment_name: 'mlp-lr3',
  project: 'digits'
});

export function aProcess(pid: number, change: Partial<GpuProcess> = {}): GpuProcess {
  return {
    pid,
    memory: reading(20 * GIB),
    name: '/usr/bin/python',
    username: 'ada',
    is_foreign: false,
    holder: null,
    ...change
  };
}

export function aGpu(index: number, change: Partial<GpuDevice> = {}): GpuDevice {
  return {
    uuid: `GPU-${index}`,
    index,
    name: 'NVIDIA H100 80GB HBM3',
    vendor: 'nvidia',
    parent: null,
    state: 'ok',
    is_unified: false,
    utilization: reading(87),
    memory_used: reading(61 * GIB),
    memory_total: reading(80 * GIB),
    memory_reserved: reading(0.5 * GIB),
    temperature: reading(64),
    temperature_limit: reading(87),
    power: reading(612),
    power_limit: reading(700),
    fan: absent('not_supported'),
    clock_sm: reading(1980),
    clock_memory: reading(2619),
    pcie_received: absent('unknown'),
    pcie_sent: absent('unknown'),
    ecc_uncorrected: reading(0),
    ...{ xid: null, xid_at: null, throttle: [], lease: null, processes: [], processes_reason: '' },
    ...change
  };
}

export const IDLE: Partial<GpuDevice> = {
  utilization: reading(0),
  memory_used: reading(2.1 * GIB),
  temperature: reading(33),
  power: reading(71),
  throttle: ['idle']
};

const NO_READINGS = Object.fromEntries(
  (
    [
      'utilization',
      'memory_used',
      'memory_total',
      'memory_reserved',
      'temperature',
      'temperature_limit'
    ] as const
  ).map(name => [name, absent('lost')])
);

export const LOST: Partial<GpuDevice> = {
  ...NO_READINGS,
  ...{ state: 'lost', power: absent('lost'), power_limit: absent('lost'), clock_sm: absent('lost') },
  ...{ clock_memory: absent('lost'), ecc_uncorrected: absent('lost'), processes_reason: 'lost' },
  ...{ xid: 79, xid_at: 1_700_000_000 }
};

/** A GPU that is split into two instances. */
export function splitGpu(): GpuDevice[] {
  const name = 'NVIDIA A100-SXM4-80GB';
  const part = (number: number, profile: string, gib: number): GpuDevice =>
    aGpu(0, {
      uuid: `MIG-${number}`,
      parent: 'GPU-0',
      name: `${name} MIG ${profile}`,
      utilization: absent('not_supported'),
      memory_used: reading(number * 9 * GIB),
      memory_total: reading(gib * GIB),
      temperature: absent('not_supported'),
      temperature_limit: absent('not_supported'),
      power: absent('not_supported'),
      power_limit: absent('not_supported'),
      processes: number === 0 ? [] : [aProcess(40, { holder: NOTEBOOK })]
    });
  return [
    aGpu(0, { name, utilization: absent('not_supported'), memory_used: reading(9 * GIB) }),
    part(0, '3g.40gb', 40),
    part(1, '1g.10gb', 10)
  ];
}

export const HOST: GpuHost = {
  cpu: 23.4,
  cores: 32,
  memory_used: 11 * GIB,
  memory_total: 24 * GIB,
  disk_used: reading(400e9),
  disk_total: reading(2000e9),
  load: 7.5
};

export function aStatus(devices: GpuDevice[], change: Partial<GpuStatus> = {}): GpuStatus {
  return {
    state: devices.length > 0 ? 'ok' : 'no_gpu',
    detail: '',
    agent: 'agent0',
    host: 'box',
    username: 'ada',
    is_own: true,
    at: 1_700_000_000,
    interval: 1,
    driver: '575.57.08',
    total: devices.length,
    devices,
    system: HOST,
    ...change
  };
}

export function anAgent(uid: string, change: Partial<Agent> = {}): Agent {
  return {
    uid,
    machine: uid,
    username: 'ada',
    gpus: [],
    is_alive: true,
    is_own: uid === 'agent0',
    is_paused: false,
    seen_at: 1_700_000_000,
    slots: 4,
    slots_taken: 0,
    unknown: [],
    ...change
  };
}

const LIMITS: Partial<Record<GpuSeries['metric'], number>> = {
  utilization: 100,
  memory_used: 80 * GIB,
  power: 700,
  cpu: 100,
  host_memory_used: 24 * GIB
};

export function aSeries(
  gpu: string,
  metric: GpuSeries['metric'],
  at: number[],
  mean: (number | null)[]
): GpuSeries {
  return { gpu, metric, limit: LIMITS[metric] ?? null, at, mean, min: mean, max: mean };
}

/** The history of the GPUs and the machine of `status`: what they do now they have done all the time. */
export function aHistory(status: GpuStatus, start: number, end: number, points = 4): GpuHistory {
  const step = (end - start) / points;
  const at = Array.from({ length: points }, (_, i) => start + (i + 0.5) * step).filter(
    one => one <= status.at
  );
  const flat = (value: number | null | undefined): (number | null)[] => at.map(() => value ?? null);
  const metrics = ['utilization', 'memory_used', 'temperature', 'power'] as const;
  return {
    ...{ agent: status.agent, host: status.host, start, end, resolution: step },
    names: Object.fromEntries(status.devices.map(({ uuid, index, name }) => [uuid, `${index} · ${name}`])),
    series: [
      ...status.devices.flatMap(device =>
        metrics.map(metric => aSeries(device.uuid, metric, at, flat(device[metric].value)))
      ),
      aSeries('', 'cpu', at, flat(status.system?.cpu)),
      aSeries('', 'host_memory_used', at, flat(status.system?.memory_used))
    ]
  };
}
