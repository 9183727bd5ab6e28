/** Rows of tasks. */

import type { JSX } from 'react';

import { CommandIDs } from '../commands';
import { MoreButton } from '../page/MoreButton';
import { RowList, type RowFrame } from '../page/RowList';
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
  const rows = list.items;
  return (
    <RowList
      title={title}
      list={list}
      empty={empty}
      failure={trans.__('The tasks could not be loaded.')}
      rowClass="aiplat-TaskRow"
      onKey={(key, row) => handleKey(key, row, rows, services)}
      onMenu={(row, where) => openTaskMenu(row, services, where)}
      trans={trans}
    >
      {(row, frame) => <Row row={row} rows={rows} frame={frame} services={services} />}
    </RowList>
  );
}

/** Do what the key means for the row; answer whether it meant anything. */
function handleKey(key: string, row: TaskRow, rows: readonly TaskRow[], services: Services): boolean {
  const at = rows.indexOf(row);
  if (key === 'Alt+ArrowUp') {
    void moveUp(at, rows, services);
  } else if (key === 'Alt+ArrowDown') {
    void moveUp(at + 1, rows, services);
  } else if (key === 'Enter') {
    void services.commands.execute(CommandIDs.openTask, { uid: row.uid });
  } else if (key === 'Delete') {
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
  readonly frame: RowFrame;
  readonly services: Services;
}

function Row({ row, rows, frame, services }: RowProps): JSX.Element {
  const { trans, commands } = services;
  const open = (): void => void commands.execute(CommandIDs.openTask, { uid: row.uid });
  return (
    <div {...frame} className="aiplat-TaskRow" onClick={open}>
      <TaskState row={row} trans={trans} />
      <span className="aiplat-TaskName" title={`${row.name}\n${row.project_name}`}>
        {row.name}
        <span className="aiplat-Where"> {row.project_name}</span>
      </span>
      <ProgressBar progress={isLiveTask(row.state) ? row.progress : null} trans={trans} />
      <TaskWhy row={row} trans={trans} />
      <TaskTime row={row} trans={trans} />
      <span className="aiplat-RowButtons" onClick={event => event.stopPropagation()}>
        <Buttons row={row} rows={rows} services={services} />
      </span>
    </div>
  );
}

function Buttons({ row, rows, services }: Omit<RowProps, 'frame'>): JSX.Element {
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
