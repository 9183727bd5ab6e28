/** A form as a page: its title, its fields, what became of it, and its buttons. Ctrl-Enter sends it from any field. */

import { useEffect, useRef, type JSX, type KeyboardEvent, type ReactNode } from 'react';

import type { ApiError } from '../errors';
import type { Trans } from '../i18n';

interface Props {
  readonly title: string;
  /** What the button that sends it says. */
  readonly action: string;
  readonly model: { readonly isSending: boolean; readonly refusals: number };
  readonly onSubmit: () => void;
  readonly onCancel: () => void;
  readonly trans: Trans;
  readonly children: ReactNode;
}

export function Form(props: Props): JSX.Element {
  const { title, action, model, onSubmit, onCancel, trans, children } = props;
  const { isSending, refusals } = model;
  const form = useRef<HTMLFormElement>(null);
  useEffect(() => {
    if (refusals > 0) {
      showProblem(form.current);
    }
  }, [refusals]);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      onSubmit();
    }
  };
  return (
    <form
      ref={form}
      className="aiplat-Form"
      noValidate
      onSubmit={event => {
        event.preventDefault();
        onSubmit();
      }}
      onKeyDown={onKeyDown}
    >
      <h1>{title}</h1>
      {children}
      <div className="aiplat-FormButtons">
        <button type="button" className="aiplat-TextButton" onClick={onCancel}>
          {trans.__('Cancel')}
        </button>
        <button type="submit" className="aiplat-TextButton aiplat-mod-primary" disabled={isSending}>
          {action}
        </button>
      </div>
    </form>
  );
}

/** Lead to the first field that is wrong; what is folded cannot be focused. */
function showProblem(form: HTMLElement | null): void {
  const field = form?.querySelector<HTMLElement>('[aria-invalid="true"]');
  field?.closest('details')?.setAttribute('open', '');
  field?.focus();
}

interface OutcomeProps {
  readonly model: {
    readonly error: ApiError | null;
    readonly problems: object;
    readonly services: { readonly trans: Trans };
  };
  /** What is wrong with what the form has no field for. */
  readonly elsewhere?: readonly string[];
  /** What is said when nothing is wrong. */
  readonly children?: ReactNode;
}

/** Why it cannot be sent. */
export function FormOutcome({ model, elsewhere = [], children }: OutcomeProps): JSX.Element {
  const { error, problems, services } = model;
  const number = Object.keys(problems).length;
  const wrong =
    error === null
      ? services.trans._n('%1 field needs a change', '%1 fields need a change', number)
      : [error.detail, error.hint].filter(Boolean).join(' ');
  const isWrong = error !== null || number > 0;
  return (
    <p className="aiplat-FormOutcome" role="status" aria-live="polite">
      {isWrong ? (
        <span className="aiplat-FormProblem">
          {wrong}
          {error === null && elsewhere.length > 0 && ` (${elsewhere.join('; ')})`}
        </span>
      ) : (
        children
      )}
    </p>
  );
}
