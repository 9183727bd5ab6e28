/** What is said on a page that is not as usual, with what can be done about it. */

import type { JSX } from 'react';

import type { ApiError } from '../errors';
import type { Events } from '../events';
import { locale, type Trans } from '../i18n';
import type { Services } from '../services';

interface Props {
  readonly text: string;
  readonly action: string;
  readonly onAct: () => void;
  /** In the header, where nothing moves when it comes. */
  readonly isInHeader?: boolean;
}

export function Notice({ text, action, onAct, isInHeader = false }: Props): JSX.Element {
  const button = (
    <button type="button" className="aiplat-TextButton" onClick={onAct}>
      {action}
    </button>
  );
  return isInHeader ? (
    <span className="aiplat-PageStale" role="status">
      {text}
      {button}
    </span>
  ) : (
    <div className="aiplat-Notice" role="status">
      <span>{text}</span>
      {button}
    </div>
  );
}

/** Whether news no longer come. */
export function isStale({ link }: Events): boolean {
  return link === 'stale' || link === 'unreachable';
}

export function staleText({ since }: Events, trans: Trans): string {
  const clock = new Date(since * 1000).toLocaleTimeString(locale(), { timeStyle: 'short' });
  return trans.__('⚠ stale since %1, retrying', clock);
}

interface StaleProps {
  /** Why something could not be fetched again. */
  readonly error: ApiError | null;
  readonly onRetry: () => void;
  readonly services: Pick<Services, 'events' | 'trans'>;
}

/** That what is shown may be old, and why. */
export function Stale({ error, onRetry, services }: StaleProps): JSX.Element | null {
  const { events, trans } = services;
  if (!isStale(events) && error === null) {
    return null;
  }
  const retry = (): void => {
    events.retryNow();
    onRetry();
  };
  const text = error?.isUnreachable === false ? error.detail : staleText(events, trans);
  return <Notice text={text} action={trans.__('Retry')} onAct={retry} />;
}
