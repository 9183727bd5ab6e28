/** Fields of forms, each with its label and what is wrong with it. */

import { useId, type JSX } from 'react';

export interface FieldLooks {
  readonly label: string;
  readonly hint?: string;
  /** More than one line. */
  readonly rows?: number;
  readonly choices?: readonly string[];
  readonly isCode?: boolean;
  readonly isNumber?: boolean;
  /** Shown behind what is typed. */
  readonly unit?: string;
}

interface FieldProps {
  readonly name: string;
  readonly value: string;
  readonly problem: string | undefined;
  readonly onChange: (text: string) => void;
}

export function TextField(props: FieldLooks & FieldProps): JSX.Element {
  const {
    name,
    value,
    problem,
    onChange,
    label,
    hint,
    rows,
    choices,
    isCode = false,
    isNumber = false
  } = props;
  const id = useId();
  const shared = {
    id,
    value,
    placeholder: hint,
    spellCheck: false,
    'data-code': isCode,
    'aria-invalid': problem !== undefined,
    'aria-describedby': problem === undefined ? undefined : `${id}-problem`,
    onChange: (event: { target: { value: string } }) => onChange(event.target.value)
  };
  return (
    <div className="aiplat-FormField" data-field={name} data-unit={props.unit}>
      <label htmlFor={id}>
        {label}
        {props.unit && <span className="aiplat-FormUnit"> {props.unit}</span>}
      </label>
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
      <Problem id={id} text={problem} />
    </div>
  );
}

/** What a form knows of its text fields. */
interface TextDraft<F extends string, D extends Record<F, string>> {
  readonly draft: D;
  readonly problems: Partial<Record<F, string>>;
  edit(change: Partial<D>): void;
}

/** A field of a form's draft to write into. */
export function FormText<F extends string, D extends Record<F, string>>({
  model,
  field,
  ...looks
}: FieldLooks & { readonly model: TextDraft<F, D>; readonly field: F }): JSX.Element {
  return (
    <TextField
      {...looks}
      name={field}
      value={model.draft[field]}
      problem={model.problems[field]}
      onChange={text => model.edit({ [field]: text } as Partial<D>)}
    />
  );
}

interface SelectProps<V extends string> {
  readonly name: string;
  readonly label: string;
  readonly value: V;
  readonly problem?: string;
  readonly choices: readonly (readonly [V, string])[];
  readonly onChange: (value: V) => void;
}

export function SelectField<V extends string>(props: SelectProps<V>): JSX.Element {
  const { name, label, value, problem, choices, onChange } = props;
  const id = useId();
  return (
    <div className="aiplat-FormField" data-field={name}>
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="aiplat-Select"
        value={value}
        aria-invalid={problem !== undefined}
        aria-describedby={problem === undefined ? undefined : `${id}-problem`}
        onChange={event => onChange(event.target.value as V)}
      >
        {choices.map(([choice, word]) => (
          <option key={choice} value={choice}>
            {word}
          </option>
        ))}
      </select>
      <Problem id={id} text={problem} />
    </div>
  );
}

function Problem({ id, text }: { id: string; text: string | undefined }): JSX.Element | null {
  return text === undefined ? null : (
    <p className="aiplat-FormProblem" id={`${id}-problem`}>
      {text}
    </p>
  );
}
