/** The right column: summary, config, tags, notes, provenance, attempts. Whatever users wrote is shown as text. */

import { useState, type JSX, type ReactNode } from 'react';

import { count, duration, exactTime, significant } from '../format';
import type { Trans } from '../i18n';
import type { Attempt, Experiment, SeriesSummary } from '../records';
import { describe } from '../status';
import { entries, filtered, type Entry } from './entries';

interface SectionProps {
  readonly title: string;
  /** Beside the title: a count. */
  readonly aside?: string;
  readonly isOpen?: boolean;
  readonly children: ReactNode;
}

export function Section({ title, aside, isOpen = true, children }: SectionProps): JSX.Element {
  return (
    <details className="aiplat-PageSection" open={isOpen}>
      <summary>
        <h2>{title}</h2>
        {aside && <span>{aside}</span>}
      </summary>
      {children}
    </details>
  );
}

const MOST_ROWS = 100;
const FILTER_FROM = 8;

/** Keys and values, with a filter when there are many. */
export function Entries({
  all,
  empty,
  trans
}: {
  all: readonly Entry[];
  empty: string;
  trans: Trans;
}): JSX.Element {
  const [filter, setFilter] = useState('');
  const [most, setMost] = useState(MOST_ROWS);
  const found = filtered(all, filter);
  if (all.length === 0) {
    return <p className="aiplat-PageNothing">{empty}</p>;
  }
  return (
    <>
      {all.length >= FILTER_FROM && (
        <input
          type="search"
          className="aiplat-Filter"
          placeholder={trans.__('Filter')}
          aria-label={trans.__('Filter')}
          value={filter}
          onChange={event => setFilter(event.target.value)}
        />
      )}
      <dl className="aiplat-PageEntries">
        {found.slice(0, most).map(({ key, label = key, text, isNumber }) => (
          <div key={key}>
            <dt title={label}>{label}</dt>
            <dd data-number={isNumber} title={text}>
              {text}
            </dd>
          </div>
        ))}
      </dl>
      {found.length > most && (
        <button type="button" className="aiplat-ChartLink" onClick={() => setMost(most + 10 * MOST_ROWS)}>
          {trans.__('%1 more', count(found.length - most))}
        </button>
      )}
    </>
  );
}

interface SummaryProps {
  readonly experiment: Experiment;
  readonly metrics: readonly SeriesSummary[] | null;
  readonly trans: Trans;
}

/** What the user noted, then last, lowest and highest of each metric. */
export function Summary({ experiment, metrics, trans }: SummaryProps): JSX.Element {
  const noted = entries(experiment.summary);
  return (
    <Section title={trans.__('Summary')}>
      {noted.length > 0 && <Entries all={noted} empty="" trans={trans} />}
      {metrics !== null && metrics.length > 0 && <MetricTable metrics={metrics} trans={trans} />}
      {noted.length === 0 && metrics?.length === 0 && (
        <p className="aiplat-PageNothing">{trans.__('exp.summary["accuracy"] = 0.97 puts a value here.')}</p>
      )}
    </Section>
  );
}

function MetricTable({ metrics, trans }: { metrics: readonly SeriesSummary[]; trans: Trans }): JSX.Element {
  const [most, setMost] = useState(MOST_ROWS);
  return (
    <>
      <table className="aiplat-PageTable">
        <thead>
          <tr>
            <th scope="col">{trans.__('metric')}</th>
            <th scope="col">{trans.__('last')}</th>
            <th scope="col">{trans.__('min')}</th>
            <th scope="col">{trans.__('max')}</th>
          </tr>
        </thead>
        <tbody>
          {metrics.slice(0, most).map(one => (
            <MetricRow key={`${one.metric} ${one.context}`} one={one} trans={trans} />
          ))}
        </tbody>
      </table>
      {metrics.length > most && (
        <button type="button" className="aiplat-ChartLink" onClick={() => setMost(most + 10 * MOST_ROWS)}>
          {trans.__('%1 more', count(metrics.length - most))}
        </button>
      )}
    </>
  );
}

