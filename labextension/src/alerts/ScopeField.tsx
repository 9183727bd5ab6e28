/** Whom a rule watches: all of them, or those that are chosen. */

import type { JSX } from 'react';

import type { Trans } from '../i18n';
import { Fold } from '../page/Fold';
import type { Subject } from '../records';
import type { Scope as ScopeRecord } from './draft';
import type { Choice, Choices, RuleModel } from './ruleModel';
import { scopeText } from './words';

type Part = keyof ScopeRecord;

/** By what the subjects of a rule can be chosen. */
const PARTS: Readonly<Record<Subject, readonly Part[]>> = {
  gpu: ['gpus', 'agents'],
  host: ['agents'],
  experiment: ['projects', 'experiments'],
  task: ['projects', 'tasks', 'agents']
};

const SHORT = 12;

export function Scope({ model }: { model: RuleModel }): JSX.Element {
  const { draft, services } = model;
  const { trans } = services;
  const text = scopeText(draft, trans);
  return (
    <Fold
      summary={trans.__('Watches %1', text)}
      isNeeded={isNarrow(draft.scope) || model.problems.scope !== undefined}
    >
      {PARTS[draft.subject].map(part => (
        <PartField key={part} part={part} model={model} />
      ))}
      {model.problems.scope !== undefined && <p className="aiplat-FormProblem">{model.problems.scope}</p>}
    </Fold>
  );
}

const isNarrow = (scope: ScopeRecord): boolean => Object.values(scope).some(uids => uids.length > 0);

function PartField({ part, model }: { part: Part; model: RuleModel }): JSX.Element {
  const { trans } = model.services;
  const { scope } = model.draft;
  const set = (uid: string, isOn: boolean): void => {
    const others = scope[part].filter(other => other !== uid);
    model.edit({ scope: { ...scope, [part]: isOn ? [...others, uid] : others } });
  };
  const choices = offered(part, scope, model.choices);
  return (
    <fieldset className="aiplat-FormScope">
      <legend>{partWord(part, trans)}</legend>
      {choices.length === 0 && <span className="aiplat-PageNothing">{trans.__('None yet.')}</span>}
      <div className="aiplat-FormAfter">
        {choices.map(({ uid, label }) => (
          <label key={uid} className="aiplat-Check">
            <input
              type="checkbox"
              checked={scope[part].includes(uid)}
              onChange={event => set(uid, event.target.checked)}
            />
            {label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

/** What there is, and what was chosen earlier and is not there any more. */
function offered(part: Part, scope: ScopeRecord, choices: Choices): Choice[] {
  const there = choices[part];
  const known = new Set(there.map(({ uid }) => uid));
  const gone = scope[part].filter(uid => !known.has(uid));
  return [...gone.map(uid => ({ uid, label: `${uid.slice(0, SHORT)}…` })), ...there];
}

function partWord(part: Part, trans: Trans): string {
  return {
    gpus: trans.__('GPUs'),
    agents: trans.__('Machines'),
    projects: trans.__('Projects'),
    experiments: trans.__('Experiments'),
    tasks: trans.__('Tasks')
  }[part];
}
