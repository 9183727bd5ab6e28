/** The one place of HTTP: typed calls of the server part's REST interface. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import { UUID } from '@lumino/coreutils';

import { pause } from './clock';
import { ApiError, errorOf } from './errors';
import type { LogDownload, LogPage, LogQuery, LogSearch } from './logs/source';
import type {
  Agent,
  Alert,
  AlertCounts,
  AlertQuery,
  BulkResult,
  ChangesQuery,
  CurveAnswer,
  CurveQuery,
  Experiment,
  ExperimentPatch,
  ExperimentQuery,
  ExperimentRow,
  GpuHistory,
  GpuHistoryQuery,
  GpuStatus,
  NewRule,
  NewSchedule,
  NewTask,
  Page,
  Project,
  ProjectPatch,
  ProjectQuery,
  Rule,
  RulePatch,
  RuleReplay,
  RuleTest,
  Schedule,
  SchedulePatch,
  ScheduleQuery,
  SeriesSummary,
  ServerInfo,
  Task,
  TaskCheck,
  TaskPatch,
  TaskQuery,
  TaskRow,
  TaskVerb,
  Verb
} from './records';

/** Number of the interface that this page was written for (`ServerInfo.api`). */
export const API_VERSION = 1;

const ROOT = 'aiplat/api/v1';
const RETRY_DELAYS = [300, 900, 2700];

type Value = string | number | boolean | null | undefined;
type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

interface Call {
  body?: unknown;
  query?: object;
  signal?: AbortSignal;
  /** Milliseconds before each repetition after a transient failure; `RETRY_DELAYS` if not told. */
  delays?: readonly number[];
}

export class Api {
  constructor(readonly settings: ServerConnection.ISettings = ServerConnection.makeSettings()) {}

  /** First contact; never repeated, so that a failure is seen at once. */
  server(signal?: AbortSignal): Promise<ServerInfo> {
    return this.call('GET', ['server'], { signal, delays: [] });
  }

  projects(query: ProjectQuery, signal?: AbortSignal): Promise<Page<Project>> {
    return this.call('GET', ['projects'], { query, signal });
  }

  createProject(name: string, description = ''): Promise<Project> {
    return this.call('POST', ['projects'], { body: { name, description } });
  }

  updateProject(uid: string, patch: ProjectPatch): Promise<Project> {
    return this.call('PATCH', ['projects', uid], { body: patch });
  }

  experiments(query: ExperimentQuery, signal?: AbortSignal): Promise<Page<ExperimentRow>> {
    return this.call('GET', ['experiments'], { query, signal });
  }

  experiment(uid: string, signal?: AbortSignal): Promise<Experiment> {
    return this.call('GET', ['experiments', uid], { signal });
  }

  updateExperiment(uid: string, patch: ExperimentPatch): Promise<Experiment> {
    return this.call('PATCH', ['experiments', uid], { body: patch });
  }

  /** Archive, restore or trash, or ask it to stop. */
  applyToExperiment(uid: string, verb: Exclude<Verb, 'purge'> | 'stop'): Promise<Experiment> {
    return this.call('POST', ['experiments', uid, verb]);
  }

  /** Apply one verb to up to 1,000 experiments. */
  bulkExperiments(verb: Verb, uids: string[], signal?: AbortSignal): Promise<BulkResult> {
    return this.call('POST', ['experiments', 'bulk'], { body: { verb, uids }, signal });
  }

  bulkProjects(verb: Verb, uids: string[], signal?: AbortSignal): Promise<BulkResult> {
    return this.call('POST', ['projects', 'bulk'], { body: { verb, uids }, signal });
  }

  metrics(uid: string, signal?: AbortSignal): Promise<SeriesSummary[]> {
    return this.call('GET', ['experiments', uid, 'metrics'], { signal });
  }

  curves(query: CurveQuery, signal?: AbortSignal): Promise<CurveAnswer> {
    return this.call('GET', ['metrics', 'query'], { query, signal });
  }

  tasks(query: TaskQuery, signal?: AbortSignal): Promise<Page<TaskRow>> {
    return this.call('GET', ['tasks'], { query, signal });
  }

