/** The form of a rule: simple first, the rest folded, with what it would have done beside it. */

import { useId, type JSX } from 'react';

import { ErrorBoundary } from '../experiment/ErrorBoundary';
import type { Trans } from '../i18n';
import { Fold } from '../page/Fold';
import { Form, FormOutcome } from '../page/Form';
import { FormText, SelectField } from '../page/fields';
import type { RuleCondition, RuleSpec, Subject } from '../records';
import { useSignals } from '../signals';
import { Actions } from './Actions';
import { CONDITIONS, withCondition, withMetric, withSubject, type Draft } from './draft';
import { countsSteps, measureOf, measures, thresholdKind } from './measures';
import { Preview } from './Preview';
import type { RuleModel } from './ruleModel';
import { Scope } from './ScopeField';
import { severityWord } from './severity';
import { subjectWord } from './words';

interface Props {
  readonly model: RuleModel;
  readonly onDone: () => void;
  readonly onCancel: () => void;
}

export function RuleForm({ model, onDone, onCancel }: Props): JSX.Element {
  useSignals(model.changed);
  const { trans } = model.services;
  const submit = (): void => void model.submit().then(rule => rule !== null && onDone());
  return (
    <div className="aiplat-RulePage">
      <Form
        title={model.draft.uid === null ? trans.__('New rule') : trans.__('Rule')}
        action={model.isSending ? trans.__('Saving…') : trans.__('Save rule')}
        model={model}
        onSubmit={submit}
        onCancel={onCancel}
        trans={trans}
      >
        <Name model={model} />
        <What model={model} />
        <Limits model={model} />
        <Actions model={model} />
        <More model={model} />
        <FormOutcome model={model} />
      </Form>
      <ErrorBoundary trans={trans}>
        <Preview model={model} />
      </ErrorBoundary>
    </div>
  );
}

