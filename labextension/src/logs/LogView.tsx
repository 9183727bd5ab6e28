/** A log to read while it is written: its homes are pages of Lab and panels in notebooks. */

import { useEffect, useId, useMemo, useRef, useState, type JSX, type KeyboardEvent } from 'react';

import { useLasting } from '../chart/hooks';
import { count } from '../format';
import { followMoments, tellMoment } from '../timeCursor';
import { plainText } from './ansi';
import type { Log } from './log';
import { DEFAULT_LOOKS, type Looks } from './looks';
import { useChanges } from './observable';
import { ROW } from './reading';
import type { RowActions } from './RowView';
import { ShowAll } from './ShowAll';
import { StatusLine } from './StatusLine';
import { Toolbar } from './Toolbar';
import { Viewport, type Mover } from './Viewport';
import type { Trans } from './words';

export interface LogViewProps {
  readonly log: Log;
  readonly trans: Trans;
  readonly looks?: Looks;
  /** Told how the reader wants it to look. */
  readonly onLooks?: (looks: Looks) => void;
}

const SAID_MS = 3000;

export function LogView({ log, trans, looks: first = DEFAULT_LOOKS, onLooks }: LogViewProps): JSX.Element {
  const [looks, setLooks] = useState(first);
  const [said, say] = useSaid();
  const [isAsking, setAsking] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const lines = useRef<HTMLDivElement>(null);
  const mover = useRef<Mover | null>(null);
  const link = useLink(log);
  const id = useId();
  const actions = useActions(log, say, id, trans);
  useCurves(log, looks.curves, id);
  const choose = (next: Looks): void => {
    setLooks(next);
    onLooks?.(next);
  };
  const focus = (): void => lines.current?.focus();
  const keys: Keys = {
    search: () => field.current?.select(),
    goto: () => setAsking(true),
    toggle: name => choose({ ...looks, [name]: !looks[name] }),
    copy: () => copyMarked(log, actions)
  };
  return (
    <section className="aiplat-Log" data-lm-suppress-shortcuts="true" data-link={link}>
      <Toolbar {...{ log, looks, field, trans }} onLooks={choose} onLeave={focus} />
      <div
        className="aiplat-LogMain"
        ref={lines}
        role="log"
        aria-live="off"
        aria-label={trans.__('Log of %1', log.model.owner?.name ?? '')}
        tabIndex={0}
        onKeyDown={event => onKey(event, log, mover.current, keys)}
      >
        <Viewport {...{ log, looks, actions, mover, trans }} />
        <Instead {...{ log, trans }} onLeave={focus} />
        <EndButton {...{ log, trans }} onLeave={focus} />
        {isAsking && (
          <LineNumber
            log={log}
            trans={trans}
            onDone={() => {
              setAsking(false);
              focus();
            }}
          />
        )}
      </div>
      <StatusLine {...{ log, said, trans }} onLeave={focus} />
    </section>
  );
}

/** A short text that goes away by itself. */
function useSaid(): [string, (text: string) => void] {
  const [said, say] = useState('');
  useEffect(() => {
    const timer = setTimeout(() => say(''), SAID_MS);
    return () => clearTimeout(timer);
  }, [said]);
  return [said, say];
}

function useLink({ source }: Log): string {
  const [state, setState] = useState(source.link.state);
  useEffect(() => source.onLink(() => setState(source.link.state)), [source]);
  return state;
}

function useActions(log: Log, say: (text: string) => void, id: string, trans: Trans): RowActions {
  useChanges(log.model);
  const { experiment = null } = log.model.owner ?? {};
  return useMemo(() => {
    const copy = (text: string, done: string): void => {
      navigator.clipboard.writeText(text).then(
        () => say(done),
        () => say(trans.__('The browser does not let this page copy.'))
      );
    };
    return {
      link: number => {
        const { head } = log.model;
        log.reading.select(number);
        const url = head && log.source.lineUrl(head.attempt, head.stream, number);
        if (url) {
          copy(url, trans.__('Link to line %1 copied', number));
        }
      },
      copy: text => copy(text, trans.__('Line copied')),
      showWhole: number => void log.model.loadWhole(number),
      toggle: group => log.reading.toggle(group),
      moment: experiment === null ? null : time => tellMoment({ experiment, time, by: id })
    };
  }, [log, say, id, trans, experiment]);
}

function copyMarked({ model, reading }: Log, actions: RowActions): void {
  const line = reading.mark === null ? undefined : model.line(reading.mark);
  if (line !== undefined) {
    actions.copy(plainText(model.wholeText(line.number) ?? line.text));
  }
}

/** Follow the crosshair of the experiment's curves while that is wanted. */
function useCurves(log: Log, isWanted: boolean, id: string): void {
  const experiment = log.model.owner?.experiment ?? null;
  useEffect(() => {
    if (isWanted && experiment !== null) {
      return followMoments(experiment, id, time => {
        if (time !== null) {
          void log.reading.toTime(time);
        }
      });
    }
  }, [log, isWanted, experiment, id]);
}

