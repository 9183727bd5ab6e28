/** The notifications about alerts: one for each, or one for all of them when there are many. Their icons are Lab's. */

import { Notification } from '@jupyterlab/apputils';
import type { IDisposable } from '@lumino/disposable';

import { CommandIDs } from '../commands';
import { clockTime, count } from '../format';
import type { Alert, Severity } from '../records';
import type { Services } from '../services';
import * as deeds from './deeds';
import { severityWord, worst, WORST_FIRST } from './severity';
import { alertLine, ruleName } from './words';

/** So many stand beside each other; with one more they become one. */
export const MOST = 5;
const SAID_MS = 8_000;
const OVER_MS = 6_000;

type Look = 'info' | 'warning' | 'error';

interface Shown {
  readonly id: string;
  readonly alert: Alert;
  readonly message: string;
}

const LOOKS: Readonly<Record<Severity, Look>> = { critical: 'error', warning: 'warning', info: 'info' };

export class Announcer implements IDisposable {
  /** What is on the screen: notifications by uids of alerts, and what they say. */
  private readonly shown = new Map<string, Shown>();
  private summary: { id: string; alerts: Map<string, Alert> } | null = null;
  isDisposed = false;

  constructor(private readonly services: Services) {}

  /** The alerts that were told, and still stand there as firing. */
  get told(): Alert[] {
    this.forgetDismissed();
    const alone = [...this.shown.values()].map(({ alert }) => alert);
    return [...alone, ...(this.summary?.alerts.values() ?? [])];
  }

  /** Say that these fire. */
  tell(alerts: readonly Alert[]): void {
    this.forgetDismissed();
    const fresh = alerts.filter(alert => !this.shown.has(alert.uid));
    alerts.filter(alert => this.shown.has(alert.uid)).forEach(alert => this.show(alert));
    if (this.summary !== null || this.shown.size + fresh.length > MOST) {
      this.gather(fresh);
    } else {
      fresh.forEach(alert => this.show(alert));
    }
    this.reword();
  }

  /** Bring what is said of these up to date; what is over or acknowledged no longer asks for anything. */
  follow(alerts: readonly Alert[]): void {
    this.forgetDismissed();
    for (const alert of alerts) {
      const one = this.shown.get(alert.uid);
      if (one !== undefined) {
        this.update(one, alert);
      }
      if (this.summary?.alerts.has(alert.uid) === true) {
        this.updateSummary(alert);
      }
    }
    this.reword();
  }

  dispose(): void {
    this.isDisposed = true;
    this.shown.clear();
    this.summary = null;
  }

  private show(alert: Alert): void {
    const options = {
      autoClose: alert.severity === 'info' ? SAID_MS : (false as const),
      actions: this.actions(alert)
    };
    const old = this.shown.get(alert.uid);
    if (old !== undefined) {
      Notification.manager.dismiss(old.id);
    }
    const message = this.text(alert);
    const id = Notification.emit(message, LOOKS[alert.severity], options);
    this.shown.set(alert.uid, { id, alert, message });
  }

  private update(one: Shown, alert: Alert): void {
    if (alert.acknowledged_at !== null) {
      this.shown.delete(alert.uid);
      Notification.manager.dismiss(one.id);
    } else if (alert.state === 'resolved') {
      this.sayOver(one.id, alert);
    } else {
      this.shown.set(alert.uid, { ...one, alert });
    }
  }

  private sayOver(id: string, alert: Alert): void {
    const at = clockTime(alert.resolved_at ?? alert.updated_at);
    const message = this.services.trans.__('over since %1: %2', at, this.text(alert));
    Notification.update({ id, message, type: 'success', autoClose: OVER_MS, actions: [this.openAction()] });
    this.shown.delete(alert.uid);
  }

  /** Let what stands there say what is so now. */
  private reword(): void {
    for (const [uid, one] of this.shown) {
      const message = this.text(one.alert);
      if (message !== one.message) {
        this.shown.set(uid, { ...one, message });
        Notification.update({ id: one.id, message, type: LOOKS[one.alert.severity] });
      }
    }
  }