function Name({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const { preset, name } = model.draft;
  if (preset !== '') {
    return (
      <p className="aiplat-FormNote">
        {trans.__('“%1” is a default rule: it can be changed, switched off and reset, not renamed.', name)}
      </p>
    );
  }
  return (
    <FormText
      model={model}
      field="name"
      label={trans.__('Name')}
      hint={trans.__('empty: from what it watches')}
    />
  );
}

const SUBJECTS: readonly Subject[] = ['gpu', 'host', 'experiment', 'task'];

/** Whom it watches, which of its values, and what is wrong with it. */
function What({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const { draft } = model;
  return (
    <>
      {draft.preset === '' && <Subjects model={model} />}
      <Scope model={model} />
      <div className="aiplat-FormPair">
        <Metric model={model} />
        {CONDITIONS[draft.subject].length > 1 && !isEvent(draft, trans) && (
          <SelectField
            name="condition"
            label={trans.__('Alert when it')}
            value={draft.condition}
            problem={model.problems.condition}
            choices={CONDITIONS[draft.subject].map(one => [one, conditionWord(one, trans)])}
            onChange={condition => model.edit(withCondition(draft, condition))}
          />
        )}
      </div>
    </>
  );
}

function isEvent(draft: Draft, trans: Trans): boolean {
  return measureOf(draft.subject, draft.metric, trans).isEvent;
}

function Subjects({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const name = useId();
  return (
    <fieldset className="aiplat-FormKinds">
      <legend className="aiplat-Hidden">{trans.__('What to watch')}</legend>
      {SUBJECTS.map(subject => (
        <label key={subject}>
          <input
            type="radio"
            name={name}
            checked={model.draft.subject === subject}
            onChange={() => model.edit(withSubject(model.draft, subject, trans))}
          />
          {subjectWord(subject, trans)}
        </label>
      ))}
    </fieldset>
  );
}

function Metric({ model }: { model: RuleModel }): JSX.Element | null {
  const { trans } = model.services;
  const { draft, choices } = model;
  if (draft.subject === 'task') {
    return null;
  }
  if (draft.subject === 'experiment') {
    return (
      <FormText
        model={model}
        field="metric"
        label={trans.__('Metric')}
        hint={trans.__('empty: the loss; * for every one')}
        choices={['*', ...choices.metrics]}
      />
    );
  }
  const known = measures(draft.subject, trans).map(one => [one.metric, one.word] as const);
  return (
    <SelectField
      name="metric"
      label={trans.__('Value')}
      value={draft.metric}
      problem={model.problems.metric}
      choices={known}
      onChange={metric => model.edit(withMetric(draft, metric, trans))}
    />
  );
}

function conditionWord(condition: RuleCondition, trans: Trans): string {
  return {
    above: trans.__('is above'),
    below: trans.__('is below'),
    not_finite: trans.__('is NaN or infinite'),
    silent: trans.__('has no new point for'),
    diverges: trans.__('gets worse than its best by'),
    plateau: trans.__('gets no better for'),
    failed: trans.__('fails'),
    waits: trans.__('waits longer than'),
    overdue: trans.__('runs longer than its runs before by')
  }[condition];
}

/** From where on and for how long. */
function Limits({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const { draft } = model;
  const kind = thresholdKind(draft.condition, isEvent(draft, trans));
  return (
    <div className="aiplat-FormNumbers">
      {kind === 'none' ? (
        <SelectField
          name="severity"
          label={trans.__('Severity')}
          value={draft.severity}
          choices={(['warning', 'critical'] as const).map(one => [one, severityWord(one, trans)])}
          onChange={severity => model.edit({ severity })}
        />
      ) : (
        <>
          <FormText model={model} field="warning" label={trans.__('Warning')} {...limitLooks(draft, trans)} />
          <FormText
            model={model}
            field="critical"
            label={trans.__('Critical')}
            {...limitLooks(draft, trans)}
          />
        </>
      )}
      <Time model={model} />
    </div>
  );
}

function limitLooks(draft: Draft, trans: Trans): { unit: string; hint: string } {
  const measure = measureOf(draft.subject, draft.metric, trans);
  const kind = thresholdKind(draft.condition, measure.isEvent);
  if (kind === 'duration') {
    return { unit: '', hint: trans.__('none; 90s, 2h') };
  }
  return { unit: kind === 'times' ? '×' : measure.unit, hint: trans.__('none') };
}

function Time({ model }: { model: RuleModel }): JSX.Element | null {
  const { trans } = model.services;
  const { condition } = model.draft;
  if (countsSteps(condition)) {
    return (
      <FormText
        model={model}
        field="time"
        label={trans.__('For at least')}
        unit={trans.__('steps')}
        hint="0"
      />
    );
  }
  const isAtOnce = ['failed', 'silent', 'waits', 'overdue'].includes(condition);
  return isAtOnce ? null : (
    <FormText
      model={model}
      field="time"
      label={trans.__('For at least')}
      hint={trans.__('at once; 90s, 2h')}
    />
  );
}

const FOLDED = [
  'aggregate',
  'window',
  'clearWarning',
  'clearCritical',
  'keepFiring',
  'repeat',
  'noData'
] as const;

/** What most rules can do without. */
function More({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const { draft } = model;
  const inSteps = countsSteps(draft.condition);
  const isMeasured = ['above', 'below'].includes(draft.condition) && !isEvent(draft, trans);
  return (
    <Fold
      summary={trans.__('More: averages, when it is over, reminders')}
      isNeeded={FOLDED.some(field => model.problems[field] !== undefined)}
    >
      {inSteps && <Better model={model} />}
      {isMeasured && <Window model={model} />}
      {thresholdKind(draft.condition, isEvent(draft, trans)) !== 'none' && (
        <div className="aiplat-FormPair">
          <FormText
            model={model}
            field="clearWarning"
            label={trans.__('Warning is over at')}
            {...clearLooks(draft, trans)}
          />
          <FormText
            model={model}
            field="clearCritical"
            label={trans.__('Critical is over at')}
            {...clearLooks(draft, trans)}
          />
        </div>
      )}
      <div className="aiplat-FormPair">
        <FormText
          model={model}
          field="keepFiring"
          label={trans.__('Over after it was well for')}
          hint={trans.__('at once; 90s, 2h')}
        />
        <FormText
          model={model}
          field="repeat"
          label={trans.__('Remind every')}
          hint={trans.__('never; 30m, 2h')}
        />
      </div>
      <NoData model={model} />
    </Fold>
  );
}

function clearLooks(draft: Draft, trans: Trans): { unit: string; hint: string } {
  return { unit: limitLooks(draft, trans).unit, hint: trans.__('5 % on the good side') };
}

function Better({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  return (
    <label className="aiplat-Check">
      <input
        type="checkbox"
        checked={model.draft.higherIsBetter}
        onChange={event => model.edit({ higherIsBetter: event.target.checked })}
      />
      {trans.__('higher values are better, as of an accuracy')}
    </label>
  );
}

function Window({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const { aggregate, window } = model.draft;
  const choices: readonly (readonly [RuleSpec['aggregate'], string])[] = [
    ['last', trans.__('the newest value')],
    ['mean', trans.__('the mean')],
    ['min', trans.__('the smallest')],
    ['max', trans.__('the largest')],
    ['delta', trans.__('the change')]
  ];
  return (
    <div className="aiplat-FormPair">
      <SelectField
        name="aggregate"
        label={trans.__('Of the values take')}
        value={aggregate}
        problem={model.problems.aggregate}
        choices={choices}
        onChange={chosen => model.edit({ aggregate: chosen, window: window === '' ? '5m' : window })}
      />
      {aggregate !== 'last' && (
        <FormText model={model} field="window" label={trans.__('within')} hint={trans.__('90s, 2h')} />
      )}
    </div>
  );
}

function NoData({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  return (
    <SelectField
      name="noData"
      label={trans.__('Where there is no value')}
      value={model.draft.noData}
      problem={model.problems.noData}
      choices={[
        ['ignore', trans.__('nothing is wrong')],
        ['keep', trans.__('it stays as it is')],
        ['alert', trans.__('alert as well')]
      ]}
      onChange={noData => model.edit({ noData })}
    />
  );
}
