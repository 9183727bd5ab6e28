/** The nouns as they travel, by short names; their meaning is told in `aiplat_jupyter/core/records.py` and `curves.py`. */

import type { components } from './generated/api';

type Schemas = components['schemas'];

export type ServerInfo = Schemas['ServerInfo'];
export type Problem = Schemas['Problem'];
export type Project = Schemas['Project'];
export type SeriesSummary = Schemas['SeriesSummary'];
export type Attempt = Schemas['Attempt'];
export type ExperimentRow = Schemas['ExperimentRow'];
export type Experiment = Schemas['Experiment'];
export type ExperimentStatus = ExperimentRow['status'];
export type Lifecycle = ExperimentRow['lifecycle'];
export type Columns = Schemas['Columns'];
export type Curve = Schemas['Curve'];
export type CurveAnswer = Schemas['CurveAnswer'];
export type History = Schemas['History'];
export type BulkResult = Schemas['BulkResult'];
export type Purged = Schemas['Purged'];
export type Change = Schemas['Change'];

export type Verb = 'archive' | 'restore' | 'trash' | 'purge';
export type Smoothing = 'none' | 'twema' | 'ema' | 'gaussian' | 'mean';

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  total?: number | null;
}

export interface ProjectQuery {
  q?: string;
  status?: Lifecycle;
  sort?: string;
  limit?: number;
  cursor?: string;
  count?: boolean;
}

export interface ExperimentQuery {
  q?: string;
  project?: string[];
  status?: ExperimentStatus[];
  tag?: string[];
  lifecycle?: Lifecycle;
  sort?: string;
  metrics?: string[];
  limit?: number;
  cursor?: string;
  count?: boolean;
}

export interface CurveQuery {
  experiments: string[];
  metrics: string[];
  /** `step`, `relative`, `wall` or `metric:<name>`. */
  x?: string;
  start?: number;
  end?: number;
  width?: number;
  smoothing?: Smoothing;
  weight?: number;
  abandoned?: boolean;
  cursor?: string;
}

export interface ProjectPatch {
  name?: string;
  description?: string;
}

export interface ExperimentPatch {
  name?: string;
  notes?: string;
  tags?: string[];
  project?: string;
}
