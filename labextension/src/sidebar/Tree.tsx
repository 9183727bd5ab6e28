/** The tree of sections, projects and experiments. */

import { useEffect, useMemo, useRef } from 'react';
import type { JSX, KeyboardEvent, MouseEvent } from 'react';

import { openAlertMenu } from '../alerts/menu';
import { count } from '../format';
import type { Trans } from '../i18n';
import type { Curve } from '../records';
import { useSignals } from '../signals';
import { handleKey } from './keys';
import type { Row } from './rows';
import type { Sidebar } from './sidebar';
import { openTaskMenu } from '../tasks/menu';
import { TreeRow } from './TreeRow';
import { drawn, edges, useSteady, useViewport } from './viewport';

export function Tree({ sidebar, onSearch }: { sidebar: Sidebar; onSearch: () => void }): JSX.Element {
  const { model, selection, services } = sidebar;
  useSignals(selection.changed, sidebar.renamingChanged, model.sparklines.changed);
  const rows = sidebar.rows();
  const drawing = useMemo(() => ({ rows, tops: edges(rows), topic: model.query }), [rows, model.query]);
  const { tops } = drawing;
  const active = useActiveRow(sidebar, rows);
  const tree = useFocusOnActive(active, sidebar.renaming);
  const view = useViewport(tree);
  const unseen = useSteady(tree, drawing);
  const activeAt = rows.findIndex(row => row.key === active);
  const inView = drawn(tops, view, activeAt);
  useUnrolling(inView.map(at => rows[at]));
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
    <>
      {unseen.count > 0 && <Unseen count={unseen.count} onShow={unseen.show} trans={services.trans} />}
      <div
        ref={tree}
        className="aiplat-Tree"
        role="tree"
        aria-label={services.trans.__('Projects and experiments')}
        aria-multiselectable="true"
        data-link={services.events.link}
        style={{ height: tops.at(-1) }}
        onKeyDown={onKeyDown}
      >
        {inView.map(at => (
          <TreeRow
            key={rows[at].key}
            sidebar={sidebar}
            row={rows[at]}
            top={tops[at]}
            curve={curveOf(rows[at], sidebar)}
            isActive={rows[at].key === active}
            isSelected={selection.has(rows[at].key)}
            isRenaming={rows[at].key === sidebar.renaming}
            {...mouse}
          />
        ))}
      </div>
    </>
  );
}

function curveOf(row: Row, sidebar: Sidebar): Curve | undefined {
  return row.kind === 'experiment' ? sidebar.model.sparklines.get(row.experiment.uid) : undefined;
}

/** Says that something came above what is in view; takes no room, so that nothing moves. */
function Unseen(props: { count: number; onShow: () => void; trans: Trans }): JSX.Element {
  const { count: number, onShow, trans } = props;
  return (
    <div className="aiplat-Unseen">
      <button type="button" className="aiplat-TextButton" onClick={onShow}>
        {trans.__('▲ %1 new', count(number))}
      </button>
    </div>
  );
}

/** Once a reader has asked for more of a list, its further pages come when its end is near. */
function useUnrolling(rows: readonly Row[]): void {
  useEffect(() => {
    for (const row of rows) {
      if (row.kind === 'more' && row.list.isUnrolled && !row.isLoading && row.list.error === null) {
        void row.list.more();
      }
    }
  });
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
  onContextMenu: (event: MouseEvent, row: Row) => void;
} {
  const { selection, services } = sidebar;
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
    onContextMenu: (event, row) => {
      if (row.kind === 'task') {
        event.preventDefault();
        event.stopPropagation();
        openTaskMenu(row.task, services, { x: event.clientX, y: event.clientY });
      } else if (row.kind === 'alert') {
        event.preventDefault();
        event.stopPropagation();
        openAlertMenu(row.alert, services, { x: event.clientX, y: event.clientY });
      }
      if (!selection.has(row.key)) {
        selection.set(row);
      }
    }
  };
}
