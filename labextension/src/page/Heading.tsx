/** The heading of a part of a page, and of how many it tells. */

import type { JSX, ReactNode } from 'react';

import { count } from '../format';

interface Props {
  readonly title: string;
  /** Null: not known yet. */
  readonly total: number | null;
  readonly children?: ReactNode;
}

export function Heading({ title, total, children }: Props): JSX.Element {
  return (
    <div className="aiplat-TaskHeading">
      <h2>{title}</h2>
      <span>{total === null ? '' : count(total)}</span>
      {children}
    </div>
  );
}
