/** A name being edited in its row. */

import { useRef } from 'react';
import type { JSX, KeyboardEvent } from 'react';

import type { Trans } from '../i18n';

interface Props {
  name: string;
  trans: Trans;
  /** Called once, with null when nothing shall change. */
  onDone: (name: string | null) => void;
}

export function NameField({ name, trans, onDone }: Props): JSX.Element {
  const isDone = useRef(false);
  const finish = (value: string | null): void => {
    if (!isDone.current) {
      isDone.current = true;
      onDone(value);
    }
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>): void => {
    event.stopPropagation();
    if (event.key === 'Enter') {
      finish(event.currentTarget.value.trim());
    } else if (event.key === 'Escape') {
      finish(null);
    }
  };
  return (
    <input
      className="aiplat-NameField"
      aria-label={trans.__('New name')}
      defaultValue={name}
      maxLength={500}
      autoFocus
      spellCheck={false}
      onFocus={event => event.currentTarget.select()}
      onBlur={event => finish(event.currentTarget.value.trim())}
      onClick={event => event.stopPropagation()}
      onKeyDown={onKeyDown}
    />
  );
}
