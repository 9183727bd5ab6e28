/** The form of a new task without its looks: the draft, whether it can run, and queueing it. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAbort, type ApiError } from '../errors';
import type { Trans } from '../i18n';
import type { NewTask, TaskCheck, TaskRow } from '../records';
import type { Services } from '../services';
import { TASK_LIVE } from '../taskStatus';
import { DraftError, emptyDraft, scheduleOf, taskOf, type Draft } from './draft';
import { translated } from './faults';

const CHECK_AFTER_MS = 400;

/** Which field of the form shows what is said of a field of the record. */
const SHOWN_AT: Readonly<Record<string, keyof Draft>> = {
  script: 'path',
  notebook: 'path',
  command: 'line',
  timeout_s: 'timeout'
};

export type Problems = Partial<Record<keyof Draft, string>>;
const FIELDS: ReadonlySet<string> = new Set(Object.keys(emptyDraft()));

export class FormModel implements IDisposable {
  problems: Problems = {};
  /** What the server says would run; null until it was asked. */
  check: TaskCheck | null = null;
  isSending = false;
  /** How often it could not be queued. */
  refusals = 0;
  error: ApiError | null = null;
  /** Names to choose from. */
  projects: readonly string[] = [];
  /** Tasks that a new one may wait for. */
  waiting: readonly TaskRow[] = [];

  private _draft: Draft;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private asking = new AbortController();
  private readonly lifetime = new AbortController();
  private readonly _changed = new Signal<this, void>(this);

  constructor(
    draft: Draft,
    readonly services: Pick<Services, 'api' | 'trans'>
  ) {
    this._draft = draft;
    void this.loadChoices();
  }

  get draft(): Draft {
    return this._draft;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Whether it is queued again and again. */
  get isSchedule(): boolean {
    return this._draft.cron.trim() !== '' || this._draft.schedule !== null;
  }

  /** What is wrong with what the form has no field for. */
  get elsewhere(): string[] {
    return Object.entries(this.problems)
      .filter(([field]) => !FIELDS.has(field))
      .map(([field, right]) => `${field}: ${right}`);
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  /** Take over what was typed; a moment later it is checked. */
  edit(change: Partial<Draft>): void {
    this._draft = { ...this._draft, ...change };
    this.error = null;
    const others = Object.entries(this.problems).filter(([field]) => !(field in change));
    this.problems = Object.fromEntries(others);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.validate(), CHECK_AFTER_MS);
    this._changed.emit();
  }

  /** Queue it, or make the schedule; answer the uid of the task, empty for a schedule, null when it was refused. */
  async submit(): Promise<string | null> {
    clearTimeout(this.timer);
    this.isSending = true;
    this._changed.emit();
    try {
      return (await this.validate()) ? await this.send() : this.refuse();
    } catch (reason) {
      this.take(asApiError(reason));
      return this.refuse();
    } finally {
      this.isSending = false;
      this._changed.emit();
    }
  }

  private refuse(): null {
    this.refusals += 1;
    return null;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.asking.abort();
    this.lifetime.abort();
    Signal.clearData(this);
  }

  private async send(): Promise<string> {
    const { api } = this.services;
    const { schedule } = this.draft;
    if (!this.isSchedule) {
      return (await api.createTask(taskOf(this.draft))).uid;
    }
    await (schedule === null
      ? api.createSchedule(scheduleOf(this.draft))
      : api.updateSchedule(schedule, scheduleOf(this.draft)));
    return '';
  }

  /** Answer whether nothing is wrong. */
  private async validate(): Promise<boolean> {
    const task = this.meant();
    if (task === null) {
      return false;
    }
    this.asking.abort();
    const mine = (this.asking = new AbortController());
    try {
      this.check = await this.services.api.checkTask(task, mine.signal);
      this.problems = shown(this.check.fields, this.services.trans);
    } catch (reason) {
      if (isAbort(reason)) {
        return false;
      }
      this.take(asApiError(reason));
      return false;
    } finally {
      this._changed.emit();
    }
    return Object.keys(this.problems).length === 0;
  }

  private meant(): NewTask | null {
    try {
      return taskOf(this.draft);
    } catch (reason) {
      if (!(reason instanceof DraftError)) {
        throw reason;
      }
      this.problems = { [reason.field]: words(reason.message, this.services.trans) };
      this._changed.emit();
      return null;
    }
  }

  private take(error: ApiError): void {
    this.problems = shown(error.fields, this.services.trans);
    this.error = Object.keys(this.problems).length === 0 ? error : null;
    this._changed.emit();
  }

  private async loadChoices(): Promise<void> {
    const { api } = this.services;
    const { signal } = this.lifetime;
    try {
      const [projects, tasks] = await Promise.all([
        api.projects({ sort: '-updated', limit: 100 }, signal),
        api.tasks({ state: [...TASK_LIVE], sort: 'queue', limit: 100 }, signal)
      ]);
      this.projects = projects.items.map(project => project.name);
      this.waiting = tasks.items;
      const [newest] = this.projects;
      if (this.draft.project === '' && newest !== undefined) {
        this._draft = { ...this.draft, project: newest };
      }
    } catch (reason) {
      if (!isAbort(reason)) {
        this.error = asApiError(reason);
      }
    }
    this._changed.emit();
  }
}

function shown(fields: Readonly<Record<string, string>>, trans: Trans): Problems {
  const problems: Problems = {};
  for (const [path, right] of Object.entries(fields)) {
    const name = path.replace(/^task\./, '').split('.')[0] ?? '';
    problems[SHOWN_AT[name] ?? (name as keyof Draft)] = translated(right, trans);
  }
  return problems;
}

function words(code: string, trans: Trans): string {
  const known: Record<string, string> = {
    whole: trans.__('a whole number'),
    duration: trans.__('a time such as 90s, 15m, 2h or 1d'),
    pair: trans.__('NAME=value, a line for each'),
    quote: trans.__('a quote stays open'),
    secret: trans.__('secrets are not shown: type the value again')
  };
  return known[code] ?? code;
}
