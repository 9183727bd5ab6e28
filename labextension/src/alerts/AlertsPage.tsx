/** The page of alerts: what is open, what was, and the rules that watch. */

import { useEffect, useState, type JSX, type KeyboardEvent } from 'react';

import { CommandIDs } from '../commands';
import { ErrorBoundary } from '../experiment/ErrorBoundary';
import { count } from '../format';
import type { Trans } from '../i18n';
import { Heading } from '../page/Heading';
import { Stale } from '../page/Notice';
import type { Alert, Subject } from '../records';
import type { Services } from '../services';
import { useSignals } from '../signals';
import { AlertTable } from './AlertTable';
import * as deeds from './deeds';
import { EVERYTHING, type AlertsModel, type Filter } from './model';
import { Rules } from './Rules';
import { severityWord, WORST_FIRST } from './severity';
import { alertLine, ruleName, subjectWord } from './words';

export type Tab = 'alerts' | 'rules';

interface Props {
  readonly model: AlertsModel;
  readonly services: Services;
  readonly tab: Tab;
  readonly onTab: (tab: Tab) => void;
}

export function AlertsPage(props: Props): JSX.Element {
  const { model, services, tab } = props;
  const { trans, events } = services;
  useSignals(model.changed, events.linkChanged);
  // A list that has nothing to show says itself why.
  const error = (model.open.phase === 'failed' ? null : model.open.error) ?? model.rulesError;
  return (
    <div className="aiplat-Page aiplat-AlertsPage" data-link={events.link}>
      <Header {...props} />
      <Stale error={error} onRetry={() => void model.refresh()} services={services} />
      <main role="tabpanel" aria-label={tabWord(tab, trans)}>
        <ErrorBoundary trans={trans}>
          {tab === 'alerts' ? <Alerts {...props} /> : <Rules model={model} services={services} />}
        </ErrorBoundary>
      </main>
      <Announcements model={model} trans={trans} />
    </div>
  );
}

function tabWord(tab: Tab, trans: Trans): string {
  return tab === 'alerts' ? trans.__('Alerts') : trans.__('Rules');
}

function Header(props: Props): JSX.Element {
  const { model, services, tab } = props;
  const { trans, commands } = services;
  return (
    <header className="aiplat-PageHeader">
      <Tabs {...props} />
      {tab === 'alerts' ? <Filters model={model} trans={trans} /> : <span className="aiplat-PageFacts" />}
      <div className="aiplat-PageButtons">
        {tab === 'alerts' && <AcknowledgeSeveral model={model} services={services} />}
        <button
          type="button"
          className="aiplat-TextButton aiplat-mod-primary"
          onClick={() => void commands.execute(CommandIDs.editRule, {})}
        >
          {trans.__('New rule…')}
        </button>
      </div>
    </header>
  );
}

const TABS: readonly Tab[] = ['alerts', 'rules'];

function Tabs({ model, services, tab, onTab }: Props): JSX.Element {
  const { trans } = services;
  const numbers = { alerts: model.open.total, rules: model.shownRules?.length ?? null };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'ArrowLeft' || event.key === 'ArrowRight') {
      event.preventDefault();
      onTab(tab === 'alerts' ? 'rules' : 'alerts');
    }
  };
  return (
    <div className="aiplat-Tabs" role="tablist" aria-label={trans.__('Alerts')} onKeyDown={onKeyDown}>
      {TABS.map(one => (
        <button
          key={one}
          type="button"
          role="tab"
          aria-selected={one === tab}
          tabIndex={one === tab ? 0 : -1}
          ref={node => {
            if (one === tab && node?.parentElement?.contains(document.activeElement) === true) {
              node.focus();
            }
          }}
          onClick={() => onTab(one)}
        >
          {tabWord(one, trans)} <span>{numbers[one] === null ? '' : count(numbers[one])}</span>
        </button>
      ))}
    </div>
  );
}

const SUBJECTS: readonly Subject[] = ['gpu', 'host', 'experiment', 'task'];

function Filters({ model, trans }: { model: AlertsModel; trans: Trans }): JSX.Element {
  return (
    <div className="aiplat-PageFacts aiplat-AlertFilters">
      <Choice
        model={model}
        field="severity"
        label={trans.__('Severity')}
        all={trans.__('all severities')}
        choices={WORST_FIRST.map(one => [one, severityWord(one, trans)])}
      />
      <Choice
        model={model}
        field="state"
        label={trans.__('State')}
        all={trans.__('all states')}
        choices={[
          ['firing', trans.__('firing')],
          ['resolved', trans.__('over')]
        ]}
      />
      <Choice
        model={model}
        field="subject"
        label={trans.__('Subject')}
        all={trans.__('all subjects')}
        choices={SUBJECTS.map(one => [one, subjectWord(one, trans)])}
      />
    </div>
  );
}

