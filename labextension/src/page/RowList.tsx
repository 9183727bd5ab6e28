/** Rows of a paged list, by mouse and by keyboard: one of them can be tabbed to, and arrows go on from there. */

import {
  Fragment,
  useRef,
  useState,
  type HTMLAttributes,
  type JSX,
  type KeyboardEvent,
  type MouseEvent
} from 'react';

import type { Trans } from '../i18n';
import type { PagedList } from '../sidebar/pagedList';
import { useKeptFocus } from './keptFocus';
import { ListFailure, ListRest } from './ListState';
import type { Where } from './menu';

/** What makes an element a row of the list. */
export type RowFrame = HTMLAttributes<HTMLElement> & { readonly 'data-uid': string };

interface Props<R extends { uid: string }> {
  readonly title: string;
  readonly list: PagedList<R>;
  /** What is said where there is nothing. */
  readonly empty: JSX.Element;
  /** What is said when it could not be loaded. */
  readonly failure: string;
  /** The class of a row that is still to come. */
  readonly rowClass: string;
  /** Do what a key (`Enter`, `Alt+ArrowUp`) means for a row; answer whether it meant anything. */
  readonly onKey: (key: string, row: R) => boolean;
  readonly onMenu: (row: R, where: Where) => void;
  readonly trans: Trans;
  /** Draw a row; its element takes over the frame. */
  readonly children: (row: R, frame: RowFrame) => JSX.Element;
}

export function RowList<R extends { uid: string }>(props: Props<R>): JSX.Element {
  const { title, list, empty, failure, rowClass, onKey, onMenu, trans, children } = props;
  const [active, setActive] = useState<string | null>(null);
  const element = useRef<HTMLDivElement>(null);
  const rows = list.items;
  useKeptFocus(rows, element);
  const known = rows.findIndex(row => row.uid === active);
  const at = Math.max(0, known);
  const focus = (row: R | undefined): void => {
    if (row !== undefined) {
      setActive(row.uid);
      element.current?.querySelector<HTMLElement>(`[data-uid="${row.uid}"]`)?.focus();
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const row = rows[at];
    const isOnRow = event.target instanceof HTMLElement && event.target.dataset.uid !== undefined;
    if (!isOnRow || row === undefined) {
      return;
    }
    const key = pressed(event);
    const moves = movesFrom(rows, at);
    if (key in moves) {
      focus(moves[key]);
    }
    if (key in moves || onKey(key, row)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  const frame = (row: R, index: number): RowFrame => ({
    role: 'listitem',
    'data-uid': row.uid,
    tabIndex: index === at ? 0 : -1,
    onFocus: () => setActive(row.uid),
    onContextMenu: (event: MouseEvent) => {
      event.preventDefault();
      event.stopPropagation();
      onMenu(row, { x: event.clientX, y: event.clientY });
    }
  });
  return (
    <div
      ref={element}
      role="list"
      tabIndex={-1}
      aria-label={title}
      aria-busy={list.phase === 'loading'}
      onKeyDown={onKeyDown}
    >
      {list.phase === 'failed' && <ListFailure list={list} what={failure} trans={trans} />}
      {list.phase === 'ready' && rows.length === 0 && empty}
      {list.phase === 'loading' && <Waiting rowClass={rowClass} />}
      {rows.map((row, index) => (
        <Fragment key={row.uid}>{children(row, frame(row, index))}</Fragment>
      ))}
      <ListRest list={list} trans={trans} />
    </div>
  );
}

/** The key with what is held beside it. */
function pressed({ key, altKey, ctrlKey, metaKey }: KeyboardEvent): string {
  return [ctrlKey || metaKey ? 'Ctrl+' : '', altKey ? 'Alt+' : '', key].join('');
}

function movesFrom<R>(rows: readonly R[], at: number): Record<string, R | undefined> {
  return { ArrowDown: rows[at + 1], ArrowUp: rows[at - 1], Home: rows[0], End: rows.at(-1) };
}

function Waiting({ rowClass }: { rowClass: string }): JSX.Element {
  return (
    <>
      {[0, 1, 2].map(index => (
        <div key={index} className={`${rowClass} aiplat-mod-waiting`}>
          <span className="aiplat-PageBlank" />
        </div>
      ))}
    </>
  );
}
