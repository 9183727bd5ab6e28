/** The tree by keyboard, as the ARIA authoring practices want it. */

import type { KeyboardEvent } from 'react';

import { acknowledge } from '../alerts/deeds';
import { CommandIDs } from '../commands';
import * as deeds from '../tasks/deeds';
import type { Row } from './rows';
import type { Sidebar } from './sidebar';

/** Do what the key means for the active row; answer whether it meant anything. */
export function handleKey(event: KeyboardEvent, sidebar: Sidebar, rows: readonly Row[]): boolean {
  const at = rows.findIndex(row => row.key === sidebar.selection.active);
  const row = rows[at];
  const target = destination(event.key, rows, at, sidebar);
  if (target !== undefined) {
    if (event.shiftKey) {
      sidebar.selection.extend(target, rows);
    } else {
      sidebar.selection.set(target);
    }
    return true;
  }
  return row !== undefined && actOn(event, row, rows, sidebar);
}

/** Where a key moves to; arrows to the side open and close first. */
function destination(key: string, rows: readonly Row[], at: number, sidebar: Sidebar): Row | undefined {
  const row = rows[at];
  switch (key) {
    case 'ArrowDown':
      return rows[at + 1];
    case 'ArrowUp':
      return rows[Math.max(0, at - 1)];
    case 'Home':
      return rows[0];
    case 'End':
      return rows.at(-1);
    case 'ArrowRight':
    case 'ArrowLeft':
      return row === undefined ? rows[0] : sideways(row, key === 'ArrowRight', rows, at, sidebar);
    default:
      return undefined;
  }
}

function sideways(row: Row, isRight: boolean, rows: readonly Row[], at: number, sidebar: Sidebar): Row {
  const isExpanded = row.kind === 'section' || row.kind === 'project' ? row.isExpanded : null;
  if (isExpanded === !isRight) {
    sidebar.toggle(row);
    return row;
  }
  if (isRight) {
    const next = rows[at + 1];
    return isExpanded === true && next !== undefined ? next : row;
  }
  return rows.slice(0, at).findLast(other => other.level < row.level) ?? row;
}

function actOn(event: KeyboardEvent, row: Row, rows: readonly Row[], sidebar: Sidebar): boolean {
  const { commands } = sidebar.services;
  switch (event.key) {
    case 'Enter':
      void sidebar.open(row, false);
      return true;
    case ' ':
      sidebar.selection.toggle(row, rows);
      return true;
    case 'F2':
      void commands.execute(CommandIDs.rename);
      return true;
    case 'Delete':
      if (row.kind === 'task') {
        void deeds.stop(sidebar.services, row.task);
        return true;
      }
      if (row.kind === 'alert') {
        void acknowledge(sidebar.services, row.alert.uid);
        return true;
      }
      void commands.execute(sidebar.target()?.lifecycle === 'trashed' ? CommandIDs.purge : CommandIDs.trash);
      return true;
    case 'Escape':
      sidebar.selection.clear();
      return true;
    default:
      return false;
  }
}
