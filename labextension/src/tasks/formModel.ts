/** The form of a new task without its looks: the draft, whether it can run, and queueing it. */

import { asApiError, isAbort } from '../errors';
import type { Trans } from '../i18n';
import { DraftModel } from '../page/draftModel';
import type { NewTask, TaskCheck, TaskRow } from '../records';
import type { Services } from '../services';
import { TASK_LIVE } from '../taskStatus';
import { DraftError, emptyDraft, scheduleOf, taskOf, type Draft } from './draft';
import { translated } from './faults';

/** Which field of the form shows what is said of a field of the record. */
const SHOWN_AT: Readonly<Record<string, keyof Draft>> = {
  script: 'path',
  notebook: 'path',
  command: 'line',
  timeout_s: 'timeout'
};

type Field = keyof Draft;
const FIELDS: ReadonlySet<string> = new Set(Object.keys(emptyDraft()));

export class FormModel extends DraftModel<Draft, Field, NewTask, string> {
  /** What the server says would run; null until it was asked. */
  found: TaskCheck | null = null;
  /** Names to choose from. */
  projects: readonly string[] = [];
  /** Tasks that a new one may wait for. */
  waiting: readonly TaskRow[] = [];

  constructor(draft: Draft, services: Pick<Services, 'api' | 'trans'>) {
    super(draft, services, { fieldOf, translated });
    void this.loadChoices();
  }

  /** Whether it is queued again and again. */
  get isSchedule(): boolean {
    return this.draft.cron.trim() !== '' || this.draft.schedule !== null;
  }

  /** What is wrong with what the form has no field for. */
  get elsewhere(): string[] {
    return Object.entries(this.problems)
      .filter(([field]) => !FIELDS.has(field))
      .map(([field, right]) => `${field}: ${right}`);
  }

  /** Queue it, or make the schedule; answer the uid of the task, empty for a schedule. */
  protected override async send(): Promise<string | null> {
    if (!(await this.check())) {
      return null;
    }
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

  protected override async ask(task: NewTask, signal: AbortSignal): Promise<TaskCheck['fields']> {
    this.found = await this.services.api.checkTask(task, signal);
    return this.found.fields;
  }

  protected override meant(): NewTask | null {
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
        this.fill({ project: newest });
      }
    } catch (reason) {
      if (!isAbort(reason)) {
        this.error = asApiError(reason);
      }
    }
    this._changed.emit();
  }
}

function fieldOf(path: string): Field {
  const name = path.replace(/^task\./, '').split('.')[0] ?? '';
  return SHOWN_AT[name] ?? (name as Field);
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
