/** Alerts and rules as their page knows them: what is open, what was, and what is watched. Kept current. */

import type { IDisposable } from '@lumino/disposable';
import { Signal, type ISignal } from '@lumino/signaling';

import { asApiError, isAbort, type ApiError } from '../errors';
import type { Alert, AlertQuery, Change, Rule, Severity, Subject } from '../records';
import type { Services } from '../services';
import { Pace } from '../sidebar/pace';
import { PagedList } from '../sidebar/pagedList';

/** Which alerts are shown; what is empty does not narrow. */
export interface Filter {
  readonly severity: Severity | '';
  readonly state: 'firing' | 'resolved' | '';
  readonly subject: Subject | '';
}

export const EVERYTHING: Filter = { severity: '', state: '', subject: '' };

export class AlertsModel implements IDisposable {
  readonly open = this.list(true);
  readonly history = this.list(false);
  /** Null until they are known. */
  rules: readonly Rule[] | null = null;
  /** Why the rules are not known, or not current. */
  rulesError: ApiError | null = null;

  private _filter = EVERYTHING;
  /** Rules that are gone for the reader, though the server is told only when that can no longer be undone. */
  private readonly removed = new Set<string>();
  private known: { filter: string; states: ReadonlyMap<string, Alert['state']> } | null = null;
  private readonly selected = new Set<string>();
  private readonly pace = new Pace(() => this.loadRules(), 50, 500);
  private readonly lifetime = new AbortController();
  private readonly following: IDisposable;
  private readonly _changed = new Signal<this, void>(this);
  private readonly _announced = new Signal<this, Alert>(this);

  constructor(readonly services: Pick<Services, 'api' | 'events'>) {
    this.following = services.events.follow(['alerts', 'rules'], news => this.onNews(news));
    void this.refresh();
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** An alert that has come, or changed its state, while the page was open. */
  get announced(): ISignal<this, Alert> {
    return this._announced;
  }

  get isDisposed(): boolean {
    return this.lifetime.signal.aborted;
  }

  get filter(): Filter {
    return this._filter;
  }

  setFilter(change: Partial<Filter>): void {
    this._filter = { ...this._filter, ...change };
    this.selected.clear();
    void Promise.all([this.open.restart(), this.history.restart()]);
    this._changed.emit();
  }

  /** The open alerts that the reader has chosen, in the order in which they are shown. */
  get selection(): readonly Alert[] {
    return this.open.items.filter(alert => this.selected.has(alert.uid));
  }

  isSelected(uid: string): boolean {
    return this.selected.has(uid);
  }

  select(uid: string, isOn: boolean): void {
    if (isOn) {
      this.selected.add(uid);
    } else {
      this.selected.delete(uid);
    }
    this._changed.emit();
  }

  clearSelection(): void {
    this.selected.clear();
    this._changed.emit();
  }

  /** The rules in the server's order, which does not change when one fires. */
  get shownRules(): readonly Rule[] | null {
    return this.rules?.filter(rule => !this.removed.has(rule.uid)) ?? null;
  }

  /** Take a rule out of sight, or back into it. */
  hideRule(uid: string, isHidden: boolean): void {
    if (isHidden) {
      this.removed.add(uid);
    } else {
      this.removed.delete(uid);
    }
    this._changed.emit();
  }

  /** Take over what the server answered to a change of a rule. */
  take(rule: Rule): void {
    this.rules = this.rules?.map(other => (other.uid === rule.uid ? rule : other)) ?? null;
    this._changed.emit();
  }

  async refresh(): Promise<void> {
    await Promise.all([this.open.load(), this.history.load(), this.loadRules()]);
  }

  dispose(): void {
    this.lifetime.abort();
    this.following.dispose();
    this.pace.dispose();
    this.open.dispose();
    this.history.dispose();
    Signal.clearData(this);
  }

  private onNews(news: Change | 'resync'): void {
    if (news === 'resync' || news.topic === 'alerts') {
      this.open.outdate();
      this.history.outdate();
    }
    // How many of a rule's subjects fire is told with the rule.
    this.pace.request();
  }

  private list(isOpen: boolean): PagedList<Alert> {
    return new PagedList<Alert>(
      (page, signal) => this.services.api.alerts({ ...this.query(isOpen), ...page }, signal),
      list => {
        if (isOpen && list.phase === 'ready') {
          this.announce(list.items);
        }
        this._changed.emit();
      }
    );
  }

  private query(isOpen: boolean): AlertQuery {
    const { severity, state, subject } = this._filter;
    return {
      open: isOpen,
      severity: severity === '' ? [] : [severity],
      state: state === '' ? [] : [state],
      subject: subject === '' ? [] : [subject]
    };
  }

  /** Say which alert is new, or over; with a new filter others are shown, and nothing has happened. */
  private announce(items: readonly Alert[]): void {
    const filter = JSON.stringify(this._filter);
    const before = this.known?.filter === filter ? this.known.states : null;
    const states = new Map(items.map(alert => [alert.uid, alert.state]));
    this.known = { filter, states };
    const news = before && items.find(alert => before.get(alert.uid) !== alert.state);
    if (news) {
      this._announced.emit(news);
    }
  }

  private async loadRules(): Promise<void> {
    try {
      this.rules = await this.services.api.rules(this.lifetime.signal);
      this.rulesError = null;
    } catch (reason) {
      if (isAbort(reason)) {
        return;
      }
      this.rulesError = asApiError(reason);
    }
    this._changed.emit();
  }
}
