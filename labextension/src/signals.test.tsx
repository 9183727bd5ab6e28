import { Signal } from '@lumino/signaling';
import { render, screen } from '@testing-library/react';
import { useLayoutEffect } from 'react';
import type { ReactNode } from 'react';
import { expect, it } from 'vitest';

import { useSignals } from './signals';

class Model {
  said = 'loading';
  readonly changed = new Signal<this, void>(this);

  answer(): void {
    this.said = 'here';
    this.changed.emit();
  }
}

function View({ model }: { readonly model: Model }): ReactNode {
  useSignals(model.changed);
  return <p>{model.said}</p>;
}

function Page({ model }: { readonly model: Model }): ReactNode {
  useLayoutEffect(() => model.answer(), [model]);
  return <View model={model} />;
}

it('misses no signal between the drawing and the painting', () => {
  render(<Page model={new Model()} />);
  expect(screen.getByText('here')).toBeTruthy();
});
