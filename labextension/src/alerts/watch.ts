/** Tells the reader when an alert fires and when it is over, and counts those that nobody has acknowledged. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAbort } from '../errors';
import type { Alert, AlertCounts, Severity } from '../records';
import type { Services } from '../services';
import { Pace } from '../sidebar/pace';
import { Announcer } from './announcer';
import type { Claims } from './claims';
import { isAtLeast, worst } from './severity';

const MOST = 100;
const NONE: AlertCounts = { firing: {}, unacknowledged: {} };

export class AlertWatch implements IDisposable {
  counts = NONE;
  private readonly announcer: Announcer;
  /** The alerts that are known; null before the first look: what is open then is not news. */
  private known: ReadonlyMap<string, Alert> | null = null;
  private readonly pace = new Pace(() => this.look(), 150, 600);
  private readonly lifetime = new AbortController();
  private readonly following: IDisposable;
  private readonly _changed = new Signal<this, void>(this);

  constructor(
    private readonly services: Services,
    private readonly claims: Claims
  ) {
    this.announcer = new Announcer(services);
    this.following = services.events.follow(['alerts'], () => this.pace.request());
    this.pace.request();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** How many nobody has acknowledged. */
  get number(): number {
    return Object.values(this.counts.unacknowledged).reduce((sum, number) => sum + number, 0);
  }

  get worst(): Severity | null {
    const { unacknowledged } = this.counts;
    const there = (Object.keys(unacknowledged) as Severity[]).filter(one => (unacknowledged[one] ?? 0) > 0);
    return worst(there);
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  dispose(): void {
    this.lifetime.abort();
    this.following.dispose();
    this.pace.dispose();
    this.announcer.dispose();
    Signal.clearData(this);
  }

  private async look(): Promise<void> {
    const { api } = this.services;
    const { signal } = this.lifetime;
    try {
      const [counts, page] = await Promise.all([
        api.alertCounts(signal),
        api.alerts({ open: true, limit: MOST }, signal)
      ]);
      this.counts = counts;
      this._changed.emit();
      await this.compare(page.items);
    } catch (reason) {
      if (!isAbort(reason)) {
        console.debug('aiplat: alerts cannot be watched.', reason);
      }
    }
  }

  private async compare(open: readonly Alert[]): Promise<void> {
    const before = this.known;
    this.known = new Map(open.map(alert => [alert.uid, alert]));
    this.announcer.follow(open);
    await Promise.all(
      this.announcer.told.filter(alert => isGone(alert, open)).map(alert => this.finish(alert))
    );
    if (before === null) {
      open.forEach(alert => this.claims.settle(keyOf(alert)));
      return;
    }
    const news = open.filter(alert => isNews(alert, before.get(alert.uid)));
    const mine = await Promise.all(news.map(alert => this.isMine(alert)));
    this.announcer.tell(news.filter((alert, at) => mine[at] && !isToldAsTask(alert)));
  }

  private async isMine(alert: Alert): Promise<boolean> {
    const { alerts: least } = this.services.preferences.choices;
    const isWanted = least !== 'never' && isAtLeast(alert.severity, least);
    return isWanted && (await this.claims.claim(keyOf(alert), this.lifetime.signal));
  }

  /** It is no longer open: acknowledged, and over; or it went with what it was about. */
  private async finish(alert: Alert): Promise<void> {
    try {
      this.announcer.follow([await this.services.api.alert(alert.uid, this.lifetime.signal)]);
    } catch (reason) {
      if (asApiError(reason).status !== 404) {
        throw reason;
      }
      this.announcer.follow([{ ...alert, acknowledged_at: Date.now() / 1000 }]);
    }
  }
}

/** It is not among those that are open. Of a list that is cut off, nothing follows for what is older than its last. */
function isGone({ uid, fired_at: at }: Alert, open: readonly Alert[]): boolean {
  const isCut = open.length >= MOST && at <= (open.at(-1)?.fired_at ?? 0);
  return !isCut && open.every(alert => alert.uid !== uid);
}

/** It fires and was not there before, has become worse, or its rule reminds of it. */
function isNews(alert: Alert, before: Alert | undefined): boolean {
  const isMore = before === undefined || isWorse(alert, before) || reminders(alert) > reminders(before);
  return isMore && alert.state === 'firing' && alert.acknowledged_at === null && !alert.is_silenced;
}

function isWorse({ severity }: Alert, before: Alert): boolean {
  return severity !== before.severity && isAtLeast(severity, before.severity);
}

/** How often the rule has said it again. Code that raises the same again, which it may at each step, does not remind. */
function reminders({ rule, count }: Alert): number {
  return rule === null ? 0 : count - 1;
}

/** An alert that becomes worse is told once more, and so is one that its rule reminds of. */
function keyOf(alert: Alert): string {
  return `${alert.uid}/${alert.severity}/${reminders(alert)}`;
}

/** That a task has failed is told by `TaskWatch`, with the reason and the way to its first error. */
function isToldAsTask({ subject, condition }: Alert): boolean {
  return subject === 'task' && condition === 'failed';
}