function MetricRow({ one, trans }: { one: SeriesSummary; trans: Trans }): JSX.Element {
  const at = (step: number | null): string | undefined =>
    step === null ? undefined : trans.__('at step %1', count(step));
  const name = one.context ? `${one.metric} · ${one.context}` : one.metric;
  const unusual = [
    ...(one.nan > 0 ? [trans.__('%1 NaN', count(one.nan))] : []),
    ...(one.infinite > 0 ? [trans.__('%1 ±∞', count(one.infinite))] : [])
  ];
  const points = [trans.__('n %1', count(one.count)), ...unusual].join(', ');
  return (
    <tr>
      <th scope="row" title={`${name}: ${points}`}>
        {name}
      </th>
      <td title={at(one.last_step)}>{significant(one.last)}</td>
      <td title={at(one.min_step)}>{one.min === null ? '–' : significant(one.min)}</td>
      <td title={at(one.max_step)}>{one.max === null ? '–' : significant(one.max)}</td>
    </tr>
  );
}

export function Config({ experiment, trans }: { experiment: Experiment; trans: Trans }): JSX.Element {
  const all = entries(experiment.config);
  const empty = trans.__('aiplat.init(config={…}) puts values here.');
  return (
    <Section title={trans.__('Config')} aside={all.length > 0 ? count(all.length) : ''}>
      <Entries all={all} empty={empty} trans={trans} />
    </Section>
  );
}

/** What the platform itself notes has a name in the reader's language; what git says and the like keeps its own. */
function factWord(key: string, trans: Trans): string {
  const words: Record<string, string> = {
    owner: trans.__('owner'),
    base_model: trans.__('base model'),
    task_type: trans.__('task type'),
    platform: trans.__('platform'),
    folder: trans.__('folder'),
    notebook: trans.__('notebook'),
    cell: trans.__('cell id'),
    cell_number: trans.__('cell number'),
    command: trans.__('command')
  };
  return words[key] ?? key;
}

/** Where it comes from: code, packages, notebook and cell. Long texts are folded. */
export function Provenance({ experiment, trans }: { experiment: Experiment; trans: Trans }): JSX.Element {
  const { cell_source: source, packages, ...rest } = experiment.provenance;
  const { base_model: model, task_type: task, owner } = experiment;
  const facts = entries({
    owner,
    ...(model && { base_model: model }),
    ...(task && { task_type: task }),
    ...rest
  }).map(entry => ({ ...entry, label: factWord(entry.key, trans) }));
  const installed = entries(typeof packages === 'object' && packages !== null ? { ...packages } : {});
  return (
    <Section title={trans.__('Provenance')}>
      <Entries all={facts} empty={trans.__('Nothing is known.')} trans={trans} />
      {typeof source === 'string' && source !== '' && (
        <details className="aiplat-PageFold" open={source.length < 2000}>
          <summary>{trans.__('Cell')}</summary>
          <pre tabIndex={0}>{source}</pre>
        </details>
      )}
      {installed.length > 0 && (
        <details className="aiplat-PageFold">
          <summary>{trans.__('%1 packages', count(installed.length))}</summary>
          <Entries all={installed} empty="" trans={trans} />
        </details>
      )}
    </Section>
  );
}

export function Attempts({ experiment, trans }: { experiment: Experiment; trans: Trans }): JSX.Element {
  const newestFirst = [...experiment.lineage].reverse();
  return (
    <Section title={trans.__('Attempts')} aside={count(newestFirst.length)} isOpen={newestFirst.length > 1}>
      <ol className="aiplat-PageAttempts">
        {newestFirst.map(attempt => (
          <AttemptRow
            key={attempt.uid}
            attempt={attempt}
            isCurrent={attempt.uid === experiment.attempt}
            trans={trans}
          />
        ))}
      </ol>
    </Section>
  );
}

interface AttemptProps {
  readonly attempt: Attempt;
  readonly isCurrent: boolean;
  readonly trans: Trans;
}

function AttemptRow({ attempt, isCurrent, trans }: AttemptProps): JSX.Element {
  const { number, status, cause, from_step: from, started_at: start, ended_at: end } = attempt;
  const { icon, word } = describe({ status, cause, unreachable: false, stop_requested: false }, trans);
  return (
    <li aria-current={isCurrent}>
      <span className="aiplat-Status" data-status={status} aria-hidden="true">
        {icon}
      </span>
      <span>
        {trans.__('#%1 %2', number, word)}
        {from !== null && ` · ${trans.__('from step %1', count(from))}`}
      </span>
      <span className="aiplat-ChartNumber" title={exactTime(start)}>
        {end === null ? '' : duration(end - start)}
      </span>
      {cause && <span className="aiplat-PageCause">{cause}</span>}
    </li>
  );
}
