/** Rows of tasks, by mouse and by keyboard. */

import { useRef, useState, type JSX, type KeyboardEvent, type MouseEvent } from 'react';

import { CommandIDs } from '../commands';
import { FailureCard } from '../experiment/ErrorBoundary';
import { count } from '../format';
import type { Trans } from '../i18n';
import { MoreButton } from '../page/MoreButton';
import type { TaskRow } from '../records';
import type { Services } from '../services';
import type { PagedList } from '../sidebar/pagedList';
import { isLiveTask } from '../taskStatus';
import { ProgressBar, TaskState, TaskTime, TaskWhy } from './cells';
import * as deeds from './deeds';
import { openTaskMenu } from './menu';

interface Props {
  readonly title: string;
  readonly list: PagedList<TaskRow>;
  /** What is said where there is nothing. */
  readonly empty: JSX.Element;
  readonly services: Services;
}

export function TaskTable({ title, list, empty, services }: Props): JSX.Element {
  const { trans } = services;
  const [active, setActive] = useState<string | null>(null);
  const table = useRef<HTMLDivElement>(null);
  const rows = list.items;
  const at = Math.max(
    0,
    rows.findIndex(row => row.uid === active)
  );
  const focus = (row: TaskRow | undefined): void => {
    if (row !== undefined) {
      setActive(row.uid);
      table.current?.querySelector<HTMLElement>(`[data-uid="${row.uid}"]`)?.focus();
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLButtonElement || !handleKey(event, rows, at, focus, services)) {
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <div
      ref={table}
      className="aiplat-TaskTable"
      role="list"
      aria-label={title}
      aria-busy={list.phase === 'loading'}
      onKeyDown={onKeyDown}
    >
      {list.phase === 'failed' && <Failure list={list} trans={trans} />}
      {list.phase === 'ready' && rows.length === 0 && empty}
      {list.phase === 'loading' && <Waiting />}
      {rows.map((row, index) => (
        <Row
          key={row.uid}
          row={row}
          rows={rows}
          isActive={index === at}
          onFocus={() => setActive(row.uid)}
          services={services}
        />
      ))}
      {list.hasMore && (
        <button type="button" className="aiplat-ChartLink" onClick={() => void list.more()}>
          {list.isLoadingMore
            ? trans.__('Loading…')
            : trans.__('%1 more', count((list.total ?? 0) - rows.length))}
        </button>
      )}
    </div>
  );
}

/** Do what the key means for the row at `at`; answer whether it meant anything. */
function handleKey(
  event: KeyboardEvent,
  rows: readonly TaskRow[],
  at: number,
  focus: (row: TaskRow | undefined) => void,
  services: Services
): boolean {
  const row = rows[at];
  if (row === undefined) {
    return false;
  }
  const moves: Record<string, TaskRow | undefined> = {
    ArrowDown: rows[at + 1],
    ArrowUp: rows[at - 1],
    Home: rows[0],
    End: rows.at(-1)
  };
  if (event.altKey && event.key === 'ArrowUp') {
    void moveUp(at, rows, services);
  } else if (event.altKey && event.key === 'ArrowDown') {
    void moveUp(at + 1, rows, services);
  } else if (event.key in moves) {
    focus(moves[event.key]);
  } else if (event.key === 'Enter') {
    void services.commands.execute(CommandIDs.openTask, { uid: row.uid });
  } else if (event.key === 'Delete') {
    void (isLiveTask(row.state) ? deeds.stop(services, row) : deeds.move(services, [row.uid], 'trash'));
  } else {
    return false;
  }
  return true;
}

/** Put a queued task before the one above it. */
async function moveUp(at: number, rows: readonly TaskRow[], services: Services): Promise<void> {
  const [row, above] = [rows[at], rows[at - 1]];
  if (row?.state === 'queued' && above?.state === 'queued') {
    await deeds.moveBefore(services, row.uid, above.uid);
  }
}

interface RowProps {
  readonly row: TaskRow;
  readonly rows: readonly TaskRow[];
  readonly isActive: boolean;
  readonly onFocus: () => void;
  readonly services: Services;
}

function Row({ row, rows, isActive, onFocus, services }: RowProps): JSX.Element {
  const { trans, commands } = services;
  const open = (): void => void commands.execute(CommandIDs.openTask, { uid: row.uid });
  const onContextMenu = (event: MouseEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    openTaskMenu(row, services, { x: event.clientX, y: event.clientY });
  };
  return (
    <div
      role="listitem"
      className="aiplat-TaskRow"
      data-uid={row.uid}
      tabIndex={isActive ? 0 : -1}
      onFocus={onFocus}
      onClick={open}
      onContextMenu={onContextMenu}
    >
      <TaskState row={row} trans={trans} />
      <span className="aiplat-TaskName" title={`${row.name}\n${row.project_name}`}>
        {row.name}
        <span className="aiplat-Where"> {row.project_name}</span>
      </span>
      <ProgressBar progress={isLiveTask(row.state) ? row.progress : null} trans={trans} />
      <TaskWhy row={row} trans={trans} />
      <TaskTime row={row} trans={trans} />
      <span className="aiplat-TaskButtons" onClick={event => event.stopPropagation()}>
        <Buttons row={row} rows={rows} services={services} />
      </span>
    </div>
  );
}

function Buttons({ row, rows, services }: Pick<RowProps, 'row' | 'rows' | 'services'>): JSX.Element {
  const { trans } = services;
  const isMovable = row.state === 'queued' && rows[rows.indexOf(row) - 1]?.state === 'queued';
  return (
    <>
      {isMovable && (
        <button
          type="button"
          className="aiplat-TextButton"
          aria-label={trans.__('Move “%1” up in the queue', row.name)}
          title={trans.__('Move up in the queue (Alt+↑; down: Alt+↓)')}
          onClick={() => void moveUp(rows.indexOf(row), rows, services)}
        >
          ↑
        </button>
      )}
      {isLiveTask(row.state) ? (
        <button type="button" className="aiplat-TextButton" onClick={() => void deeds.stop(services, row)}>
          {deeds.stopLabel(row, trans)}
        </button>
      ) : (
        <button
          type="button"
          className="aiplat-TextButton"
          disabled={row.kind === 'notebook-live'}
          onClick={() => void deeds.retry(services, row.uid)}
        >
          {trans.__('Retry')}
        </button>
      )}
      <MoreButton onOpen={button => openTaskMenu(row, services, button)} trans={trans} />
    </>
  );
}

function Waiting(): JSX.Element {
  return (
    <>
      {[0, 1, 2].map(index => (
        <div key={index} className="aiplat-TaskRow aiplat-mod-waiting">
          <span className="aiplat-PageBlank" />
        </div>
      ))}
    </>
  );
}

function Failure({ list, trans }: { list: PagedList<TaskRow>; trans: Trans }): JSX.Element {
  const { error } = list;
  return (
    <FailureCard
      what={trans.__('The tasks could not be loaded.')}
      detail={[error?.code, error?.detail, error?.hint].filter(Boolean).join(' · ')}
      trans={trans}
      onRetry={() => void list.load()}
    />
  );
}
