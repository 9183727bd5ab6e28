export interface components {
  schemas: {
    ServerInfo: {
      version: string;
      api: number;
      user: components['schemas']['Identity'];
      machine: string;
      database: 'sqlite' | 'postgresql';
      data_dir: string;
    };
    Identity: {
      username: string;
      display_name: string;
      is_admin: boolean;
      scopes: ('read' | 'write' | 'admin')[];
    };
    Problem: {
      type: string;
      title: string;
      status: number;
      code: string;
      detail: string;
      hint: string;
      fields: Record<string, string>;
      offset: number | null;
    };
    Project: {
      uid: string;
      name: string;
      description: string;
      status: 'active' | 'archived' | 'trashed';
      owner: string;
      role: 'owner' | 'editor' | 'viewer';
      created_at: number;
      updated_at: number;
      experiments: Record<string, number>;
    };
    SeriesSummary: {
      metric: string;
      context: string;
      count: number;
      nan: number;
      infinite: number;
      last: number | null;
      last_step: number | null;
      last_wall: number | null;
      min: number | null;
      min_step: number | null;
      max: number | null;
      max_step: number | null;
    };
    Process: { machine: string; boot_id: string; pid: number; start_time: number; oom_kills: number };
    Attempt: {
      uid: string;
      number: number;
      parent: string | null;
      from_step: number | null;
      status: 'pending' | 'running' | 'finished' | 'failed' | 'interrupted' | 'stopped' | 'lost';
      cause: string;
      started_at: number;
      ended_at: number | null;
      process: components['schemas']['Process'] | null;
      kernel: string | null;
    };
    ExperimentRow: {
      uid: string;
      name: string;
      project: string;
      project_name: string;
      owner: string;
      status: 'pending' | 'running' | 'finished' | 'failed' | 'interrupted' | 'stopped' | 'lost';
      lifecycle: 'active' | 'archived' | 'trashed';
      cause: string;
      base_model: string;
      task_type: string;
      tags: string[];
      created_at: number;
      updated_at: number;
      started_at: number | null;
      ended_at: number | null;
      attempts: number;
      stop_requested: boolean;
      unreachable: boolean;
      headline: components['schemas']['SeriesSummary'] | null;
      loss_value: number | null;
      metrics: components['schemas']['SeriesSummary'][];
    };
    Experiment: components['schemas']['ExperimentRow'] & {
      notes: string;
      config: Record<string, unknown>;
      summary: Record<string, unknown>;
      provenance: Record<string, unknown>;
      lineage: components['schemas']['Attempt'][];
      attempt: string | null;
      role: 'owner' | 'editor' | 'viewer';
    };
    Columns: {
      x: (number | null)[];
      first_x: (number | null)[];
      mean: (number | null)[];
      min: (number | null)[];
      max: (number | null)[];
      last: (number | null)[];
      count: number[];
      nan: number[];
      posinf: number[];
      neginf: number[];
      smooth: (number | null)[];
    };
    AbandonedTail: { attempt: string; columns: components['schemas']['Columns'] };
    Curve: {
      experiment: string;
      metric: string;
      context: string;
      columns: components['schemas']['Columns'];
      shown: number;
      total: number;
      raw: boolean;
      summary: components['schemas']['SeriesSummary'];
      x_extent: [number, number] | null;
      from_x: number | null;
      abandoned: components['schemas']['AbandonedTail'][];
    };
    CurveAnswer: { curves: components['schemas']['Curve'][]; cursor: string };
    History: {
      metric: string[];
      context: string[];
      attempt: string[];
      step: number[];
      wall: number[];
      value: (number | null)[];
      next_cursor: string | null;
    };
    BulkResult: {
      done: string[];
      failed: Record<string, components['schemas']['Problem']>;
      freed_bytes: number;
    };
    Purged: { freed_bytes: number };
    Change: {
      seq: number;
      topic: string;
      kind: 'created' | 'updated' | 'points' | 'status' | 'purged';
      uid: string;
      project: string | null;
      at: number;
    };
  };
}
