/** The rules that watch: on or off, how they fare, and what can be done to them. */

import type { JSX, MouseEvent } from 'react';

import { CommandIDs } from '../commands';
import { FailureCard } from '../experiment/ErrorBoundary';
import { count } from '../format';
import type { Trans } from '../i18n';
import { Heading } from '../page/Heading';
import { MoreButton } from '../page/MoreButton';
import type { Rule, RuleSpec } from '../records';
import type { Services } from '../services';
import { useNow } from '../signals';
import * as deeds from './deeds';
import { openRuleMenu } from './menu';
import type { AlertsModel } from './model';
import { actionWords, conditionText, ruleName, scopeText, subjectWord } from './words';

interface Props {
  readonly model: AlertsModel;
  readonly services: Services;
}

export function Rules({ model, services }: Props): JSX.Element {
  const { trans } = services;
  const rules = model.shownRules;
  if (rules === null) {
    return model.rulesError === null ? <Waiting trans={trans} /> : <Failure {...{ model, services }} />;
  }
  const own = rules.filter(rule => rule.preset === '');
  const presets = rules.filter(rule => rule.preset !== '');
  return (
    <>
      <RuleList title={trans.__('Your rules')} rules={own} {...{ model, services }} />
      <RuleList title={trans.__('Default rules')} rules={presets} {...{ model, services }} />
    </>
  );
}

function RuleList({
  title,
  rules,
  model,
  services
}: Props & { title: string; rules: readonly Rule[] }): JSX.Element {
  const { trans } = services;
  return (
    <section>
      <Heading title={title} total={rules.length} />
      <ul className="aiplat-RuleList" aria-label={title}>
        {rules.map(rule => (
          <Row key={rule.uid} rule={rule} model={model} services={services} />
        ))}
      </ul>
      {rules.length === 0 && (
        <p className="aiplat-PageNothing">
          {trans.__('None yet. “New rule…” watches a GPU, a machine, a metric of experiments, or tasks.')}
        </p>
      )}
    </section>
  );
}

function Row({ rule, model, services }: Props & { rule: Rule }): JSX.Element {
  const { trans } = services;
  const spec = rule.spec as RuleSpec;
  const name = ruleName(rule, trans);
  const condition = trans.__('%1: %2', subjectWord(spec.subject, trans), conditionText(spec, trans));
  const onContextMenu = (event: MouseEvent): void => {
    event.preventDefault();
    openRuleMenu(rule, model, services, { x: event.clientX, y: event.clientY });
  };
  return (
    <li className="aiplat-RuleRow" data-on={rule.is_enabled} onContextMenu={onContextMenu}>
      <Switch rule={rule} name={name} model={model} services={services} />
      <span className="aiplat-RuleName" title={name}>
        {name}
      </span>
      <span className="aiplat-RuleWhat" title={condition}>
        {condition}
        <small> {[scopeText(spec, trans), actionsText(spec, trans)].filter(Boolean).join(' · ')}</small>
      </span>
      <RuleState rule={rule} trans={trans} />
      <Buttons rule={rule} name={name} model={model} services={services} />
    </li>
  );
}

function Switch({ rule, name, model, services }: Props & { rule: Rule; name: string }): JSX.Element {
  const { trans } = services;
  const toggle = (isOn: boolean): void => {
    model.take({ ...rule, is_enabled: isOn });
    void deeds
      .change(services, rule.uid, { is_enabled: isOn })
      .then(made => model.take(made ?? { ...rule, is_enabled: !isOn }));
  };
  return (
    <input
      type="checkbox"
      role="switch"
      className="aiplat-Switch"
      aria-label={trans.__('Watch: %1', name)}
      checked={rule.is_enabled}
      disabled={!rule.may_edit}
      onChange={event => toggle(event.target.checked)}
    />
  );
}

/** What the rule finds now, or why it says nothing. */
function RuleState({ rule, trans }: { rule: Rule; trans: Trans }): JSX.Element {
  const now = useNow(60);
  const { firing, pending, silenced_until: until, is_enabled: isOn } = rule;
  const parts = [
    firing > 0 ? trans.__('⚠ %1 firing', count(firing)) : '',
    pending > 0 ? trans.__('%1 about to', count(pending)) : '',
    until > now ? trans.__('silent until %1', deeds.untilText(until)) : ''
  ].filter(part => part !== '');
  const usual = isOn ? trans.__('✓ nothing') : trans.__('off');
  return (
    <span className="aiplat-RuleState" data-firing={firing > 0}>
      {parts.length > 0 ? parts.join(' · ') : usual}
    </span>
  );
}

function Buttons({ rule, name, model, services }: Props & { rule: Rule; name: string }): JSX.Element {
  const { trans, commands } = services;
  return (
    <span className="aiplat-RowButtons">
      <button
        type="button"
        className="aiplat-TextButton"
        aria-label={trans.__('Edit the rule “%1”', name)}
        onClick={() => void commands.execute(CommandIDs.editRule, { uid: rule.uid })}
      >
        {trans.__('Edit…')}
      </button>
      <MoreButton onOpen={button => openRuleMenu(rule, model, services, button)} trans={trans} />
    </span>
  );
}

function actionsText({ actions }: RuleSpec, trans: Trans): string {
  const words = actionWords(trans);
  return [...new Set(actions.map(({ kind }) => words[kind]))].join(trans.__(', '));
}

function Waiting({ trans }: { trans: Trans }): JSX.Element {
  return (
    <div role="status" aria-label={trans.__('Loading the rules')}>
      {[0, 1, 2, 3, 4].map(at => (
        <div key={at} className="aiplat-RuleRow aiplat-mod-waiting">
          <span className="aiplat-PageBlank" />
        </div>
      ))}
    </div>
  );
}

function Failure({ model, services }: Props): JSX.Element {
  const error = model.rulesError;
  return (
    <FailureCard
      what={services.trans.__('The rules could not be loaded.')}
      detail={[error?.code, error?.detail, error?.hint].filter(Boolean).join(' · ')}
      trans={services.trans}
      onRetry={() => void model.refresh()}
    />
  );
}
