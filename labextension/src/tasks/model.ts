/** Tasks as their page knows them: the queue in its order, what has ended, and who runs them. Kept current. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAbort, type ApiError } from '../errors';
import type { Agent, Schedule, TaskQuery, TaskRow, TaskState } from '../records';
import type { Services } from '../services';
import { Pace } from '../sidebar/pace';
import { PagedList } from '../sidebar/pagedList';
import { TASK_ENDED, TASK_LIVE } from '../taskStatus';

export class TasksModel implements IDisposable {
  readonly queue = this.list({ state: [...TASK_LIVE], sort: 'queue' });
  readonly ended = this.list(() => ({ state: this.endedStates, sort: '-ended' }));
  /** Not searched: there are few, and who searches means tasks. */
  readonly schedules = new PagedList<Schedule>(
    (page, signal) => this.services.api.schedules(page, signal),
    () => this._changed.emit()
  );
  agents: readonly Agent[] | null = null;
  /** Why the agents are not known, or not current. */
  error: ApiError | null = null;

  private _query = '';
  private _failedOnly = false;
  private readonly pace = new Pace(() => this.refresh(), 100, 500);
  private readonly lifetime = new AbortController();
  private readonly following: IDisposable;
  private readonly _changed = new Signal<this, void>(this);

  constructor(readonly services: Pick<Services, 'api' | 'events'>) {
    this.following = services.events.follow(['tasks', 'agents', 'schedules'], () => this.pace.request());
    void this.refresh();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  /** The machine and account of the server that this page is of. */
  get own(): Agent | null {
    return this.agents?.find(agent => agent.is_own) ?? null;
  }

  get query(): string {
    return this._query;
  }

  get failedOnly(): boolean {
    return this._failedOnly;
  }

  setQuery(query: string): void {
    this._query = query;
    void Promise.all([this.queue.restart(), this.ended.restart()]);
  }

  setFailedOnly(failedOnly: boolean): void {
    this._failedOnly = failedOnly;
    void this.ended.restart();
    this._changed.emit();
  }

  async refresh(): Promise<void> {
    const lists = [this.queue, this.ended, this.schedules];
    await Promise.all([...lists.map(list => list.load()), this.loadAgents()]);
  }

  dispose(): void {
    this.lifetime.abort();
    this.following.dispose();
    this.pace.dispose();
    this.queue.dispose();
    this.ended.dispose();
    this.schedules.dispose();
    Signal.clearData(this);
  }

  private get endedStates(): TaskState[] {
    return this._failedOnly ? ['failed', 'timed_out', 'lost'] : [...TASK_ENDED];
  }

  private list(which: TaskQuery | (() => TaskQuery)): PagedList<TaskRow> {
    return new PagedList<TaskRow>(
      (page, signal) => {
        const query = typeof which === 'function' ? which() : which;
        return this.services.api.tasks({ q: this._query, ...query, ...page }, signal);
      },
      () => this._changed.emit()
    );
  }

  private async loadAgents(): Promise<void> {
    try {
      this.agents = await this.services.api.agents(this.lifetime.signal);
      this.error = null;
    } catch (reason) {
      if (isAbort(reason)) {
        return;
      }
      this.error = asApiError(reason);
    }
    this._changed.emit();
  }
}
