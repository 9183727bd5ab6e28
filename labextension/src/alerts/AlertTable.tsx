/** Rows of alerts, by mouse and by keyboard. */

import { useRef, useState, type JSX, type KeyboardEvent, type MouseEvent } from 'react';

import { count } from '../format';
import type { Trans } from '../i18n';
import { MoreButton } from '../page/MoreButton';
import type { Alert } from '../records';
import type { Services } from '../services';
import type { PagedList } from '../sidebar/pagedList';
import { AcknowledgeButton, AlertNotes, AlertState, AlertTime, look, TargetLink } from './cells';
import * as deeds from './deeds';
import { openAlertMenu } from './menu';
import type { AlertsModel } from './model';
import { alertText, ruleName } from './words';

interface Props {
  readonly title: string;
  readonly list: PagedList<Alert>;
  readonly model: AlertsModel;
  /** They can be chosen, to be acknowledged together. */
  readonly isSelectable: boolean;
  /** What is said where there is nothing. */
  readonly empty: JSX.Element;
  readonly services: Services;
}

export function AlertTable(props: Props): JSX.Element {
  const { title, list, empty, services } = props;
  const { trans } = services;
  const [active, setActive] = useState<string | null>(null);
  const table = useRef<HTMLDivElement>(null);
  const rows = list.items;
  const at = Math.max(
    0,
    rows.findIndex(row => row.uid === active)
  );
  const focus = (row: Alert | undefined): void => {
    if (row !== undefined) {
      setActive(row.uid);
      table.current?.querySelector<HTMLElement>(`[data-uid="${row.uid}"]`)?.focus();
    }
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const isOnRow = event.target instanceof HTMLElement && event.target.dataset.uid !== undefined;
    if (isOnRow && handleKey(event, at, focus, props)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };
  return (
    <div
      ref={table}
      className="aiplat-AlertTable"
      role="list"
      aria-label={title}
      aria-busy={list.phase === 'loading'}
      onKeyDown={onKeyDown}
    >
      {list.phase === 'failed' && <Failure list={list} trans={trans} />}
      {list.phase === 'ready' && rows.length === 0 && empty}
      {list.phase === 'loading' && <Waiting />}
      {rows.map((row, index) => (
        <Row key={row.uid} {...props} row={row} isActive={index === at} onFocus={() => setActive(row.uid)} />
      ))}
      {list.hasMore && <More list={list} trans={trans} />}
    </div>
  );
}

/** Do what the key means for the row at `at`; answer whether it meant anything. */
function handleKey(
  event: KeyboardEvent,
  at: number,
  focus: (row: Alert | undefined) => void,
  { list, model, isSelectable, services }: Props
): boolean {
  const rows = list.items;
  const row = rows[at];
  if (row === undefined || event.ctrlKey || event.metaKey || event.altKey) {
    return false;
  }
  const moves: Record<string, Alert | undefined> = {
    ArrowDown: rows[at + 1],
    ArrowUp: rows[at - 1],
    Home: rows[0],
    End: rows.at(-1)
  };
  if (event.key in moves) {
    focus(moves[event.key]);
  } else if (event.key === 'Enter') {
    deeds.openTarget(services, row);
  } else if (event.key === ' ' && isSelectable) {
    model.select(row.uid, !model.isSelected(row.uid));
  } else if (event.key === 'Delete' && row.acknowledged_at === null) {
    void deeds.acknowledge(services, row.uid);
  } else {
    return false;
  }
  return true;
}

interface RowProps extends Props {
  readonly row: Alert;
  readonly isActive: boolean;
  readonly onFocus: () => void;
}

function Row({ row, model, isSelectable, isActive, onFocus, services }: RowProps): JSX.Element {
  const { trans } = services;
  const onContextMenu = (event: MouseEvent): void => {
    event.preventDefault();
    event.stopPropagation();
    openAlertMenu(row, services, { x: event.clientX, y: event.clientY });
  };
  return (
    <div
      role="listitem"
      className="aiplat-AlertRow"
      data-uid={row.uid}
      data-severity={look(row)}
      data-seen={row.acknowledged_at !== null}
      data-selectable={isSelectable}
      tabIndex={isActive ? 0 : -1}
      onFocus={onFocus}
      onContextMenu={onContextMenu}
    >
      {isSelectable && <Chooser row={row} model={model} trans={trans} />}
      <AlertState alert={row} trans={trans} />
      <span className="aiplat-AlertWhat" title={alertText(row, trans)}>
        {alertText(row, trans)}
        {row.rule !== null && <small> {ruleName(row, trans)}</small>}
      </span>
      <TargetLink alert={row} services={services} />
      <AlertTime alert={row} trans={trans} />
      <span className="aiplat-TaskButtons">
        <AcknowledgeButton alert={row} services={services} />
        <MoreButton onOpen={button => openAlertMenu(row, services, button)} trans={trans} />
      </span>
      <AlertNotes alert={row} trans={trans} />
    </div>
  );
}

function Chooser({ row, model, trans }: { row: Alert; model: AlertsModel; trans: Trans }): JSX.Element {
  return (
    <input
      type="checkbox"
      tabIndex={-1}
      aria-label={trans.__('Choose: %1', row.target.label)}
      disabled={row.acknowledged_at !== null}
      checked={model.isSelected(row.uid)}
      onChange={event => model.select(row.uid, event.target.checked)}
    />
  );
}

function More({ list, trans }: { list: PagedList<Alert>; trans: Trans }): JSX.Element {
  return (
    <button type="button" className="aiplat-ChartLink" onClick={() => void list.more()}>
      {list.isLoadingMore
        ? trans.__('Loading…')
        : trans.__('%1 more', count((list.total ?? 0) - list.items.length))}
    </button>
  );
}

function Waiting(): JSX.Element {
  return (
    <>
      {[0, 1, 2].map(index => (
        <div key={index} className="aiplat-AlertRow aiplat-mod-waiting">
          <span className="aiplat-PageBlank" />
        </div>
      ))}
    </>
  );
}

function Failure({ list, trans }: { list: PagedList<Alert>; trans: Trans }): JSX.Element {
  return (
    <div className="aiplat-Card" role="alert">
      <p>{list.error?.detail ?? ''}</p>
      <button type="button" className="aiplat-TextButton" onClick={() => void list.load()}>
        {trans.__('Retry')}
      </button>
    </div>
  );
}
