/** Tells the reader when one of their tasks has ended, and counts those that have not. */

import { Notification } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { CommandIDs } from '../commands';
import { isAbort } from '../errors';
import type { TaskRow, TaskState } from '../records';
import type { Services } from '../services';
import { Pace } from '../sidebar/pace';
import { describeTask, isLiveTask, TASK_LIVE } from '../taskStatus';
import * as deeds from './deeds';

const SAID_MS = 8_000;
const MOST = 200;

export class TaskWatch implements IDisposable {
  counts: Partial<Record<TaskState, number>> = {};
  private live: ReadonlySet<string> = new Set();
  /** Tasks whose state has changed since the last look, and attempts whose end was told. */
  private readonly heard = new Set<string>();
  private readonly told = new Set<string>();
  private readonly pace = new Pace(() => this.look(), 200, 1000);
  private readonly lifetime = new AbortController();
  private readonly following: IDisposable;
  private readonly _changed = new Signal<this, void>(this);

  constructor(private readonly services: Services) {
    this.following = services.events.follow(['tasks'], news => {
      if (news !== 'resync' && news.kind === 'status') {
        this.heard.add(news.uid);
      }
      this.pace.request();
    });
    this.pace.request();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  dispose(): void {
    this.lifetime.abort();
    this.following.dispose();
    this.pace.dispose();
    Signal.clearData(this);
  }

  private async look(): Promise<void> {
    const { api } = this.services;
    const { signal } = this.lifetime;
    try {
      const page = await api.tasks({ state: [...TASK_LIVE], sort: '-created', limit: MOST }, signal);
      this.counts = await api.taskCounts({ state: [...TASK_LIVE] }, signal);
      const concerned = new Set([...this.live, ...this.heard]);
      this.heard.clear();
      this.live = new Set(page.items.map(task => task.uid));
      this._changed.emit();
      await Promise.all([...concerned].filter(uid => !this.live.has(uid)).map(uid => this.tell(uid)));
    } catch (reason) {
      if (!isAbort(reason)) {
        console.debug('aiplat: tasks cannot be watched.', reason);
      }
    }
  }

  private async tell(uid: string): Promise<void> {
    const task = await this.services.api.task(uid, this.lifetime.signal);
    const isWorthIt = task.state !== 'cancelled' && task.kind !== 'notebook-live';
    if (!isLiveTask(task.state) && !this.told.has(task.attempt)) {
      this.told.add(task.attempt);
      if (isWorthIt) {
        announce(task, task.state !== 'succeeded' && (await this.hasErrors(task)), this.services);
      }
    }
  }

  /** Ask the log itself: what lists know of it is up to a second old, and errors come at the end. */
  private async hasErrors({ uid, attempt }: TaskRow): Promise<boolean> {
    const query = { attempt, line: 1, n: 1, min_level: 'ERROR' } as const;
    try {
      return (await this.services.api.logPage(uid, query, this.lifetime.signal)).lines.length > 0;
    } catch (reason) {
      console.debug('aiplat: the log of a task that failed cannot be read.', reason);
      return false;
    }
  }
}

/** Say how a task ended: what went wrong stays until it is read. */
function announce(task: TaskRow, hasErrors: boolean, services: Services): void {
  const { trans, commands } = services;
  const { icon, word, why } = describeTask(task, trans);
  const message = `${icon} ${task.name}: ${[word, why].filter(Boolean).join(' · ')}`;
  const open = {
    label: trans.__('Open'),
    callback: (): void => void commands.execute(CommandIDs.openTask, { uid: task.uid })
  };
  if (task.state === 'succeeded') {
    Notification.success(message, { autoClose: SAID_MS, actions: [open] });
    return;
  }
  const errors = {
    label: trans.__('First error'),
    callback: (): void => void commands.execute(CommandIDs.openTask, { uid: task.uid, at: 'error' })
  };
  const again = {
    label: trans.__('Retry'),
    callback: (): void => void deeds.retry(services, task.uid)
  };
  Notification.error(message, { autoClose: false, actions: [hasErrors ? errors : open, again] });
}
