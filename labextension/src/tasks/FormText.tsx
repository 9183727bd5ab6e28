/** A field of the form to write into, with what is wrong with it. */

import { useId, type JSX } from 'react';

import type { Draft } from './draft';
import type { FormModel } from './formModel';

type TextField = { [F in keyof Draft]: Draft[F] extends string ? F : never }[keyof Draft];

interface Props {
  readonly model: FormModel;
  readonly field: TextField;
  readonly label: string;
  readonly hint?: string;
  readonly rows?: number;
  readonly choices?: readonly string[];
  readonly isCode?: boolean;
  readonly isNumber?: boolean;
}

export function FormText(props: Props): JSX.Element {
  const { model, field, label, hint, rows, choices, isCode = false, isNumber = false } = props;
  const id = useId();
  const problem = model.problems[field];
  const shared = {
    id,
    value: model.draft[field],
    placeholder: hint,
    spellCheck: false,
    'data-code': isCode,
    'aria-invalid': problem !== undefined,
    'aria-describedby': problem === undefined ? undefined : `${id}-problem`,
    onChange: (event: { target: { value: string } }) => model.edit({ [field]: event.target.value })
  };
  return (
    <div className="aiplat-FormField" data-field={field}>
      <label htmlFor={id}>{label}</label>
      {rows === undefined ? (
        <input
          {...shared}
          type="text"
          inputMode={isNumber ? 'numeric' : undefined}
          list={choices === undefined ? undefined : `${id}-choices`}
        />
      ) : (
        <textarea {...shared} rows={rows} />
      )}
      {choices !== undefined && (
        <datalist id={`${id}-choices`}>
          {choices.map(choice => (
            <option key={choice} value={choice} />
          ))}
        </datalist>
      )}
      {problem !== undefined && (
        <p className="aiplat-FormProblem" id={`${id}-problem`}>
          {problem}
        </p>
      )}
    </div>
  );
}
