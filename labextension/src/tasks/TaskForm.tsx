/** The form of a new task: what runs, where, and what it needs. It is checked while it is filled in. */

import { useId, type JSX } from 'react';

import type { Trans } from '../i18n';
import { Fold } from '../page/Fold';
import { Form, FormOutcome } from '../page/Form';
import { FormText, SelectField } from '../page/fields';
import type { TaskRow } from '../records';
import { useSignals } from '../signals';
import type { Draft, Kind, Needed } from './draft';
import { conditionWords } from './conditions';
import type { FormModel } from './formModel';

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
    <Form
      title={titleOf(model.draft, trans)}
      action={sendLabel(model, trans)}
      model={model}
      onSubmit={submit}
      onCancel={onCancel}
      trans={trans}
    >
      <Kinds model={model} />
      <What model={model} browse={browse} />
      <div className="aiplat-FormPair">
        {model.draft.schedule === null && (
          <FormText model={model} field="project" label={trans.__('Project')} choices={model.projects} />
        )}
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
    </Form>
  );
}

/** What the page of the form is called. */
export function titleOf({ schedule, name }: Draft, trans: Trans): string {
  return schedule === null ? trans.__('New task') : trans.__('Schedule “%1”', name);
}

function sendLabel({ isSending, isSchedule }: FormModel, trans: Trans): string {
  if (isSchedule) {
    return isSending ? trans.__('Saving…') : trans.__('Save schedule');
  }
  return isSending ? trans.__('Queueing…') : trans.__('Queue task');
}

const SELDOM = ['interpreter', 'cwd', 'env', 'cron', 'timezone'] as const satisfies (keyof Draft)[];

/** Whether something in there is not as usual, or is wrong. */
function hasMore({ draft, problems }: FormModel): boolean {
  const isGiven = [draft.interpreter, draft.cwd, draft.env, draft.cron].some(text => text !== '');
  return isGiven || SELDOM.some(field => problems[field] !== undefined);
}

/** What is rarely asked for. */
function More({ model }: { model: FormModel }): JSX.Element {
  const { trans } = model.services;
  return (
    <Fold summary={trans.__('Folder, environment, schedule')} isNeeded={hasMore(model)}>
      {model.draft.kind === 'script' && (
        <FormText
          model={model}
          field="interpreter"
          label={trans.__('Interpreter')}
          hint={trans.__('empty: Python for .py, the shell for .sh')}
          isCode
        />
      )}
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

/** Which tasks it waits for, and how they must end. */
function After({ model }: { model: FormModel }): JSX.Element | null {
  const { trans } = model.services;
  const { draft, waiting, problems, isSchedule } = model;
  if (isSchedule || (waiting.length === 0 && problems.after === undefined)) {
    return null;
  }
  const set = (task: string, on: Needed['on'] | null): void => {
    const others = draft.after.filter(other => other.task !== task);
    model.edit({ after: on === null ? others : [...others, { task, on }] });
  };
  return (
    <Fold
      summary={trans.__('Start only after other tasks')}
      isNeeded={draft.after.length > 0 || problems.after !== undefined}
    >
      <div className="aiplat-FormAfter">
        {waiting.map(task => (
          <Awaited
            key={task.uid}
            task={task}
            on={draft.after.find(one => one.task === task.uid)?.on ?? null}
            onChange={on => set(task.uid, on)}
            trans={trans}
          />
        ))}
      </div>
      {problems.after !== undefined && <p className="aiplat-FormProblem">{problems.after}</p>}
    </Fold>
  );
}

interface AwaitedProps {
  readonly task: Pick<TaskRow, 'name'>;
  readonly on: Needed['on'] | null;
  readonly onChange: (on: Needed['on'] | null) => void;
  readonly trans: Trans;
}

function Awaited({ task, on, onChange, trans }: AwaitedProps): JSX.Element {
  const conditions = Object.entries(conditionWords(trans)) as [Needed['on'], string][];
  return (
    <div className="aiplat-FormAwaited">
      <label className="aiplat-Check">
        <input
          type="checkbox"
          checked={on !== null}
          onChange={event => onChange(event.target.checked ? 'ok' : null)}
        />
        {task.name}
      </label>
      {on !== null && (
        <select
          className="aiplat-Select"
          aria-label={trans.__('How “%1” must end', task.name)}
          value={on}
          onChange={event => onChange(event.target.value as Needed['on'])}
        >
          {conditions.map(([condition, word]) => (
            <option key={condition} value={condition}>
              {word}
            </option>
          ))}
        </select>
      )}
    </div>
  );
}

function Schedule({ model }: { model: FormModel }): JSX.Element {
  const { trans } = model.services;
  const { misfire, overlap } = model.draft;
  return (
    <>
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
      {model.isSchedule && (
        <div className="aiplat-FormPair">
          <SelectField
            name="misfire"
            label={trans.__('When no server ran at the time')}
            value={misfire}
            choices={[
              ['skip', trans.__('skip it')],
              ['once', trans.__('queue it later, once')]
            ]}
            onChange={choice => model.edit({ misfire: choice })}
          />
          <SelectField
            name="overlap"
            label={trans.__('When the last one still runs')}
            value={overlap}
            choices={[
              ['skip', trans.__('skip it')],
              ['queue', trans.__('queue it all the same')]
            ]}
            onChange={choice => model.edit({ overlap: choice })}
          />
        </div>
      )}
    </>
  );
}

/** What would run, or why it cannot. */
function Outcome({ model }: { model: FormModel }): JSX.Element {
  const { found, elsewhere, services } = model;
  return (
    <FormOutcome model={model} elsewhere={elsewhere}>
      {found !== null && found.argv.length > 0 && (
        <>
          {services.trans.__('Runs in %1:', found.cwd)} <code>{found.argv.join(' ')}</code>
        </>
      )}
    </FormOutcome>
  );
}