  /** How many tasks a query finds, by state. */
  taskCounts(query: TaskQuery, signal?: AbortSignal): Promise<Partial<Record<TaskRow['state'], number>>> {
    return this.call('GET', ['tasks', 'counts'], { query, signal });
  }

  task(uid: string, signal?: AbortSignal): Promise<Task> {
    return this.call('GET', ['tasks', uid], { signal });
  }

  createTask(task: NewTask): Promise<Task> {
    return this.call('POST', ['tasks'], { body: task });
  }

  checkTask(task: NewTask, signal?: AbortSignal): Promise<TaskCheck> {
    return this.call('POST', ['tasks', 'check'], { body: task, signal });
  }

  updateTask(uid: string, patch: TaskPatch): Promise<Task> {
    return this.call('PATCH', ['tasks', uid], { body: patch });
  }

  stopTask(uid: string, now = false): Promise<Task> {
    return this.call('POST', ['tasks', uid, 'stop'], { body: { now } });
  }

  applyToTask(uid: string, verb: 'retry' | 'clone'): Promise<Task> {
    return this.call('POST', ['tasks', uid, verb]);
  }

  bulkTasks(verb: TaskVerb, uids: string[]): Promise<BulkResult> {
    return this.call('POST', ['tasks', 'bulk'], { body: { verb, uids } });
  }

  agents(signal?: AbortSignal): Promise<Agent[]> {
    return this.call('GET', ['agents'], { signal });
  }

  /** Start no further tasks on a machine, or start them again. */
  applyToAgent(uid: string, verb: 'pause' | 'resume'): Promise<Agent> {
    return this.call('POST', ['agents', uid, verb]);
  }

  schedules(query: ScheduleQuery, signal?: AbortSignal): Promise<Page<Schedule>> {
    return this.call('GET', ['schedules'], { query, signal });
  }

  schedule(uid: string, signal?: AbortSignal): Promise<Schedule> {
    return this.call('GET', ['schedules', uid], { signal });
  }

  updateSchedule(uid: string, patch: SchedulePatch): Promise<Schedule> {
    return this.call('PATCH', ['schedules', uid], { body: patch });
  }

  removeSchedule(uid: string): Promise<void> {
    return this.call('DELETE', ['schedules', uid]);
  }

  /** Queue a schedule's task now, besides its times. */
  runSchedule(uid: string): Promise<Task> {
    return this.call('POST', ['schedules', uid, 'run']);
  }

  createSchedule(schedule: NewSchedule): Promise<Schedule> {
    return this.call('POST', ['schedules'], { body: schedule });
  }

  alerts(query: AlertQuery, signal?: AbortSignal): Promise<Page<Alert>> {
    return this.call('GET', ['alerts', 'events'], { query, signal });
  }

  alert(uid: string, signal?: AbortSignal): Promise<Alert> {
    return this.call('GET', ['alerts', 'events', uid], { signal });
  }

  alertCounts(signal?: AbortSignal): Promise<AlertCounts> {
    return this.call('GET', ['alerts', 'events', 'counts'], { signal });
  }

  acknowledgeAlert(uid: string): Promise<Alert> {
    return this.call('POST', ['alerts', 'events', uid, 'acknowledge']);
  }

  /** Acknowledge these, or every open one. */
  acknowledgeAlerts(which: { uids: string[] } | { all: true }): Promise<BulkResult> {
    return this.call('POST', ['alerts', 'events', 'acknowledge'], { body: which });
  }

  rules(signal?: AbortSignal): Promise<Rule[]> {
    return this.call('GET', ['alerts', 'rules'], { signal });
  }

  rule(uid: string, signal?: AbortSignal): Promise<Rule> {
    return this.call('GET', ['alerts', 'rules', uid], { signal });
  }

  createRule(rule: NewRule): Promise<Rule> {
    return this.call('POST', ['alerts', 'rules'], { body: rule });
  }

  updateRule(uid: string, patch: RulePatch): Promise<Rule> {
    return this.call('PATCH', ['alerts', 'rules', uid], { body: patch });
  }

  /** Make a default rule what it was. */
  resetRule(uid: string): Promise<Rule> {
    return this.call('POST', ['alerts', 'rules', uid, 'reset']);
  }

