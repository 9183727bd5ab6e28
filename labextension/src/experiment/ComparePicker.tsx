/** Which other experiments are drawn into the same charts. */

import { useEffect, useState, type JSX } from 'react';

import { colourOf } from '../colour';
import { asApiError, isAbort, type ApiError } from '../errors';
import { significant } from '../format';
import type { ExperimentRow } from '../records';
import type { Services } from '../services';
import { describe } from '../status';
import { FailureCard } from './ErrorBoundary';
import { Popover } from './Popover';

interface Props {
  readonly uid: string;
  readonly project: string;
  readonly compared: readonly string[];
  readonly onChange: (compared: readonly string[]) => void;
  readonly services: Pick<Services, 'api' | 'trans'>;
}

const MOST_COMPARED = 50;
const MOST_ROWS = 50;
const TYPING_MS = 200;

export function ComparePicker(props: Props): JSX.Element {
  const { trans } = props.services;
  const { length } = props.compared;
  return (
    <Popover label={length > 0 ? trans.__('compare (%1)…', length) : trans.__('compare…')}>
      <Picker {...props} />
    </Popover>
  );
}

function Picker({ uid, project, compared, onChange, services }: Props): JSX.Element {
  const { trans } = services;
  const [words, setWords] = useState('');
  const [everywhere, setEverywhere] = useState(false);
  const { rows, error, retry } = useRows(services, words, everywhere ? null : project);
  const toggle = (other: string): void =>
    onChange(compared.includes(other) ? compared.filter(one => one !== other) : [...compared, other]);
  return (
    <>
      <input
        type="search"
        className="aiplat-Filter"
        autoFocus
        placeholder={trans.__('Search: words, tag:…, config.lr<1e-3')}
        aria-label={trans.__('Search experiments')}
        value={words}
        onChange={event => setWords(event.target.value)}
      />
      <label className="aiplat-PickerOption">
        <input type="checkbox" checked={everywhere} onChange={event => setEverywhere(event.target.checked)} />
        {trans.__('in all projects')}
      </label>
      {error && (
        <FailureCard what={error.detail} detail={error.hint || error.code} trans={trans} onRetry={retry} />
      )}
      <ul className="aiplat-PickerList">
        {rows
          .filter(row => row.uid !== uid)
          .map(row => (
            <Row
              key={row.uid}
              row={row}
              isChosen={compared.includes(row.uid)}
              isFull={compared.length >= MOST_COMPARED}
              onToggle={() => toggle(row.uid)}
              services={services}
            />
          ))}
      </ul>
      <button
        type="button"
        className="aiplat-TextButton"
        disabled={compared.length === 0}
        onClick={() => onChange([])}
      >
        {trans.__('Compare with none')}
      </button>
    </>
  );
}

interface RowProps {
  readonly row: ExperimentRow;
  readonly isChosen: boolean;
  readonly isFull: boolean;
  readonly onToggle: () => void;
  readonly services: Pick<Services, 'trans'>;
}

function Row({ row, isChosen, isFull, onToggle, services }: RowProps): JSX.Element {
  const { icon, word } = describe(row, services.trans);
  return (
    <li>
      <label title={`${row.project_name} / ${row.name}`}>
        <input type="checkbox" checked={isChosen} disabled={isFull && !isChosen} onChange={onToggle} />
        <span className="aiplat-ChartSwatch" style={{ borderTopColor: colourOf(row.uid) }} />
        <span role="img" aria-label={word} title={word}>
          {icon}
        </span>
        <span className="aiplat-PickerName">{row.name}</span>
        <span className="aiplat-ChartNumber">{row.headline ? significant(row.headline.last) : ''}</span>
      </label>
    </li>
  );
}

/** The experiments found by `words`, the newest first, in `project` or (null) in all. */
function useRows(
  { api }: Pick<Services, 'api'>,
  words: string,
  project: string | null
): { rows: readonly ExperimentRow[]; error: ApiError | null; retry: () => void } {
  const [rows, setRows] = useState<readonly ExperimentRow[]>([]);
  const [error, setError] = useState<ApiError | null>(null);
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    const controller = new AbortController();
    const query = { q: words.trim(), limit: MOST_ROWS, ...(project === null ? {} : { project: [project] }) };
    const ask = async (): Promise<void> => {
      try {
        setRows((await api.experiments(query, controller.signal)).items);
        setError(null);
      } catch (reason) {
        if (!isAbort(reason)) {
          setError(asApiError(reason));
        }
      }
    };
    const timer = setTimeout(() => void ask(), words ? TYPING_MS : 0);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [api, words, project, attempt]);
  return { rows, error, retry: () => setAttempt(attempt + 1) };
}
