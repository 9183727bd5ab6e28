/** The line below the log: how much there is, how fresh it is, and what just happened. */

import type { JSX } from 'react';

import { bytes, count } from '../format';
import { locale } from '../locale';
import type { Log } from './log';
import { useChanges } from './observable';
import type { LogModel } from './model';
import type { Reading } from './reading';
import { ShowAll } from './ShowAll';
import type { Trans } from './words';

interface Props {
  readonly log: Log;
  /** Of the last action, such as that something was copied. */
  readonly said: string;
  /** Give the keys back to the lines: what was pressed goes away. */
  readonly onLeave: () => void;
  readonly trans: Trans;
}

export function StatusLine({ log, said, onLeave, trans }: Props): JSX.Element {
  const { model, reading, source } = log;
  useChanges(model);
  useChanges(reading);
  const { head, error } = model;
  const isStale = head !== null && (error !== null || source.link.state === 'lost');
  return (
    <div className="aiplat-LogFoot">
      {isStale ? (
        <span className="aiplat-mod-stale">
          {trans.__('⚠ stale since %1, retrying', clock(source.link.since))}
          <button
            type="button"
            onClick={() => {
              model.retry();
              onLeave();
            }}
          >
            {trans.__('Retry')}
          </button>
        </span>
      ) : (
        head && <State model={model} reading={reading} trans={trans} />
      )}
      <Hidden {...{ log, onLeave, trans }} />
      {head && (
        <span className="aiplat-LogSize">
          {trans.__('%1 lines', count(head.total))} · {bytes(head.size)}
        </span>
      )}
      <span role="status" className="aiplat-LogSaid">
        {said || happeningText(model, reading, trans)}
      </span>
      {source.caveat !== undefined && <span className="aiplat-LogCaveat">{source.caveat}</span>}
    </div>
  );
}

/** What the chosen level hides; here, where it takes no row from the lines. */
function Hidden({ log, onLeave, trans }: Omit<Props, 'said'>): JSX.Element | null {
  const { head, choice } = log.model;
  const { attempt, stream, level } = choice;
  const hidden = head === null ? 0 : head.total - (head.matching ?? head.total);
  if (hidden === 0) {
    return null;
  }
  const url = level === null ? null : log.source.downloadUrl({ attempt, stream, min_level: level });
  return (
    <span className="aiplat-LogHidden">
      {hidden === 1 ? trans.__('1 line hidden') : trans.__('%1 lines hidden', count(hidden))}
      <ShowAll {...{ log, onLeave, trans }} />
      {url !== null && (
        <a href={url} download title={trans.__('Download the lines of this level and above')}>
          ⤓
        </a>
      )}
    </span>
  );
}

function State({ model, reading, trans }: { model: LogModel; reading: Reading; trans: Trans }): JSX.Element {
  const { head, owner } = model;
  if (head !== null && head.indexed < head.size && head.size > 0 && head.size - head.indexed > 1_000_000) {
    return <span>{trans.__('reading, %1 %', Math.floor((100 * head.indexed) / head.size))}</span>;
  }
  const isLive = owner?.isLive === true && head?.is_complete !== true;
  return isLive ? (
    <span data-live={reading.isFollowing}>
      ● {reading.isFollowing ? trans.__('live, following') : trans.__('live, not following')}
    </span>
  ) : (
    <span>{trans.__('ended')}</span>
  );
}

function happeningText(model: LogModel, reading: Reading, trans: Trans): string {
  switch (model.happening) {
    case 'truncated':
      return trans.__('The job emptied its log: this is the new one.');
    case 'attempt':
      return trans.__('A new attempt has begun: this is its log.');
    case 'file':
      return trans.__('This attempt has no such file: this is its log.');
  }
  if (reading.isInVain) {
    return trans.__('There is no error in this log.');
  }
  return reading.hasWrapped ? trans.__('Gone round the end of the log.') : '';
}

function clock(at: number): string {
  return new Date(at * 1000).toLocaleTimeString(locale(), { timeStyle: 'short' });
}
