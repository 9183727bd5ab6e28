/** The form of a new task: what runs, where, and what it needs. It is checked while it is filled in. */

import { useId, type JSX, type ReactNode } from 'react';

import type { Trans } from '../i18n';
import { Fold } from '../page/Fold';
import { useSignals } from '../signals';
import type { Draft, Kind } from './draft';
import type { FormModel } from './formModel';
import { FormText } from './FormText';

interface Props {
  readonly model: FormModel;
  /** Let the reader choose a file; answers its path, or null. */
  readonly browse: (() => Promise<string | null>) | null;
  readonly onDone: (uid: string) => void;
  readonly onCancel: () => void;
}

export function TaskForm({ model, browse, onDone, onCancel }: Props): JSX.Element {
  useSignals(model.changed);
  const { trans } = model.services;
  const submit = (): void =>
    void model.submit().then(uid => {
      if (uid !== null) {
        onDone(uid);
      }
    });
  return (
    <form
      className="aiplat-TaskForm"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        submit();
      }}
      onKeyDown={event => {
        if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
          event.preventDefault();
          submit();
        }
      }}
    >
      <h1>{trans.__('New task')}</h1>
      <Kinds model={model} />
      <What model={model} browse={browse} />
      <div className="aiplat-FormPair">
        <FormText model={model} field="project" label={trans.__('Project')} choices={model.projects} />
        <FormText
          model={model}
          field="name"
          label={trans.__('Name')}
          hint={trans.__('empty: from what runs')}
        />
      </div>
      <Needs model={model} />
      <After model={model} />
      <More model={model} />
      <Outcome model={model} />
      <div className="aiplat-FormButtons">
        <button type="button" className="aiplat-TextButton" onClick={onCancel}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="aiplat-TextButton aiplat-mod-primary" disabled={model.isSending}>
          {sendLabel(model, trans)}
        </button>
      </div>
    </form>
  );
}

function sendLabel({ isSending, draft }: FormModel, trans: Trans): string {
  if (isSending) {
    return trans.__('Queueing…');
  }
  return draft.cron.trim() === '' ? trans.__('Queue task') : trans.__('Save schedule');
}

const hasMore = (draft: Draft): boolean => [draft.cwd, draft.env, draft.cron].some(text => text !== '');

/** What is rarely asked for. */
function More({ model }: { model: FormModel }): JSX.Element {
  const { trans } = model.services;
  return (
    <Fold summary={trans.__('Folder, environment, schedule')} isNeeded={hasMore(model.draft)}>
      <FormText
        model={model}
        field="cwd"
        label={trans.__('Working folder')}
        hint={trans.__('empty: the folder of the file')}
      />
      <FormText model={model} field="env" label={trans.__('Environment')} hint="NAME=value" rows={3} />
      <Schedule model={model} />
    </Fold>
  );
}

