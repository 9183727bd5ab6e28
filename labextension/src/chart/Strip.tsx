/** A low chart of what the machine did, under a curve: the same x axis, zoom and crosshair, from 0 to 100 %. */

import { useCallback, useEffect, useId, useLayoutEffect, useMemo, type JSX } from 'react';

import { colourIndex, PALETTE } from '../colour';
import { count } from '../format';
import type { Curve } from '../records';
import type { Services } from '../services';
import { ChartCanvas } from './ChartCanvas';
import { curveKey, xExtent, type Range } from './curves';
import { useFeed, useInView, useSignal, useSize } from './hooks';
import type { Linked } from './linked';
import { readingsAt } from './readout';
import { DASHES, type Stroke } from './stroke';
import { lineName, stripLabel, stripTitle, type StripPlan } from './system';
import { isXKind, xScale, type ChartView } from './view';

interface Props {
  readonly services: Pick<Services, 'api' | 'events' | 'trans'>;
  readonly experiment: string;
  readonly plan: StripPlan;
  readonly view: ChartView;
  /** Points are still coming. */
  readonly live: boolean;
  readonly linked: Linked;
}

/** Shares, with room for lines at both ends. */
const PERCENT: Range = [-2, 102];
const NO_CURVES: readonly Curve[] = [];
const ignore = (): void => undefined;

export function Strip({ services, experiment, plan, view, live, linked }: Props): JSX.Element {
  const { trans } = services;
  const chart = useId();
  const title = stripLabel(plan, trans);
  const [body, size] = useSize();
  const [root, isSeen] = useInView();
  const zoom = useSignal(linked.zoomChanged, () => linked.zoom);
  const subject = useMemo(() => ({ experiments: [experiment], metrics: plan.metrics }), [experiment, plan]);
  const asked = useMemo(() => plainly(view), [view]);
  const feed = useFeed(services, subject, asked, zoom.now, size?.width ?? null, isSeen);
  const curves = feed.curves ?? NO_CURVES;
  const kind = isXKind(feed.query?.x) ? feed.query.x : view.x;
  const drawn = useMemo(() => ({ ...asked, x: kind }), [asked, kind]);
  const strokes = useMemo(() => strokesOf(curves, experiment), [curves, experiment]);
  const name = useCallback((curve: Curve) => lineName(plan, curve, trans), [plan, trans]);
  const extent = useMemo(() => xExtent(curves, xScale(drawn) === 'log'), [curves, drawn]);
  useLayoutEffect(() => linked.report(chart, kind, extent), [linked, chart, kind, extent]);
  useEffect(() => () => linked.leave(chart), [linked, chart]);
  const height = zoom.heights[title] ?? PERCENT;
  return (
    <section className="aiplat-Chart aiplat-Strip" aria-label={title} ref={root}>
      <Head {...{ curves, strokes, name, linked, kind }} title={stripTitle(plan, trans)} />
      <div className="aiplat-ChartBody" ref={body} aria-busy={feed.asking}>
        {size && extent && (
          <ChartCanvas
            {...{ chart, title, curves, strokes, view: drawn, height, live, linked, size, name, trans }}
            isBare
            onOutcome={ignore}
          />
        )}
        {feed.curves !== null && !extent && (
          <p className="aiplat-StripEmpty">
            {trans.__('Nothing was read between the first and the last point of the run.')}
          </p>
        )}
        {feed.curves === null && feed.error && (
          <p className="aiplat-StripEmpty" role="alert">
            {feed.error.detail}{' '}
            <button type="button" className="aiplat-TextButton" onClick={feed.retry}>
              {trans.__('Retry')}
            </button>
          </p>
        )}
      </div>
    </section>
  );
}

/** The view as far as it concerns shares of a whole: they are shown as they were read. */
function plainly(view: ChartView): ChartView {
  return { ...view, yLog: false, outliers: false, smoothing: 'none', band: true };
}

/** Lines of one experiment, told apart by hue, the first in the experiment's own. */
function strokesOf(curves: readonly Curve[], experiment: string): Map<string, Stroke> {
  const own = colourIndex(experiment);
  return new Map(
    curves.map((curve, i) => {
      const colour = PALETTE[(own + i) % PALETTE.length];
      const dash = DASHES[Math.floor(i / PALETTE.length) % DASHES.length];
      return [curveKey(curve), { colour, dash, width: 1.5 }];
    })
  );
}

interface HeadProps {
  readonly title: string;
  readonly curves: readonly Curve[];
  readonly strokes: ReadonlyMap<string, Stroke>;
  readonly name: (curve: Curve) => string;
  readonly linked: Linked;
  readonly kind: string;
}

/** Which line is which, with its value under the crosshair, wherever that was set; else its last. */
function Head({ title, curves, strokes, name, linked, kind }: HeadProps): JSX.Element {
  const set = useSignal(linked.crosshairChanged, () => linked.crosshair);
  const readings = set?.kind === kind ? readingsAt(curves, set.x) : null;
  return (
    <header className="aiplat-StripHead">
      <h3 title={title}>{title}</h3>
      <ul>
        {curves.map((curve, i) => {
          const stroke = strokes.get(curveKey(curve));
          const borderTopStyle = stroke && stroke.dash.length > 0 ? 'dashed' : 'solid';
          return (
            <li key={curveKey(curve)}>
              <span
                className="aiplat-ChartSwatch"
                style={{ borderTopColor: stroke?.colour ?? 'currentColor', borderTopStyle }}
              />
              {name(curve)}
              <output className="aiplat-ChartNumber">{value(curve, readings?.[i]?.mean)}</output>
            </li>
          );
        })}
      </ul>
    </header>
  );
}

function value(curve: Curve, read: number | null | undefined): string {
  const shown = read === undefined ? curve.summary.last : read;
  return shown === null ? '–' : `${count(Math.round(shown))} %`;
}
