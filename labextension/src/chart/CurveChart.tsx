/** One chart of curves: data, states, canvas and legend. */

import { useCallback, useId, useMemo, useState, type JSX } from 'react';

import { count, significant } from '../format';
import type { Trans } from '../i18n';
import type { Curve } from '../records';
import type { Services } from '../services';
import { ChartCanvas } from './ChartCanvas';
import { census, type Range } from './curves';
import { useFeed, useInView, useLegend, useReport, useSignal, useSize } from './hooks';
import { Legend } from './Legend';
import type { Linked } from './linked';
import type { Outcome } from './scenery';
import { ChartState, Freshness } from './states';
import { isXKind, xScale, type ChartView, type Subject } from './view';
import { censusText } from './wording';
import { reset, type Zoom } from './zoom';

export interface CurveChartProps {
  readonly services: Pick<Services, 'api' | 'events' | 'trans'>;
  readonly title: string;
  readonly subject: Subject;
  readonly view: ChartView;
  /** Points are still coming. */
  readonly live: boolean;
  readonly linked: Linked;
  /** What a curve is called in legend and tooltip. */
  readonly name: (curve: Curve) => string;
  /** What to show instead of words when there is no curve to be had. */
  readonly fallback?: JSX.Element | null;
}

const NO_OUTCOME: Outcome = { scene: null, clipped: 0, nonPositive: 0 };
const NO_CURVES: readonly Curve[] = [];

export function CurveChart(props: CurveChartProps): JSX.Element {
  const { services, title, subject, view, live, linked, name } = props;
  const { trans } = services;
  const chart = useId();
  const [body, size] = useSize();
  const [root, isSeen] = useInView();
  const zoom = useSignal(linked.zoomChanged, () => linked.zoom);
  const feed = useFeed(services, subject, view, zoom.now, size?.width ?? null, isSeen);
  const curves = feed.curves ?? NO_CURVES;
  const kind = isXKind(feed.query?.x) ? feed.query.x : view.x;
  const drawnView = useMemo(() => ({ ...view, x: kind }), [view, kind]);
  const { strokes, shown, hidden, setHidden, setHovered } = useLegend(curves);
  const [outcome, setOutcome] = useState(NO_OUTCOME);

  useReport(linked, chart, kind, curves, xScale(drawnView) === 'log');
  const onOutcome = useCallback((next: Outcome) => setOutcome(next), []);
  return (
    <section className="aiplat-Chart" aria-label={title} ref={root}>
      <ChartHead {...{ title, curves: shown, outcome, view, linked, zoom, trans }} />
      <div className="aiplat-ChartBody" ref={body} aria-busy={feed.asking}>
        {size && shown.length > 0 && (
          <ChartCanvas
            {...{
              chart,
              title,
              curves: shown,
              strokes,
              view: drawnView,
              height: zoom.heights[title] ?? null,
              live,
              linked,
              size,
              name,
              trans,
              onOutcome
            }}
          />
        )}
        {(feed.curves === null || shown.length === 0 || outcome.scene === null) && (
          <ChartState
            {...{ feed, view, live, trans }}
            isHidden={shown.length < curves.length}
            linked={linked}
          />
        )}
        <Freshness feed={feed} trans={trans} />
      </div>
      {curves.length > 1 && (
        <Legend {...{ curves, strokes, hidden, onHide: setHidden, onHover: setHovered, name, trans }} />
      )}
    </section>
  );
}

interface HeadProps {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly outcome: Outcome;
  readonly view: ChartView;
  readonly linked: Linked;
  readonly zoom: Zoom;
  readonly trans: Trans;
}

/** The title, and what of the points is shown or left out. */
function ChartHead({ title, curves, outcome, view, linked, zoom, trans }: HeadProps): JSX.Element {
  const { scene, clipped, nonPositive } = outcome;
  return (
    <header className="aiplat-ChartHead">
      <h3 title={title}>{title}</h3>
      {(zoom.now !== null || title in zoom.heights) && (
        <ShowAll onClick={() => (linked.zoom = reset(zoom))} trans={trans} />
      )}
      {clipped > 0 && scene && (
        <span className="aiplat-ChartClipped" title={clippedText(scene.y.range, trans)}>
          {trans.__('⚠ %1 clipped', count(clipped))}
        </span>
      )}
      {nonPositive > 0 && (
        <span className="aiplat-ChartClipped" title={trans.__('A log axis has no place for zero and below')}>
          {trans.__('%1 ≤ 0 left out', count(nonPositive))}
        </span>
      )}
      {curves.length > 0 && (
        <span className="aiplat-ChartCensus" title={censusTitle(view, trans)}>
          {censusText(census(curves), trans)}
        </span>
      )}
    </header>
  );
}

function ShowAll({ onClick, trans }: { onClick: () => void; trans: Trans }): JSX.Element {
  const title = trans.__('A double click in the chart, or the key 0, does it too');
  return (
    <button type="button" className="aiplat-ChartLink aiplat-ChartAll" title={title} onClick={onClick}>
      {trans.__('Show all')}
    </button>
  );
}

function clippedText([low, high]: Range, trans: Trans): string {
  return trans.__('Values below %1 or above %2 are cut off', significant(low), significant(high));
}

function censusTitle(view: ChartView, trans: Trans): string {
  return view.band
    ? trans.__('Each place shows the mean of its points; the band reaches from the lowest to the highest')
    : trans.__('Each place shows the mean of its points');
}
