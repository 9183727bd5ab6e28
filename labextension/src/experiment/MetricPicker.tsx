/** Which of the metrics, however many, are drawn. */

import { useState, type JSX } from 'react';

import { count } from '../format';
import type { Trans } from '../i18n';
import { matching } from './metrics';
import { Popover } from './Popover';

interface Props {
  readonly names: readonly string[];
  readonly drawn: readonly string[];
  readonly onChange: (drawn: readonly string[] | null) => void;
  readonly trans: Trans;
}

const MOST_ROWS = 200;

export function MetricPicker(props: Props): JSX.Element {
  return (
    <Popover label={props.trans.__('+ metric')}>
      <Picker {...props} />
    </Popover>
  );
}

function Picker({ names, drawn, onChange, trans }: Props): JSX.Element {
  const [filter, setFilter] = useState('');
  const found = matching(names, filter);
  const chosen = new Set(drawn);
  const toggle = (name: string): void =>
    onChange(chosen.has(name) ? drawn.filter(other => other !== name) : [...drawn, name]);
  return (
    <>
      <input
        type="search"
        className="aiplat-Filter"
        autoFocus
        placeholder={trans.__('Filter %1 metrics', count(names.length))}
        aria-label={trans.__('Filter metrics')}
        value={filter}
        onChange={event => setFilter(event.target.value)}
      />
      <ul className="aiplat-PickerList">
        {found.slice(0, MOST_ROWS).map(name => (
          <li key={name}>
            <label title={name}>
              <input type="checkbox" checked={chosen.has(name)} onChange={() => toggle(name)} />
              <span>{name}</span>
            </label>
          </li>
        ))}
        {found.length === 0 && <li>{trans.__('No metric of this name.')}</li>}
        {found.length > MOST_ROWS && (
          <li>{trans.__('%1 more: narrow the filter', count(found.length - MOST_ROWS))}</li>
        )}
      </ul>
      <button type="button" className="aiplat-TextButton" onClick={() => onChange(null)}>
        {trans.__('Usual choice')}
      </button>
    </>
  );
}
