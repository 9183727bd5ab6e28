/** Tasks as a server answers them, for tests. */

import type { Schedule, Task, TaskRow, TaskSpec } from '../records';

const SPEC: TaskSpec = {
  kind: 'script',
  command: [],
  shell: false,
  script: 'train.py',
  args: [],
  interpreter: '',
  notebook: '',
  parameters: {},
  kernel: '',
  cwd: '',
  env: {},
  gpus: 0,
  slots: 1,
  timeout_s: null,
  grace_s: 30,
  retries: 0,
  retry_wait_s: 10,
  rerun_lost: false
};

export function aTaskRow(change: Partial<TaskRow> = {}): TaskRow {
  return {
    uid: 'task0',
    name: 'train',
    project: 'project0',
    project_name: 'digits',
    owner: 'ada',
    kind: 'script',
    executor: 'local',
    agent: 'agent0',
    machine: 'box',
    state: 'running',
    reason: '',
    detail: '',
    lifecycle: 'active',
    priority: 0,
    gpus: 0,
    created_at: 1_000,
    updated_at: 1_000,
    started_at: 1_001,
    ended_at: null,
    attempts: 1,
    attempt: 'attempt1',
    exit_code: null,
    signal: null,
    progress: null,
    experiment: null,
    experiment_name: null,
    schedule: null,
    stop_requested: false,
    unreachable: false,
    log: { lines: 0, size: 0, levels: {} },
    ...change
  };
}

export function aTask(change: Partial<Omit<Task, 'spec'>> & { spec?: Partial<TaskSpec> } = {}): Task {
  const { spec, ...more } = change;
  return {
    ...aTaskRow(),
    spec: { ...SPEC, ...spec },
    after: [],
    lineage: [],
    role: 'owner',
    ...more
  };
}

export function aSchedule(
  change: Partial<Omit<Schedule, 'task'>> & { task?: Partial<TaskSpec> } = {}
): Schedule {
  const { task, ...more } = change;
  return {
    uid: 'schedule0',
    name: 'nightly',
    project: 'project0',
    project_name: 'digits',
    owner: 'ada',
    agent: 'agent0',
    cron: '30 2 * * *',
    timezone: 'Asia/Shanghai',
    misfire: 'skip',
    overlap: 'skip',
    is_enabled: true,
    task: { ...SPEC, ...task },
    task_name: '',
    priority: 0,
    created_at: 1_000,
    next_at: Date.now() / 1000 + 7_300,
    last_at: null,
    last_task: null,
    last_state: null,
    problem: null,
    role: 'owner',
    ...more
  };
}
