/** The open alerts about one thing, kept current. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import type { Alert, AlertQuery } from '../records';
import type { Services } from '../services';
import { PagedList } from '../sidebar/pagedList';

export class OpenAlerts implements IDisposable {
  isDisposed = false;
  private readonly list: PagedList<Alert>;
  private readonly following: IDisposable;
  private readonly _changed = new Signal<this, void>(this);

  constructor({ api, events }: Pick<Services, 'api' | 'events'>, about: AlertQuery) {
    this.list = new PagedList<Alert>(
      (page, signal) => api.alerts({ ...about, open: true, ...page }, signal),
      () => this._changed.emit()
    );
    this.following = events.follow(['alerts'], () => this.list.outdate());
    void this.list.load();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Those that nobody has acknowledged. */
  get standing(): readonly Alert[] {
    return this.list.items.filter(alert => alert.acknowledged_at === null);
  }

  dispose(): void {
    this.isDisposed = true;
    this.following.dispose();
    this.list.dispose();
    Signal.clearData(this);
  }
}
