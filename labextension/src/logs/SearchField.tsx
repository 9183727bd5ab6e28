/** What is looked for, how many lines have it, and the way from one to the next. */

import { useCallback, useEffect, useState, type JSX, type KeyboardEvent, type RefObject } from 'react';

import { count } from '../format';
import type { Log } from './log';
import type { Wanted } from './matching';
import { useChanges } from './observable';
import type { Searching } from './searching';
import type { Trans } from './words';

interface Props {
  readonly log: Log;
  readonly field: RefObject<HTMLInputElement>;
  /** Give the keys back to the lines. */
  readonly onLeave: () => void;
  readonly trans: Trans;
}

/** Milliseconds without a key before a search begins. */
const SETTLE = 300;

export function SearchField({ log, field, onLeave, trans }: Props): JSX.Element {
  const { searching } = log;
  useChanges(searching);
  const { draft, setDraft, isStarted, start } = useDraft(log);
  const clear = (): void => {
    setDraft({ ...draft, q: '' });
    searching.clear();
    onLeave();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    event.stopPropagation();
    if (event.key === 'Escape') {
      clear();
    } else if (event.key === 'Enter') {
      event.preventDefault();
      if (isStarted) {
        log.step(event.shiftKey ? -1 : 1);
      } else {
        start(draft);
      }
    }
  };
  return (
    <div className="aiplat-LogSearch" role="search">
      <input
        ref={field}
        type="text"
        value={draft.q}
        spellCheck={false}
        placeholder={trans.__('Search the log')}
        aria-label={trans.__('Search the log')}
        aria-invalid={searching.progress?.state === 'invalid'}
        onChange={event => setDraft({ ...draft, q: event.target.value })}
        onKeyDown={onKeyDown}
      />
      {searching.wanted.q !== '' && (
        <Found {...{ log, clear, trans }} onAgain={() => start(searching.wanted)} />
      )}
      <Choice
        name="Aa"
        title={trans.__('Match case')}
        isOn={draft.case}
        onSet={on => setDraft({ ...draft, case: on })}
      />
      <Choice
        name=".*"
        title={trans.__('Regular expression')}
        isOn={draft.regex}
        onSet={on => setDraft({ ...draft, regex: on })}
      />
    </div>
  );
}

/** What is being typed; it is looked for when the reader pauses. */
function useDraft(log: Log) {
  const { searching, reading } = log;
  const [draft, setDraft] = useState<Wanted>(searching.wanted);
  const start = useCallback(
    (wanted: Wanted): void => {
      void searching.start(wanted, reading.here ?? reading.first, hit => reading.jump(hit));
    },
    [searching, reading]
  );
  const isStarted = isSame(draft, searching.wanted);
  useEffect(() => {
    if (!isStarted) {
      const timer = setTimeout(() => start(draft), SETTLE);
      return () => clearTimeout(timer);
    }
  }, [draft, isStarted, start]);
  return { draft, setDraft, isStarted, start };
}

function isSame(one: Wanted, other: Wanted): boolean {
  return one.q === other.q && one.regex === other.regex && one.case === other.case;
}

function Choice(props: {
  name: string;
  title: string;
  isOn: boolean;
  onSet: (on: boolean) => void;
}): JSX.Element {
  const { name, title, isOn, onSet } = props;
  return (
    <button type="button" aria-pressed={isOn} title={title} aria-label={title} onClick={() => onSet(!isOn)}>
      {name}
    </button>
  );
}

interface FoundProps {
  readonly log: Log;
  readonly clear: () => void;
  readonly onAgain: () => void;
  readonly trans: Trans;
}

function Found({ log, clear, onAgain, trans }: FoundProps): JSX.Element {
  const { searching } = log;
  const hasHits = searching.hits.lines.length > 0;
  const isBad = searching.error !== null || searching.progress?.state === 'invalid';
  const end = searching.isRunning ? trans.__('Cancel') : trans.__('End the search (Esc)');
  return (
    <>
      <span
        role="status"
        className={`aiplat-LogFound${isBad ? ' aiplat-mod-bad' : ''}`}
        title={foundTitle(searching, trans) ?? foundText(searching, trans)}
      >
        {foundText(searching, trans)}
      </span>
      {searching.isOld && (
        <button type="button" title={trans.__('The log has grown: search again')} onClick={onAgain}>
          ↻
        </button>
      )}
      <button
        type="button"
        disabled={!hasHits}
        title={trans.__('Previous hit (Shift+Enter, N)')}
        onClick={() => log.step(-1)}
      >
        ▲
      </button>
      <button
        type="button"
        disabled={!hasHits}
        title={trans.__('Next hit (Enter, n)')}
        onClick={() => log.step(1)}
      >
        ▼
      </button>
      <button
        type="button"
        title={end}
        aria-label={end}
        onClick={searching.isRunning ? () => searching.cancel() : clear}
      >
        ✕
      </button>
    </>
  );
}

function foundText({ progress, error, current, hits, wrapped }: Searching, trans: Trans): string {
  if (error !== null || progress === null) {
    return trans.__('The search failed: %1', error?.detail ?? '');
  }
  if (progress.state === 'invalid') {
    return progress.message || trans.__('This expression is not understood.');
  }
  const all = count(progress.count);
  const rank = current === null ? null : hits.rank(current);
  const where = rank === null ? all : trans.__('%1 of %2', count(rank), all);
  if (progress.state === 'running') {
    const share = progress.size > 0 ? Math.floor((100 * progress.scanned) / progress.size) : 0;
    return trans.__('%1 so far, %2 %', where, share);
  }
  if (wrapped !== null && hits.count > 1) {
    return wrapped === 'to-start'
      ? trans.__('%1, on from the start', where)
      : trans.__('%1, on from the end', where);
  }
  return progress.state === 'partial'
    ? trans.__('%1 or more', where)
    : progress.count === 0
      ? trans.__('no hits')
      : where;
}

function foundTitle({ progress }: Searching, trans: Trans): string | undefined {
  return progress?.state === 'partial' ? trans.__('The search was ended before it had seen all.') : undefined;
}
