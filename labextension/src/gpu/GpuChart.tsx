/** One metric of all GPUs, or of all machines, over time. */

import { useCallback, useId, useState, type JSX } from 'react';

import { ChartCanvas } from '../chart/ChartCanvas';
import { useSignal, useSize } from '../chart/hooks';
import type { Linked } from '../chart/linked';
import type { Outcome } from '../chart/scenery';
import { ChartState, Freshness } from '../chart/states';
import type { Stroke } from '../chart/stroke';
import { DEFAULT_VIEW, type ChartView } from '../chart/view';
import type { Trans } from '../i18n';
import type { Curve } from '../records';
import { heightOf, type Line, type Metric } from './series';
import type { HistoryState } from './historyModel';

const VIEW: ChartView = { ...DEFAULT_VIEW, x: 'wall' };

interface Props {
  readonly title: string;
  readonly metric: Metric;
  /** Of this metric; those that are hidden are left out. */
  readonly lines: readonly Line[];
  readonly strokes: ReadonlyMap<string, Stroke>;
  readonly history: HistoryState & { readonly retry: () => void };
  /** Why there are no readings, where that is known. */
  readonly absence: string | null;
  readonly linked: Linked;
  readonly name: (curve: Curve) => string;
  readonly trans: Trans;
}

export function GpuChart(props: Props): JSX.Element {
  const { title, metric, lines, strokes, history, absence, linked, name, trans } = props;
  const chart = useId();
  const [body, size] = useSize();
  const [isDrawn, setDrawn] = useState(true);
  const zoom = useSignal(linked.zoomChanged, () => linked.zoom);
  const curves = lines.map(line => line.curve).filter(curve => curve.summary.count > 0);
  const onOutcome = useCallback(({ scene }: Outcome) => setDrawn(scene !== null), []);
  const feed = { ...history, curves: history.lines === null ? null : curves, query: null };
  const nothing = (
    <div className="aiplat-ChartEmpty">
      <p>{trans.__('No readings in this range.')}</p>
      {absence !== null && <p className="aiplat-ChartDetail">{absence}</p>}
    </div>
  );
  return (
    <section className="aiplat-Chart" aria-label={title}>
      <header className="aiplat-ChartHead">
        <h3 title={title}>{title}</h3>
      </header>
      <div className="aiplat-ChartBody" ref={body} aria-busy={history.asking}>
        {size && curves.length > 0 && (
          <ChartCanvas
            {...{ chart, title, curves, strokes, linked, size, name, trans, onOutcome }}
            view={VIEW}
            height={zoom.heights[title] ?? heightOf(metric, lines)}
            live={false}
          />
        )}
        {(curves.length === 0 || !isDrawn) && (
          <ChartState
            {...{ feed, linked, trans }}
            view={VIEW}
            live={false}
            isHidden={false}
            fallback={history.lines === null ? null : nothing}
          />
        )}
        <Freshness feed={feed} trans={trans} />
      </div>
    </section>
  );
}