  removeRule(uid: string): Promise<void> {
    return this.call('DELETE', ['alerts', 'rules', uid]);
  }

  /** Replay a rule on the past. */
  testRule(test: RuleTest, signal?: AbortSignal): Promise<RuleReplay> {
    return this.call('POST', ['alerts', 'rules', 'test'], { body: test, signal, delays: [] });
  }

  /** What the GPUs of an agent do now; without one, those of the server's own. */
  gpuStatus(agent = '', signal?: AbortSignal, details = false): Promise<GpuStatus> {
    const query = { ...(agent === '' ? {} : { agent }), ...(details ? { details } : {}) };
    return this.call('GET', ['gpu', 'status'], { query, signal });
  }

  gpuHistory(query: GpuHistoryQuery, signal?: AbortSignal): Promise<GpuHistory> {
    return this.call('GET', ['gpu', 'history'], { query, signal });
  }

  logPage(task: string, query: LogQuery, signal?: AbortSignal): Promise<LogPage> {
    return this.call('GET', ['tasks', task, 'logs'], { query, signal });
  }

  /** Open a search; its answer, `LogHits` line by line, is still to be read. */
  searchLog(task: string, query: Partial<LogSearch>, signal: AbortSignal): Promise<Response> {
    return this.send(
      'GET',
      ['tasks', task, 'logs', 'search'],
      { query, signal },
      { Accept: 'application/x-ndjson' }
    );
  }

  /** The address from which a browser saves a task's notebook with its outputs. */
  notebookUrl(task: string): string {
    return this.url(['tasks', task, 'notebook']);
  }

  /** The address from which a browser saves a log. */
  logDownloadUrl(task: string, query: LogDownload): string {
    return this.url(['tasks', task, 'logs', 'download'], query);
  }

  /** Open the stream of changes; the answer is still to be read. Never repeated: `Events` does that. */
  events(query: ChangesQuery, signal: AbortSignal): Promise<Response> {
    return this.send('GET', ['events'], { query, signal }, { Accept: 'text/event-stream' });
  }

  /** Send, and while the failure is transient send again: every write carries a key that makes repeating it harmless. */
  private async call<T>(method: Method, path: string[], call: Call = {}): Promise<T> {
    const headers: Record<string, string> = { Accept: 'application/json' };
    if (method !== 'GET') {
      headers['Idempotency-Key'] = UUID.uuid4();
    }
    for (const delay of [...(call.delays ?? RETRY_DELAYS), null]) {
      try {
        const response = await this.send(method, path, call, headers);
        return (response.status === 204 ? undefined : await response.json()) as T;
      } catch (reason) {
        if (delay === null || !(reason instanceof ApiError && reason.isTransient)) {
          throw reason;
        }
        await pause(delay * (0.5 + Math.random()), call.signal);
      }
    }
    throw new Error('unreachable');
  }

  private async send(
    method: Method,
    path: string[],
    call: Call,
    headers: Record<string, string>
  ): Promise<Response> {
    const url = this.url(path, call.query);
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    // Jupyter's default, `no-store`, puts a time stamp into the query, which the server part would refuse.
    const init: RequestInit = { method, headers, body, signal: call.signal, cache: 'no-cache' };
    // What is removed when the page closes, as it can no longer be undone, is removed all the same.
    init.keepalive = method === 'DELETE';
    const response = await ServerConnection.makeRequest(url, init, this.settings).catch((reason: unknown) => {
      call.signal?.throwIfAborted();
      throw new ApiError({ code: 'unreachable', status: 0, detail: String(reason) });
    });
    if (!response.ok) {
      throw await errorOf(response);
    }
    return response;
  }

  private url(path: string[], query?: object): string {
    return URLExt.join(this.settings.baseUrl, ROOT, ...path.map(encodeURIComponent)) + queryString(query);
  }
}

/** Lists become repeated parameters; what is undefined or null is left out. */
function queryString(query: object | undefined): string {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(query ?? {}) as [string, Value | Value[]][]) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== undefined && item !== null) {
        params.append(name, String(item));
      }
    }
  }
  const text = params.toString();
  return text && `?${text}`;
}
