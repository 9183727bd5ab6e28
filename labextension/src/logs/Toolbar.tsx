/** The row above the lines: levels, which log, how it looks, and the search. */

import { useState, type JSX } from 'react';

import { bytes, count } from '../format';
import type { Log } from './log';
import type { Looks } from './looks';
import { useChanges } from './observable';
import { SearchField } from './SearchField';
import { atLeast, LEVELS, RANKS, type Level } from './source';
import type { Trans } from './words';

interface Props {
  readonly log: Log;
  readonly looks: Looks;
  readonly onLooks: (looks: Looks) => void;
  readonly field: React.RefObject<HTMLInputElement>;
  readonly onLeave: () => void;
  readonly trans: Trans;
}

export function Toolbar(props: Props): JSX.Element {
  const { log, trans } = props;
  useChanges(log.model);
  const [isOpen, setOpen] = useState(false);
  return (
    <div className="aiplat-LogBar">
      <Levels log={log} trans={trans} />
      <SearchField log={log} field={props.field} onLeave={props.onLeave} trans={trans} />
      <button
        type="button"
        className="aiplat-LogFold"
        aria-expanded={isOpen}
        title={trans.__('Options')}
        aria-label={trans.__('Options')}
        onClick={() => setOpen(!isOpen)}
      >
        ⋯
      </button>
      <div className={`aiplat-LogOptions${isOpen ? ' aiplat-mod-open' : ''}`}>
        <Which log={log} trans={trans} />
        <LookButtons {...props} />
        <Download log={log} trans={trans} />
      </div>
    </div>
  );
}

const SHORT: Readonly<Record<Level, string>> = {
  CRITICAL: 'CRIT',
  ERROR: 'ERROR',
  WARNING: 'WARN',
  INFO: 'INFO',
  DEBUG: 'DEBUG'
};

function Levels({ log, trans }: { log: Log; trans: Trans }): JSX.Element {
  const { head, choice } = log.model;
  const levels = head?.levels ?? {};
  const shown = LEVELS.filter(
    one => (levels[one] ?? 0) > 0 || one === 'ERROR' || one === 'WARNING' || one === choice.level
  );
  const total = head?.total ?? 0;
  return (
    <div className="aiplat-LogLevels" role="radiogroup" aria-label={trans.__('Least level')}>
      <Chip log={log} level={null} lines={total} title={trans.__('All lines')} />
      {shown.map(level => (
        <Chip
          key={level}
          log={log}
          level={level}
          lines={levels[level] ?? 0}
          title={trans.__('%1 and above: %2 lines', level, count(atLeast(level, levels)))}
        />
      ))}
    </div>
  );
}

function Chip(props: { log: Log; level: Level | null; lines: number; title: string }): JSX.Element {
  const { log, level, lines, title } = props;
  return (
    <button
      type="button"
      role="radio"
      aria-checked={log.model.choice.level === level}
      className="aiplat-LogChip"
      data-level={lines > 0 ? level : undefined}
      title={title}
      onClick={() => log.choose({ level })}
    >
      {level === null ? 'ALL' : SHORT[level]} <span>{count(lines)}</span>
    </button>
  );
}

/** The attempt and the file, where there are several. */
function Which({ log, trans }: { log: Log; trans: Trans }): JSX.Element {
  const { owner, head, choice } = log.model;
  const attempts = owner?.attempts ?? [];
  const streams = head?.streams ?? [];
  return (
    <>
      {attempts.length > 1 && (
        <select
          aria-label={trans.__('Attempt')}
          value={choice.attempt || (attempts[attempts.length - 1]?.uid ?? '')}
          onChange={event => {
            const isNewest = event.target.value === attempts[attempts.length - 1]?.uid;
            log.choose({ attempt: isNewest ? '' : event.target.value, stream: '' });
          }}
        >
          {attempts.map(({ uid, number }) => (
            <option key={uid} value={uid}>
              {trans.__('attempt %1', number)}
            </option>
          ))}
        </select>
      )}
      {streams.length > 1 && (
        <select
          aria-label={trans.__('Output of')}
          value={head?.stream ?? choice.stream}
          onChange={event => log.choose({ stream: event.target.value })}
        >
          {streams.map(({ name, lines, size }) => (
            <option key={name} value={name}>
              {name === RANKS ? trans.__('All ranks') : name} ({lines > 0 ? count(lines) : bytes(size)})
            </option>
          ))}
        </select>
      )}
    </>
  );
}

function LookButtons({ log, looks, onLooks, trans }: Props): JSX.Element {
  const { model } = log;
  const buttons: [keyof Looks, string, string][] = [
    ['wrap', trans.__('wrap'), trans.__('Wrap long lines (w)')],
    ['times', trans.__('time'), trans.__('Show when each line was written (t)')],
    ['colours', trans.__('colours'), trans.__('Show the colours that the program chose')],
    [
      'context',
      trans.__('context'),
      trans.__('When a level is chosen: show five lines around those that match')
    ]
  ];
  if (model.owner?.experiment != null) {
    buttons.push([
      'curves',
      trans.__('with curves'),
      trans.__('Scroll to where the crosshair of the curves is')
    ]);
  }
  return (
    <>
      {buttons.map(([name, text, title]) => (
        <button
          key={name}
          type="button"
          aria-pressed={looks[name]}
          disabled={name === 'context' && model.choice.level === null}
          title={title}
          onClick={() => onLooks({ ...looks, [name]: !looks[name] })}
        >
          {text}
        </button>
      ))}
    </>
  );
}

function Download({ log, trans }: { log: Log; trans: Trans }): JSX.Element | null {
  const { attempt, stream } = log.model.choice;
  const url = log.source.downloadUrl({ attempt, stream });
  return url === null ? null : (
    <a href={url} download title={trans.__('Download all of it, as it was written')}>
      {trans.__('⤓ all')}
    </a>
  );
}
