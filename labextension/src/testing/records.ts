/** Records as the server part sends them. */

import type { Change, Curve, ExperimentRow, Project, SeriesSummary, ServerInfo } from '../records';

export const INFO: ServerInfo = {
  version: '0.1.0',
  api: 1,
  user: { username: 'ada', display_name: 'Ada', is_admin: true, scopes: ['read', 'write', 'admin'] },
  machine: 'box',
  database: 'sqlite',
  data_dir: '/data'
};

export function project(uid: string, more: Partial<Project> = {}): Project {
  return {
    uid,
    name: uid,
    description: '',
    status: 'active',
    owner: 'ada',
    role: 'owner',
    created_at: 1_700_000_000,
    updated_at: 1_700_000_000,
    experiments: {},
    ...more
  };
}

export function summary(more: Partial<SeriesSummary> = {}): SeriesSummary {
  return {
    metric: 'loss',
    context: '',
    count: 3,
    nan: 0,
    infinite: 0,
    last: 0.031416,
    last_step: 2,
    last_wall: 1_700_000_002,
    min: 0.03,
    min_step: 2,
    max: 1,
    max_step: 0,
    ...more
  };
}

export function experiment(uid: string, more: Partial<ExperimentRow> = {}): ExperimentRow {
  return {
    uid,
    name: uid,
    project: 'digits',
    project_name: 'digits',
    owner: 'ada',
    status: 'finished',
    lifecycle: 'active',
    cause: '',
    base_model: '',
    task_type: '',
    tags: [],
    created_at: 1_700_000_000,
    updated_at: 1_700_000_002,
    started_at: 1_700_000_000,
    ended_at: 1_700_000_002,
    attempts: 1,
    stop_requested: false,
    unreachable: false,
    headline: summary(),
    loss_value: 0.031416,
    metrics: [],
    ...more
  };
}

export function curve(uid: string, more: Partial<Curve> = {}): Curve {
  const values = [1, 0.5, 0.031416];
  return {
    experiment: uid,
    metric: 'loss',
    context: '',
    columns: {
      x: [0, 1, 2],
      first_x: [0, 1, 2],
      mean: values,
      min: values,
      max: values,
      last: values,
      count: [1, 1, 1],
      nan: [],
      posinf: [],
      neginf: [],
      smooth: []
    },
    shown: 3,
    total: 3,
    raw: true,
    summary: summary(),
    x_extent: [0, 2],
    from_x: null,
    abandoned: [],
    ...more
  };
}

export function change(seq: number, more: Partial<Change> = {}): Change {
  return {
    seq,
    topic: 'experiments',
    kind: 'updated',
    uid: 'one',
    project: 'digits',
    at: 1_700_000_000,
    ...more
  };
}
