/** What is said instead of the tree, or above it, when something is not as it should be. */

import { useState } from 'react';
import type { JSX } from 'react';

import type { ApiError } from '../errors';
import type { Trans } from '../i18n';
import { locale } from '../i18n';
import { API_VERSION } from '../api';
import { CommandIDs } from '../commands';
import { QUICKSTART } from '../snippets';
import type { Sidebar } from './sidebar';

const COMMANDS = `pip install aiplat_jupyter
jupyter server extension enable aiplat_jupyter`;

/** Jupyter runs, but our part of it does not answer. */
export function MissingServerPart({ trans, onRetry }: { trans: Trans; onRetry: () => void }): JSX.Element {
  return (
    <div className="aiplat-Card" role="alert">
      <h3>{trans.__('The server part of aiplat is missing or disabled')}</h3>
      <p>{trans.__('Run this where Jupyter runs, then restart the server:')}</p>
      <Code text={COMMANDS} label={trans.__('Commands')} isWrapped />
      <p>{trans.__('“aiplat doctor” says what else may be wrong.')}</p>
      <div className="aiplat-Buttons">
        <CopyButton text={COMMANDS} trans={trans} />
        <TextButton label={trans.__('Retry')} onClick={onRetry} />
      </div>
    </div>
  );
}

/** The server part answers with an error, or nothing answers. */
export function NoContact(props: { error: ApiError; trans: Trans; onRetry: () => void }): JSX.Element {
  const { error, trans, onRetry } = props;
  const what = error.isUnreachable ? trans.__('The server is unreachable, retrying') : error.detail;
  const hint = error.isUnreachable
    ? trans.__('Is Jupyter still running, and this computer online? What scripts log meanwhile is not lost.')
    : error.hint;
  return (
    <div className="aiplat-Card" role="alert">
      <h3>{what}</h3>
      {hint !== '' && <p>{hint}</p>}
      <TextButton label={trans.__('Retry')} onClick={onRetry} />
      <details>
        <summary>{trans.__('Details')}</summary>
        <code>
          {[error.code, error.status > 0 ? error.status : '', error.detail].filter(Boolean).join(' · ')}
        </code>
      </details>
    </div>
  );
}

/** Below the tree, where nothing moves when it comes: old data, or a server part of another version. */
export function Notice({ sidebar }: { sidebar: Sidebar }): JSX.Element | null {
  const { trans, events } = sidebar.services;
  const { contact } = sidebar.model;
  if (events.link === 'stale' || events.link === 'unreachable') {
    const since = new Date(events.since * 1000).toLocaleTimeString(locale(), { timeStyle: 'short' });
    return (
      <div className="aiplat-Notice" role="status">
        <span>
          {events.link === 'stale'
            ? trans.__('⚠ stale since %1, retrying', since)
            : trans.__('⚠ unreachable since %1, retrying', since)}
        </span>
        <TextButton label={trans.__('Retry')} onClick={events.retryNow} />
      </div>
    );
  }
  if (contact.kind === 'made' && contact.isOtherVersion) {
    return (
      <div className="aiplat-Notice" role="status">
        <span>
          {trans.__(
            '⚠ The server part (%1) speaks API %2, this page %3: reload the page; if that does not help, install the same version of aiplat_jupyter on both sides.',
            contact.info.version,
            contact.info.api,
            API_VERSION
          )}
        </span>
        <TextButton label={trans.__('Reload')} onClick={() => window.location.reload()} />
      </div>
    );
  }
  return null;
}

/** What to do first on an empty platform. */
export function Welcome({ sidebar }: { sidebar: Sidebar }): JSX.Element {
  const { trans, commands } = sidebar.services;
  return (
    <div className="aiplat-Card aiplat-Welcome">
      <h3>{trans.__('Log your first run')}</h3>
      <p>
        {trans.__(
          'Run these lines in a notebook or a script; the experiment appears here and its curve moves.'
        )}
      </p>
      <Code text={QUICKSTART} label={trans.__('First run in Python')} />
      <div className="aiplat-Buttons">
        <CopyButton text={QUICKSTART} trans={trans} />
        <TextButton
          label={trans.__('Insert into notebook')}
          isEnabled={commands.hasCommand('notebook:insert-cell-below')}
          onClick={() => void commands.execute(CommandIDs.insertQuickstart)}
        />
        <TextButton
          label={trans.__('Open quickstart')}
          onClick={() => void commands.execute(CommandIDs.openQuickstart)}
        />
      </div>
    </div>
  );
}

function Code(props: { text: string; label: string; isWrapped?: boolean }): JSX.Element {
  const { text, label, isWrapped = false } = props;
  return (
    <pre className="aiplat-Code" data-wrapped={isWrapped} tabIndex={0} aria-label={label}>
      {text}
    </pre>
  );
}

function CopyButton({ text, trans }: { text: string; trans: Trans }): JSX.Element {
  const [isCopied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => setCopied(true));
  };
  return <TextButton label={isCopied ? trans.__('Copied') : trans.__('Copy')} onClick={copy} />;
}

export function TextButton(props: { label: string; onClick: () => void; isEnabled?: boolean }): JSX.Element {
  return (
    <button
      type="button"
      className="aiplat-TextButton"
      disabled={props.isEnabled === false}
      onClick={props.onClick}
    >
      {props.label}
    </button>
  );
}
