/** A page that has nothing to show yet, or never will. */

import type { JSX, ReactNode } from 'react';

import { useLasting } from '../chart/hooks';
import type { ApiError } from '../errors';
import { FailureCard } from '../experiment/ErrorBoundary';
import type { Trans } from '../i18n';

interface SkeletonProps {
  /** What is being loaded. */
  readonly label: string;
  /** The columns of the page. */
  readonly children: ReactNode;
}

/** The page's shape, when loading takes long enough to be noticed. */
export function Skeleton({ label, children }: SkeletonProps): JSX.Element {
  const lasts = useLasting(true, 150);
  return (
    <div className="aiplat-Page aiplat-mod-waiting" role="status" aria-label={label}>
      {lasts && (
        <>
          <div className="aiplat-PageHeader">
            <span className="aiplat-PageBlank" />
          </div>
          <div className="aiplat-PageColumns">{children}</div>
        </>
      )}
    </div>
  );
}

interface UnavailableProps {
  readonly what: string;
  readonly error: ApiError;
  readonly onRetry: () => void;
  readonly trans: Trans;
}

/** There is nothing to show: purged, never there, not for you, or no answer. */
export function Unavailable({ what, error, onRetry, trans }: UnavailableProps): JSX.Element {
  const detail = [error.code, error.detail, error.hint].filter(Boolean).join(' · ');
  return (
    <div className="aiplat-Page aiplat-mod-waiting">
      <FailureCard {...{ what, detail, trans, onRetry }} />
    </div>
  );
}
