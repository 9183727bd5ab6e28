/** What is said when a page is not as usual: not current, put away, gone. */

import type { JSX } from 'react';

import * as actions from '../actions';
import type { ApiError } from '../errors';
import type { Trans } from '../i18n';
import { isStale, Notice, staleText } from '../page/Notice';
import type { HeaderProps } from './Header';

/** In the header, where nothing moves when it comes: since when the page is not current. */
export function Stale({ model, services }: HeaderProps): JSX.Element | null {
  const { trans, events } = services;
  if (!model.error && !isStale(events)) {
    return null;
  }
  const retry = (): void => {
    events.retryNow();
    model.reload();
  };
  const text = model.error ? goneText(model.error, trans) : staleText(events, trans);
  return <Notice text={text} action={trans.__('Retry')} onAct={retry} isInHeader />;
}

/** One line under the header: in the archive or the trash. */
export function PutAway({ model, experiment, services }: HeaderProps): JSX.Element | null {
  const { trans } = services;
  if (experiment.lifecycle === 'active') {
    return null;
  }
  const restore = (): void => {
    model.apply('restore').catch((reason: unknown) => actions.report(trans, reason));
  };
  const text =
    experiment.lifecycle === 'trashed'
      ? trans.__('This experiment is in the trash.')
      : trans.__('This experiment is archived.');
  return <Notice text={text} action={trans.__('Restore')} onAct={restore} />;
}

/** Why there is no experiment to show. */
export function goneText(error: ApiError, trans: Trans): string {
  if (error.status === 410) {
    return trans.__('This experiment was deleted for good.');
  }
  if (error.code === 'missing') {
    return trans.__('The server part of aiplat is missing or disabled');
  }
  if (error.status === 404) {
    return trans.__('There is no such experiment, or you may not see it.');
  }
  return error.isUnreachable
    ? trans.__('The server is unreachable, retrying')
    : trans.__('The experiment could not be loaded.');
}
