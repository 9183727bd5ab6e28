/** What stands in or below a paged list: that it could not be loaded, and how many more there are. */

import type { JSX } from 'react';

import { FailureCard } from '../experiment/ErrorBoundary';
import { count } from '../format';
import type { Trans } from '../i18n';
import type { PagedList } from '../sidebar/pagedList';

interface Props {
  readonly list: Pick<
    PagedList<{ uid: string }>,
    'error' | 'hasMore' | 'isLoadingMore' | 'items' | 'load' | 'more' | 'total'
  >;
  readonly trans: Trans;
}

/** A button that loads the next page, while there is one. */
export function ListRest({ list, trans }: Props): JSX.Element | null {
  const left = (list.total ?? 0) - list.items.length;
  return list.hasMore ? (
    <button type="button" className="aiplat-ChartLink" onClick={() => void list.more()}>
      {list.isLoadingMore ? trans.__('Loading…') : trans.__('%1 more', count(left))}
    </button>
  ) : null;
}

export function ListFailure({ list, what, trans }: Props & { readonly what: string }): JSX.Element {
  const { error } = list;
  return (
    <FailureCard
      what={what}
      detail={[error?.code, error?.detail, error?.hint].filter(Boolean).join(' · ')}
      trans={trans}
      onRetry={() => void list.load()}
    />
  );
}
