/** Rows of alerts. */

import type { JSX } from 'react';

import type { Trans } from '../i18n';
import { MoreButton } from '../page/MoreButton';
import { RowList, type RowFrame } from '../page/RowList';
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
  return (
    <RowList
      title={title}
      list={list}
      empty={empty}
      failure={services.trans.__('The alerts could not be loaded.')}
      rowClass="aiplat-AlertRow"
      onKey={(key, row) => handleKey(key, row, props)}
      onMenu={(row, where) => openAlertMenu(row, services, where)}
      trans={services.trans}
    >
      {(row, frame) => <Row {...props} row={row} frame={frame} />}
    </RowList>
  );
}

/** Do what the key means for the row; answer whether it meant anything. */
function handleKey(key: string, row: Alert, { model, isSelectable, services }: Props): boolean {
  if (key === 'Enter') {
    deeds.openTarget(services, row);
  } else if (key === ' ' && isSelectable) {
    model.select(row.uid, !model.isSelected(row.uid));
  } else if (key === 'Delete' && row.acknowledged_at === null) {
    void deeds.acknowledge(services, row.uid);
  } else {
    return false;
  }
  return true;
}

type RowProps = Pick<Props, 'model' | 'isSelectable' | 'services'> & {
  readonly row: Alert;
  readonly frame: RowFrame;
};

function Row({ row, frame, model, isSelectable, services }: RowProps): JSX.Element {
  const { trans } = services;
  return (
    <div
      {...frame}
      className="aiplat-AlertRow"
      data-severity={look(row)}
      data-seen={row.acknowledged_at !== null}
      data-selectable={isSelectable}
    >
      {isSelectable && <Chooser row={row} model={model} trans={trans} />}
      <AlertState alert={row} trans={trans} />
      <span className="aiplat-AlertWhat" title={alertText(row, trans)}>
        {alertText(row, trans)}
        {row.rule !== null && <small> {ruleName(row, trans)}</small>}
      </span>
      <TargetLink alert={row} services={services} />
      <AlertTime alert={row} trans={trans} />
      <span className="aiplat-RowButtons">
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
