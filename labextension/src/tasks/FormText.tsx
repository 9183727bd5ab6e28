/** A field of the form to write into, with what is wrong with it. */

import type { JSX } from 'react';

import { TextField, type FieldLooks } from '../page/fields';
import type { Draft } from './draft';
import type { FormModel } from './formModel';

interface Props extends FieldLooks {
  readonly model: FormModel;
  readonly field: { [F in keyof Draft]: Draft[F] extends string ? F : never }[keyof Draft];
}

export function FormText({ model, field, ...looks }: Props): JSX.Element {
  return (
    <TextField
      {...looks}
      name={field}
      value={model.draft[field]}
      problem={model.problems[field]}
      onChange={text => model.edit({ [field]: text })}
    />
  );
}
