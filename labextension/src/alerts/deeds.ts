/** What a person does to alerts and rules, with what is said about it. */

import { Notification } from '@jupyterlab/apputils';

import { CommandIDs } from '../commands';
import { clockTime, count, exactTime } from '../format';
import type { Alert, BulkResult, Rule, RulePatch } from '../records';
import type { Services } from '../services';
import { attempt } from '../tasks/deeds';
import { ruleName } from './words';

const UNDO_MS = 10_000;
const SAID_MS = 5_000;
const HOUR = 3600;
const DAY = 24 * HOUR;

export async function acknowledge(services: Services, uid: string): Promise<Alert | null> {
  return attempt(services, services.api.acknowledgeAlert(uid));
}

/** Acknowledge these, or every open alert there is. */
export async function acknowledgeMany(services: Services, uids: readonly string[] | 'all'): Promise<void> {
  const { api, trans } = services;
  const which = uids === 'all' ? { all: true as const } : { uids: [...uids] };
  const result = await attempt(services, api.acknowledgeAlerts(which));
  if (result !== null) {
    const said = trans.__('%1 acknowledged', count(result.done.length));
    Notification.success(said, { autoClose: SAID_MS });
    tellFailed(result, services);
  }
}

function tellFailed(result: BulkResult, { trans }: Services): void {
  const problems = Object.values(result.failed);
  const [first] = problems;
  if (first !== undefined) {
    const total = count(problems.length + result.done.length);
    const head = trans.__('%1 of %2 could not be changed:', count(problems.length), total);
    Notification.error([head, first.detail, first.hint].filter(Boolean).join(' '), { autoClose: false });
  }
}

export async function change(services: Services, uid: string, patch: RulePatch): Promise<Rule | null> {
  return attempt(services, services.api.updateRule(uid, patch));
}

/** Let a rule say nothing until then (seconds since 1970; 0: let it speak again); that can be undone. */
export async function silence(
  services: Services,
  uid: string,
  until: number,
  then: (rule: Rule) => void = () => undefined
): Promise<void> {
  const { trans } = services;
  const rule = await change(services, uid, { silenced_until: until });
  if (rule === null) {
    return;
  }
  then(rule);
  const name = ruleName(rule, trans);
  if (until === 0) {
    Notification.success(trans.__('“%1” speaks again', name), { autoClose: SAID_MS });
    return;
  }
  const undo = { label: trans.__('Undo'), callback: () => void silence(services, uid, 0, then) };
  Notification.success(trans.__('“%1” is silent until %2', name, untilText(until)), {
    autoClose: UNDO_MS,
    actions: [undo]
  });
}

/** The time of the day, with the date where it is not today's or tonight's. */
export function untilText(at: number): string {
  return at - Date.now() / 1000 < DAY / 2 ? clockTime(at) : exactTime(at);
}

/** When a silence of so many hours ends. */
export function hoursFromNow(hours: number): number {
  return Math.floor(Date.now() / 1000) + hours * HOUR;
}

export async function reset(services: Services, rule: Rule): Promise<Rule | null> {
  const { trans } = services;
  const made = await attempt(services, services.api.resetRule(rule.uid));
  if (made !== null) {
    const undo = {
      label: trans.__('Undo'),
      callback: () => void change(services, rule.uid, { spec: rule.spec, is_enabled: rule.is_enabled })
    };
    Notification.success(trans.__('“%1” is as it was shipped', ruleName(rule, trans)), {
      autoClose: UNDO_MS,
      actions: [undo]
    });
  }
  return made;
}

/** Hides a rule from the reader at once, and shows it again. */
type Hide = (uid: string, isHidden: boolean) => void;

/**
 * Remove a rule. The server is told when the notification that offers to undo it has gone: what a rule holds of secrets
 * could not be given back.
 */
export function remove(services: Services, rule: Rule, hide: Hide): void {
  const { trans } = services;
  const { manager } = Notification;
  hide(rule.uid, true);
  let isUndone = false;
  const undo = {
    label: trans.__('Undo'),
    callback: (): void => {
      isUndone = true;
      hide(rule.uid, false);
    }
  };
  const said = trans.__('The rule “%1” is removed', ruleName(rule, trans));
  const id = Notification.success(said, { autoClose: UNDO_MS, actions: [undo] });
  const finish = (): void => {
    clearTimeout(timer);
    manager.changed.disconnect(onChange);
    window.removeEventListener('pagehide', finish);
    manager.dismiss(id);
    if (!isUndone) {
      void attempt(services, services.api.removeRule(rule.uid)).then(done => {
        if (done === null) {
          hide(rule.uid, false);
        }
      });
    }
  };
  const onChange = (_: unknown, { type, notification }: Notification.IChange): void => {
    if (type === 'removed' && notification.id === id) {
      finish();
    }
  };
  const timer = setTimeout(finish, UNDO_MS);
  manager.changed.connect(onChange);
  window.addEventListener('pagehide', finish);
}

type AlertPlace = Pick<Alert, 'subject' | 'target'>;

/** Show what an alert is about, in the place that knows most of it. */
export function openTarget({ commands }: Services, { subject, target }: AlertPlace): void {
  const { experiment, task, agent, notebook } = target;
  if (subject === 'gpu' || subject === 'host') {
    void commands.execute(CommandIDs.openGpus, { agent });
  } else if (experiment !== null) {
    void commands.execute(CommandIDs.openExperiment, { uid: experiment });
  } else if (task !== null) {
    void commands.execute(CommandIDs.openTask, { uid: task });
  } else if (notebook !== null) {
    openNotebook({ commands }, notebook);
  }
}

export function openNotebook({ commands }: Pick<Services, 'commands'>, path: string): void {
  void commands.execute('docmanager:open', { path });
}
