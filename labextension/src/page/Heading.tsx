/** The heading of a part of a page, with how many that tells of. */

import type { JSX, ReactNode } from 'react';

import { count } from '../format';

interface Props {
  readonly title: string;
  /** Null: not known yet; none: nothing is counted. */
  readonly total?: number | null;
  readonly children?: ReactNode;
}

export function Heading({ title, total, children }: Props): JSX.Element {
  return (
    <div className="aiplat-Heading">
      <h2>{title}</h2>
      {total !== undefined && <span>{total === null ? '' : count(total)}</span>}
      {children}
    </div>
  );
}
