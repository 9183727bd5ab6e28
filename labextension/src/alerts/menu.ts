/** The ⋯ and context menus of alerts and rules. */

import { CommandIDs } from '../commands';
import { openMenu, type Entry, type Where } from '../page/menu';
import type { Alert, Rule } from '../records';
import type { Services } from '../services';
import * as deeds from './deeds';
import type { AlertsModel } from './model';
import { askMoment } from './moment';
import { isOpen } from './severity';

export function openAlertMenu(alert: Alert, services: Services, where: Where): void {
  const { trans, commands } = services;
  const { rule, target } = alert;
  const isSilencable = rule !== null;
  openMenu(where, [
    ['open', trans.__('Open'), () => deeds.openTarget(services, alert), hasPlace(alert)],
    [
      'notebook',
      trans.__('Open Notebook'),
      () => deeds.openNotebook(services, target.notebook ?? ''),
      target.notebook !== null
    ],
    [
      'acknowledge',
      trans.__('Acknowledge'),
      () => void deeds.acknowledge(services, alert.uid),
      isOpen(alert) && alert.acknowledged_at === null
    ],
    ...silences(rule ?? '', services, () => undefined).map(([id, label, act, fits]): Entry => [
      id,
      label,
      act,
      fits && isSilencable
    ]),
    [
      'rule',
      trans.__('Rule…'),
      () => void commands.execute(CommandIDs.editRule, { uid: rule }),
      rule !== null
    ]
  ]);
}

export function openRuleMenu(rule: Rule, model: AlertsModel, services: Services, where: Where): void {
  const { trans, commands } = services;
  const { uid, may_edit: mayEdit } = rule;
  const isPreset = rule.preset !== '';
  const isSilent = rule.silenced_until * 1000 > Date.now();
  const take = (made: Rule): void => model.take(made);
  openMenu(where, [
    ['edit', trans.__('Edit…'), () => void commands.execute(CommandIDs.editRule, { uid }), true],
    ['copy', trans.__('Duplicate…'), () => void commands.execute(CommandIDs.editRule, { from: uid }), true],
    ...silences(uid, services, take).map(([id, label, act, fits]): Entry => [
      id,
      label,
      act,
      fits && mayEdit && !isSilent
    ]),
    [
      'speak',
      trans.__('End the Silence'),
      () => void deeds.silence(services, uid, 0, take),
      mayEdit && isSilent
    ],
    [
      'reset',
      trans.__('Reset to Default'),
      () => void deeds.reset(services, rule).then(made => made && take(made)),
      mayEdit && isPreset
    ],
    [
      'remove',
      trans.__('Remove'),
      () => deeds.remove(services, rule, (uid, isHidden) => model.hideRule(uid, isHidden)),
      mayEdit && !isPreset
    ]
  ]);
}

function silences(uid: string, services: Services, then: (rule: Rule) => void): Entry[] {
  const { trans } = services;
  const until = (at: number): void => void deeds.silence(services, uid, at, then);
  const ask = (): void =>
    void askMoment(trans.__('Silence until'), trans.__('Silence'), trans).then(
      at => at !== null && until(at)
    );
  return [
    ['silence1', trans.__('Silence for 1 Hour'), () => until(deeds.hoursFromNow(1)), true],
    ['silence8', trans.__('Silence for 8 Hours'), () => until(deeds.hoursFromNow(8)), true],
    ['silence', trans.__('Silence Until…'), ask, true]
  ];
}

function hasPlace({ target }: Alert): boolean {
  return [target.experiment, target.task, target.gpu, target.agent].some(one => one !== null);
}