function Choice<F extends keyof Filter>(props: {
  model: AlertsModel;
  field: F;
  label: string;
  all: string;
  choices: readonly (readonly [Filter[F], string])[];
}): JSX.Element {
  const { model, field, label, all, choices } = props;
  return (
    <select
      className="aiplat-Select"
      aria-label={label}
      value={model.filter[field]}
      data-set={model.filter[field] !== ''}
      onChange={event => model.setFilter({ [field]: event.target.value as Filter[F] })}
    >
      <option value="">{all}</option>
      {choices.map(([value, word]) => (
        <option key={value} value={value}>
          {word}
        </option>
      ))}
    </select>
  );
}

/** What is chosen, or all there is. */
function AcknowledgeSeveral({ model, services }: Pick<Props, 'model' | 'services'>): JSX.Element {
  const { trans } = services;
  const { selection } = model;
  const isFiltered = JSON.stringify(model.filter) !== JSON.stringify(EVERYTHING);
  const waiting = model.open.items.filter(alert => alert.acknowledged_at === null);
  const chosen = selection.length > 0 ? selection : isFiltered ? waiting : null;
  const act = (): void => {
    void deeds.acknowledgeMany(services, chosen?.map(alert => alert.uid) ?? 'all');
    model.clearSelection();
  };
  return (
    <button type="button" className="aiplat-TextButton" disabled={waiting.length === 0} onClick={act}>
      {chosen === null ? trans.__('Acknowledge all') : trans.__('Acknowledge %1', count(chosen.length))}
    </button>
  );
}

function Alerts({ model, services, onTab }: Props): JSX.Element {
  const { trans } = services;
  const { open, history, filter } = model;
  const isFiltered = JSON.stringify(filter) !== JSON.stringify(EVERYTHING);
  const nothing = (text: string): JSX.Element => <p className="aiplat-PageNothing">{text}</p>;
  return (
    <>
      <section>
        <Heading title={trans.__('Open alerts')} total={open.total} />
        <AlertTable
          title={trans.__('Open alerts')}
          list={open}
          isSelectable
          empty={
            isFiltered ? (
              nothing(trans.__('No open alert matches.'))
            ) : (
              <AllIsWell model={model} trans={trans} onRules={() => onTab('rules')} />
            )
          }
          model={model}
          services={services}
        />
      </section>
      <section>
        <Heading title={trans.__('History')} total={history.total} />
        <AlertTable
          title={trans.__('History')}
          list={history}
          isSelectable={false}
          empty={nothing(isFiltered ? trans.__('Nothing in the past matches.') : trans.__('None yet.'))}
          model={model}
          services={services}
        />
      </section>
    </>
  );
}

/** Nothing is open: say so, and what is watched. */
function AllIsWell(props: { model: AlertsModel; trans: Trans; onRules: () => void }): JSX.Element {
  const { model, trans, onRules } = props;
  const watching = (model.shownRules ?? []).filter(rule => rule.is_enabled);
  return (
    <div className="aiplat-AllIsWell">
      <p>✓ {trans.__('All is well: nothing needs attention.')}</p>
      {model.rules !== null && (
        <p className="aiplat-PageNothing">
          {watching.length === 0
            ? trans.__('No rule watches.')
            : trans._n(
                '%1 rule watches: %2.',
                '%1 rules watch: %2.',
                watching.length,
                namesOf(watching, trans)
              )}{' '}
          <button type="button" className="aiplat-ChartLink" onClick={onRules}>
            {trans.__('Rules')}
          </button>
        </p>
      )}
    </div>
  );
}

function namesOf(rules: readonly { preset: string; name: string }[], trans: Trans): string {
  return rules.map(rule => ruleName(rule, trans)).join(trans.__(', '));
}

function Announcements({ model, trans }: { model: AlertsModel; trans: Trans }): JSX.Element {
  const [text, setText] = useState('');
  useEffect(() => {
    const slot = (_: unknown, alert: Alert): void => setText(spoken(alert, trans));
    model.announced.connect(slot);
    return () => void model.announced.disconnect(slot);
  }, [model, trans]);
  return (
    <div className="aiplat-Hidden" role="status" aria-live="polite">
      {text}
    </div>
  );
}

function spoken(alert: Alert, trans: Trans): string {
  const line = alertLine(alert, trans);
  return alert.state === 'firing'
    ? trans.__('%1, firing: %2', severityWord(alert.severity, trans), line)
    : trans.__('over: %1', line);
}