function Kinds({ model }: { model: FormModel }): JSX.Element {
  const { trans } = model.services;
  const name = useId();
  const kinds: [Kind, string][] = [
    ['script', trans.__('Script')],
    ['notebook', trans.__('Notebook')],
    ['command', trans.__('Command')]
  ];
  return (
    <fieldset className="aiplat-FormKinds">
      <legend className="aiplat-Hidden">{trans.__('What to run')}</legend>
      {kinds.map(([kind, label]) => (
        <label key={kind}>
          <input
            type="radio"
            name={name}
            checked={model.draft.kind === kind}
            onChange={() => model.edit({ kind })}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}

function What({ model, browse }: Pick<Props, 'model' | 'browse'>): JSX.Element {
  const { trans } = model.services;
  const { draft } = model;
  if (draft.kind === 'command') {
    return (
      <>
        <FormText
          model={model}
          field="line"
          label={trans.__('Command')}
          hint="python train.py --lr 1e-3"
          isCode
        />
        <label className="aiplat-Check">
          <input
            type="checkbox"
            checked={draft.shell}
            onChange={event => model.edit({ shell: event.target.checked })}
          />
          {trans.__('run it in a shell (for pipes, variables, &&)')}
        </label>
      </>
    );
  }
  const choose = (): void => void browse?.().then(path => path !== null && model.edit({ path }));
  return (
    <>
      <div className="aiplat-FormFile">
        <FormText model={model} field="path" label={trans.__('File')} isCode />
        {browse !== null && (
          <button type="button" className="aiplat-TextButton" onClick={choose}>
            {trans.__('Browse…')}
          </button>
        )}
      </div>
      {draft.kind === 'script' ? (
        <FormText
          model={model}
          field="args"
          label={trans.__('Arguments')}
          hint="--lr 1e-3 --epochs 10"
          isCode
        />
      ) : (
        <FormText
          model={model}
          field="parameters"
          label={trans.__('Parameters')}
          hint={trans.__('lr=0.001, a line for each; they follow the cell tagged “parameters”')}
          rows={3}
          isCode
        />
      )}
    </>
  );
}

function Needs({ model }: { model: FormModel }): JSX.Element {
  const { trans } = model.services;
  return (
    <div className="aiplat-FormNumbers">
      <FormText model={model} field="gpus" label={trans.__('GPUs')} isNumber />
      <FormText model={model} field="slots" label={trans.__('Slots')} isNumber />
      <FormText model={model} field="priority" label={trans.__('Priority')} isNumber />
      <FormText model={model} field="retries" label={trans.__('Retries')} isNumber />
      <FormText
        model={model}
        field="timeout"
        label={trans.__('Time limit')}
        hint={trans.__('none; 90s, 2h')}
      />
    </div>
  );
}

/** Which live tasks it waits for. */
function After({ model }: { model: FormModel }): JSX.Element | null {
  const { trans } = model.services;
  const { draft, waiting, problems } = model;
  if (waiting.length === 0 && problems.after === undefined) {
    return null;
  }
  const set = (uid: string, isOn: boolean): void => {
    const others = draft.after.filter(other => other !== uid);
    model.edit({ after: isOn ? [...others, uid] : others });
  };
  return (
    <Fold summary={trans.__('Start only when others have succeeded')} isNeeded={draft.after.length > 0}>
      <div className="aiplat-FormAfter">
        {waiting.map(task => (
          <label key={task.uid} className="aiplat-Check">
            <input
              type="checkbox"
              checked={draft.after.includes(task.uid)}
              onChange={event => set(task.uid, event.target.checked)}
            />
            {task.name}
          </label>
        ))}
      </div>
      {problems.after !== undefined && <p className="aiplat-FormProblem">{problems.after}</p>}
    </Fold>
  );
}

function Schedule({ model }: { model: FormModel }): JSX.Element {
  const { trans } = model.services;
  return (
    <div className="aiplat-FormPair">
      <FormText
        model={model}
        field="cron"
        label={trans.__('Repeat (cron)')}
        hint={trans.__('30 2 * * 1-5; empty: once, now')}
        isCode
      />
      <FormText model={model} field="timezone" label={trans.__('Time zone')} />
    </div>
  );
}

/** What would run, or why it cannot. */
function Outcome({ model }: { model: FormModel }): JSX.Element {
  const { trans } = model.services;
  const { check, error, problems } = model;
  const count = Object.keys(problems).length;
  let said: ReactNode = null;
  if (error !== null) {
    said = <span className="aiplat-FormProblem">{[error.detail, error.hint].filter(Boolean).join(' ')}</span>;
  } else if (count > 0) {
    said = (
      <span className="aiplat-FormProblem">
        {trans._n('%1 field needs a change', '%1 fields need a change', count)}
      </span>
    );
  } else if (check !== null && check.argv.length > 0) {
    said = (
      <>
        {trans.__('Runs in %1:', check.cwd)} <code>{check.argv.join(' ')}</code>
      </>
    );
  }
  return (
    <p className="aiplat-FormOutcome" role="status" aria-live="polite">
      {said}
    </p>
  );
}