interface Keys {
  readonly search: () => void;
  readonly goto: () => void;
  readonly toggle: (look: keyof Looks) => void;
  readonly copy: () => void;
}

function onKey(event: KeyboardEvent, log: Log, mover: Mover | null, keys: Keys): void {
  const isPlain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const act = isPlain ? actionOf(event.key, log, mover, keys) : undefined;
  if (act && !(event.target instanceof HTMLInputElement)) {
    event.preventDefault();
    event.stopPropagation();
    act();
  }
}

function actionOf(key: string, log: Log, mover: Mover | null, keys: Keys): (() => void) | undefined {
  const { reading, searching } = log;
  const page = mover?.page ?? 0;
  const table: Record<string, () => void> = {
    ArrowUp: () => mover?.by(-ROW),
    ArrowDown: () => mover?.by(ROW),
    PageUp: () => mover?.by(-page),
    PageDown: () => mover?.by(page),
    Home: () => reading.toStart(),
    End: () => reading.toEnd(),
    '/': keys.search,
    g: keys.goto,
    e: () => void reading.toError(1),
    E: () => void reading.toError(-1),
    n: () => log.step(1),
    N: () => log.step(-1),
    w: () => keys.toggle('wrap'),
    t: () => keys.toggle('times'),
    c: keys.copy,
    Escape: () => {
      searching.clear();
      reading.select(null);
    }
  };
  return table[key];
}

interface OverLinesProps {
  readonly log: Log;
  /** Give the keys back to the lines: what was pressed goes away. */
  readonly onLeave: () => void;
  readonly trans: Trans;
}

/** What is said where there are no lines. */
function Instead({ log, onLeave, trans }: OverLinesProps): JSX.Element | null {
  const { model } = log;
  useChanges(model);
  const { head, error } = model;
  const isLong = useLasting(head === null && error === null, 150);
  if (head === null) {
    return error ? (
      <div className="aiplat-LogInstead" role="alert">
        <p>
          {error.isUnreachable
            ? trans.__('The server does not answer.')
            : trans.__('This log cannot be shown.')}
        </p>
        <p className="aiplat-LogDetail">{[error.detail, error.hint].filter(Boolean).join(' ')}</p>
        <button
          type="button"
          onClick={() => {
            model.retry();
            onLeave();
          }}
        >
          {trans.__('Retry')}
        </button>
      </div>
    ) : isLong ? (
      <Skeleton trans={trans} />
    ) : null;
  }
  if (head.total === 0) {
    const isLive = model.owner?.isLive !== false && !head.is_complete;
    return (
      <div className="aiplat-LogInstead">
        <p>
          {isLive
            ? trans.__('No output yet. It appears here as it is written.')
            : head.is_removed
              ? trans.__('This log is no longer there: it was too old to be kept, or somebody removed it.')
              : trans.__('The task wrote nothing.')}
        </p>
      </div>
    );
  }
  return head.matching === 0 ? (
    <div className="aiplat-LogInstead">
      <p>{trans.__('None of %1 lines has this level.', count(head.total))}</p>
      <ShowAll {...{ log, onLeave, trans }} />
    </div>
  ) : null;
}

const WIDTHS = [62, 48, 71, 55, 30, 66, 44, 58, 25, 61, 52, 69];

function Skeleton({ trans }: { trans: Trans }): JSX.Element {
  return (
    <div className="aiplat-LogSkeleton" role="status" aria-label={trans.__('Loading the log')}>
      {WIDTHS.map(width => (
        <span key={width} style={{ width: `${width}%` }} />
      ))}
    </div>
  );
}

function EndButton({ log, onLeave, trans }: OverLinesProps): JSX.Element | null {
  const { reading, model } = log;
  useChanges(model);
  useChanges(reading);
  if (reading.isFollowing || !model.head?.total) {
    return null;
  }
  const { unseen } = reading;
  return (
    <button
      type="button"
      className="aiplat-LogEnd"
      title={trans.__('To the end (End)')}
      onClick={() => {
        reading.toEnd();
        onLeave();
      }}
    >
      ▼ {unseen > 0 ? trans.__('%1 new', count(unseen)) : trans.__('to the end')}
    </button>
  );
}

function LineNumber({ log, onDone, trans }: { log: Log; onDone: () => void; trans: Trans }): JSX.Element {
  const total = log.model.head?.total ?? 1;
  const [text, setText] = useState('');
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === 'Enter' && Number(text) >= 1) {
      log.reading.jump(Math.min(total, Math.floor(Number(text))));
    }
    if (event.key === 'Enter' || event.key === 'Escape') {
      onDone();
    }
  };
  return (
    <label className="aiplat-LogGoto">
      {trans.__('Go to line')}
      <input
        autoFocus
        inputMode="numeric"
        value={text}
        placeholder={`1–${total}`}
        onChange={event => setText(event.target.value.replace(/\D/g, ''))}
        onBlur={onDone}
        onKeyDown={onKeyDown}
      />
    </label>
  );
}