  /** What it says; and by which rule, if that is someone's own or another one speaks of the same thing. */
  private text(alert: Alert): string {
    const { trans } = this.services;
    const line = alertLine(alert, trans);
    const isNamed = alert.rule !== null && (alert.preset === '' || this.isOneOfSeveral(alert));
    return isNamed ? `${line} · ${ruleName(alert, trans)}` : line;
  }

  private isOneOfSeveral({ uid, target }: Alert): boolean {
    return [...this.shown.values()].some(
      ({ alert }) => alert.uid !== uid && alert.target.label === target.label
    );
  }

  /** Make one notification of all that stand there and of these. */
  private gather(fresh: readonly Alert[]): void {
    const standing = [...this.shown.values()];
    this.shown.clear();
    standing.forEach(({ id }) => Notification.manager.dismiss(id));
    const before = this.summary?.alerts ?? new Map<string, Alert>();
    const added = [...standing.map(({ alert }) => alert), ...fresh];
    const alerts = new Map([...before, ...added.map(alert => [alert.uid, alert] as const)]);
    if (fresh.length > 0) {
      this.sayTogether(alerts);
    }
  }

  private sayTogether(alerts: Map<string, Alert>): void {
    const look = LOOKS[worst([...alerts.values()].map(alert => alert.severity)) ?? 'info'];
    const message = summaryText([...alerts.values()], this.services);
    if (this.summary !== null) {
      Notification.update({ id: this.summary.id, message, type: look });
      this.summary.alerts = alerts;
      return;
    }
    const actions = [this.openAction(), this.acknowledgeAll()];
    this.summary = { id: Notification.emit(message, look, { autoClose: false, actions }), alerts };
  }

  private updateSummary(alert: Alert): void {
    const { id, alerts } = this.summary ?? { id: '', alerts: new Map<string, Alert>() };
    if (alert.state === 'firing' && alert.acknowledged_at === null) {
      alerts.set(alert.uid, alert);
      return;
    }
    alerts.delete(alert.uid);
    if (alerts.size === 0) {
      const message = this.services.trans.__('the alerts are over or acknowledged');
      Notification.update({ id, message, type: 'success', autoClose: OVER_MS, actions: [this.openAction()] });
      this.summary = null;
    } else {
      Notification.update({ id, message: summaryText([...alerts.values()], this.services) });
    }
  }

  private actions(alert: Alert): Notification.IAction[] {
    const { services } = this;
    const { trans } = services;
    const { rule } = alert;
    const acknowledge = {
      label: trans.__('Acknowledge'),
      callback: (): void => void deeds.acknowledge(services, alert.uid)
    };
    const silence = {
      label: trans.__('Silence 1 h'),
      callback: (): void => void (rule && deeds.silence(services, rule, deeds.hoursFromNow(1)))
    };
    return [this.openAction(alert), acknowledge, ...(rule === null ? [] : [silence])];
  }

  /** Shows what the alert is about, or the page of all alerts. */
  private openAction(alert?: Alert): Notification.IAction {
    const { trans, commands } = this.services;
    const openPage = (): void => void commands.execute(CommandIDs.openAlerts);
    return {
      label: trans.__('Open'),
      callback: alert === undefined ? openPage : (): void => deeds.openTarget(this.services, alert)
    };
  }

  private acknowledgeAll(): Notification.IAction {
    return {
      label: this.services.trans.__('Acknowledge all'),
      callback: () => void deeds.acknowledgeMany(this.services, [...(this.summary?.alerts.keys() ?? [])])
    };
  }

  /** The reader has closed some. */
  private forgetDismissed(): void {
    const { manager } = Notification;
    for (const [uid, { id }] of this.shown) {
      if (!manager.has(id)) {
        this.shown.delete(uid);
      }
    }
    if (this.summary !== null && !manager.has(this.summary.id)) {
      this.summary = null;
    }
  }
}

/** `7 alerts fire: 2 critical, 5 warning`. */
function summaryText(alerts: readonly Alert[], { trans }: Services): string {
  const parts = WORST_FIRST.map(severity => {
    const number = alerts.filter(alert => alert.severity === severity).length;
    return number === 0 ? '' : trans.__('%1 %2', count(number), severityWord(severity, trans));
  }).filter(part => part !== '');
  const list = parts.join(trans.__(', '));
  return trans._n('%1 alert fires: %2', '%1 alerts fire: %2', alerts.length, list);
}
