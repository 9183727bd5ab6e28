/** The tree of sections, projects and experiments. */

import { useEffect, useRef } from 'react';
import type { JSX, KeyboardEvent, MouseEvent } from 'react';

import { useSignals } from '../signals';
import { handleKey } from './keys';
import type { Row } from './rows';
import type { Sidebar } from './sidebar';
import { TreeRow } from './TreeRow';

export function Tree({ sidebar, onSearch }: { sidebar: Sidebar; onSearch: () => void }): JSX.Element {
  const { model, selection, services } = sidebar;
  useSignals(selection.changed, sidebar.renamingChanged, model.sparklines.changed);
  const rows = sidebar.rows();
  const active = useActiveRow(sidebar, rows);
  const tree = useFocusOnActive(active, sidebar.renaming);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (event.key === '/') {
      onSearch();
    } else if (!handleKey(event, sidebar, rows)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  const mouse = mouseHandlers(sidebar);
  return (
    <div
      ref={tree}
      className="aiplat-Tree"
      role="tree"
      aria-label={services.trans.__('Projects and experiments')}
      aria-multiselectable="true"
      data-link={services.events.link}
      onKeyDown={onKeyDown}
    >
      {rows.map(row => (
        <TreeRow
          key={row.key}
          sidebar={sidebar}
          row={row}
          curve={row.kind === 'experiment' ? model.sparklines.get(row.experiment.uid) : undefined}
          isActive={row.key === active}
          isSelected={selection.has(row.key)}
          isRenaming={row.key === sidebar.renaming}
          {...mouse}
        />
      ))}
    </div>
  );
}

/** Key of the row that takes the keyboard's input: when it has gone, the one that took its place. */
function useActiveRow(sidebar: Sidebar, rows: readonly Row[]): string | null {
  const { selection } = sidebar;
  const place = useRef(0);
  const at = rows.findIndex(row => row.key === selection.active);
  const active = rows[at] ?? rows[Math.min(place.current, rows.length - 1)];
  useEffect(() => {
    if (at >= 0) {
      place.current = at;
    } else if (selection.active !== null && active !== undefined) {
      selection.focus(active);
    }
  }, [selection, at, active]);
  return active?.key ?? null;
}

/** Move the keyboard's focus along with the active row, but never take it from elsewhere on the page. */
function useFocusOnActive(active: string | null, renaming: string | null): React.RefObject<HTMLDivElement> {
  const tree = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const isHere =
      tree.current?.contains(document.activeElement) === true || document.activeElement === document.body;
    if (isHere && renaming === null && active !== null) {
      const row = tree.current?.querySelector<HTMLElement>(`[data-key="${active}"]`);
      if (row?.contains(document.activeElement) === false) {
        row.focus({ preventScroll: false });
      }
    }
  }, [active, renaming]);
  return tree;
}

/** Show what a click shows; the page that appears takes the focus, and a click shall leave it where it was made. */
async function preview(sidebar: Sidebar, row: Row, place: EventTarget): Promise<void> {
  await sidebar.open(row, true);
  if (place instanceof HTMLElement && place.querySelector('input') === null) {
    place.focus();
  }
}

function mouseHandlers(sidebar: Sidebar): {
  onClick: (event: MouseEvent, row: Row) => void;
  onDoubleClick: (row: Row) => void;
  onContextMenu: (row: Row) => void;
} {
  const { selection } = sidebar;
  return {
    onClick: (event, row) => {
      const rows = sidebar.rows();
      if (event.ctrlKey || event.metaKey) {
        selection.toggle(row, rows);
      } else if (event.shiftKey) {
        selection.extend(row, rows);
      } else {
        selection.set(row);
        void preview(sidebar, row, event.currentTarget);
      }
    },
    onDoubleClick: row => {
      if (row.kind === 'experiment') {
        void sidebar.open(row, false);
      }
    },
    onContextMenu: row => {
      if (!selection.has(row.key)) {
        selection.set(row);
      }
    }
  };
}
