/** One task as its page knows it, kept current. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAbort, type ApiError } from '../errors';
import type { Task } from '../records';
import type { Services } from '../services';
import { Pace } from '../sidebar/pace';

const RETRY_MS = 5000;

export class TaskModel implements IDisposable {
  task: Task | null = null;
  /** Why there is no task, or why it is not current. */
  error: ApiError | null = null;

  private _isErrorWanted = false;
  private readonly pace = new Pace(() => this.load(), 20, 300);
  private readonly lifetime = new AbortController();
  private readonly following: IDisposable;
  private retrying: ReturnType<typeof setTimeout> | undefined;
  private readonly _changed = new Signal<this, void>(this);

  constructor(
    readonly uid: string,
    readonly services: Pick<Services, 'api' | 'events'>
  ) {
    this.following = services.events.follow([`task:${uid}`], () => this.reload());
    this.reload();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  /** The first error of the newest attempt is to be shown, and has not been yet. */
  get isErrorWanted(): boolean {
    return this._isErrorWanted;
  }

  wantError(isWanted: boolean): void {
    this._isErrorWanted = isWanted;
    this._changed.emit();
  }

  reload(): void {
    clearTimeout(this.retrying);
    this.pace.request();
  }

  dispose(): void {
    clearTimeout(this.retrying);
    this.lifetime.abort();
    this.following.dispose();
    this.pace.dispose();
    Signal.clearData(this);
  }

  private async load(): Promise<void> {
    try {
      this.task = await this.services.api.task(this.uid, this.lifetime.signal);
      this.error = null;
    } catch (reason) {
      if (isAbort(reason)) {
        return;
      }
      this.error = asApiError(reason);
      if (this.error.isTransient) {
        this.retrying = setTimeout(() => this.pace.request(), RETRY_MS);
      }
    }
    this._changed.emit();
  }
}
