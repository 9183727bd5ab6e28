/** A part of a form that is folded until it is needed. */

import { useEffect, useState, type JSX, type ReactNode } from 'react';

interface Props {
  readonly summary: string;
  /** Something in it is set, or wrong. It opens then; only the reader closes it. */
  readonly isNeeded: boolean;
  readonly children: ReactNode;
}

export function Fold({ summary, isNeeded, children }: Props): JSX.Element {
  const [isOpen, setOpen] = useState(isNeeded);
  useEffect(() => {
    if (isNeeded) {
      setOpen(true);
    }
  }, [isNeeded]);
  return (
    <details className="aiplat-FormMore" open={isOpen} onToggle={event => setOpen(event.currentTarget.open)}>
      <summary>{summary}</summary>
      {children}
    </details>
  );
}
