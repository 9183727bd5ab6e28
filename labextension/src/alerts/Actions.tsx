/** What a rule does when it fires, besides showing it. */

import type { JSX } from 'react';

import { SelectField, TextField } from '../page/fields';
import type { Trans } from '../i18n';
import type { RuleAction } from '../records';
import { ACTIONS } from './draft';
import type { RuleModel } from './ruleModel';
import { actionWords } from './words';

/** Services whose addresses people ask for, with the form that the notification library reads. */
const CHANNELS: readonly (readonly [name: string, url: string])[] = [
  ['Feishu', 'feishu://{token}'],
  ['DingTalk', 'dingtalk://{secret}@{token}'],
  ['WeCom', 'wecombot://{key}'],
  ['Slack', 'slack://{tokenA}/{tokenB}/{tokenC}'],
  ['mail', 'mailtos://{user}:{password}@{host}?to={address}']
];

export function Actions({ model }: { model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const { actions } = model.draft;
  const set = (at: number, action: RuleAction | null): void => {
    const kept = actions.flatMap((other, i) => (i !== at ? [other] : action === null ? [] : [action]));
    model.edit({ actions: kept });
  };
  const add = (): void => model.edit({ actions: [...actions, { kind: 'webhook', url: '' }] });
  return (
    <fieldset className="aiplat-FormScope">
      <legend>{trans.__('And besides a notification in JupyterLab')}</legend>
      {actions.map((action, at) => (
        <ActionField
          key={at}
          action={action}
          kinds={ACTIONS[model.draft.subject]}
          problem={model.problems[`action${at}`]}
          onChange={change => set(at, change)}
          trans={trans}
        />
      ))}
      <button type="button" className="aiplat-ChartLink" onClick={add}>
        {trans.__('+ message or action')}
      </button>
    </fieldset>
  );
}

interface ActionProps {
  readonly action: RuleAction;
  readonly kinds: readonly RuleAction['kind'][];
  readonly problem: string | undefined;
  readonly onChange: (action: RuleAction | null) => void;
  readonly trans: Trans;
}

function ActionField({ action, kinds, problem, onChange, trans }: ActionProps): JSX.Element {
  const words = actionWords(trans);
  const hasAddress = action.kind === 'webhook' || action.kind === 'channel';
  return (
    <div className="aiplat-RuleAction">
      <SelectField
        name="kind"
        label={trans.__('Do')}
        value={action.kind}
        choices={kinds.map(kind => [kind, words[kind]] as const)}
        problem={hasAddress ? undefined : problem}
        onChange={kind => onChange({ kind, url: '' })}
      />
      {hasAddress ? (
        <TextField
          name="url"
          label={trans.__('Address')}
          value={action.url}
          problem={problem}
          hint={action.kind === 'webhook' ? 'https://…' : 'slack://…'}
          choices={action.kind === 'channel' ? CHANNELS.map(([, url]) => url) : undefined}
          isCode
          onChange={url => onChange({ ...action, url })}
        />
      ) : (
        <p className="aiplat-Amber">⚠ {warning(action, trans)}</p>
      )}
      <button
        type="button"
        className="aiplat-TextButton"
        aria-label={trans.__('Remove')}
        onClick={() => onChange(null)}
      >
        ✕
      </button>
      {action.kind === 'channel' && <Hints trans={trans} />}
      {action.kind === 'webhook' && (
        <p className="aiplat-FormNote">{trans.__('The alert is sent there as JSON, by HTTP POST.')}</p>
      )}
    </div>
  );
}

function Hints({ trans }: { trans: Trans }): JSX.Element {
  return (
    <p className="aiplat-FormNote">
      {trans.__('Addresses in the form of Apprise:')}{' '}
      {CHANNELS.map(([name, url]) => (
        <span key={name}>
          {name === 'mail' ? trans.__('mail') : name} <code>{url}</code>{' '}
        </span>
      ))}
    </p>
  );
}

function warning({ kind }: RuleAction, trans: Trans): string {
  return kind === 'stop_task'
    ? trans.__(
        'The task that the alert is about is stopped, without a question. What it has not saved is lost.'
      )
    : trans.__('The cell that runs in the kernel is interrupted, without a question, as by its Stop button.');
}
