/** Menus that open at a row, or below its ⋯ button. */

import { CommandRegistry } from '@lumino/commands';
import { Menu } from '@lumino/widgets';

export type Where = HTMLElement | { readonly x: number; readonly y: number };

/** What a menu offers, where it fits. */
export type Entry = readonly [id: string, label: string, act: () => void, fits: boolean];

/** Open a menu at a place, or below a button, which then gets the focus back. */
export function openMenu(where: Where, entries: readonly Entry[]): void {
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
