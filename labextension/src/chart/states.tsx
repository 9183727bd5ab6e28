/** What a chart shows when it has no curve to show, and how fresh the one it shows is. */

import type { JSX } from 'react';

import type { ApiError } from '../errors';
import type { Trans } from '../i18n';
import { locale } from '../i18n';
import type { FeedState } from './feed';
import { useLasting } from './hooks';
import type { Linked } from './linked';
import type { ChartView } from './view';
import { reset } from './zoom';

type Feed = FeedState & { readonly retry: () => void };

interface StateProps {
  readonly feed: Feed;
  readonly view: ChartView;
  readonly live: boolean;
  /** Some curves are hidden by the legend. */
  readonly isHidden: boolean;
  readonly linked: Linked;
  /** Shown instead of words when there is no curve to be had. */
  readonly fallback?: JSX.Element | null;
  readonly trans: Trans;
}

const SKELETON_AFTER_MS = 150;
const ASKING_AFTER_MS = 600;

export function ChartState(props: StateProps): JSX.Element | null {
  const { feed, fallback, trans } = props;
  if (fallback && (feed.curves ? feed.curves.length === 0 : feed.error !== null)) {
    return fallback;
  }
  if (feed.curves !== null) {
    return <Empty {...props} />;
  }
  return feed.error ? (
    <Failure error={feed.error} onRetry={feed.retry} trans={trans} />
  ) : (
    <Skeleton trans={trans} />
  );
}

function Skeleton({ trans }: { trans: Trans }): JSX.Element | null {
  const lasts = useLasting(true, SKELETON_AFTER_MS);
  return lasts ? (
    <div className="aiplat-ChartSkeleton" role="status" aria-label={trans.__('Loading the curve')} />
  ) : null;
}

function Empty({ feed, view, live, isHidden, linked, trans }: StateProps): JSX.Element {
  const points = (feed.curves ?? []).reduce((sum, curve) => sum + curve.summary.count, 0);
  const showAll = (): void => {
    linked.zoom = reset(linked.zoom);
  };
  return (
    <div className="aiplat-ChartEmpty" role="status">
      <p>{emptyText(view, live, isHidden, linked.zoom.now !== null && points > 0, points, trans)}</p>
      {linked.zoom.now !== null && points > 0 && (
        <button type="button" className="jp-mod-styled" onClick={showAll}>
          {trans.__('Show all')}
        </button>
      )}
    </div>
  );
}

function emptyText(
  view: ChartView,
  live: boolean,
  isHidden: boolean,
  isZoomed: boolean,
  points: number,
  trans: Trans
): string {
  if (isHidden) {
    return trans.__('All curves are hidden. A click in the legend shows one.');
  }
  if (isZoomed) {
    return trans.__('No points in this range.');
  }
  if (view.x.startsWith('metric:')) {
    return trans.__(
      'No points with an x: log a metric named “%1” beside this one.',
      view.x.slice('metric:'.length)
    );
  }
  if (points > 0) {
    return view.yLog
      ? trans.__('Nothing above zero, which a log axis needs.')
      : trans.__('No finite values.');
  }
  return live
    ? trans.__('No points yet. The first will appear here by itself.')
    : trans.__('No points were logged.');
}

function Failure({
  error,
  onRetry,
  trans
}: {
  error: ApiError;
  onRetry: () => void;
  trans: Trans;
}): JSX.Element {
  return (
    <div className="aiplat-ChartEmpty" role="alert">
      <p>
        {error.isUnreachable
          ? trans.__('The server does not answer.')
          : trans.__('This curve could not be loaded.')}
      </p>
      <p className="aiplat-ChartDetail">{[error.detail, error.hint].filter(Boolean).join(' ')}</p>
      <button type="button" className="jp-mod-styled" onClick={onRetry}>
        {trans.__('Retry')}
      </button>
    </div>
  );
}

/** Says when what is drawn is not current, and why, beside the axis' label, where nothing moves when it appears. */
export function Freshness({ feed, trans }: { feed: Feed; trans: Trans }): JSX.Element {
  const isSlow = useLasting(feed.asking && feed.curves !== null, ASKING_AFTER_MS);
  const { error, currentAt } = feed;
  return (
    <div className="aiplat-ChartFreshness" role="status">
      {error && currentAt !== null && (
        <>
          <span className="aiplat-ChartStale" title={error.detail}>
            {trans.__('⚠ stale since %1, retrying', clock(currentAt))}
          </span>
          <button type="button" className="aiplat-ChartLink" onClick={feed.retry}>
            {trans.__('Retry now')}
          </button>
        </>
      )}
      {isSlow && !error && <span>{trans.__('Loading full detail…')}</span>}
    </div>
  );
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit' });
}
