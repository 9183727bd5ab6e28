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
export type BulkResult = Schemas['BulkResult'];
export type Change = Schemas['Change'];
/** A change as the page hears of it: a stream tells with a sample of GPUs what they do. */
export type Told = Change & { readonly status?: Schemas['GpuStatus'] };

export type Changes = Schemas['Changes'];

export type TaskRow = Schemas['TaskRow'];
export type Task = Schemas['Task'];
export type TaskAttempt = Schemas['TaskAttempt'];
export type TaskState = TaskRow['state'];
export type TaskReason = TaskRow['reason'];
export type TaskVerb = Schemas['TaskBulk']['verb'];
export type TaskCheck = Schemas['TaskCheck'];
export type TaskSpec = Schemas['TaskSpec'];
export type Progress = Schemas['Progress'];
export type Agent = Schemas['Agent'];
export type Schedule = Schemas['Schedule'];

export type Alert = Schemas['Alert'];
export type AlertCounts = Schemas['AlertCounts'];
export type AlertTarget = Schemas['Target'];
export type Severity = Alert['severity'];
export type Subject = Alert['subject'];
export type Rule = Schemas['Rule'];
export type RuleSpec = Required<Schemas['RuleSpec']>;
export type RuleCondition = RuleSpec['condition'];
export type RuleAction = Schemas['Action'];
export type RuleReplay = Schemas['RuleReplay'];
export type Replayed = Schemas['Replayed'];
export type GpuStatus = Schemas['GpuStatus'];
export type GpuDevice = Schemas['GpuDevice'];
export type GpuProcess = Schemas['GpuProcess'];
export type GpuReading = Schemas['Reading'];
export type GpuHistory = Schemas['GpuHistory'];
export type GpuSeries = Schemas['GpuSeries'];
export type GpuHolder = Schemas['Holder'];
export type GpuHost = Schemas['Host'];

export type Verb = Schemas['Bulk']['verb'];
export type Smoothing = Schemas['CurveQuery']['smoothing'];

export interface Page<T> {
  items: T[];
  next_cursor?: string | null;
  total?: number | null;
}

export type ProjectQuery = Partial<Schemas['ProjectQuery']>;
export type ExperimentQuery = Partial<Schemas['ExperimentQuery']>;
export type TaskQuery = Partial<Schemas['TaskQuery']>;
export type NewTask = Pick<Schemas['NewTask'], 'project' | 'kind'> & Partial<Schemas['NewTask']>;
export type NewSchedule = Pick<Schemas['NewSchedule'], 'name' | 'cron'> &
  Partial<Omit<Schemas['NewSchedule'], 'task'>> & { task: NewTask };
export type SchedulePatch = Partial<NewSchedule> & Pick<Partial<Schemas['SchedulePatch']>, 'is_enabled'>;
export type ScheduleQuery = Partial<Schemas['ScheduleQuery']>;
export type AlertQuery = Partial<Schemas['AlertQuery']>;
export type NewRule = Pick<Schemas['NewRule'], 'name' | 'subject' | 'condition'> &
  Partial<Schemas['NewRule']>;
export type RulePatch = Partial<Omit<Schemas['RulePatch'], 'spec'>> & { spec?: Schemas['RuleSpec'] };
export type RuleTest = { spec: Schemas['RuleSpec'] } & Partial<Omit<Schemas['RuleTest'], 'spec'>>;
export type TaskPatch = Partial<Schemas['TaskPatch']>;
export type GpuHistoryQuery = Partial<Schemas['GpuHistoryQuery']>;
export type ChangesQuery = Partial<Schemas['ChangesQuery']>;
export type CurveQuery = Pick<Schemas['CurveQuery'], 'experiments' | 'metrics'> &
  Partial<Schemas['CurveQuery']>;

export type ProjectPatch = Partial<Schemas['ProjectPatch']>;
export type ExperimentPatch = Partial<Schemas['ExperimentPatch']>;
