/** The ⋯ and context menus of alerts and rules. */

import { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

import { CommandIDs } from '../commands';
import type { Alert, Rule } from '../records';
import type { Services } from '../services';
import * as deeds from './deeds';
import type { AlertsModel } from './model';
import { askMoment } from './moment';
import { isOpen } from './severity';

type Where = HTMLElement | { x: number; y: number };
type Entry = readonly [id: string, label: string, act: () => void, fits: boolean];

export function openAlertMenu(alert: Alert, services: Services, where: Where): void {
  const { trans, commands } = services;
  const { rule, target } = alert;
  const isSilencable = rule !== null;
  open(where, [
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
  open(where, [
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

/** Open a menu at a place, or below a button, which then gets the focus back. */
function open(where: Where, entries: readonly Entry[]): void {
  const commands = new CommandRegistry();
  const menu = new Menu({ commands });
  for (const [id, label, execute, fits] of entries) {
    if (fits) {
      commands.addCommand(id, { label, execute });
      menu.addItem({ command: id });
    }
  }
  if (where instanceof HTMLElement) {
    menu.aboutToClose.connect(() => where.focus());
    const box = where.getBoundingClientRect();
    menu.open(box.left, box.bottom, { horizontalAlignment: 'right' });
  } else {
    menu.open(where.x, where.y);
  }
}
